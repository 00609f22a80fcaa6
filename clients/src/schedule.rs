//! When which thread's attempts are due: the arithmetic of an open load model.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use revlab_lab::{Instant, Span};

use crate::plan::ClientPlan;

/// The next attempt of every thread, earliest first; then by client, then by thread.
#[derive(Debug, Default)]
pub(crate) struct Schedule(BinaryHeap<Reverse<Due>>);

/// One attempt to be made. The field order is the order in which attempts are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due {
    pub(crate) at: Instant,
    /// Place of the client among the plans.
    pub(crate) client: usize,
    pub(crate) thread: u32,
    /// Which of the thread's attempts, from 0.
    pub(crate) k: u64,
}

impl Schedule {
    /// The first attempt of every thread of every plan.
    pub(crate) fn new(plans: &[ClientPlan]) -> Schedule {
        let mut schedule = Schedule::default();
        for (client, plan) in plans.iter().enumerate() {
            for thread in 0..plan.threads {
                let at = start(plan, thread);
                schedule.add(plan, Due { at, client, thread, k: 0 });
            }
        }
        schedule
    }

    /// When the next attempt is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse(due)| due.at)
    }

    /// Takes the next attempt, if it is due by `now`, and plans its thread's following one.
    pub(crate) fn pop(&mut self, plans: &[ClientPlan], now: Instant) -> Option<Due> {
        if self.next()? > now {
            return None;
        }
        let Reverse(due) = self.0.pop()?;
        if let Some(plan) = plans.get(due.client) {
            self.add(plan, Due { at: due.at + pace(plan), k: due.k.saturating_add(1), ..due });
        }
        Some(due)
    }

    fn add(&mut self, plan: &ClientPlan, due: Due) {
        if due.at < plan.until && plan.loops.is_none_or(|loops| due.k < loops) {
            self.0.push(Reverse(due));
        }
    }
}

/// When `thread` makes its first attempt.
fn start(plan: &ClientPlan, thread: u32) -> Instant {
    plan.from + plan.ramp_up.scale(thread.into(), plan.threads.max(1).into())
}

/// The scenario's check refuses paces below 1 ms; a plan made by hand must not hang the run.
fn pace(plan: &ClientPlan) -> Span {
    plan.every.max(Span::from_millis(1))
}
