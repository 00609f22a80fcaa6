//! Connections that stay open.

use super::*;

/// An attempt that keeps its connection, over the one that an earlier attempt made if it has a number.
fn keeping(attempt: u64, connection: Option<u64>, tls: TlsVersion) -> Send {
    Send { attempt, keep_alive: true, connection, ..fresh(tls) }
}

fn over(http: HttpVersion) -> Behaviour {
    match http {
        HttpVersion::V1_1 => Behaviour::Keeps(OK),
        HttpVersion::V2 => Behaviour::Http2(200, "ok"),
    }
}

#[tokio::test]
async fn further_requests_go_over_the_connection_that_was_kept_without_a_handshake() {
    let pki = pki();
    for (tls, http) in
        VERSIONS.iter().flat_map(|tls| [(*tls, HttpVersion::V1_1), (*tls, HttpVersion::V2)])
    {
        let mut server = Server::start(&pki, over(http)).await;
        let mut clients = clients(&pki);
        let mut kinds = Vec::new();
        for (number, connection) in [(7, None), (8, Some(7)), (9, Some(7))] {
            let send = Send { http, ..keeping(number, connection, tls) };
            let seen = attempt(&mut clients, &send, server.address).await;
            assert_eq!(seen.seen, Seen::Response { status: 200, body: Arc::from(&b"ok"[..]) });
            assert!(seen.stays_open);
            let agreed = seen.agreed.clone().unwrap();
            assert_eq!((agreed.tls, agreed.http), (tls, http));
            assert_eq!(seen.times.connect_ms.is_some(), connection.is_none());
            kinds.push(kind(&seen));
            let head = server.request().await.head;
            assert!(head.contains(&number.to_string()), "{head}");
        }
        assert_eq!(kinds, [Handshake::Full, Handshake::Kept, Handshake::Kept]);
        // The server of the test takes one connection at a time: the next one gets through once this is
        // closed.
        clients.disconnect(7);
        let seen = attempt(&mut clients, &Send { http, ..fresh(tls) }, server.address).await;
        assert_eq!((kind(&seen), seen.stays_open), (Handshake::Full, false));
    }
}

#[tokio::test]
async fn a_client_whose_connection_was_closed_makes_another_only_if_it_is_to() {
    let pki = pki();
    for (reconnects, expected) in [(true, Handshake::Full), (false, Handshake::Kept)] {
        let server = Server::start(&pki, Behaviour::KeepsForOne(OK)).await;
        let mut clients = clients(&pki);
        if reconnects {
            clients.reconnect();
        }
        let first = keeping(1, None, TlsVersion::V1_2);
        assert!(attempt(&mut clients, &first, server.address).await.stays_open);
        let send = keeping(2, Some(1), TlsVersion::V1_2);
        let seen = attempt(&mut clients, &send, server.address).await;
        assert_eq!((kind(&seen), seen.stays_open), (expected, reconnects));
        assert_eq!(matches!(seen.seen, Seen::Response { .. }), reconnects, "{seen:?}");
    }
}

#[tokio::test]
async fn a_server_that_says_it_closes_is_believed() {
    const LAST: &[u8] =
        b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno";
    let pki = pki();
    let server = Server::start(&pki, Behaviour::Keeps(LAST)).await;
    let mut clients = clients(&pki);
    let seen = attempt(&mut clients, &keeping(1, None, TlsVersion::V1_3), server.address).await;
    assert_eq!(seen.seen, Seen::Response { status: 403, body: Arc::from(&b"no"[..]) });
    assert!(!seen.stays_open);
    // There is nothing to go on with: another connection is made, without a word.
    let send = keeping(2, Some(1), TlsVersion::V1_3);
    assert_eq!(kind(&attempt(&mut clients, &send, server.address).await), Handshake::Full);
}

#[tokio::test]
async fn a_refusal_on_a_first_request_is_told_by_its_alert_as_without_keep_alive() {
    let pki = pki();
    let server = Server::start(&pki, Behaviour::Revoked).await;
    for tls in VERSIONS {
        let seen = attempt(&mut clients(&pki), &keeping(1, None, tls), server.address).await;
        assert_eq!(seen.seen, Seen::Alert(Name::from("certificate_revoked")), "{tls:?}");
        assert!(!seen.stays_open);
    }
}

#[tokio::test]
async fn an_attempt_that_is_given_up_closes_the_connection_that_it_used() {
    let pki = pki();
    let mut server = Server::start(&pki, Behaviour::Silent).await;
    let mut clients = clients(&pki);
    let task = clients.start(&keeping(1, None, TlsVersion::V1_2), server.address, "web.test");
    server.request().await;
    task.abort();
    server.hung_up().await;
}
