//! What serving costs beside others on the same machine in the same run:
//! `cargo bench -p revlab-benches --bench serving`.
//!
//! * a base CRL of a million entries, beside nginx with the same bytes in a file;
//! * what the fault plan adds to a request that no fault selects, beside a server that gives the same
//!   answer by itself.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures wall time")]

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant as Wall};

use revlab_benches::{ca, load, nginx, site};
use revlab_fake_ca::fault::{Caller, Ruling};
use revlab_lab::http::{Reply, Request, Url};

const ROUNDS: usize = 5;

/// Requests of one round, one after the other on one connection.
const REQUESTS: usize = 4000;

fn main() {
    // `cargo test --benches` and `--no-run` runs want nothing of it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    large();
    path_without_faults();
}

/// Times of whole downloads, in turns.
fn large() {
    let (mut ca, url) = ca::publishing("crl = { padding = 1000000 }\n");
    let crl = ca::answer(&mut ca, Request::get(url.clone())).body;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(nginx) = nginx::start(folder.path(), &crl) else {
        return say("skipped: nginx is not installed");
    };
    let path = url.path_and_query().to_owned();
    let ours = site::serve(move |request| at(&mut ca, &url, request));
    let download = |address: SocketAddr, path: &str| {
        let began = Wall::now();
        assert_eq!(load::once(address, path).len(), crl.len(), "the whole CRL");
        began.elapsed()
    };
    let (mut mine, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS * 4 {
        mine.push(download(ours, &path));
        theirs.push(download(nginx.address(), "/file"));
    }
    let (mine, theirs) = (median(&mut mine), median(&mut theirs));
    let octets = crl.len();
    let ratio = theirs.as_secs_f64() / mine.as_secs_f64();
    say(&format!("a CRL of {octets} octets: revlab {mine:?}, nginx {theirs:?}, rate {ratio:.2}"));
}

/// Latencies of single requests, in turns.
fn path_without_faults() {
    let (mut bare, url) = ca::publishing("");
    let constant = ca::answer(&mut bare, Request::get(url.clone()));
    let faults: String = (0..20)
        .map(|n| format!("[fault.f{n}]\non = \"issuing.delta\"\nstatus = {{ status = 503 }}\n"))
        .collect();
    let (mut ca, _) = ca::publishing(&faults);
    let path = url.path_and_query().to_owned();
    let plain = site::serve(move |_| Some(constant.clone()));
    let caller = Caller { name: "127.0.0.1", account: None, open: 0 };
    let full = site::serve(move |request| {
        let request = Request { url: url.clone(), ..request };
        let meeting = ca.meet(ca::NOW, &caller, &request);
        assert!(matches!(meeting.ruling, Ruling::Answer(_)), "no fault selects it");
        at(&mut ca, &url, request)
    });
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.extend(load::latencies(plain, &path, REQUESTS));
        with.extend(load::latencies(full, &path, REQUESTS));
    }
    for at in [50, 99] {
        let (without, with) = (percentile(&mut without, at), percentile(&mut with, at));
        let added = with.saturating_sub(without);
        say(&format!("p{at}: a constant answer {without:?}, the fake CA {with:?}: {added:?} more"));
    }
}

fn at(ca: &mut revlab_fake_ca::FakeCa, url: &Url, request: Request) -> Option<Reply> {
    Some(ca::answer(ca, Request { url: url.clone(), ..request }))
}

fn median(times: &mut [Duration]) -> Duration {
    percentile(times, 50)
}

fn percentile(times: &mut [Duration], at: usize) -> Duration {
    times.sort();
    times.get(times.len() * at / 100).copied().unwrap_or_default()
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
