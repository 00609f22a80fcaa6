//! A real server as the system under test: OpenSSL's `s_server`, started by the run, in lab time.
//!
//! Skipped, and said so, where OpenSSL or libfaketime is missing; `REVLAB_NO_SKIPS=1` makes that a
//! failure.

use std::collections::BTreeSet;

use revlab::exec::adapter::Adapter;
use revlab::exec::{self, Options, Run, RunError, Transport};
use revlab::judge::{self, Finding, Judgement, Status};
use revlab::scenario::Scenario;
use revlab_lab::trace::{Attempt, Kind, Purpose};
use revlab_lab::{Outcome, Span};
use revlab_tests::program::skipped;
use revlab_tests::server::free_port;

/// What came of a run; none, with a note, where a program is missing.
fn run(scenario: &Scenario) -> Option<(Run, Judgement)> {
    let adapter = Adapter::parse("s_server", &[]).unwrap().unwrap();
    let options = Options { sut: Some(&adapter), ..Options::default() };
    match exec::run(scenario, Transport::Live, &options, &mut Vec::new()) {
        Ok(run) => {
            let judgement = judge::judge(scenario, &run.trace);
            Some((run, judgement))
        }
        Err(RunError::Sut(why)) if is_missing(&why) => skipped(&why),
        Err(error) => panic!("{error}"),
    }
}

/// Whether what is needed is not installed, rather than at fault.
fn is_missing(why: &str) -> bool {
    why.contains("is not installed")
}

fn finding<'j>(judgement: &'j Judgement, name: &str) -> &'j Finding {
    judgement.findings.iter().find(|f| *f.name == *name).unwrap()
}

fn attempts(run: &Run) -> impl Iterator<Item = &Attempt> {
    run.trace.records().iter().filter_map(|r| match &r.kind {
        Kind::Attempt(attempt) => Some(attempt),
        _ => None,
    })
}

fn scenario(text: &str) -> Scenario {
    let head = "format = 1\ntitle = \"t\"\nstart = \"2024-03-01T00:00:00Z\"\n";
    let read = revlab::scenario::from_text("t", &format!("{head}{text}"));
    read.unwrap_or_else(|e| panic!("{}", e.render(false))).remove(0)
}

/// A client every minute at a server whose CA publishes base CRLs every hour.
const HOURLY: &str = r#"
duration = "4h"
[ca.issuing]
host = "pki.lab.example"
crl = { period = "1h", delta_period = "none" }
[sut.web]
[clients.users]
every = "1m"
"#;

#[test]
fn a_revoked_client_is_refused_from_the_next_base_crl_on() {
    let revoked = revlab_tests::load("basics/revoked.toml").remove(0);
    let Some((run, judgement)) = run(&revoked) else { return };
    let verdict = |name| finding(&judgement, name).verdict;
    assert_eq!(judgement.inconclusive, Vec::<String>::new());
    assert_eq!(verdict("admitted-before"), Status::Held);
    assert_eq!(verdict("refused-after"), Status::Held);
    assert_eq!(verdict("others-go-on"), Status::Held);
    // s_server takes the delta from the certificate's freshestCRL alone, and AD CS names it in the
    // CRL: the revocation comes with the next base, 59 minutes later.
    let exposure = finding(&judgement, "in-time");
    assert_eq!(exposure.verdict, Status::Failed, "{}", exposure.seen);
    assert!(exposure.seen.contains("58m 50s"), "{}", exposure.seen);
    assert_eq!(attempts(&run).count(), 5760);
    let alerts: BTreeSet<_> = attempts(&run).filter_map(|a| a.alert.as_deref()).collect();
    assert_eq!(alerts, BTreeSet::from(["certificate_revoked"]));
    let (mut urls, mut kinds) = (BTreeSet::new(), BTreeSet::new());
    for record in run.trace.records() {
        kinds.insert(record.kind.name());
        if let Kind::Fetch(fetch) = &record.kind {
            assert_eq!((fetch.purpose, fetch.status), (Purpose::Base, Some(200)));
            urls.insert(fetch.url.to_string());
        }
        if let Kind::Log(log) = &record.kind {
            assert_eq!(log.line, "verify error:num=23:certificate revoked");
        }
    }
    assert_eq!(urls, BTreeSet::from(["http://pki.lab.example/CertEnroll/LAB-CA.crl".to_owned()]));
    assert!(!kinds.contains("check") && kinds.contains("log"), "{kinds:?}");
    let log = String::from_utf8_lossy(&run.logs["s_server.log"]).into_owned();
    assert!(log.contains("certificate revoked"), "{log}");
}

#[test]
fn the_control_lets_everybody_in_and_its_ocsp_is_not_asked() {
    // One day of three threads is long for a real server; what is asked of it is the same.
    let control = revlab_tests::variant("basics/healthy.toml", "single-tier");
    let Some((_, judgement)) = run(&control) else { return };
    let verdict = |name| finding(&judgement, name).verdict;
    assert_eq!(judgement.inconclusive, Vec::<String>::new());
    assert_eq!(verdict("never-refused"), Status::Held);
    assert_eq!(verdict("nothing-fails"), Status::Held);
    let ocsp = finding(&judgement, "responder-is-asked");
    assert_eq!((ocsp.verdict, &*ocsp.seen), (Status::Failed, "no successful OCSP fetch"));
}

#[test]
fn the_same_run_gives_the_same_trace() {
    let text = HOURLY.replace("4h", "20m");
    let Some((first, _)) = run(&scenario(&text)) else { return };
    let Some((second, _)) = run(&scenario(&text)) else { return };
    assert!(first.trace.records().len() > 40);
    assert_eq!(first.trace.records(), second.trace.records());
}

#[test]
fn a_server_whose_clock_is_ahead_takes_crls_for_stale() {
    // Issued at the full hour for 85 minutes, with a clock that is 30 minutes ahead: stale for the
    // last five minutes of each hour.
    let text = HOURLY.replace("[sut.web]", "[sut.web]\nclock = { offset = \"30m\" }");
    let Some((run, judgement)) = run(&scenario(&text)) else { return };
    let alerts: BTreeSet<_> = attempts(&run).filter_map(|a| a.alert.as_deref()).collect();
    assert_eq!(alerts, BTreeSet::from(["certificate_expired"]));
    let refused: Vec<_> =
        judgement.episodes.iter().filter(|e| e.outcome == Outcome::Refused).collect();
    assert_eq!(refused.len(), 4);
    assert!(refused.iter().all(|e| e.length() == Span::from_mins(5)), "{refused:?}");
}

#[test]
fn a_server_whose_ca_is_down_refuses_and_recovers() {
    let fault = "[fault.ca-down]\non = \"issuing\"\nfrom = \"1h\"\nfor = \"30m\"\ndown = {}\n";
    let Some((run, judgement)) = run(&scenario(&format!("{HOURLY}{fault}"))) else { return };
    assert_eq!(judgement.inconclusive, Vec::<String>::new());
    let refused: Vec<_> =
        judgement.episodes.iter().filter(|e| e.outcome == Outcome::Refused).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].length(), Span::from_mins(30));
    assert_eq!(refused[0].alert.as_deref(), Some("unknown_ca"));
    let met = run.trace.records().iter().filter_map(|r| match &r.kind {
        Kind::Fetch(fetch) if !fetch.faults.is_empty() => Some(fetch.status),
        _ => None,
    });
    assert_eq!(met.collect::<BTreeSet<_>>(), BTreeSet::from([Some(502)]));
}

#[test]
fn a_server_whose_ca_is_silent_serves_nobody_until_it_is_started_again() {
    // OpenSSL sets no time-out on the download of a CRL, and `s_server` serves one at a time.
    let more = "timeout = \"30s\"\n[fault.silence]\non = \"issuing\"\nfrom = \"10m\"\nfor = \"5m\"\n\
                timeout = {}\n[operation.again]\non = \"web\"\nat = \"20m 30s\"\nrestart_service = {}\n";
    let text = format!("{}{more}", HOURLY.replace("4h", "30m"));
    let Some((_, judgement)) = run(&scenario(&text)) else { return };
    assert_eq!(judgement.inconclusive, Vec::<String>::new());
    let episodes: Vec<_> = judgement.episodes.iter().map(|e| (e.outcome, e.attempts)).collect();
    let expected = [(Outcome::Admitted, 10), (Outcome::TimedOut, 11), (Outcome::Admitted, 9)];
    assert_eq!(episodes, expected);
}

#[test]
fn a_slow_ca_makes_its_clients_wait_in_lab_time() {
    let fault = "[fault.slow]\non = \"issuing\"\nfrom = \"10m\"\nfor = \"5m\"\nlatency = { latency = \"4s\" }\n";
    let text = format!("{}{fault}", HOURLY.replace("4h", "20m"));
    let Some((run, judgement)) = run(&scenario(&text)) else { return };
    assert_eq!(judgement.inconclusive, Vec::<String>::new());
    let waited = attempts(&run).filter(|a| a.took_ms >= 4000);
    assert_eq!(waited.filter(|a| a.outcome == Outcome::Admitted).count(), 5);
    assert_eq!(attempts(&run).filter(|a| a.took_ms < 100).count(), 15);
}

#[test]
#[cfg(target_os = "linux")]
fn a_server_ends_also_where_revlab_is_killed() {
    use std::process::{Command, Stdio};
    let bound = Command::new("setpriv").args(["--pdeathsig", "KILL", "true"]).status();
    if !bound.is_ok_and(|status| status.success()) {
        return skipped::<()>("setpriv is not installed").unwrap_or_default();
    }
    let Some(_) = run(&scenario(&HOURLY.replace("4h", "2m"))) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long.toml");
    let head = "format = 1\ntitle = \"t\"\nstart = \"2024-03-01T00:00:00Z\"\n";
    std::fs::write(&file, format!("{head}{}", HOURLY.replace("4h", "1000h"))).unwrap();
    let accept = format!("127.0.0.1:{}", free_port());
    let port = accept.rsplit(':').next().unwrap_or_default().to_owned();
    let mut command = Command::new(env!("CARGO_BIN_EXE_revlab-as-tested"));
    // Whoever is killed leaves what it has written: here, where it is removed.
    command.args(["run", "--sut", "s_server", "--port", &port]).arg(&file);
    command.env("TMPDIR", folder.path());
    let mut revlab = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until(|| servers_at(&port) > 0, "the server runs");
    revlab.kill().unwrap();
    revlab.wait().unwrap();
    until(|| servers_at(&port) == 0, "it is gone");
}

/// How many processes are `s_server` at this port, in whichever network.
#[cfg(target_os = "linux")]
fn servers_at(port: &str) -> usize {
    let at = format!(":{port}");
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = processes.filter_map(|p| std::fs::read_to_string(p.path().join("cmdline")).ok());
    let is_one = |line: &String| {
        let mut words = line.split('\0');
        words.any(|word| word == "s_server") && line.split('\0').any(|word| word.ends_with(&at))
    };
    lines.filter(is_one).count()
}

/// Looks again and again, for a minute.
#[expect(clippy::disallowed_methods, reason = "a foreign process is waited for in real time")]
fn until(is_so: impl Fn() -> bool, what: &str) {
    for _ in 0..3000 {
        if is_so() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("after a minute it is not so that {what}");
}

#[test]
fn no_server_is_left_behind() {
    let adapter = Adapter::parse("s_server", &[]).unwrap().unwrap();
    let port = free_port();
    let options = Options { sut: Some(&adapter), port: Some(port), ..Options::default() };
    let lab = scenario(&HOURLY.replace("4h", "2m"));
    match exec::run(&lab, Transport::Live, &options, &mut Vec::new()) {
        Ok(run) => assert_eq!(attempts(&run).count(), 2),
        Err(RunError::Sut(why)) if is_missing(&why) => return skipped(&why).unwrap_or_default(),
        Err(error) => panic!("{error}"),
    }
    assert!(std::net::TcpListener::bind(("127.0.0.1", port)).is_ok(), "{port} is still taken");
}

#[test]
fn a_port_that_is_taken_is_told_with_what_would_be_right() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let adapter = Adapter::parse("s_server", &[]).unwrap().unwrap();
    let options = Options { sut: Some(&adapter), port: Some(port), ..Options::default() };
    let lab = scenario(&HOURLY.replace("4h", "2m"));
    let error = exec::run(&lab, Transport::Live, &options, &mut Vec::new()).unwrap_err();
    let said = error.to_string();
    assert!(said.contains(&format!("cannot listen at 127.0.0.1:{port}: ")), "{said}");
    assert!(said.ends_with("; without `--port` one that is free is taken"), "{said}");
}
