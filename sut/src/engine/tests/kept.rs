//! Connections that clients keep open: nothing is checked again on them (fact sheet §3.3, inferred).

use revlab_lab::Span;
use revlab_lab::trace::Handshake;
use revlab_pki::Certificate;

use super::authority::{Authority, BASE, START, base};
use super::bench::{Answer, Bench};
use crate::Operation;

const HOUR: Span = Span::from_hours(1);
const SECOND: Span = Span::from_secs(1);

fn client() -> Certificate {
    Authority::root().client("alice", 10, |_| {})
}

/// A server whose CRL is good for an hour, or not to be had; its client has a connection, number 1.
fn connected(settings: &[(&str, &str)], reachable: bool) -> Bench {
    let mut bench = Bench::new(settings);
    let crl = Authority::root().sign(&base(1, START, HOUR));
    bench.put("base", BASE, if reachable { Answer::ok(crl) } else { Answer::not_found() });
    assert_eq!(bench.request_on(Some(1), &[client()], Handshake::Full), 1);
    bench.wait(Span::from_secs(30));
    bench
}

/// Status and sub-status of the answer, and how many checks it rests on.
fn answer(bench: &Bench, attempt: u64) -> (u16, u16, usize) {
    let (_, reply, checks) = &bench.answered[&attempt];
    (reply.status, reply.substatus, checks.len())
}

/// §3.3, inferred: nothing is looked at again for each request.
#[test]
fn a_request_on_a_kept_connection_is_let_in_without_a_check_also_when_the_crl_has_expired() {
    let mut bench = connected(&[], true);
    assert_eq!(answer(&bench, 1), (200, 0, 1));
    bench.put("base", BASE, Answer::never());
    for _ in 0..100 {
        bench.wait(Span::from_mins(1));
        assert!(bench.keeps(1));
        let attempt = bench.request_on(Some(1), &[client()], Handshake::Kept);
        assert_eq!(answer(&bench, attempt), (200, 0, 0));
        assert!(bench.kept.contains(&attempt));
    }
    assert_eq!(bench.checks().count(), 1);
}

/// §3.3, inferred: what was found about the client stays with its connection.
#[test]
fn a_refusal_stays_with_its_connection_and_is_logged_each_time() {
    let mut bench = connected(&[], false);
    assert_eq!(answer(&bench, 1), (403, 13, 1));
    assert!(bench.kept.contains(&1));
    // The way is free again: a new connection would be let in.
    bench.put("base", BASE, Answer::ok(Authority::root().sign(&base(1, START, HOUR))));
    let attempt = bench.request_on(Some(1), &[client()], Handshake::Kept);
    assert_eq!(answer(&bench, attempt), (403, 13, 0));
    assert_eq!(bench.log().filter(|line| line.starts_with("403.13")).count(), 2);
}

#[test]
fn a_server_that_closes_after_a_refusal_says_so() {
    let bench = connected(&[("refusal_closes_connection", "true")], false);
    assert!(!bench.kept.contains(&1) && !bench.keeps(1));
    let bench = connected(&[("refusal_closes_connection", "true")], true);
    assert!(bench.kept.contains(&1), "who is let in stays");
}

/// §3.3: the idle time is documented (connectionTimeout); that a restart ends connections is inferred.
#[test]
fn a_connection_ends_when_it_was_idle_for_its_time_and_with_its_machine_or_service() {
    let mut bench = connected(&[("connection_idle", "45s")], true);
    bench.wait(Span::from_secs(15) - Span::from_millis(10));
    assert!(bench.keeps(1));
    bench.wait(SECOND);
    assert!(!bench.keeps(1));
    for operation in [Operation::Reboot, Operation::RestartService] {
        let mut bench = connected(&[], true);
        assert!(bench.keeps(1));
        bench.operate(operation);
        assert!(!bench.keeps(1));
    }
    // What ends neither a process nor a site leaves connections alone.
    let mut bench = connected(&[], true);
    bench.operate(Operation::RecreateBinding);
    bench.operate(Operation::ChainCacheResync);
    assert!(bench.keeps(1));
}

#[test]
fn a_restart_while_a_client_waits_ends_its_connection_with_the_answer() {
    let mut bench = Bench::new(&[]);
    bench.put("base", BASE, Answer::never());
    let attempt = bench.request_on(Some(1), &[client()], Handshake::Full);
    bench.operate(Operation::RestartService);
    bench.wait(Span::from_mins(5));
    assert!(bench.answered.contains_key(&attempt));
    assert!(!bench.kept.contains(&attempt) && !bench.keeps(1));
}

#[test]
fn without_a_time_and_for_clients_that_do_not_ask_for_it_no_connection_is_kept() {
    let bench = connected(&[("connection_idle", "0s")], true);
    assert!(bench.kept.is_empty() && !bench.keeps(1));
    let mut bench = connected(&[], true);
    let attempt = bench.request(&[client()], Handshake::Full);
    assert!(!bench.kept.contains(&attempt));
}
