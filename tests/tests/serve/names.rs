//! `--dns`: the names of the CAs' hosts, and what can be wrong with them.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::process::Command;

use serde_json::{Value as Json, json};
use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, QCLASS, QTYPE, Question, RCODE, TYPE};

use crate::client::{SCENARIO, Served, get};
use crate::peers::{is_there, lines, said, shell};

/// Two CAs on hosts of their own, the second with a name to lead astray to.
fn scenario() -> String {
    format!("{SCENARIO}[ca.root]\nname = \"ROOT-CA\"\nhost = \"root.lab.example\"\n")
        .replace("[sut.web]", "[sut.web]\nca = \"issuing\"")
        .replace("[clients.users]", "[clients.users]\nca = \"issuing\"")
}

fn query(id: u16, name: &str, kind: TYPE) -> Vec<u8> {
    let mut packet = Packet::new_query(id);
    let (kind, class) = (QTYPE::TYPE(kind), QCLASS::CLASS(CLASS::IN));
    let name = Name::new(name).expect("a name");
    packet.questions.push(Question::new(name, kind, class, false));
    packet.build_bytes_vec().expect("a query")
}

/// What a name server said, and to which query.
fn heard(socket: &UdpSocket) -> (u16, RCODE, Vec<IpAddr>) {
    let mut room = [0; 4096];
    let length = socket.recv(&mut room).expect("an answer");
    let reply = Packet::parse(&room[..length]).expect("DNS");
    let addresses = reply.answers.iter().filter_map(|record| match &record.rdata {
        RData::A(a) => Some(IpAddr::V4(a.clone().into())),
        RData::AAAA(a) => Some(IpAddr::V6(a.clone().into())),
        _ => None,
    });
    (reply.id(), reply.rcode(), addresses.collect())
}

fn connected(served: &Served) -> UdpSocket {
    let at: SocketAddr = served.ready["dns"].as_str().expect("a name server").parse().expect("one");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.connect(at).expect("connected");
    socket
}

/// What is told of the host, or nothing: then the answer to a later query comes instead.
fn told(served: &Served, kind: TYPE) -> Option<(RCODE, Vec<IpAddr>)> {
    let socket = connected(served);
    socket.send(&query(1, "pki.lab.example", kind)).expect("sent");
    socket.send(&query(2, "root.lab.example", TYPE::A)).expect("sent");
    let (id, code, addresses) = heard(&socket);
    (id == 1).then_some((code, addresses))
}

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().expect("an address")).collect()
}

#[test]
fn the_name_server_leads_to_the_sites_that_certificates_name() {
    let served = Served::with(&scenario(), &["--dns"]);
    let listens = served.url("listens");
    let port = listens.rsplit_once(':').expect("a port").1;
    let base = served.url("base");
    assert!(base.starts_with(&format!("http://pki.lab.example:{port}/")), "{base}");
    let found = Some((RCODE::NoError, addresses(&["127.0.0.1"])));
    assert_eq!(told(&served, TYPE::A), found);
    let socket = connected(&served);
    socket.send(&query(7, "else.example", TYPE::A)).expect("sent");
    assert_eq!(heard(&socket), (7, RCODE::NameError, Vec::new()));
    // Whoever has found the way is served.
    let there = base.replace("pki.lab.example", "127.0.0.1");
    assert_eq!(get(&there).expect("an answer").status, 200);
}

#[test]
fn each_fault_of_a_name_reaches_the_name_server_at_once_and_ends_there() {
    let served = Served::with(&scenario(), &["--dns"]);
    let right = Some((RCODE::NoError, addresses(&["127.0.0.1"])));
    let none = |code| Some((code, Vec::new()));
    let found = |texts: &[&str]| Some((RCODE::NoError, addresses(texts)));
    for (effect, told_a, told_aaaa) in [
        (json!({ "name_not_resolved": {} }), none(RCODE::NameError), none(RCODE::NameError)),
        (json!({ "name_servfail": {} }), none(RCODE::ServerFailure), none(RCODE::ServerFailure)),
        (json!({ "name_silent": {} }), None, None),
        (json!({ "name_slow": { "delay": "1h" } }), None, None),
        (json!({ "name_aaaa_only": {} }), found(&[]), found(&["::1"])),
        (json!({ "name_wrong_address": {} }), found(&["127.255.255.254"]), found(&[])),
        (json!({ "name_wrong_address": { "of": "root" } }), found(&["127.0.0.1"]), found(&[])),
        (json!({ "name_first_dead": {} }), found(&["127.255.255.253", "127.0.0.1"]), found(&[])),
    ] {
        let mut fault = effect.clone();
        fault["on"] = "issuing".into();
        served.must(201, "POST", "/faults/name", &fault);
        assert_eq!(told(&served, TYPE::A), told_a, "{effect}");
        assert_eq!(told(&served, TYPE::AAAA), told_aaaa, "{effect}");
        let state = served.must(200, "GET", "/state", &Json::Null);
        assert_eq!(state["active_faults"], json!(["name"]), "{effect}");
        served.must(204, "DELETE", "/faults/name", &Json::Null);
        assert_eq!(told(&served, TYPE::A), right, "{effect}");
    }
}

#[test]
fn who_knows_the_address_does_not_meet_a_fault_of_the_name() {
    let served = Served::with(&scenario(), &["--dns"]);
    let there = served.url("base").replace("pki.lab.example", "127.0.0.1");
    let fault = json!({ "on": "issuing", "name_not_resolved": {} });
    served.must(201, "POST", "/faults/name", &fault);
    assert_eq!(get(&there).expect("an answer").status, 200);
    // Without a name server the site itself stands in for it.
    let served = Served::new();
    served.must(201, "POST", "/faults/name", &fault);
    let refused = get(&served.url("base")).expect_err("nobody listens");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[test]
fn a_slow_name_is_told_rightly_later() {
    let served = Served::with(&scenario(), &["--dns"]);
    let fault = json!({ "on": "issuing", "name_slow": { "delay": "30ms" } });
    served.must(201, "POST", "/faults/name", &fault);
    let socket = connected(&served);
    socket.send(&query(1, "pki.lab.example", TYPE::A)).expect("sent");
    assert_eq!(heard(&socket), (1, RCODE::NoError, addresses(&["127.0.0.1"])));
}

/// Linux has all of 127.0.0.0/8 as its own, and drops a SYN where the backlog is full.
#[cfg(target_os = "linux")]
#[test]
fn nothing_comes_from_the_dead_address_and_nobody_is_at_the_wrong_one() {
    let served = Served::with(&scenario(), &["--dns"]);
    let listens = served.url("listens");
    let port = listens.rsplit_once(':').expect("a port").1;
    let wrong = std::net::TcpStream::connect(format!("127.255.255.254:{port}"));
    assert_eq!(wrong.expect_err("nobody").kind(), std::io::ErrorKind::ConnectionRefused);
    // A second is no proof that nothing ever comes; a connection would come within a millisecond.
    let dead = format!("127.255.255.253:{port}").parse().expect("an address");
    let second = std::time::Duration::from_secs(1);
    let waited = std::net::TcpStream::connect_timeout(&dead, second);
    assert_eq!(waited.expect_err("nothing").kind(), std::io::ErrorKind::TimedOut);
}

#[test]
fn the_lines_to_try_a_name_work_as_printed() {
    let served = Served::with(SCENARIO, &["--dns"]);
    if is_there("dig", "-v", "dig") {
        let [line] = lines(&served, "dig").try_into().expect("a line");
        let output = shell(&served, &line);
        assert_eq!(said(&output), "127.0.0.1\n", "{line}");
        if is_there("curl", "--version", "curl") {
            let line = lines(&served, "curl").remove(0);
            let output = shell(&served, &line);
            assert!(output.status.success(), "{line}: {}", said(&output));
            assert!(served.file("base.crl").metadata().expect("fetched").len() > 100);
        }
    }
}

#[test]
fn a_port_that_is_taken_names_the_option_that_chooses_another() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = taken.local_addr().expect("an address").to_string();
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("served.toml"), SCENARIO).expect("written");
    for option in ["--listen", "--control", "--dns"] {
        let output = Command::new(env!("CARGO_BIN_EXE_revlab-as-tested"))
            .args(["serve", "served.toml", &format!("{option}={at}")])
            .current_dir(folder.path())
            .output()
            .expect("ended");
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(&format!("cannot listen at {at}")), "{text}");
        assert!(
            text.contains(&format!("`{option} 127.0.0.1` takes a port that is free")),
            "{text}"
        );
    }
}
