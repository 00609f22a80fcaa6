//! Ten thousand users with a certificate each, one request a minute.

use std::sync::Mutex;

use revlab_benches::mutual::Mutual;
use revlab_benches::{processor, server};
use revlab_lab::{Instant, Span};

use super::{begun, now, run, say};

const USERS: u32 = 10_000;
const PACE: Span = Span::from_secs(60);

/// Whether they keep their pace, and what they take.
pub(super) fn users() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let clients = format!(
        "threads = {USERS}\nidentities = {USERS}\nevery = \"{PACE}\"\nramp_up = \"{PACE}\"\ntls = \"1.3\"\n"
    );
    let scenario = now(PACE.scale(3, 1), &clients);
    let address = server::free_port();
    let nginx: Mutex<Option<(Mutual, f64)>> = Mutex::new(None);
    let ran = run(&scenario, address, &|cast| {
        let started = Mutual::start(folder.path(), address, cast);
        let started = started.ok_or_else(|| "nginx is not installed".to_owned())?;
        *nginx.lock().map_err(|e| e.to_string())? = Some((started, processor::of("self")));
        Ok(())
    });
    let taken = processor::of("self");
    let Some((nginx, before)) = nginx.into_inner().ok().flatten() else {
        return say("skipped: nginx is not installed");
    };
    let begun = begun(&ran.unwrap_or_else(|error| panic!("{error}")));
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
        processor::most_memory() / 1024,
        (taken - before) / wall * 100.0,
        nginx.processor_time() / wall * 100.0
    ));
}
