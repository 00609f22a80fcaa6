//! What the clients cost beside others that make handshakes with the same nginx, and whether many
//! users keep their pace: `cargo bench -p revlab-benches --bench clients` (with `-- users`,
//! `-- handshakes` or `-- jmeter`: only that).
//!
//! Not by divan: what counts are ratios in one run, memory and the times on record.

mod handshakes;
mod users;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;

use revlab::exec::adapter::{Adapter, Elsewhere};
use revlab::exec::{self, Cast, Options, Run, RunError, Transport};
use revlab::scenario::{Scenario, from_text};
use revlab_lab::trace::Kind;
use revlab_lab::{Instant, Outcome, Span};

const PARTS: [&str; 3] = ["users", "handshakes", "jmeter"];

fn main() {
    let asked: Vec<String> = std::env::args().collect();
    // `cargo test --benches` and `--no-run` runs want nothing of it.
    if !asked.iter().any(|argument| argument == "--bench") {
        return;
    }
    let wants = |part: &str| {
        let any = asked.iter().any(|argument| PARTS.contains(&argument.as_str()));
        !any || asked.iter().any(|argument| argument == part)
    };
    // First, for the memory that is told is the most that this process ever held.
    if wants("users") {
        users::users();
    }
    for tls in ["1.3", "1.2"] {
        if wants("handshakes") {
            handshakes::beside_s_time(tls);
        }
        if wants("jmeter") {
            handshakes::beside_jmeter(tls);
        }
    }
}

/// A scenario that begins now.
#[expect(clippy::disallowed_methods, reason = "a foreign server lives in real time")]
fn now(duration: Span, clients: &str) -> Scenario {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let secs = since.map(|since| since.as_secs()).unwrap_or_default();
    let start = Instant::from_millis(i64::try_from(secs).unwrap_or_default() * 1000);
    let text = format!(
        "format = 1\ntitle = \"x\"\nstart = \"{start}\"\nduration = \"{duration}\"\n\
         [ca.issuing]\n[sut.web]\ntls = \"1.3\"\n[clients.users]\npath = \"/page\"\n{clients}"
    );
    let read = from_text("clients", &text);
    read.unwrap_or_else(|e| panic!("{}", e.render(false))).remove(0)
}

/// A run in real time with a server that `prepared` has seen to.
fn run(
    scenario: &Scenario,
    server: SocketAddr,
    prepared: &dyn Fn(&Cast) -> Result<(), String>,
) -> Result<Run, RunError> {
    let there = Elsewhere {
        host: server.ip().to_string(),
        port: server.port(),
        clock: None,
        ca: 0,
        stop_after: None,
        ready: Span::from_secs(10),
    };
    let adapter = Adapter::Elsewhere(there);
    let options = Options { sut: Some(&adapter), prepared: Some(prepared), ..Options::default() };
    exec::run(scenario, Transport::Live, &options, &mut std::io::sink())
}

/// Attempts of a run by thread, in order: when each began.
fn begun(run: &Run) -> BTreeMap<u32, Vec<Instant>> {
    let mut begun: BTreeMap<u32, Vec<Instant>> = BTreeMap::new();
    let mut others = BTreeMap::new();
    for record in run.trace.records() {
        let Kind::Attempt(attempt) = &record.kind else { continue };
        if attempt.outcome != Outcome::Admitted {
            *others.entry(format!("{:?} {:?}", attempt.outcome, attempt.error)).or_insert(0) += 1;
        }
        begun.entry(attempt.thread).or_default().push(attempt.began.unwrap_or(attempt.due));
    }
    assert!(others.is_empty(), "not everybody was let in: {others:?}");
    begun.values_mut().for_each(|times| times.sort());
    begun
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
