//! Attempts over real sockets on loopback.

mod kept;
mod peer;

use std::net::SocketAddr;
use std::sync::Arc;

use revlab_lab::clock::{Drift, LabTime};
use revlab_lab::trace::{Handshake, HttpVersion, Phase, TlsVersion};
use revlab_lab::{Clock, Code, Instant, Name, Outcome, Span};
use tokio::net::TcpListener;

use self::peer::{Behaviour, Pki, Server, pki, pki_of};
use super::{LiveClients, SetupError};
use crate::cipher::Cipher;
use crate::classify::classify;
use crate::driver::Send;
use crate::observation::{Agreed, Observation, Seen, Times};
use crate::plan::{ResumedBy, Session, Sessions, StatusRange};

const T0: Instant = Instant::from_millis(1_397_606_400_000);
const VERSIONS: [TlsVersion; 2] = [TlsVersion::V1_2, TlsVersion::V1_3];
const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn send(tls: TlsVersion, session: Session) -> Send {
    Send {
        attempt: 7,
        client: Name::from("jmeter"),
        thread: 0,
        identity: Name::from("jmeter-1"),
        presents: Name::from("jmeter-1"),
        sut: Name::from("web"),
        session,
        resumed_by: ResumedBy::Ticket,
        sessions: Sessions::Own,
        keep_alive: false,
        connection: None,
        tls,
        http: HttpVersion::V1_1,
        ciphers: Arc::from([]),
        path: Name::from("/a%2Bb//c?d=e"),
        host: None,
        validated: false,
    }
}

fn fresh(tls: TlsVersion) -> Send {
    send(tls, Session::Fresh)
}

fn clients(pki: &Pki) -> LiveClients {
    let mut clients = LiveClients::new(LabTime::new(T0), vec![pki.root.clone()]).unwrap();
    let (chain, key) = &pki.client;
    for identity in ["jmeter-1", "jmeter-2"] {
        clients.add_identity(Name::from(identity), chain.clone(), key).unwrap();
    }
    clients
}

async fn attempt(clients: &mut LiveClients, send: &Send, server: SocketAddr) -> Observation {
    clients.start(send, server, "web.test").await.unwrap()
}

fn kind(seen: &Observation) -> Handshake {
    seen.agreed.as_ref().map_or(Handshake::None, |agreed| agreed.handshake)
}

fn broken(phase: Phase, error: &str) -> Seen {
    Seen::Broken { phase, error: Name::from(error) }
}

#[tokio::test]
async fn an_attempt_is_a_full_handshake_with_the_certificate_and_one_get() {
    let pki = pki();
    for tls in VERSIONS {
        let mut server = Server::start(&pki, Behaviour::Answer(OK)).await;
        let seen = attempt(&mut clients(&pki), &fresh(tls), server.address).await;
        assert_eq!(seen.agreed, Some(Agreed::plain(Handshake::Full, tls)));
        // Lab time stands still.
        let still = Some(0);
        assert_eq!((seen.times.connect_ms, seen.times.handshake_ms), (still, still));
        assert_eq!((seen.times.first_byte_ms, seen.times.measured), (still, false));
        assert_eq!(seen.seen, Seen::Response { status: 200, body: Arc::from(&b"ok"[..]) });
        let request = server.request().await;
        assert_eq!(request.chain, pki.client.0);
        assert_eq!(
            request.head.replace('\r', ""),
            "GET /a%2Bb//c?d=e HTTP/1.1\nhost: web.test\nrevlab-attempt: 7\nconnection: close\n\n"
        );
    }
}

#[tokio::test]
async fn only_a_resuming_client_takes_up_its_threads_last_session() {
    let pki = pki();
    for tls in VERSIONS {
        let server = Server::start(&pki, Behaviour::Answer(OK)).await;
        let mut clients = clients(&pki);
        let mut kinds = Vec::new();
        let first = send(tls, Session::Resumed);
        let other_thread = Send { thread: 1, ..first.clone() };
        let other_identity = Send { presents: Name::from("jmeter-2"), ..first.clone() };
        for send in [&first, &first, &first, &other_thread, &fresh(tls), &other_identity] {
            kinds.push(kind(&attempt(&mut clients, send, server.address).await));
        }
        let (full, resumed) = (Handshake::Full, Handshake::Resumed);
        assert_eq!(kinds, [full, resumed, resumed, full, full, full], "{tls:?}");
    }
}

#[tokio::test]
async fn a_refusal_by_alert_keeps_its_name_also_after_a_tls_1_3_handshake() {
    let pki = pki();
    for (tls, handshake) in
        [(TlsVersion::V1_2, Handshake::None), (TlsVersion::V1_3, Handshake::Full)]
    {
        let server = Server::start(&pki, Behaviour::Revoked).await;
        let seen = attempt(&mut clients(&pki), &fresh(tls), server.address).await;
        assert_eq!(seen.seen, Seen::Alert(Name::from("certificate_revoked")));
        assert_eq!(kind(&seen), handshake);
        assert_eq!(classify(&seen, StatusRange::SUCCESS, &[]).outcome, Outcome::Refused);
    }
}

#[tokio::test]
async fn an_anonymous_client_is_refused_by_a_server_that_wants_a_certificate() {
    let pki = pki();
    let mut clients = clients(&pki);
    clients.add_anonymous(Name::from("jmeter-1"));
    let server = Server::start(&pki, Behaviour::Answer(OK)).await;
    let seen = attempt(&mut clients, &fresh(TlsVersion::V1_3), server.address).await;
    assert_eq!(seen.seen, Seen::Alert(Name::from("certificate_required")));
}

#[tokio::test]
async fn an_iis_error_page_is_read_from_the_wire() {
    let pki = pki();
    let page: &[u8] = b"HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n\
        <h2>HTTP Error 403.13 - Forbidden</h2><td>0x80092013</td>";
    let server = Server::start(&pki, Behaviour::Answer(page)).await;
    let seen = attempt(&mut clients(&pki), &fresh(TlsVersion::V1_2), server.address).await;
    let said = classify(&seen, StatusRange::SUCCESS, &[]);
    assert_eq!((said.outcome, said.substatus), (Outcome::Refused, Some(13)));
    assert_eq!(said.code, Some(Code::CRYPT_E_REVOCATION_OFFLINE));
}

#[tokio::test]
async fn silence_broken_answers_and_long_ones_are_told_apart() {
    let pki = pki();
    let closed = Seen::Closed { phase: Phase::Request };
    let long: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 1048577\r\n\r\n";
    let whole: &'static [u8] = [long, &[b'x'; 1_048_577]].concat().leak();
    for (bytes, expected) in [
        (&b""[..], closed.clone()),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", closed),
        (b"220 mail ready\r\n\r\n", broken(Phase::Request, "answer is not HTTP")),
        (whole, broken(Phase::Request, "answer is too long")),
    ] {
        let server = Server::start(&pki, Behaviour::Answer(bytes)).await;
        let seen = attempt(&mut clients(&pki), &fresh(TlsVersion::V1_2), server.address).await;
        assert_eq!(seen.seen, expected);
        assert_eq!(kind(&seen), Handshake::Full);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_hangs_up_is_a_failure_with_its_phase() {
    let pki = pki();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut clients = clients(&pki);
    let hang_up = async {
        let (mut tcp, _) = listener.accept().await.unwrap();
        // The client's hello is read first, so that closing is an end and not a reset.
        let mut hello = [0; 16 * 1024];
        assert!(tokio::io::AsyncReadExt::read(&mut tcp, &mut hello).await.unwrap() > 0);
    };
    let first = fresh(TlsVersion::V1_2);
    let (seen, ()) = tokio::join!(attempt(&mut clients, &first, address), hang_up);
    assert_eq!(seen.seen, Seen::Closed { phase: Phase::Handshake });
    drop(listener);
    let seen = attempt(&mut clients, &fresh(TlsVersion::V1_2), address).await;
    assert_eq!(seen.seen, broken(Phase::Connect, "connection refused"));
    assert_eq!((seen.agreed, seen.times), (None, Times::default()));
}

#[tokio::test]
async fn the_servers_certificate_is_judged_by_the_clients_own_clock() {
    let pki = pki();
    let mut clients = clients(&pki);
    let server = Server::start(&pki, Behaviour::Answer(OK)).await;
    for (days, expected) in
        [(365, "server certificate expired"), (-365, "server certificate not yet valid")]
    {
        let clock = Clock::new(T0, Span::from_days(days), Drift::NONE, Vec::new());
        clients.set_clock(Name::from("jmeter"), clock);
        let seen = attempt(&mut clients, &fresh(TlsVersion::V1_2), server.address).await;
        assert_eq!(seen.seen, broken(Phase::Handshake, expected));
    }
    let send = Send { client: Name::from("exact"), ..fresh(TlsVersion::V1_2) };
    let seen = attempt(&mut clients, &send, server.address).await;
    assert!(matches!(seen.seen, Seen::Response { status: 200, .. }));
}

#[tokio::test]
async fn a_server_of_another_root_or_name_is_not_trusted() {
    let (pki, other) = (pki(), pki_of("another root"));
    let server = Server::start(&pki, Behaviour::Answer(OK)).await;
    let seen = attempt(&mut clients(&other), &fresh(TlsVersion::V1_3), server.address).await;
    assert_eq!(seen.seen, broken(Phase::Handshake, "server certificate not trusted"));
    let mut clients = clients(&pki);
    let seen = clients.start(&fresh(TlsVersion::V1_3), server.address, "db.test").await.unwrap();
    assert_eq!(seen.seen, broken(Phase::Handshake, "server certificate for another name"));
}

#[tokio::test]
async fn aborting_an_attempt_drops_its_connection() {
    let pki = pki();
    let mut server = Server::start(&pki, Behaviour::Silent).await;
    let task = clients(&pki).start(&fresh(TlsVersion::V1_2), server.address, "web.test");
    server.request().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    server.hung_up().await;
}

#[tokio::test]
async fn an_attempt_under_way_tells_how_far_it_has_come() {
    let pki = pki();
    let mut clients = clients(&pki);
    clients.measure_real_time();
    // TLS is complete, and no answer comes.
    let mut server = Server::start(&pki, Behaviour::Silent).await;
    let (task, progress) =
        clients.start_followed(&fresh(TlsVersion::V1_3), server.address, "web.test");
    server.request().await;
    let reached = progress.reached();
    assert_eq!(reached.agreed, Some(Agreed::plain(Handshake::Full, TlsVersion::V1_3)));
    assert!(reached.times.connect_ms.is_some() && reached.times.handshake_ms.is_some());
    assert!(reached.times.measured && reached.times.first_byte_ms.is_none());
    task.abort();
    // TCP is accepted, and nobody speaks.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (task, progress) = clients.start_followed(&fresh(TlsVersion::V1_3), address, "web.test");
    let (mut tcp, _) = listener.accept().await.unwrap();
    tokio::io::AsyncReadExt::read_u8(&mut tcp).await.unwrap();
    let reached = progress.reached();
    assert_eq!((reached.agreed, reached.times.handshake_ms), (None, None));
    assert!(reached.times.connect_ms.is_some());
    task.abort();
}

#[tokio::test]
async fn in_real_time_the_steps_are_measured() {
    let pki = pki();
    let mut clients = clients(&pki);
    clients.measure_real_time();
    let server = Server::start(&pki, Behaviour::Answer(OK)).await;
    let seen = attempt(&mut clients, &fresh(TlsVersion::V1_2), server.address).await;
    let Times { connect_ms, handshake_ms, first_byte_ms, measured } = seen.times;
    assert!(measured, "{:?}", seen.times);
    assert!([connect_ms, handshake_ms, first_byte_ms].iter().all(|ms| ms.is_some_and(|m| m >= 0)));
}

#[tokio::test]
async fn an_attempt_that_cannot_begin_says_why() {
    let pki = pki();
    let server = Server::start(&pki, Behaviour::Answer(OK)).await;
    let mut clients = clients(&pki);
    let stranger = Send { presents: Name::from("nobody"), ..fresh(TlsVersion::V1_2) };
    let seen = attempt(&mut clients, &stranger, server.address).await;
    assert_eq!(seen.seen, broken(Phase::Connect, "there is no identity `nobody`"));
    let seen = clients.start(&fresh(TlsVersion::V1_2), server.address, "a b").await.unwrap();
    assert_eq!(seen.seen, broken(Phase::Connect, "`a b` is not a host name"));
    let odd = Send { path: Name::from("no slash"), ..fresh(TlsVersion::V1_2) };
    let seen = attempt(&mut clients, &odd, server.address).await;
    assert_eq!(seen.seen, broken(Phase::Request, "`no slash` is not a path to request"));
}

#[test]
fn what_cannot_be_set_up_is_named() {
    let (pki, other) = (pki(), pki());
    let lab_time = || LabTime::new(T0);
    assert!(matches!(LiveClients::new(lab_time(), vec![]), Err(SetupError::NoRoots)));
    let roots = vec![pki.root.clone(), vec![1, 2]];
    let error = LiveClients::new(lab_time(), roots).unwrap_err();
    assert!(error.to_string().starts_with("root certificate number 2 "), "{error}");
    let mut clients = clients(&pki);
    let (chain, name) = (&pki.client.0, || Name::from("jmeter-3"));
    for key in [&other.client.1[..], b"no key"] {
        let error = clients.add_identity(name(), chain.clone(), key).unwrap_err();
        assert!(error.to_string().starts_with("key of identity `jmeter-3` "), "{error}");
    }
    let error = clients.add_identity(name(), vec![], &pki.client.1).unwrap_err();
    assert!(matches!(error, SetupError::EmptyChain(_)));
}

fn over_http2(tls: TlsVersion) -> Send {
    Send { http: HttpVersion::V2, ..fresh(tls) }
}

#[tokio::test]
async fn over_http2_the_same_request_is_a_stream_with_the_certificate_of_the_handshake() {
    let pki = pki();
    for tls in VERSIONS {
        let mut server = Server::start(&pki, Behaviour::Http2(403, "HTTP Error 403.16")).await;
        let seen = attempt(&mut clients(&pki), &over_http2(tls), server.address).await;
        let http = HttpVersion::V2;
        let agreed = Agreed { http, ..Agreed::plain(Handshake::Full, tls) };
        assert_eq!(seen.agreed, Some(agreed));
        assert_eq!(seen.times.first_byte_ms, Some(0));
        let said = classify(&seen, StatusRange::SUCCESS, &[]);
        assert_eq!((said.outcome, said.substatus), (Outcome::Refused, Some(16)));
        let request = server.request().await;
        assert_eq!(request.chain, pki.client.0);
        let fields = r#"{"revlab-attempt": "7"}"#;
        assert_eq!(request.head, format!("GET https://web.test/a%2Bb//c?d=e {fields}"));
    }
}

#[tokio::test]
async fn a_server_that_does_not_agree_on_the_version_of_http_is_a_failure_and_no_refusal() {
    let pki = pki();
    let no_http2 = broken(Phase::Handshake, "server does not speak HTTP/2");
    let mut of_1_1 = peer::config(&pki, Behaviour::Answer(OK));
    of_1_1.alpn_protocols = vec![b"http/1.1".to_vec()];
    let refuses = Server::start_with(of_1_1, Behaviour::Answer(OK)).await;
    // One that knows nothing of ALPN completes the handshake.
    let silent = Server::start(&pki, Behaviour::Answer(OK)).await;
    let of_2 = Server::start(&pki, Behaviour::Http2(200, "")).await;
    for tls in VERSIONS {
        for (server, handshake) in [(&refuses, Handshake::None), (&silent, Handshake::Full)] {
            let seen = attempt(&mut clients(&pki), &over_http2(tls), server.address).await;
            assert_eq!((&seen.seen, kind(&seen)), (&no_http2, handshake));
            assert_eq!(classify(&seen, StatusRange::SUCCESS, &[]).outcome, Outcome::Failed);
        }
        let seen = attempt(&mut clients(&pki), &fresh(tls), of_2.address).await;
        assert_eq!(seen.seen, broken(Phase::Handshake, "server does not speak HTTP/1.1"));
    }
}

#[tokio::test]
async fn over_http2_an_alert_a_close_and_a_long_answer_keep_their_words() {
    let pki = pki();
    let mut revoked = peer::config(&pki, Behaviour::Revoked);
    revoked.alpn_protocols = vec![b"h2".to_vec()];
    let revoked = Server::start_with(revoked, Behaviour::Revoked).await;
    let closes = Server::start(&pki, Behaviour::Http2Closes).await;
    let long = Box::leak("x".repeat(1_048_577).into_boxed_str());
    let long = Server::start(&pki, Behaviour::Http2(200, long)).await;
    for (server, expected) in [
        (revoked, Seen::Alert(Name::from("certificate_revoked"))),
        (closes, Seen::Closed { phase: Phase::Request }),
        (long, broken(Phase::Request, "answer is too long")),
    ] {
        let send = over_http2(TlsVersion::V1_3);
        let seen = attempt(&mut clients(&pki), &send, server.address).await;
        assert_eq!(seen.seen, expected);
    }
}

#[tokio::test]
async fn the_first_suite_that_goes_with_the_servers_key_is_agreed_on_and_told() {
    let pki = pki();
    let server = Server::start(&pki, Behaviour::Answer(OK)).await;
    let with = |names: &[&str], tls: TlsVersion| {
        let named = |name: &&str| Cipher::of(tls).find(|(it, _)| it == name).unwrap().1;
        Send { ciphers: names.iter().map(named).collect(), ..fresh(tls) }
    };
    let rsa = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";
    let chacha = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";
    let aes = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256";
    for (names, tls, agreed) in [
        (&[rsa, chacha, aes][..], TlsVersion::V1_2, chacha),
        (&[aes, chacha], TlsVersion::V1_2, aes),
        (&["TLS_CHACHA20_POLY1305_SHA256"], TlsVersion::V1_3, "TLS_CHACHA20_POLY1305_SHA256"),
    ] {
        let seen = attempt(&mut clients(&pki), &with(names, tls), server.address).await;
        let cipher = seen.agreed.and_then(|agreed| agreed.cipher);
        assert_eq!(cipher.map(Cipher::as_str), Some(agreed));
    }
    let seen = attempt(&mut clients(&pki), &with(&[rsa], TlsVersion::V1_2), server.address).await;
    assert_eq!(seen.seen, Seen::Alert(Name::from("handshake_failure")));
    let seen = attempt(&mut clients(&pki), &fresh(TlsVersion::V1_2), server.address).await;
    assert_eq!(seen.agreed.unwrap().cipher, None);
}

#[tokio::test]
async fn threads_that_share_their_sessions_do_so_for_each_identity() {
    let pki = pki();
    for tls in VERSIONS {
        let server = Server::start(&pki, Behaviour::Answer(OK)).await;
        let mut clients = clients(&pki);
        let first = Send { sessions: Sessions::Shared, ..send(tls, Session::Resumed) };
        let other_thread = Send { thread: 1, ..first.clone() };
        let other_identity = Send { presents: Name::from("jmeter-2"), ..other_thread.clone() };
        let mut kinds = Vec::new();
        for send in [&first, &other_thread, &other_identity, &first, &other_identity] {
            kinds.push(kind(&attempt(&mut clients, send, server.address).await));
        }
        clients.forget_sessions(&Name::from("jmeter"));
        kinds.push(kind(&attempt(&mut clients, &first, server.address).await));
        let (full, resumed) = (Handshake::Full, Handshake::Resumed);
        assert_eq!(kinds, [full, resumed, full, resumed, resumed, full], "{tls:?}");
    }
}

#[tokio::test]
async fn by_id_a_client_says_nothing_of_tickets_and_by_ticket_it_takes_them() {
    let pki = pki();
    for (ticketer, storage, by, second) in [
        (true, false, ResumedBy::Ticket, Handshake::Resumed),
        (true, false, ResumedBy::Id, Handshake::Full),
        (false, true, ResumedBy::Id, Handshake::Resumed),
        (false, true, ResumedBy::Ticket, Handshake::Resumed),
    ] {
        let mut config = peer::config(&pki, Behaviour::Answer(OK));
        if ticketer {
            config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().unwrap();
        }
        if !storage {
            config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        }
        let server = Server::start_with(config, Behaviour::Answer(OK)).await;
        let mut clients = clients(&pki);
        let send = Send { resumed_by: by, ..send(TlsVersion::V1_2, Session::Resumed) };
        attempt(&mut clients, &send, server.address).await;
        let seen = attempt(&mut clients, &send, server.address).await;
        assert_eq!(kind(&seen), second, "{by:?}, tickets: {ticketer}, ids: {storage}");
    }
}

#[tokio::test]
async fn no_data_is_ever_sent_early_although_the_session_would_allow_it() {
    let pki = pki();
    let mut config = peer::config(&pki, Behaviour::Answer(OK));
    config.max_early_data_size = 16 * 1024;
    let server = Server::start_with(config, Behaviour::Answer(OK)).await;
    let mut clients = clients(&pki);
    let send = send(TlsVersion::V1_3, Session::Resumed);
    assert!(!clients.config(&send).unwrap().0.enable_early_data);
    attempt(&mut clients, &send, server.address).await;
    // The peer ignores early data: a request that was sent as such would get no answer.
    let seen = attempt(&mut clients, &send, server.address).await;
    assert_eq!(kind(&seen), Handshake::Resumed);
    assert!(matches!(seen.seen, Seen::Response { status: 200, .. }));
}
