//! The order of simultaneous events, over whole runs.

use proptest::prelude::*;

use super::*;
use crate::exec::recorder::{self, Message};
use crate::exec::{setup, sim::SimWire};
use crate::scenario::from_text;

/// Everything happens at once here, as often as possible.
const CROWDED: &str = r#"
format = 1
title = "everything at once"
start = "2024-03-01T00:00:00Z"
duration = "3h"
[ca.one]
name = "ONE"
crl = { period = "1h", delta_period = "30m" }
clock = { steps = [ { at = "1h", by = "1m" } ] }
[ca.two]
name = "TWO"
crl = { period = "1h", delta_period = "30m" }
[sut.web]
ca = "one"
[clients.anna]
ca = "one"
every = "10m"
threads = 2
identities = 2
[clients.bert]
ca = "two"
every = "10m"
[fault.slow]
on = "one"
from = "1h"
until = "2h"
latency = { latency = "2s" }
[fault.down]
on = "two"
from = "1h"
until = "2h"
down = {}
[operation.publish]
on = "one"
at = "1h"
every = "30m"
publish = { base = true }
[operation.publish-too]
on = "two"
at = "1h"
publish = { base = false }
[operation.revoke]
on = "one"
at = "1h"
revoke = { identity = "anna-1" }
[operation.clear]
on = "web"
at = "1h"
every = "30m"
delete_cache_files = {}
[operation.resync]
on = "web"
at = "2h"
chain_cache_resync = {}
[operation.reboot]
on = "web"
at = "2h"
reboot = {}
"#;

/// Runs the crowded lab, its pending events put in again in an order drawn by `shuffle`.
fn trace(shuffle: Option<u64>) -> Vec<u8> {
    let scenario = from_text("crowded", CROWDED).expect("no mistakes").remove(0);
    let lab = setup::set_up(&scenario).expect("a lab");
    let failed = AtomicBool::new(false);
    let (to, from) = std::sync::mpsc::sync_channel::<Message>(recorder::WAITING);
    let mut bytes = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| recorder::transcribe(from, &mut bytes, 0, &failed));
        let wire = SimWire::new(&scenario, &lab.cast);
        let recorder = Recorder::new(to, &failed);
        let mut world = World::new(&scenario, Transport::Sim, lab, wire, recorder);
        if let Some(seed) = shuffle {
            let mut pending: Vec<_> = std::iter::from_fn(|| world.queue.pop()).collect();
            let mut chance = revlab_lab::Seed(seed).stream("shuffle");
            while !pending.is_empty() {
                let at = chance.below(pending.len() as u64) as usize;
                let (key, event) = pending.swap_remove(at);
                world.queue.push(key, event);
            }
        }
        world.run(None);
    });
    bytes
}

#[test]
fn simultaneous_events_have_keys_that_differ() {
    let scenario = from_text("crowded", CROWDED).expect("no mistakes").remove(0);
    let ranks = Ranks::new(&scenario);
    let mut queue = EventQueue::new();
    timeline::fill(&scenario, &ranks, &mut queue);
    let keys: Vec<Key> = std::iter::from_fn(|| queue.pop().map(|(key, _)| key)).collect();
    assert!(keys.len() > 8);
    assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "{keys:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn inserting_simultaneous_events_in_another_order_does_not_change_the_trace(
        seed in any::<u64>(),
    ) {
        prop_assert!(trace(None) == trace(Some(seed)));
    }
}
