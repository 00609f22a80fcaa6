//! Requests a second that a responder answers, beside others on the same machine in the same run:
//! `cargo bench -p revlab-benches --bench rates`.
//!
//! Not by divan: what counts is the ratio of servers that take turns, round by round. One load
//! generator of 16 connections asks each; it keeps a connection as long as the server does.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use revlab_benches::ca::{self, Served};
use revlab_benches::server::Server;
use revlab_benches::{load, nginx, server};
use revlab_fake_ca::config::Signing;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(1);

fn main() {
    // `cargo test --benches` and `--no-run` runs want nothing of it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let live = Served::start(Signing::Live);
    let cached = Served::start(Signing::Cached);
    let mut servers = vec![
        ("revlab, signed live", live.address(), live.path()),
        ("revlab, pre-signed", cached.address(), cached.path()),
    ];
    let openssl = openssl(folder.path(), &live);
    match &openssl {
        Some(server) => servers.push(("openssl ocsp", server.address(), live.path())),
        None => say("skipped: openssl is not installed"),
    }
    let nginx = nginx::start(folder.path(), &load::once(cached.address(), &cached.path()));
    match &nginx {
        Some(server) => {
            servers.push(("nginx, a file of the same size", server.address(), "/file".to_owned()))
        }
        None => say("skipped: nginx is not installed"),
    }
    let mut core = Vec::new();
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); servers.len()];
    for _ in 0..ROUNDS {
        core.push(ca::core_rate(ROUND));
        for (rates, (_, address, path)) in rates.iter_mut().zip(&servers) {
            rates.push(load::rate(*address, path, ROUND));
        }
    }
    tell("revlab's core alone, signed live", core);
    for (rates, (name, ..)) in rates.into_iter().zip(&servers) {
        tell(name, rates);
    }
}

fn tell(name: &str, mut rates: Vec<f64>) {
    rates.sort_by(f64::total_cmp);
    let median = rates.get(ROUNDS / 2).copied().unwrap_or_default();
    say(&format!("{name}: {median:.0} a second (median of {ROUNDS} rounds)"));
}

fn openssl(folder: &Path, served: &Served) -> Option<Server> {
    served.write(folder);
    let address = server::free_port();
    let child = Command::new("openssl")
        .current_dir(folder)
        .args(["ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "ca.pem"])
        .args(["-rkey", "ca.key", "-nmin", "60", "-ignore_err", "-port"])
        .arg(address.port().to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    Server::ready(child, address, &served.path())
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
