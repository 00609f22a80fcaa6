//! What is bounded: nobody is delayed by others, and nothing that is sent ends it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value as Json, json};

use crate::client::{Served, apart, ask, get};

#[test]
fn a_hundred_slow_connections_delay_nobody() {
    let served = Served::new();
    let base = served.url("base");
    let (authority, path) = apart(&base);
    let slow: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = TcpStream::connect(authority).expect("accepted");
            write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n").expect("sent");
            stream
        })
        .collect();
    served.must(
        201,
        "POST",
        "/faults/late",
        &json!({ "on": "issuing.delta", "latency": { "latency": "1h" } }),
    );
    let (authority, path) = (authority.to_owned(), apart(&served.url("delta")).1.to_owned());
    let mut waits = TcpStream::connect(&authority).expect("accepted");
    write!(waits, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    for _ in 0..10 {
        assert_eq!(get(&base).expect("an answer").status, 200);
    }
    // The slow ones are served as soon as they have said what they want.
    for mut stream in slow.into_iter().take(3) {
        write!(stream, "Connection: close\r\n\r\n").expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        assert!(answer.starts_with(b"HTTP/1.1 200"));
    }
}

#[test]
fn whatever_is_sent_it_goes_on_serving() {
    let served = Served::new();
    let base = served.url("base");
    let site: SocketAddr = apart(&base).0.parse().expect("an address");
    let control: SocketAddr = apart(served.control()).0.parse().expect("an address");
    for address in [site, control] {
        for bytes in [
            &b"\0\0\0\0\r\n\r\n"[..],
            b"GET\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
            b"POST /ocsp HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"GET /%ff%fe HTTP/1.1\r\nHost: \xff\r\n\r\n",
            &[b'A'; 200_000],
        ] {
            let mut stream = TcpStream::connect(address).expect("accepted");
            // It may be refused while it is being sent.
            let _ = stream.write_all(bytes);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    }
    let kind = [("Content-Type", "application/ocsp-request")];
    for body in [&b""[..], b"\x30\x03\x0a\x01\x01", &[0x30; 5000]] {
        let answer = ask("POST", &served.url("ocsp"), &kind, body).expect("an answer");
        assert_eq!(answer.status, 200, "an OCSP error is an OCSP response");
    }
    assert_eq!(get(&base).expect("an answer").status, 200);
    assert_eq!(served.must(200, "GET", "/healthz", &Json::Null)["status"], "ok");
}

#[test]
fn a_body_that_is_too_long_is_refused() {
    let served = Served::new();
    let bearer = format!("Bearer {}", served.token());
    let url = format!("{}/populate", served.control());
    let long = vec![b' '; (1 << 20) + 1];
    // The answer may come before all has been sent, and the connection be reset then.
    if let Ok(answer) = ask("POST", &url, &[("Authorization", &bearer)], &long) {
        assert_eq!(answer.status, 413);
    }
    assert_eq!(served.must(200, "GET", "/faults", &Json::Null), json!({}));
}
