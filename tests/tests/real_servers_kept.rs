//! Connections that clients keep open, with servers that nobody here wrote: who was let in stays in, until
//! there is a handshake again.
//!
//! Skipped, and said so, where a program or namespaces are missing; `REVLAB_NO_SKIPS=1` makes that a failure.

use revlab_lab::Outcome;
use revlab_lab::trace::{Attempt, Handshake, Kind, Trace};
use revlab_tests::server;

/// Two clients are revoked after a minute: one has its connection still, the other makes one for each
/// attempt. After two more minutes the server is started again.
///
/// The pace is below five seconds, for which Apache keeps a connection that nobody uses.
const SCENARIO: &str = r#"
format = 1
title = "a connection outlasts its client's certificate"
start = "2024-03-01T00:00:00Z"
duration = "4m"
[ca.issuing]
host = "pki.lab.example"
crl = { period = "1h", delta_period = "none" }
aia = { ocsp = ["http://pki.lab.example/ocsp"] }
responder = { signer = "delegated", nonce = "echo" }
[sut.web]
tls = "TLS"
publisher = { every = "3s" }
[clients.good]
every = "4s"
keep_alive = true
[clients.keeping]
every = "4s"
keep_alive = true
[clients.reconnecting]
every = "4s"
[operation.revoke-keeping]
on = "issuing"
at = "1m 1s"
revoke = { identity = "keeping-1" }
[operation.revoke-reconnecting]
on = "issuing"
at = "1m 1s"
revoke = { identity = "reconnecting-1" }
[operation.publish]
on = "issuing"
at = "1m 2s"
publish = { base = true }
[operation.restart]
on = "web"
at = "3m 1s"
restart_service = {}
"#;

/// So many attempts in a row came to this outcome, after this handshake.
type Fared = (Outcome, Handshake, usize);

/// A run of the scenario with a server; none where that is not installed.
fn run(sut: &str, tls: &str) -> Option<Trace> {
    let folder = tempfile::tempdir().unwrap();
    let scenario = SCENARIO.replace("TLS", tls);
    std::fs::write(folder.path().join("lab.toml"), scenario).unwrap();
    let revlab = env!("CARGO_BIN_EXE_revlab-as-tested");
    let (text, trace) = server::run(revlab, folder.path(), sut)?;
    let trace = trace.unwrap_or_else(|| panic!("{sut}: {text}"));
    assert!(trace.is_complete(), "{sut}: {text}");
    Some(trace)
}

fn attempts<'a>(trace: &'a Trace, client: &'a str) -> impl Iterator<Item = &'a Attempt> {
    let attempts = trace.records().iter().filter_map(|record| match &record.kind {
        Kind::Attempt(attempt) => Some(attempt),
        _ => None,
    });
    attempts.filter(move |attempt| &*attempt.client == client)
}

/// How a client fared, from its first attempt to its last.
fn fared(trace: &Trace, client: &str) -> Vec<Fared> {
    let mut fared: Vec<Fared> = Vec::new();
    for attempt in attempts(trace, client) {
        match fared.last_mut() {
            Some((outcome, handshake, count))
                if (*outcome, *handshake) == (attempt.outcome, attempt.handshake) =>
            {
                *count += 1;
            }
            _ => fared.push((attempt.outcome, attempt.handshake, 1)),
        }
    }
    fared
}

/// Who keeps a connection stays in until the server is new; who makes another is found out. `refused` is
/// what the handshake of a refusal comes to.
fn holds(sut: &str, tls: &str, refused: Handshake) -> Option<Trace> {
    let trace = run(sut, tls)?;
    let (full, kept) = (Handshake::Full, Handshake::Kept);
    let (admitted, no) = (Outcome::Admitted, Outcome::Refused);
    // 16 attempts before the revocation, 30 more before the restart, 14 after it.
    let reconnecting = [(admitted, full, 16), (no, refused, 44)];
    assert_eq!(fared(&trace, "reconnecting"), reconnecting, "{sut}, TLS {tls}");
    let keeping = [(admitted, full, 1), (admitted, kept, 45), (no, refused, 14)];
    assert_eq!(fared(&trace, "keeping"), keeping, "{sut}, TLS {tls}");
    let good =
        [(admitted, full, 1), (admitted, kept, 45), (admitted, full, 1), (admitted, kept, 13)];
    assert_eq!(fared(&trace, "good"), good, "{sut}, TLS {tls}");
    Some(trace)
}

#[test]
fn nginx_lets_in_who_was_let_in_on_the_same_connection() {
    // It completes the handshake and refuses by a page.
    for tls in ["1.2", "1.3"] {
        if holds("nginx/ocsp-uncached", tls, Handshake::Full).is_none() {
            return;
        }
    }
}

#[test]
fn apache_lets_in_who_was_let_in_on_the_same_connection() {
    holds("apache/ocsp-no-nonce", "1.2", Handshake::None);
}

/// Its timers are not waited for, so that lab time is charged what is modelled and nothing else.
#[test]
fn haproxy_does_so_too_and_a_kept_attempt_takes_the_way_there_and_back() {
    for (tls, connecting) in [("1.2", 3), ("1.3", 2)] {
        let refused = if tls == "1.2" { Handshake::None } else { Handshake::Full };
        let Some(trace) = holds("haproxy", tls, refused) else { return };
        for attempt in attempts(&trace, "good") {
            let connecting = if attempt.handshake == Handshake::Kept { 0 } else { connecting };
            assert_eq!(attempt.took_ms, connecting + 1, "TLS {tls}: {attempt:?}");
        }
    }
}
