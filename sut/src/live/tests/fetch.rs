use std::net::SocketAddr;

use revlab_lab::http::{FetchError, Method, Reply, Request, Url};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::live::exchange;

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Takes one request and gives it as text: head, and body by the expected length.
async fn take(listener: &TcpListener, body: usize) -> (TcpStream, String) {
    let (mut tcp, _) = listener.accept().await.unwrap();
    let mut text = Vec::new();
    while !text.windows(4).any(|w| w == b"\r\n\r\n") {
        text.push(tcp.read_u8().await.unwrap());
    }
    let mut rest = vec![0; body];
    tcp.read_exact(&mut rest).await.unwrap();
    text.extend(rest);
    (tcp, String::from_utf8(text).unwrap().replace('\r', ""))
}

/// What `exchange` makes of these bytes, and the request it sent for them.
async fn answered(request: &Request, bytes: &[u8]) -> (Result<Reply, FetchError>, String) {
    let (listener, address) = listener().await;
    let served = async {
        let (mut tcp, text) = take(&listener, request.body.len()).await;
        tcp.write_all(bytes).await.unwrap();
        text
    };
    tokio::join!(exchange(address, request), served)
}

#[tokio::test]
async fn the_request_line_bears_the_path_byte_for_byte() {
    for path in ["/CertEnroll/XXX-CA(1)+.crl", "//a//b", "/a%2Bb%20c?x=%2f+y", "/"] {
        let request = Request::get(url(&format!("http://ca.lab:8080{path}")));
        let (_, sent) = answered(&request, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        assert_eq!(sent, format!("GET {path} HTTP/1.1\nhost: ca.lab:8080\n\n"));
    }
    let bare = Request::get(url("http://ca.lab"));
    let (_, sent) = answered(&bare, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    assert!(sent.starts_with("GET / HTTP/1.1\n"));
}

#[tokio::test]
async fn a_post_carries_its_header_fields_and_body() {
    let request = Request {
        method: Method::Post,
        url: url("http://ca.lab/ocsp"),
        headers: vec![("Content-Type".into(), "application/ocsp-request".into())],
        body: b"body".to_vec(),
    };
    let (_, sent) = answered(&request, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    insta::assert_snapshot!(sent, @r"
    POST /ocsp HTTP/1.1
    host: ca.lab
    content-type: application/ocsp-request
    content-length: 4

    body
    ");
}

#[tokio::test]
async fn the_reply_has_status_body_and_the_header_fields_of_the_answer() {
    let bytes = b"HTTP/1.1 404 Not Found\r\nETag: \"1\"\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\
        Connection: close\r\nContent-Length: 4\r\n\r\nnone";
    let (reply, _) = answered(&Request::get(url("http://ca.lab/x")), bytes).await;
    let reply = reply.unwrap();
    assert_eq!((reply.status, &*reply.body), (404, &b"none"[..]));
    assert_eq!(reply.headers, [("etag".to_owned(), "\"1\"".to_owned())]);
}

#[tokio::test]
async fn what_is_not_http_or_ends_early_is_a_bad_reply() {
    let request = Request::get(url("http://ca.lab/x"));
    for bytes in
        [&b""[..], b"220 mail ready\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"]
    {
        let (reply, _) = answered(&request, bytes).await;
        assert_eq!(reply, Err(FetchError::BadReply));
    }
}

#[tokio::test]
async fn a_port_that_nothing_listens_on_refuses() {
    let (listener, address) = listener().await;
    drop(listener);
    let reply = exchange(address, &Request::get(url("http://ca.lab/x"))).await;
    assert_eq!(reply, Err(FetchError::ConnectionRefused));
}

#[tokio::test]
async fn a_reset_is_a_reset_before_the_answer_and_in_it() {
    let request = Request::get(url("http://ca.lab/x"));
    for begin in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"] {
        let (listener, address) = listener().await;
        let served = async {
            let (mut tcp, _) = take(&listener, 0).await;
            tcp.write_all(begin).await.unwrap();
            tcp.set_zero_linger().unwrap();
        };
        let (reply, ()) = tokio::join!(exchange(address, &request), served);
        assert_eq!(reply, Err(FetchError::ConnectionReset));
    }
}
