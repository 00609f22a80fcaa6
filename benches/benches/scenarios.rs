//! Runs of the scenario library, end to end.

use divan::Bencher;
use revlab::exec::Transport;
use revlab::judge;
use revlab::scenario::from_text;
use revlab_benches::{library, run_to_file, variant};

fn main() {
    divan::main();
}

/// Three weeks, 181,440 attempts, the full trace written. To reach: under 1 s a variant.
#[divan::bench(args = ["unpatched", "patched"], sample_count = 5, sample_size = 1)]
fn production_sim(bencher: Bencher<'_, '_>, name: &str) {
    let scenario = variant("kb2666300/production.toml", name);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("trace.jsonl");
    bencher.bench(|| run_to_file(&scenario, Transport::Sim, &file));
}

/// The same with its judgement: what a user waits for.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn production_sim_judged(bencher: Bencher<'_, '_>) {
    let scenario = variant("kb2666300/production.toml", "unpatched");
    bencher.bench(|| {
        let mut nowhere = std::io::sink();
        let options = revlab::exec::Options::default();
        let run = revlab::exec::run(&scenario, Transport::Sim, &options, &mut nowhere);
        run.map(|run| judge::judge(&scenario, &run.trace).status()).ok()
    });
}

/// The page of that run, from trace and judgement. To reach: under 2 s.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn production_html(bencher: Bencher<'_, '_>) {
    let scenario = variant("kb2666300/production.toml", "unpatched");
    let options = revlab::exec::Options::default();
    let run = revlab::exec::run(&scenario, Transport::Sim, &options, &mut std::io::sink());
    let trace = run.expect("a run").trace;
    let judgement = judge::judge(&scenario, &trace);
    bencher.bench(|| revlab::report::html::render(&scenario, &trace, &judgement).len());
}

/// A day, 3,000 clients with a machine each, 144,000 attempts, the full trace written. To reach: under 2 s.
#[divan::bench(args = ["principal", "negative-cache"], sample_count = 5, sample_size = 1)]
fn outlook_sim(bencher: Bencher<'_, '_>, name: &str) {
    let scenario = variant("machines/outlook.toml", name);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("trace.jsonl");
    bencher.bench(|| run_to_file(&scenario, Transport::Sim, &file));
}

/// A day, 8,640 full mutual-TLS handshakes. To reach: under 25 s with P-256 end to end.
#[divan::bench(sample_count = 1, sample_size = 1)]
fn lab_live_p256(bencher: Bencher<'_, '_>) {
    let scenario = variant("kb2666300/lab.toml", "unpatched");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("trace.jsonl");
    bencher.bench(|| run_to_file(&scenario, Transport::Live, &file));
}

/// The same with RSA 2048: no figure to reach, measured and reported.
#[divan::bench(sample_count = 1, sample_size = 1)]
fn lab_live_rsa2048(bencher: Bencher<'_, '_>) {
    let text = std::fs::read_to_string(library().join("kb2666300/lab.toml")).expect("the lab");
    let rsa = text.replace("key_index = 1", "key_index = 1\nkey = \"rsa2048\"");
    let variants = from_text("lab-rsa", &rsa).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let scenario = variants.into_iter().next().expect("a variant");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("trace.jsonl");
    bencher.bench(|| run_to_file(&scenario, Transport::Live, &file));
}

/// Reading and checking a scenario file.
#[divan::bench]
fn load() -> usize {
    let path = library().join("kb2666300/remedies.toml");
    revlab::scenario::load(&path).map_or(0, |variants| variants.len())
}
