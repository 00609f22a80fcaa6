//! Faults that show at the connection, limits of connections, and who is let in from where.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{IpAddr, TcpStream, UdpSocket};

use revlab_lab::{Instant, Seed, Span};
use serde_json::{Value as Json, json};

use crate::client::{SCENARIO, Served, apart, get};

/// A CA whose responder has a site of its own.
fn apart_from_ocsp() -> String {
    SCENARIO.replace("http://pki.lab.example/ocsp", "http://ocsp.lab.example/ocsp")
}

/// Asks again until it is so: what has to be noticed by the other side takes a few turns there.
fn until(is_so: impl Fn() -> bool) {
    assert!((0..10_000).any(|_| is_so()), "it does not become so");
}

/// How a request for this URL ends without an answer.
fn ends(url: &str) -> ErrorKind {
    get(url).expect_err("no answer").kind()
}

#[test]
fn a_fault_at_the_connection_of_an_endpoint_with_a_site_of_its_own_shows_there_alone() {
    let served = Served::with(&apart_from_ocsp(), &[]);
    let (base, ocsp) = (served.url("base"), served.url("ocsp"));
    assert_ne!(apart(&base).0, apart(&ocsp).0);
    for (effect, kind) in [
        (json!({ "down": {} }), ErrorKind::ConnectionRefused),
        (json!({ "reset_peer": { "at": "connect" } }), ErrorKind::ConnectionReset),
        (json!({ "connection_limit": { "connections": 0 } }), ErrorKind::ConnectionReset),
    ] {
        let mut fault = effect.clone();
        fault["on"] = "issuing.ocsp".into();
        served.must(201, "POST", "/faults/f", &fault);
        assert_eq!(ends(&ocsp), kind, "{effect}");
        assert_eq!(get(&base).expect("an answer").status, 200, "{effect}");
        served.must(204, "DELETE", "/faults/f", &Json::Null);
        assert!(get(&ocsp).is_ok(), "{effect}");
    }
    let journal = served.must(200, "GET", "/journal", &Json::Null);
    let met = |entry: &&Json| entry["faults"] == json!(["f"]);
    assert_eq!(journal["entries"].as_array().expect("entries").iter().filter(met).count(), 0);
}

/// Linux drops a SYN where the backlog is full.
#[cfg(target_os = "linux")]
#[test]
fn a_swallowed_connection_is_neither_accepted_nor_refused() {
    let served = Served::new();
    let base = served.url("base");
    served.must(201, "POST", "/faults/f", &json!({ "on": "issuing", "swallowed": {} }));
    let at: std::net::SocketAddr = apart(&base).0.parse().expect("an address");
    // A connection or a refusal would come within a millisecond.
    let waited = TcpStream::connect_timeout(&at, std::time::Duration::from_secs(1));
    assert_eq!(waited.expect_err("nothing").kind(), ErrorKind::TimedOut);
    served.must(200, "POST", "/heal", &Json::Null);
    assert_eq!(get(&base).expect("an answer").status, 200);
}

#[test]
fn a_silent_site_accepts_and_says_nothing() {
    let served = Served::new();
    let base = served.url("base");
    served.must(201, "POST", "/faults/f", &json!({ "on": "issuing", "timeout": {} }));
    let (authority, path) = apart(&base);
    let mut stream = TcpStream::connect(authority).expect("accepted");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    // Once it is in the journal it has been dealt with.
    until(|| served.must(200, "GET", "/journal", &Json::Null)["entries"] != json!([]));
    stream.set_nonblocking(true).expect("set");
    let nothing = stream.read(&mut [0; 1]).expect_err("nothing");
    assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_reset_is_seen_as_econnreset() {
    let served = Served::new();
    let base = served.url("base");
    for effect in [json!({}), json!({ "at": "connect" }), json!({ "bytes": 100 })] {
        served.must(201, "POST", "/faults/f", &json!({ "on": "issuing", "reset_peer": effect }));
        assert_eq!(ends(&base), ErrorKind::ConnectionReset, "{effect}");
        served.must(204, "DELETE", "/faults/f", &Json::Null);
    }
}

/// A connection that has been taken up: its request has been answered.
fn kept_open(url: &str) -> TcpStream {
    let (authority, path) = apart(url);
    let mut stream = TcpStream::connect(authority).expect("accepted");
    write!(stream, "HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    let mut reader = BufReader::new(stream.try_clone().expect("a copy"));
    let mut line = String::new();
    while reader.read_line(&mut line).expect("a line") > 2 {}
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    stream
}

#[test]
fn connections_are_counted_and_those_beyond_the_limit_are_reset() {
    let served = Served::new();
    let base = served.url("base");
    let limit = json!({ "on": "issuing", "connection_limit": { "connections": 2 } });
    served.must(201, "POST", "/faults/f", &limit);
    let mut open = vec![kept_open(&base), kept_open(&base)];
    assert_eq!(ends(&base), ErrorKind::ConnectionReset);
    let metrics = served.api("GET", "/metrics", &Json::Null).text();
    let site = apart(&base).0;
    for line in [
        format!("revlab_connections{{site=\"{site}\"}} 2"),
        format!("revlab_connections_turned_away_total{{site=\"{site}\"}} 1"),
    ] {
        assert!(metrics.lines().any(|there| there == line), "{line}\n{metrics}");
    }
    open.pop();
    // The place is free once the end of the other has been noticed.
    until(|| get(&base).is_ok());
}

#[test]
fn a_flood_of_connections_is_bounded_and_leaves_the_control_api_serving() {
    let served = Served::new();
    let base = served.url("base");
    let flood: Vec<TcpStream> =
        (0..700).filter_map(|_| TcpStream::connect(apart(&base).0).ok()).collect();
    assert_eq!(served.must(200, "GET", "/healthz", &Json::Null)["status"], "ok");
    let count = |name: &str| -> u64 {
        let metrics = served.api("GET", "/metrics", &Json::Null).text();
        let line = metrics.lines().find(|line| line.starts_with(&format!("{name}{{")));
        let value = line.and_then(|line| line.rsplit_once(' ')).expect("a metric").1;
        value.parse().expect("a number")
    };
    // All have been connected; the site takes them up in its own time.
    let all = flood.len() as u64;
    until(|| count("revlab_connections") + count("revlab_connections_turned_away_total") >= all);
    assert_eq!(count("revlab_connections"), all.min(512));
    drop(flood);
    until(|| get(&base).is_ok());
}

#[test]
fn a_clock_of_one_ca_goes_forward_and_back_and_the_others_stay() {
    let scenario =
        format!("{SCENARIO}[ca.root]\nname = \"ROOT-CA\"\nhost = \"root.lab.example\"\n")
            .replace("[sut.web]", "[sut.web]\nca = \"issuing\"")
            .replace("[clients.users]", "[clients.users]\nca = \"issuing\"");
    let served = Served::with(&scenario, &["--at", "2024-03-01T00:00:00Z"]);
    let published = |ca: &str| -> Instant {
        let published = served.must(200, "POST", "/publish", &json!({ "ca": ca }));
        let at = published["base"]["this_update"].as_str().expect("a time");
        at.parse().expect("a time")
    };
    let (before, root) = (published("issuing"), published("root"));
    let set = |by: &str| served.must(200, "POST", "/clock", &json!({ "ca": "issuing", "by": by }));
    assert_eq!(set("5h")["skew"], "5h");
    let ahead = published("issuing");
    let within = |from: Instant, to: Instant| (0..600).contains(&(to - from).as_secs());
    assert!(within(before + Span::from_hours(5), ahead), "{before} {ahead}");
    assert_eq!(set("-8h")["skew"], "-3h");
    let behind = published("issuing");
    assert!(within(before - Span::from_hours(3), behind), "{before} {behind}");
    assert!(within(root, published("root")));
    served.must(404, "POST", "/clock", &json!({ "ca": "isuing", "by": "1h" }));
    served.must(400, "POST", "/clock", &json!({ "by": "-1h" }));
}

#[test]
fn ten_thousand_malformed_ocsp_requests_leave_the_ca_serving() {
    let served = Served::new();
    let url = served.url("ocsp");
    let (authority, path) = apart(&url);
    let mut stream = TcpStream::connect(authority).expect("accepted");
    let mut reader = BufReader::new(stream.try_clone().expect("a copy"));
    let mut noise = Seed(1).stream("noise");
    for n in 0..10_000u64 {
        let mut body = vec![0; noise.below(60) as usize];
        noise.fill(&mut body);
        if n % 2 == 0 {
            // A sequence whose length may be right.
            let length = body.len().saturating_sub(2) as u8;
            body.splice(..body.len().min(2), [0x30, length]);
        }
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), &body].concat()).expect("sent");
        let mut length = 0;
        let mut line = String::new();
        loop {
            line.clear();
            assert!(reader.read_line(&mut line).expect("a line") > 0, "it has hung up at {n}");
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a number");
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer).expect("a body");
    }
    assert_eq!(get(&served.url("base")).expect("an answer").status, 200);
    let journal = served.must(200, "GET", "/journal?limit=1", &Json::Null);
    assert_eq!(journal["dropped"], 1);
}

/// An address of this machine that others can reach.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: the system only says from where it would be (RFC 5737 has the address).
    socket.connect("192.0.2.1:9").ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}

#[test]
fn beyond_loopback_it_serves_and_warns() {
    assert_eq!(Served::new().ready["warnings"], json!([]));
    let served = Served::with(SCENARIO, &["--listen", "0.0.0.0", "--keep-names"]);
    let warning = "`--listen 0.0.0.0`: other machines than this one reach the CAs";
    assert_eq!(served.ready["warnings"], json!([warning]));
    let listens = served.url("listens").replace("0.0.0.0", "127.0.0.1");
    let path = apart(&served.url("base")).1.to_owned();
    assert_eq!(get(&format!("http://{listens}{path}")).expect("an answer").status, 200);
    let Some(ip) = own_address() else { return };
    let served = Served::with(SCENARIO, &["--listen", &ip.to_string()]);
    assert_eq!(get(&served.url("base")).expect("an answer").status, 200);
    assert_eq!(served.ready["warnings"].as_array().map(Vec::len), Some(1));
    assert!(served.control().starts_with("http://127.0.0.1:"), "the API stays where it is");
}
