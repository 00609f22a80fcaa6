//! Attempts that wait for one another, as at JMeter's Synchronizing Timer.

use std::collections::BTreeMap;

use revlab_lab::Instant;

use crate::schedule::Due;

/// The attempts that have come due and wait, by the place of their client among the plans.
#[derive(Debug, Default)]
pub(crate) struct Barriers(BTreeMap<usize, Vec<Due>>);

impl Barriers {
    /// An attempt comes to its client's barrier. Gives those that begin now: none, or all that wait
    /// once there are `together`, in the order in which they came. They are due now: the barrier is
    /// part of what was planned, and what they waited at it is no delay of the server's.
    pub(crate) fn arrive(&mut self, now: Instant, due: Due, together: u32) -> Vec<Due> {
        let waiting = self.0.entry(due.client).or_default();
        waiting.push(due);
        match waiting.len() >= together as usize {
            true => self.open(now, due.client),
            false => Vec::new(),
        }
    }

    /// The clients of which some wait, with how many.
    pub(crate) fn waiting(&self) -> Vec<(usize, usize)> {
        let some = self.0.iter().filter(|(_, waiting)| !waiting.is_empty());
        some.map(|(client, waiting)| (*client, waiting.len())).collect()
    }

    /// Lets those of a client go who wait.
    pub(crate) fn open(&mut self, now: Instant, client: usize) -> Vec<Due> {
        let waiting = self.0.remove(&client).unwrap_or_default();
        waiting.into_iter().map(|due| Due { at: now, ..due }).collect()
    }
}
