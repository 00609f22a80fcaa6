//! A real server to which many clients come at one moment, in real time.
//!
//! Skipped, and said so, where a program or namespaces are missing; `REVLAB_NO_SKIPS=1` makes that a failure.

use std::collections::BTreeSet;

use revlab_lab::Outcome;
use revlab_lab::trace::{Attempt, Fetch, Kind, Trace};
use revlab_tests::server;

/// Eight come at once; the responder answers after a second, and takes three at a time.
const AT_ONCE: &str = r#"
format = 1
title = "eight at once"
start = "2024-03-01T00:00:00Z"
duration = "4s"
real_time = { always = true }
[ca.issuing]
host = "pki.lab.example"
aia = { ocsp = ["http://pki.lab.example/ocsp"] }
responder = { signer = "delegated" }
[sut.web]
[clients.good]
every = "10s"
from = "1s"
threads = 8
identities = 8
barrier = 8
[fault.slow]
on = "issuing.ocsp"
latency = { latency = "1s" }
[fault.few]
on = "issuing.ocsp"
connection_limit = { connections = 3 }
"#;

fn attempts(trace: &Trace) -> Vec<&Attempt> {
    let all = trace.records().iter().filter_map(|record| match &record.kind {
        Kind::Attempt(attempt) => Some(attempt),
        _ => None,
    });
    all.collect()
}

fn fetches(trace: &Trace) -> Vec<&Fetch> {
    let all = trace.records().iter().filter_map(|record| match &record.kind {
        Kind::Fetch(fetch) => Some(fetch),
        _ => None,
    });
    all.collect()
}

#[test]
fn who_comes_at_once_is_under_way_at_once_and_meets_a_full_responder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lab.toml"), AT_ONCE).unwrap();
    let revlab = env!("CARGO_BIN_EXE_revlab-as-tested");
    let Some((text, trace)) = server::run(revlab, folder.path(), "nginx") else { return };
    let trace = trace.unwrap_or_else(|| panic!("{text}"));
    assert!(trace.is_complete() && text.contains("in real time"), "{text}");
    let attempts = attempts(&trace);
    let of = |outcome| attempts.iter().filter(|a| a.outcome == outcome).count();
    assert_eq!(of(Outcome::Admitted) + of(Outcome::Refused), 8, "{text}");
    assert!(of(Outcome::Admitted) >= 3 && of(Outcome::Refused) >= 1, "{text}");
    // Whose certificate a request names, his it is, however many are under way.
    let fetches = fetches(&trace);
    let whose: BTreeSet<_> = fetches.iter().filter_map(|fetch| fetch.client.as_deref()).collect();
    assert_eq!((fetches.len(), whose.len()), (8, 8), "{text}");
    let reset = fetches.iter().filter(|fetch| fetch.error.is_some()).count();
    assert_eq!(reset, of(Outcome::Refused), "{text}");
    // Nobody can tell whose a line of the log is.
    let mut logs = trace.records().iter().filter_map(|record| match &record.kind {
        Kind::Log(log) => Some(log),
        _ => None,
    });
    assert!(logs.clone().count() > 0 && logs.any(|log| log.attempt.is_none()), "{text}");
}
