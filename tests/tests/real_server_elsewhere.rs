//! A server that somebody else has started, here the test: in lab time by a clock file, and in
//! real time. Skipped, and said so, where OpenSSL or libfaketime is missing.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use revlab::exec::adapter::{Adapter, Elsewhere};
use revlab::exec::{self, Cast, Options, Run, Transport};
use revlab::judge::{self, Judgement, Status};
use revlab::scenario::Scenario;
use revlab_lab::trace::{Attempt, Handshake, Kind, Phase, Record};
use revlab_lab::{Outcome, Span};
use revlab_tests::program::{Running, program, skipped};
use revlab_tests::server::free_port;

fn write(path: PathBuf, text: &str) {
    fs::File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// OpenSSL's server as somebody would start it by hand.
fn serve(folder: &Path, cast: &Cast, there: &Elsewhere, faketime: Option<&Path>) -> Running {
    let own = &cast.servers["web"];
    let authorities = cast.authorities.values().flatten();
    write(folder.join("ca.pem"), &authorities.map(|c| c.pem()).collect::<String>());
    write(folder.join("server.pem"), &own.chain[0].pem());
    write(folder.join("server.key"), &own.key.pkcs8_pem());
    let mut command = Command::new("openssl");
    let line = "s_server -cert server.pem -key server.key -CAfile ca.pem -verifyCAfile ca.pem \
                -Verify 5 -verify_return_error -www -crl_check -crl_download";
    command.args(line.split_whitespace()).args(["-accept", &format!("127.0.0.1:{}", there.port)]);
    command.current_dir(folder).stdin(Stdio::null());
    let log = fs::File::create(folder.join("log")).unwrap();
    command.stdout(log.try_clone().unwrap()).stderr(log);
    command.env("http_proxy", format!("http://127.0.0.1:{}", there.ca)).env_remove("no_proxy");
    if let (Some(library), Some(clock)) = (faketime, &there.clock) {
        command.env("TZ", "UTC0").env("LD_PRELOAD", library);
        command.env("FAKETIME_TIMESTAMP_FILE", clock).env("FAKETIME_NO_CACHE", "1");
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }
    Running(command.spawn().unwrap())
}

/// What came of a run with a server that the test starts when the certificates are there.
fn run(scenario: &Scenario, there: &Elsewhere, faketime: Option<&Path>) -> (Run, Judgement) {
    let folder = tempfile::tempdir().unwrap();
    let server: Mutex<Option<Running>> = Mutex::new(None);
    let prepared = |cast: &Cast| {
        *server.lock().unwrap() = Some(serve(folder.path(), cast, there, faketime));
        Ok(())
    };
    let adapter = Adapter::Elsewhere(there.clone());
    let options = Options { sut: Some(&adapter), prepared: Some(&prepared), ..Options::default() };
    let run = exec::run(scenario, Transport::Live, &options, &mut Vec::new());
    let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    let run = run.unwrap_or_else(|e| panic!("{e}\n{log}"));
    let judgement = judge::judge(scenario, &run.trace);
    (run, judgement)
}

fn elsewhere(clock: Option<PathBuf>) -> Elsewhere {
    Elsewhere {
        host: "127.0.0.1".into(),
        port: free_port(),
        clock,
        ca: free_port(),
        stop_after: None,
        ready: Span::from_secs(30),
    }
}

/// The library that gives a process lab time; none, with a note, where it is not installed.
fn faketime() -> Option<PathBuf> {
    let architectures = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let files = architectures.map(|e| e.path().join("faketime/libfaketimeMT.so.1"));
    let found = files.into_iter().find(|file| file.is_file());
    found.or_else(|| skipped("libfaketime is not installed"))
}

fn verdicts(judgement: &Judgement) -> Vec<(&str, Status)> {
    judgement.findings.iter().map(|f| (&*f.name, f.verdict)).collect()
}

#[test]
fn a_server_started_by_hand_takes_lab_time_from_a_file() {
    let (Some(_), Some(library)) = (program("openssl"), faketime()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let there = elsewhere(Some(folder.path().join("clock")));
    let revoked = revlab_tests::load("basics/revoked.toml").remove(0);
    let (run, judgement) = run(&revoked, &there, Some(&library));
    assert_eq!(judgement.inconclusive, Vec::<String>::new());
    let expected = [
        ("admitted-before", Status::Held),
        ("refused-after", Status::Held),
        ("in-time", Status::Failed),
        ("others-go-on", Status::Held),
    ];
    assert_eq!(verdicts(&judgement), expected);
    let Some(Kind::Header(header)) = run.trace.records().first().map(|r| &r.kind) else { panic!() };
    let address = format!("https://127.0.0.1:{}", there.port);
    assert_eq!(header.profiles["web"]["address"], address.as_str());
    assert_eq!(header.profiles["web"]["time"], "lab");
    assert!(run.logs.is_empty());
    assert!(!run.trace.records().iter().any(|r| r.kind.name() == "check"));
}

#[test]
fn the_control_lets_everybody_in_at_a_server_started_by_hand() {
    let (Some(_), Some(library)) = (program("openssl"), faketime()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let there = elsewhere(Some(folder.path().join("clock")));
    let control = revlab_tests::variant("basics/healthy.toml", "single-tier");
    let (_, judgement) = run(&control, &there, Some(&library));
    assert_eq!(judgement.inconclusive, Vec::<String>::new());
    let expected = [
        ("never-refused", Status::Held),
        ("responder-is-asked", Status::Failed),
        ("nothing-fails", Status::Held),
    ];
    assert_eq!(verdicts(&judgement), expected);
}

/// The scenario of a run in real time: it begins now.
#[expect(clippy::disallowed_methods, reason = "a foreign server lives in real time")]
fn now(rest: &str) -> Scenario {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let start = revlab_lab::Instant::from_millis(since.as_secs() as i64 * 1000);
    let text = format!("format = 1\ntitle = \"t\"\nstart = \"{start}\"\n{rest}");
    let read = revlab::scenario::from_text("t", &text);
    read.unwrap_or_else(|e| panic!("{}", e.render(false))).remove(0)
}

const REVOKED: &str = r#"
duration = "6s"
[ca.issuing]
crl = { period = "1h", delta_period = "none" }
[sut.web]
tls = "1.3"
[clients.users]
every = "500ms"
tls = "1.3"
control = true
[operation.a-revoke]
on = "issuing"
at = "2s"
revoke = { identity = "users-1" }
[operation.b-publish]
on = "issuing"
at = "3s"
publish = { base = true }
[expect.gone]
exposure = { at_most = "4s" }
"#;

/// Outcomes of the attempts that were sent before, or from the publication on.
fn outcomes(records: &[Record], from: bool) -> Vec<Outcome> {
    let published = records.iter().find_map(|r| match &r.kind {
        Kind::Operation(o) if *o.what == *"publish" => Some(r.t),
        _ => None,
    });
    let published = published.unwrap();
    let attempts = records.iter().filter_map(|r| match &r.kind {
        Kind::Attempt(a) => Some((a.began.unwrap_or(a.due), r.t, a)),
        _ => None,
    });
    // One under way at that moment counts for neither.
    let side =
        attempts.filter(|(began, end, _)| if from { *began > published } else { *end < published });
    side.map(|(_, _, attempt)| attempt.outcome).collect()
}

#[test]
fn in_real_time_a_revocation_is_seen_when_it_is_published() {
    let Some(_) = program("openssl") else { return };
    let there = elsewhere(None);
    let (run, judgement) = run(&now(REVOKED), &there, None);
    let records = run.trace.records();
    assert_eq!(judgement.inconclusive, Vec::<String>::new());
    let (before, after) = (outcomes(records, false), outcomes(records, true));
    assert!(!before.is_empty() && before.iter().all(|o| *o == Outcome::Admitted), "{before:?}");
    assert!(!after.is_empty() && after.iter().all(|o| *o == Outcome::Refused), "{after:?}");
    assert_eq!(verdicts(&judgement), [("gone", Status::Held)]);
    // What took how long was measured, each time.
    for record in records {
        let Kind::Attempt(a) = &record.kind else { continue };
        let phases = a.phases_ms.unwrap();
        assert!(phases.connect.is_some(), "{a:?}");
        assert_eq!(phases.first_byte.is_some(), a.outcome == Outcome::Admitted, "{a:?}");
        let sum = phases.connect.unwrap_or(0) + phases.handshake + phases.request;
        assert_eq!(sum, a.took_ms, "{a:?}");
    }
}

/// The attempts of two seconds with a time-out of 700 ms, at a server that `prepared` starts.
fn attempts_at(there: Elsewhere, prepared: &dyn Fn(&Cast) -> Result<(), String>) -> Vec<Attempt> {
    let scenario = now("duration = \"2s\"\nca.issuing = {}\nsut.web = {}\n\
         [clients.users]\nevery = \"1s\"\ntimeout = \"700ms\"\n");
    let adapter = Adapter::Elsewhere(there);
    let options = Options { sut: Some(&adapter), prepared: Some(prepared), ..Options::default() };
    let run = exec::run(&scenario, Transport::Live, &options, &mut Vec::new()).unwrap();
    let attempts = run.trace.records().iter().filter_map(|r| match &r.kind {
        Kind::Attempt(a) => Some(a.clone()),
        _ => None,
    });
    let attempts: Vec<Attempt> = attempts.collect();
    assert!(!attempts.is_empty());
    attempts
}

#[test]
fn a_real_server_that_accepts_and_stays_silent_is_a_time_out_in_the_handshake() {
    // Connections are complete in the queue of the system: nobody ever accepts them.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    for a in attempts_at(Elsewhere { port, ..elsewhere(None) }, &|_| Ok(())) {
        assert_eq!((a.outcome, a.phase), (Outcome::TimedOut, Some(Phase::Handshake)), "{a:?}");
        let phases = a.phases_ms.unwrap();
        assert_eq!((phases.request, phases.first_byte), (0, None), "{a:?}");
        assert_eq!(phases.connect.unwrap() + phases.handshake, a.took_ms, "{a:?}");
    }
}

#[test]
fn a_real_server_that_never_answers_is_a_time_out_in_the_request() {
    let Some(_) = program("openssl") else { return };
    let folder = tempfile::tempdir().unwrap();
    let there = elsewhere(None);
    let server: Mutex<Option<Running>> = Mutex::new(None);
    let prepared = |cast: &Cast| {
        let own = &cast.servers["web"];
        write(folder.path().join("server.pem"), &own.chain[0].pem());
        write(folder.path().join("server.key"), &own.key.pkcs8_pem());
        let mut command = Command::new("openssl");
        // Without `-www` it says what is typed, and nobody types.
        command.args(["s_server", "-quiet", "-cert", "server.pem", "-key", "server.key"]);
        command.args(["-accept", &format!("127.0.0.1:{}", there.port)]);
        command.current_dir(folder.path()).stdin(Stdio::piped());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        *server.lock().unwrap() = Some(Running(command.spawn().unwrap()));
        Ok(())
    };
    for a in attempts_at(there.clone(), &prepared) {
        assert_eq!((a.outcome, a.phase), (Outcome::TimedOut, Some(Phase::Request)), "{a:?}");
        assert_eq!(a.handshake, Handshake::Full, "{a:?}");
        let phases = a.phases_ms.unwrap();
        assert!(phases.connect.is_some() && phases.request > 0, "{a:?}");
        assert_eq!(phases.first_byte, None, "{a:?}");
    }
}

const TOGETHER: &str = r#"
duration = "1s"
[ca.issuing]
[sut.web]
[clients.users]
threads = 4
every = "1m"
timeout = "60s"
"#;

/// Listens at `port`; once four connections are there at the same time it closes them all.
fn closes_four_at_once(port: u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    std::thread::spawn(move || {
        // The first one only looks whether somebody listens.
        drop(listener.accept());
        let four: Vec<_> = (0..4).map(|_| listener.accept()).collect();
        drop(four);
    });
}

#[test]
fn in_real_time_attempts_do_not_wait_for_one_another() {
    let there = elsewhere(None);
    let adapter = Adapter::Elsewhere(there.clone());
    let prepared = |_: &Cast| {
        closes_four_at_once(there.port);
        Ok(())
    };
    let options = Options { sut: Some(&adapter), prepared: Some(&prepared), ..Options::default() };
    let run = exec::run(&now(TOGETHER), Transport::Live, &options, &mut Vec::new()).unwrap();
    let attempts = run.trace.records().iter().filter_map(|r| match &r.kind {
        Kind::Attempt(attempt) => Some((attempt.thread, attempt.outcome, attempt.phase)),
        _ => None,
    });
    let mut attempts: Vec<_> = attempts.collect();
    attempts.sort_by_key(|(thread, ..)| *thread);
    let expected = [0, 1, 2, 3].map(|n| (n, Outcome::Failed, Some(Phase::Handshake)));
    assert_eq!(attempts, expected);
}
