//! When which thread's attempts are due.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use revlab_lab::rng::Stream;
use revlab_lab::{Instant, Seed, Span};

use crate::load::{Arriving, Gap, Load};
use crate::plan::ClientPlan;

/// The next attempt of every thread, earliest first; then by client, then by thread. Of a group that
/// comes at a rate, its next arrival.
#[derive(Debug)]
pub(crate) struct Schedule {
    due: BinaryHeap<Reverse<Due>>,
    seed: Seed,
    /// Of each client and thread whose gaps are drawn.
    streams: BTreeMap<(usize, u32), Stream>,
    /// Of each client that comes at a rate.
    arriving: BTreeMap<usize, Arriving>,
    /// Of each client, how many attempts are planned.
    planned: BTreeMap<usize, usize>,
    /// Of each client in a closed model, how many were taken and have not ended.
    under_way: BTreeMap<usize, usize>,
    /// Nothing is planned any more.
    stopped: bool,
}

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
    pub(crate) fn new(plans: &[ClientPlan], seed: Seed) -> Schedule {
        let mut schedule = Schedule {
            due: BinaryHeap::new(),
            seed,
            streams: BTreeMap::new(),
            arriving: BTreeMap::new(),
            planned: BTreeMap::new(),
            under_way: BTreeMap::new(),
            stopped: false,
        };
        for (client, plan) in plans.iter().enumerate() {
            if let Load::Rate(_, arrivals) = plan.load {
                let stream = seed.stream(&format!("clients/{}/arrivals", plan.name));
                schedule.arriving.insert(client, Arriving::new(stream, arrivals));
                schedule.arrive(plan, client, 0);
                continue;
            }
            for thread in 0..plan.threads {
                let at = start(plan, thread);
                schedule.add(plan, Due { at, client, thread, k: 0 });
            }
        }
        schedule
    }

    /// When the next attempt is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse(due)| due.at)
    }

    /// Nothing is due any more.
    pub(crate) fn clear(&mut self) {
        self.due.clear();
        self.planned.clear();
        self.stopped = true;
    }

    /// Takes the next attempt, if it is due by `now`, and plans the one that follows it in an open
    /// model.
    pub(crate) fn pop(&mut self, plans: &[ClientPlan], now: Instant) -> Option<Due> {
        if self.next()? > now {
            return None;
        }
        let Reverse(due) = self.due.pop()?;
        less(&mut self.planned, due.client);
        match plans.get(due.client).map(|plan| (plan, &plan.load)) {
            Some((plan, Load::Every(gap))) => {
                let gap = self.draw(plan, due, *gap);
                self.add(plan, Due { at: due.at + gap, k: due.k.saturating_add(1), ..due });
            }
            Some((plan, Load::Rate(..))) => {
                let turn =
                    due.k.saturating_mul(plan.threads.into()).saturating_add(due.thread.into());
                self.arrive(plan, due.client, turn.saturating_add(1));
            }
            Some((_, Load::Think(_))) => *self.under_way.entry(due.client).or_default() += 1,
            None => {}
        }
        Some(due)
    }

    /// An attempt has ended: in a closed model its thread thinks of the next one.
    pub(crate) fn ended(&mut self, plans: &[ClientPlan], due: Due, now: Instant) {
        if let Some(plan) = plans.get(due.client)
            && let Load::Think(gap) = plan.load
        {
            less(&mut self.under_way, due.client);
            let gap = self.draw(plan, due, gap);
            self.add(plan, Due { at: now + gap, k: due.k.saturating_add(1), ..due });
        }
    }

    /// The scenario's check refuses paces below 1 ms; a plan made by hand, and a gap that is drawn,
    /// must not hang the run.
    fn draw(&mut self, plan: &ClientPlan, due: Due, gap: Gap) -> Span {
        let gap = match gap {
            Gap::Fixed(span) => span,
            drawn => {
                let seed = self.seed;
                let name = || format!("clients/{}/{}", plan.name, due.thread);
                let stream = self.streams.entry((due.client, due.thread));
                drawn.draw(stream.or_insert_with(|| seed.stream(&name())))
            }
        };
        gap.max(Span::from_millis(1))
    }

    /// Plans arrival number `turn`, from 0, of a group that comes at a rate.
    fn arrive(&mut self, plan: &ClientPlan, client: usize, turn: u64) {
        let Load::Rate(stages, arrivals) = &plan.load else { return };
        let Some(arriving) = self.arriving.get_mut(&client) else { return };
        let Some(at) = arriving.next(stages, *arrivals, plan) else { return };
        let threads = u64::from(plan.threads.max(1));
        let thread = u32::try_from(turn % threads).unwrap_or_default();
        self.add(plan, Due { at, client, thread, k: turn / threads });
    }

    fn add(&mut self, plan: &ClientPlan, due: Due) {
        if !self.stopped && due.at < plan.until && plan.loops.is_none_or(|loops| due.k < loops) {
            *self.planned.entry(due.client).or_default() += 1;
            self.due.push(Reverse(due));
        }
    }

    /// Whether more attempts of a client can come due, while so many that were taken only wait.
    pub(crate) fn can_come(&self, client: usize, waiting: usize) -> bool {
        let of = |counts: &BTreeMap<usize, usize>| counts.get(&client).copied().unwrap_or_default();
        of(&self.planned) > 0 || of(&self.under_way) > waiting
    }
}

fn less(counts: &mut BTreeMap<usize, usize>, client: usize) {
    let count = counts.entry(client).or_default();
    *count = count.saturating_sub(1);
}

/// When `thread` makes its first attempt.
fn start(plan: &ClientPlan, thread: u32) -> Instant {
    plan.from + plan.ramp_up.scale(thread.into(), plan.threads.max(1).into())
}
