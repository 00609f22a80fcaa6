//! Over real sockets on loopback. Nothing here waits for time: every step follows from the last.

use std::net::Ipv4Addr;

use revlab_lab::http::{Method, Reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

fn site() -> Site {
    Site::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap()
}

fn reply(status: u16, body: &[u8]) -> Reply {
    let headers = vec![("ETag".to_owned(), "\"1:0\"".to_owned())];
    Reply { status, substatus: 0, headers, body: body.into() }
}

/// Sends `text` and reads until the site closes; what was read, and how it ended.
async fn talk(address: SocketAddr, text: Vec<u8>) -> (String, io::Result<usize>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&text).await.unwrap();
    let mut answer = Vec::new();
    let end = stream.read_to_end(&mut answer).await;
    (String::from_utf8_lossy(&answer).into_owned(), end)
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: win-msprl0t325o\r\nConnection: close\r\n\r\n").into()
}

/// One exchange: the request as it arrived, and what the client read.
async fn exchange(text: Vec<u8>, answered: Answered) -> (Request, String, io::Result<usize>) {
    let mut site = site();
    let client = tokio::spawn(talk(site.address(), text));
    let arrived = site.next().await.unwrap();
    arrived.answer.send(answered).unwrap();
    let (text, end) = client.await.unwrap();
    (arrived.request, text, end)
}

#[tokio::test]
async fn a_request_arrives_with_the_url_of_its_host_field() {
    let answered = Answered::Reply(reply(200, b"crl"));
    let (request, text, end) = exchange(get("/CertEnroll/XXX-CA(1)+.crl?x"), answered).await;
    assert_eq!(request.method, Method::Get);
    assert_eq!(request.url.as_str(), "http://win-msprl0t325o/CertEnroll/XXX-CA(1)+.crl?x");
    assert_eq!(request.header("Host"), None);
    assert!(end.is_ok());
    insta::assert_snapshot!(text.replace('\r', ""), @r#"
    HTTP/1.1 200 OK
    Etag: "1:0"
    Connection: close
    Content-Length: 3

    crl
    "#);
}

#[tokio::test]
async fn a_body_arrives_whole() {
    let body = vec![7; 100_000];
    let head = "POST /ocsp HTTP/1.1\r\nHost: h\r\nContent-Type: application/ocsp-request\r\n\
                Connection: close\r\nContent-Length: 100000\r\n\r\n";
    let text = [head.as_bytes(), &body].concat();
    let (request, _, _) = exchange(text, Answered::Reply(reply(200, b""))).await;
    assert_eq!((request.method, &request.body), (Method::Post, &body));
    assert_eq!(request.header("Content-Type"), Some("application/ocsp-request"));
}

#[tokio::test]
async fn what_is_no_sound_request_is_refused_by_the_site_itself() {
    let site = site();
    let no_host = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec();
    let too_long = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n".to_vec();
    let (text, _) = talk(site.address(), no_host).await;
    assert!(text.starts_with("HTTP/1.1 400 "), "{text}");
    let mut stream = TcpStream::connect(site.address()).await.unwrap();
    stream.write_all(&too_long).await.unwrap();
    stream.write_all(&vec![0; BODY_MORE]).await.unwrap();
    let mut answer = [0; 13];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413 ");
}

/// More than a body may have.
const BODY_MORE: usize = (1 << 20) + 1;

#[tokio::test]
async fn a_reset_is_seen_as_a_reset() {
    let (_, text, end) = exchange(get("/"), Answered::Reset).await;
    assert_eq!(text, "");
    assert_eq!(end.map_err(|e| e.kind()), Err(io::ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_request_without_an_answer_is_reset() {
    let mut site = site();
    let client = tokio::spawn(talk(site.address(), get("/")));
    drop(site.next().await);
    let (_, end) = client.await.unwrap();
    assert_eq!(end.map_err(|e| e.kind()), Err(io::ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_silent_connection_stays_open_while_others_are_answered() {
    let mut site = site();
    let mut silent = TcpStream::connect(site.address()).await.unwrap();
    silent.write_all(&get("/silent")).await.unwrap();
    site.next().await.unwrap().answer.send(Answered::Silent).unwrap();
    let client = tokio::spawn(talk(site.address(), get("/other")));
    let other = site.next().await.unwrap();
    other.answer.send(Answered::Reply(reply(200, b"other"))).unwrap();
    assert!(client.await.unwrap().0.ends_with("other"));
    let nothing = silent.try_read(&mut [0; 1]).map_err(|e| e.kind());
    assert_eq!(nothing, Err(io::ErrorKind::WouldBlock));
    // The end of the site ends the connection, and not a byte has come.
    drop(site);
    let mut answer = Vec::new();
    let _ = silent.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
}

#[tokio::test]
async fn a_reply_that_http_does_not_allow_becomes_an_error() {
    let mut bad = reply(200, b"");
    bad.headers.push(("No Name".to_owned(), "x".to_owned()));
    let (_, text, _) = exchange(get("/"), Answered::Reply(bad)).await;
    assert!(text.starts_with("HTTP/1.1 500 "), "{text}");
}

#[tokio::test]
async fn a_refusing_port_refuses() {
    let (_socket, address) = refusing_port().unwrap();
    let connected = TcpStream::connect(address).await.map_err(|e| e.kind());
    assert_eq!(connected.err(), Some(io::ErrorKind::ConnectionRefused));
}

#[tokio::test]
async fn a_port_in_use_cannot_be_had() {
    let site = site();
    let again = Site::bind(site.address()).map_err(|e| e.kind());
    assert_eq!(again.err(), Some(io::ErrorKind::AddrInUse));
}

#[test]
fn outside_a_runtime_binding_is_an_error() {
    assert!(Site::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).is_err());
}

mod holding_up;
