use std::sync::Arc;

use rcgen::KeyPair;
use revlab_lab::clock::LabTime;
use revlab_lab::http::Reply;
use revlab_lab::trace::{Handshake, HttpVersion, TlsVersion};
use revlab_lab::{Instant, Span};
use rustls::ClientConfig;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::peer::{Pki, client, connect, get, pki};
use crate::live::{Arrived, Front, FrontConfig, FrontError};

const T0: Instant = Instant::from_millis(1_397_606_400_000);

fn config(pki: &Pki, lab_time: &LabTime) -> FrontConfig {
    FrontConfig {
        client_certificates: true,
        http: HttpVersion::V2,
        address: ([127, 0, 0, 1], 0).into(),
        chain: pki.server.0.clone(),
        pkcs8: pki.server.1.clone(),
        tls: TlsVersion::V1_3,
        lab_time: lab_time.clone(),
        session_lifetime: Span::from_hours(10),
        session_idle: Span::ZERO,
        resumption: true,
    }
}

fn with_certificate(pki: &Pki, version: TlsVersion) -> Arc<ClientConfig> {
    let version = match version {
        TlsVersion::V1_2 => &TLS12,
        TlsVersion::V1_3 => &TLS13,
    };
    client(pki, version, Some((&pki.client.0, &pki.client.1)))
}

fn forbidden() -> Reply {
    Reply {
        status: 403,
        substatus: 13,
        headers: vec![("Content-Type".into(), "text/html".into()), ("bad name".into(), "x".into())],
        body: Arc::from(&b"<h2>HTTP Error 403.13</h2>"[..]),
    }
}

struct Request {
    path: String,
    attempt: Option<u64>,
    chain: Vec<Vec<u8>>,
    handshake: Handshake,
    tls: TlsVersion,
    respond: oneshot::Sender<Reply>,
}

async fn request(front: &mut Front) -> Request {
    match front.next().await {
        Arrived::Request { attempt, path, chain, handshake, tls, respond, .. } => {
            Request { attempt, path, chain, handshake, tls, respond }
        }
        Arrived::Failed { error } => panic!("no request: {error}"),
    }
}

async fn failure(front: &mut Front) -> String {
    match front.next().await {
        Arrived::Failed { error } => error,
        Arrived::Request { .. } => panic!("a request arrived"),
    }
}

/// One request from `config`, answered 403.
async fn ask(front: &mut Front, config: &Arc<ClientConfig>) -> (Request, String) {
    let address = front.address();
    let served = async {
        let mut arrived = request(front).await;
        let respond = std::mem::replace(&mut arrived.respond, oneshot::channel().0);
        respond.send(forbidden()).unwrap();
        arrived
    };
    let (arrived, text) = tokio::join!(served, get(config, address, "/a%2Bb//c?d=e"));
    (arrived, text.unwrap())
}

#[tokio::test]
async fn a_request_arrives_with_path_attempt_and_chain_and_the_reply_goes_back() {
    let (pki, lab_time) = (pki(), LabTime::new(T0));
    let mut front = Front::bind(config(&pki, &lab_time)).unwrap();
    for tls in [TlsVersion::V1_2, TlsVersion::V1_3] {
        let (arrived, text) = ask(&mut front, &with_certificate(&pki, tls)).await;
        assert_eq!((arrived.tls, arrived.handshake), (tls, Handshake::Full));
        assert_eq!((arrived.path.as_str(), arrived.attempt), ("/a%2Bb//c?d=e", Some(42)));
        assert_eq!(arrived.chain, pki.client.0);
        insta::allow_duplicates! {
            insta::assert_snapshot!(text.replace('\r', ""), @r"
            HTTP/1.1 403 Forbidden
            content-type: text/html
            date: Wed, 16 Apr 2014 00:00:00 GMT
            connection: close
            content-length: 26

            <h2>HTTP Error 403.13</h2>
            ");
        }
    }
}

#[tokio::test]
async fn a_session_is_taken_up_and_still_shows_the_chain() {
    let (pki, lab_time) = (pki(), LabTime::new(T0));
    for tls in [TlsVersion::V1_2, TlsVersion::V1_3] {
        let mut front = Front::bind(config(&pki, &lab_time)).unwrap();
        let client = with_certificate(&pki, tls);
        let (first, _) = ask(&mut front, &client).await;
        assert_eq!(first.handshake, Handshake::Full);
        for _ in 0..2 {
            let (again, _) = ask(&mut front, &client).await;
            assert_eq!(again.handshake, Handshake::Resumed);
            assert_eq!(again.chain, pki.client.0);
        }
    }
}

#[tokio::test]
async fn a_session_is_not_taken_up_once_its_lab_time_is_over() {
    let pki = pki();
    for tls in [TlsVersion::V1_2, TlsVersion::V1_3] {
        let lab_time = LabTime::new(T0);
        let mut front = Front::bind(config(&pki, &lab_time)).unwrap();
        let client = with_certificate(&pki, tls);
        ask(&mut front, &client).await;
        lab_time.set(T0 + Span::from_hours(10));
        let (again, _) = ask(&mut front, &client).await;
        assert_eq!(again.handshake, Handshake::Full);
    }
}

/// One request over an open connection, answered 403 with this field; the answer up to its body's end.
async fn ask_over<S: AsyncReadExt + AsyncWriteExt + Unpin>(
    front: &mut Front,
    stream: &mut S,
    field: Option<(&str, &str)>,
) -> (Handshake, String) {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: web.test\r\n\r\n").await.unwrap();
    stream.flush().await.unwrap();
    let arrived = request(front).await;
    let mut reply = forbidden();
    reply.headers.extend(field.map(|(name, value)| (name.to_owned(), value.to_owned())));
    arrived.respond.send(reply).unwrap();
    let mut text = Vec::new();
    while !text.ends_with(b"</h2>") {
        text.push(stream.read_u8().await.unwrap());
    }
    (arrived.handshake, String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn a_connection_stays_open_for_further_requests_until_an_answer_says_otherwise() {
    let (pki, lab_time) = (pki(), LabTime::new(T0));
    for tls in [TlsVersion::V1_2, TlsVersion::V1_3] {
        let mut front = Front::bind(config(&pki, &lab_time)).unwrap();
        let client = with_certificate(&pki, tls);
        let mut stream = connect(&client, front.address()).await.unwrap();
        let mut kinds = Vec::new();
        for field in [None, None, Some(("Connection", "close"))] {
            let (kind, text) = ask_over(&mut front, &mut stream, field).await;
            kinds.push(kind);
            assert_eq!(text.contains("connection: close"), field.is_some(), "{text}");
        }
        assert_eq!(kinds, [Handshake::Full, Handshake::Kept, Handshake::Kept]);
        assert_eq!(stream.read_to_end(&mut Vec::new()).await.unwrap(), 0, "it is closed");
    }
}

#[tokio::test]
async fn forgotten_sessions_and_a_front_without_resumption_ask_for_full_handshakes() {
    let (pki, lab_time) = (pki(), LabTime::new(T0));
    for tls in [TlsVersion::V1_2, TlsVersion::V1_3] {
        let client = with_certificate(&pki, tls);
        let mut front = Front::bind(config(&pki, &lab_time)).unwrap();
        ask(&mut front, &client).await;
        front.forget_sessions();
        let (again, _) = ask(&mut front, &client).await;
        assert_eq!(again.handshake, Handshake::Full);

        let without = FrontConfig { resumption: false, ..config(&pki, &lab_time) };
        let mut front = Front::bind(without).unwrap();
        ask(&mut front, &client).await;
        let (again, _) = ask(&mut front, &client).await;
        assert_eq!(again.handshake, Handshake::Full);
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_is_told_so_by_an_alert() {
    let (pki, lab_time) = (pki(), LabTime::new(T0));
    for version in [&TLS12, &TLS13] {
        let mut front = Front::bind(config(&pki, &lab_time)).unwrap();
        let address = front.address();
        let client = client(&pki, version, None);
        let (error, text) = tokio::join!(failure(&mut front), get(&client, address, "/"));
        assert_eq!(error, "peer sent no certificates");
        let error = text.unwrap_err().to_string();
        assert!(error.contains("received fatal alert"), "{error}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_hold_the_key_is_refused() {
    let (pki, lab_time) = (pki(), LabTime::new(T0));
    let other = KeyPair::generate().unwrap().serialize_der();
    for version in [&TLS12, &TLS13] {
        let mut front = Front::bind(config(&pki, &lab_time)).unwrap();
        let address = front.address();
        let client = client(&pki, version, Some((&pki.client.0, &other)));
        let (error, text) = tokio::join!(failure(&mut front), get(&client, address, "/"));
        assert_eq!(error, "invalid peer certificate: BadSignature");
        assert!(text.is_err());
    }
}

#[tokio::test]
async fn a_server_of_2008_r2_does_not_speak_tls_1_3() {
    let (pki, lab_time) = (pki(), LabTime::new(T0));
    let old = FrontConfig { tls: TlsVersion::V1_2, ..config(&pki, &lab_time) };
    let mut front = Front::bind(old).unwrap();
    let address = front.address();
    let client = with_certificate(&pki, TlsVersion::V1_3);
    let (_, text) = tokio::join!(failure(&mut front), get(&client, address, "/"));
    assert!(text.unwrap_err().to_string().contains("ProtocolVersion"));
}

#[tokio::test]
async fn a_dropped_request_closes_the_connection_without_an_answer() {
    let (pki, lab_time) = (pki(), LabTime::new(T0));
    let mut front = Front::bind(config(&pki, &lab_time)).unwrap();
    let (address, client) = (front.address(), with_certificate(&pki, TlsVersion::V1_2));
    let served = async { drop(request(&mut front).await.respond) };
    let ((), text) = tokio::join!(served, get(&client, address, "/"));
    assert_eq!(text.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_client_that_gives_up_closes_its_request() {
    let (pki, lab_time) = (pki(), LabTime::new(T0));
    let mut front = Front::bind(config(&pki, &lab_time)).unwrap();
    let (address, config) = (front.address(), with_certificate(&pki, TlsVersion::V1_3));
    let client = tokio::spawn(async move { get(&config, address, "/").await });
    let mut arrived = request(&mut front).await;
    assert!(!arrived.respond.is_closed());
    client.abort();
    arrived.respond.closed().await;
}

#[tokio::test]
async fn connections_that_bring_no_request_are_reported() {
    let (pki, lab_time) = (pki(), LabTime::new(T0));
    let mut front = Front::bind(config(&pki, &lab_time)).unwrap();

    let mut plain = TcpStream::connect(front.address()).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(failure(&mut front).await, "received corrupt message of type InvalidContentType");
    // The alert, then the end: the server does not wait for more.
    let mut rest = Vec::new();
    plain.read_to_end(&mut rest).await.unwrap();
    drop(plain);

    let config = with_certificate(&pki, TlsVersion::V1_2);
    let mut silent = connect(&config, front.address()).await.unwrap();
    silent.shutdown().await.unwrap();
    assert_eq!(failure(&mut front).await, "the connection was closed before a request came");

    let mut odd = connect(&config, front.address()).await.unwrap();
    odd.write_all(b"\x01\x02\r\n\r\n").await.unwrap();
    assert_eq!(failure(&mut front).await, "invalid HTTP method parsed");
}

#[tokio::test]
async fn a_port_in_use_and_a_key_that_is_none_are_told_apart() {
    let (pki, lab_time) = (pki(), LabTime::new(T0));
    let front = Front::bind(config(&pki, &lab_time)).unwrap();
    let taken = FrontConfig { address: front.address(), ..config(&pki, &lab_time) };
    let error = Front::bind(taken).unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot listen on {}: ", front.address())));
    let no_key = FrontConfig { pkcs8: vec![1, 2, 3], ..config(&pki, &lab_time) };
    assert!(matches!(Front::bind(no_key), Err(FrontError::Tls(_))));
}
