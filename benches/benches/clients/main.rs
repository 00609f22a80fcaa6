//! What the clients cost beside others that make handshakes with the same nginx, and whether many
//! users keep their pace: `cargo bench -p revlab-benches --bench clients` (with `-- users` or
//! `-- handshakes`: only that).
//!
//! Not by divan: what counts are ratios in one run, memory and the times on record.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures wall time")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant as Wall};

use revlab::exec::adapter::{Adapter, Elsewhere};
use revlab::exec::{self, Cast, Options, Run, Transport};
use revlab::scenario::{Scenario, from_text};
use revlab_benches::mutual::{self, Mutual};
use revlab_benches::server;
use revlab_lab::trace::Kind;
use revlab_lab::{Instant, Outcome, Span};

/// How long each client program makes handshakes.
const ROUND: i64 = 10;
const ROUNDS: usize = 3;

const USERS: u32 = 10_000;
const PACE: Span = Span::from_secs(60);

fn main() {
    let asked: Vec<String> = std::env::args().collect();
    // `cargo test --benches` and `--no-run` runs want nothing of it.
    if !asked.iter().any(|argument| argument == "--bench") {
        return;
    }
    let wants = |part: &str| {
        let parts = ["users", "handshakes"];
        let any = asked.iter().any(|argument| parts.contains(&argument.as_str()));
        !any || asked.iter().any(|argument| argument == part)
    };
    // First, for the memory that is told is the most that this process ever held.
    if wants("users") {
        users();
    }
    if wants("handshakes") {
        for tls in ["1.3", "1.2"] {
            handshakes(tls);
        }
    }
}

/// A scenario that begins now.
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

/// A run against nginx, in real time, and what this process took of the processor meanwhile; none
/// where nginx is not installed.
struct Measured {
    run: Run,
    processor: f64,
    server: f64,
}

fn run(scenario: &Scenario, folder: &Path) -> Option<Measured> {
    let address = server::free_port();
    let nginx: Mutex<Option<(Mutual, f64)>> = Mutex::new(None);
    let prepared = |cast: &Cast| {
        let started = Mutual::start(folder, address, cast);
        let began = mutual::processor_time("self");
        let started = started.ok_or_else(|| "nginx is not installed".to_owned())?;
        mutual::write_client(folder, cast, "users-1");
        *nginx.lock().map_err(|e| e.to_string())? = Some((started, began));
        Ok(())
    };
    let there = Elsewhere {
        host: address.ip().to_string(),
        port: address.port(),
        clock: None,
        ca: 0,
        stop_after: None,
        ready: Span::from_secs(10),
    };
    let adapter = Adapter::Elsewhere(there);
    let options = Options { sut: Some(&adapter), prepared: Some(&prepared), ..Options::default() };
    let run = exec::run(scenario, Transport::Live, &options, &mut std::io::sink());
    let ended = mutual::processor_time("self");
    let (server, began) = nginx.into_inner().ok().flatten()?;
    let run = run.unwrap_or_else(|error| panic!("{error}"));
    Some(Measured { run, processor: ended - began, server: server.processor_time() })
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

/// Ten thousand users with a certificate each, one request a minute.
fn users() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let clients = format!(
        "threads = {USERS}\nidentities = {USERS}\nevery = \"{PACE}\"\nramp_up = \"{PACE}\"\ntls = \"1.3\"\n"
    );
    let scenario = now(PACE.scale(3, 1), &clients);
    let Some(measured) = run(&scenario, folder.path()) else {
        return say("skipped: nginx is not installed");
    };
    let begun = begun(&measured.run);
    let gaps = begun.values().flat_map(|times| times.windows(2));
    let off = |gap: &[Instant]| match gap {
        [one, next] => ((*next - *one) - PACE).as_millis().unsigned_abs(),
        _ => 0,
    };
    let mut off: Vec<u64> = gaps.map(off).collect();
    off.sort_unstable();
    let at = |share: f64| {
        let index = (off.len() as f64 * share) as usize;
        let ms = off.get(index.min(off.len().saturating_sub(1))).copied().unwrap_or_default();
        format!("{ms} ms ({:.3} %)", ms as f64 / PACE.as_millis() as f64 * 100.0)
    };
    let attempts: usize = begun.values().map(Vec::len).sum();
    say(&format!(
        "{} users, {attempts} attempts, {} gaps: off the pace of {PACE} at p50 {}, p99 {}, at most {}",
        begun.len(),
        off.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    ));
    let wall = (PACE.scale(3, 1).as_millis() / 1000) as f64;
    say(&format!(
        "memory at most {} MiB; processor: revlab {:.0} % of a core, nginx {:.0} %",
        mutual::most_memory() / 1024,
        measured.processor / wall * 100.0,
        measured.server / wall * 100.0
    ));
}

/// What one program came to.
#[derive(Clone, Copy)]
struct Rate {
    a_second: f64,
    /// Processor time of the client for each handshake, in milliseconds.
    each_ms: f64,
}

/// Full handshakes with a client certificate and one GET each, by turns.
fn handshakes(tls: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let mut rates: BTreeMap<&str, Vec<Rate>> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let Some(ours) = ours(tls, folder) else {
            return say("skipped: nginx is not installed");
        };
        rates.entry("revlab").or_default().push(ours);
        for (name, programs) in [("openssl s_time", 1), ("two openssl s_time", 2)] {
            rates.entry(name).or_default().push(s_time(tls, folder, programs));
        }
    }
    let mut medians = BTreeMap::new();
    for (name, rates) in rates {
        let rate = Rate {
            a_second: median(rates.iter().map(|r| r.a_second)),
            each_ms: median(rates.iter().map(|r| r.each_ms)),
        };
        say(&format!(
            "TLS {tls}, {name}: {:.0} handshakes a second, {:.3} ms of processor for each (median of {ROUNDS})",
            rate.a_second, rate.each_ms
        ));
        medians.insert(name, rate);
    }
    if let (Some(ours), Some(one), Some(two)) =
        (medians.get("revlab"), medians.get("openssl s_time"), medians.get("two openssl s_time"))
    {
        say(&format!(
            "TLS {tls}: processor {:.2} of s_time's, rate {:.2} of two s_time",
            ours.each_ms / one.each_ms,
            ours.a_second / two.a_second
        ));
    }
}

fn ours(tls: &str, folder: &Path) -> Option<Rate> {
    let clients = format!("threads = 8\nthink = \"0s\"\ntls = \"{tls}\"\n");
    let measured = run(&now(Span::from_secs(ROUND), &clients), folder)?;
    let handshakes: usize = begun(&measured.run).values().map(Vec::len).sum();
    Some(Rate {
        a_second: handshakes as f64 / ROUND as f64,
        each_ms: measured.processor * 1000.0 / handshakes as f64,
    })
}

/// So many `openssl s_time` side by side, against an nginx of their own with the same certificates.
fn s_time(tls: &str, folder: &Path, programs: usize) -> Rate {
    let address = server::free_port();
    let scenario = now(Span::from_secs(1), "every = \"1m\"\n");
    let cast = Mutex::new(None);
    let prepared = |given: &Cast| {
        *cast.lock().map_err(|e| e.to_string())? = Some(given.clone());
        Err("only the certificates are wanted".to_owned())
    };
    let adapter = Adapter::Elsewhere(Elsewhere {
        host: address.ip().to_string(),
        port: address.port(),
        clock: None,
        ca: 0,
        stop_after: None,
        ready: Span::from_secs(1),
    });
    let options = Options { sut: Some(&adapter), prepared: Some(&prepared), ..Options::default() };
    let _ = exec::run(&scenario, Transport::Live, &options, &mut std::io::sink());
    let cast = cast.into_inner().ok().flatten().expect("the certificates");
    let _nginx = Mutual::start(folder, address, &cast).expect("nginx");
    let (certificate, key) = mutual::write_client(folder, &cast, "users-1").expect("a client");
    wait_for(address);
    let version = if tls == "1.3" { "-tls1_3" } else { "-tls1_2" };
    // The shell's own clock tells what its children took of the processor.
    let line = format!(
        "TIMEFORMAT='%U %S'; time {{ for i in $(seq {programs}); do openssl s_time -new -connect {address} \
         {version} -cert {} -key {} -CAfile {} -www /page -time {ROUND} & done; wait; }}",
        certificate.display(),
        key.display(),
        folder.join("ca.pem").display()
    );
    let output = Command::new("bash").args(["-c", &line]).output().expect("bash");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let timed = String::from_utf8_lossy(&output.stderr).into_owned();
    // `2417 connections in 11 real seconds, 3 bytes read per connection`
    let real = said.lines().filter(|line| line.contains("real seconds"));
    let count: f64 =
        real.filter_map(|line| line.split_whitespace().next()?.parse::<f64>().ok()).sum();
    assert!(count > 0.0, "s_time made no handshake: {said}{timed}");
    let last = timed.lines().last().unwrap_or_default();
    let processor: f64 = last.split_whitespace().filter_map(|n| n.parse::<f64>().ok()).sum();
    // It tells whole seconds, one more than it was given: the count is over what it was given.
    Rate { a_second: count / ROUND as f64, each_ms: processor * 1000.0 / count }
}

fn wait_for(address: std::net::SocketAddr) {
    let began = Wall::now();
    while std::net::TcpStream::connect(address).is_err() {
        assert!(began.elapsed() < Duration::from_secs(5), "nginx does not listen");
        std::thread::yield_now();
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
