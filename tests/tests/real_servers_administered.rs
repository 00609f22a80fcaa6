//! What administrators do to real servers while a lab runs: checks of revocation switched off and on, and files
//! that a server does not take up. Through the command, since it is the command that enters the lab's network.
//!
//! Skipped, and said so, where a program or namespaces are missing; `REVLAB_NO_SKIPS=1` makes that a failure.

use revlab_lab::Outcome;
use revlab_lab::trace::{Kind, Trace};
use revlab_tests::server;

/// A client that is revoked before it comes for the first time, every ten minutes from the eleventh on.
const REVOKED: &str = r#"
format = 1
title = "a revoked client"
start = "2024-03-01T00:00:00Z"
duration = "2h"
[ca.issuing]
host = "pki.lab.example"
crl = { period = "1h", delta_period = "none" }
aia = { ocsp = ["http://pki.lab.example/ocsp"] }
responder = { signer = "delegated", nonce = "echo" }
[sut.web]
publisher = { every = "5m" }
[clients.bad]
every = "10m"
from = "11m"
[operation.revoke]
on = "issuing"
at = "1m"
revoke = { identity = "bad-1" }
[operation.revoke-published]
on = "issuing"
at = "2m"
publish = {}
"#;

const SWITCHED: &str = r#"
[operation.cure]
on = "web"
at = "45m"
disable_revocation_check = {}
[operation.remembered]
on = "web"
at = "1h 25m"
enable_revocation_check = {}
"#;

/// What a run said, and its trace.
fn run(scenario: &str, sut: &str) -> Option<(String, Option<Trace>)> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lab.toml"), scenario).unwrap();
    server::run(env!("CARGO_BIN_EXE_revlab-as-tested"), folder.path(), sut)
}

/// `R` for each attempt that was refused, `A` for one that was admitted.
fn outcomes(trace: &Trace) -> String {
    let attempts = trace.records().iter().filter_map(|record| match &record.kind {
        Kind::Attempt(attempt) => Some(attempt.outcome),
        _ => None,
    });
    let letter = |outcome| match outcome {
        Outcome::Admitted => 'A',
        Outcome::Refused => 'R',
        _ => '?',
    };
    attempts.map(letter).collect()
}

/// Lines that are about no attempt: of a server that does not take up what it is told to.
fn refused_files(trace: &Trace) -> Vec<&str> {
    let logs = trace.records().iter().filter_map(|record| match &record.kind {
        Kind::Log(log) if log.attempt.is_none() => Some(&*log.line),
        _ => None,
    });
    logs.collect()
}

#[test]
fn a_revoked_client_is_let_in_while_nothing_is_checked() {
    let scenario = format!("{REVOKED}{SWITCHED}");
    for sut in [
        "nginx",
        "nginx/crl",
        "apache",
        "apache/crl",
        "stunnel",
        "stunnel/crl",
        "haproxy",
        "haproxy/crl-rule",
        "jdk",
        "s_server",
        "freeradius/ocsp-no-nonce",
        "freeradius/crl",
        "strongswan",
        "nss",
    ] {
        let Some((text, trace)) = run(&scenario, sut) else { return };
        let trace = trace.unwrap_or_else(|| panic!("{sut}: {text}"));
        assert!(trace.is_complete(), "{sut}: {text}");
        assert_eq!(outcomes(&trace), "RRRRAAAARRR", "{sut}: {text}");
        // A socket that is told of a file which nothing reads says so.
        let unread = "Can't replace a CRL file which is not referenced by the configuration";
        let refused = refused_files(&trace);
        let known = [unread, "No ongoing transaction"];
        assert!(
            refused.iter().all(|line| known.iter().any(|known| line.ends_with(known))),
            "{sut}: {refused:?}"
        );
    }
}

#[test]
fn a_program_whose_checks_cannot_be_switched_off_is_refused_before_it_is_started() {
    let scenario =
        format!("{REVOKED}{SWITCHED}").replace("[ca.issuing]", "[ca.issuing]\nkey = \"rsa2048\"");
    let Some((text, trace)) = run(&scenario, "dirmngr") else { return };
    let wanted = "error: lab: operation `cure` is one that `dirmngr` has no options for (`unchecked` in its adapter)";
    assert!(text.starts_with(wanted) && trace.is_none(), "{text}");
}

/// HAProxy's admin socket takes no more at once than `tune.bufsize`, 16 KiB unless told otherwise.
#[test]
fn a_crl_too_large_for_haproxys_socket_is_not_taken_up() {
    let large = REVOKED.replace("period = \"1h\"", "padding = 2000, period = \"1h\"");
    let Some((text, trace)) = run(&large, "haproxy") else { return };
    let trace = trace.unwrap_or_else(|| panic!("{text}"));
    assert!(trace.is_complete(), "{text}");
    // It keeps what it was started with, without the revocation, and refuses everybody when that has expired.
    assert_eq!(outcomes(&trace), "AARRRRRRRRR", "{text}");
    let refused = refused_files(&trace);
    assert!(refused.iter().any(|line| line.contains("it breaks off")), "{refused:?}");
    let Some((text, trace)) = run(&large, "haproxy/crl-large") else { return };
    let trace = trace.unwrap_or_else(|| panic!("{text}"));
    assert_eq!(outcomes(&trace), "R".repeat(11), "{text}");
    assert_eq!(refused_files(&trace), Vec::<&str>::new());
}

#[test]
fn a_truncated_crl_that_a_server_does_not_take_up_is_told_in_its_words() {
    let truncated = REVOKED.replace(
        "publisher = { every = \"5m\" }",
        "publisher = { every = \"5m\", faults = [{ from = \"33m\", until = \"36m\", truncated = { bytes = 100 } }] }",
    );
    for (sut, says) in [
        ("nginx/crl", "PEM"),
        ("apache/crl", "AH01901"),
        ("stunnel/crl", "Configuration failed"),
        ("haproxy", "Invalid payload"),
    ] {
        let Some((text, trace)) = run(&truncated, sut) else { return };
        let trace = trace.unwrap_or_else(|| panic!("{sut}: {text}"));
        let refused = refused_files(&trace);
        let that = refused.iter().filter(|line| line.contains(says)).count();
        assert_eq!(that, 1, "{sut}: {refused:?}: {text}");
        assert!(refused.iter().all(|line| !line.contains("/tmp/")), "{sut}: {refused:?}");
        // Whoever reads of the episode reads it there too.
        let told = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(says), "{sut}: {text}");
    }
}
