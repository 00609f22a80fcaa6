//! The trace, read once: records by kind, attempts in due order, repeated checks resolved.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Deref;

use revlab_lab::trace::{
    Attempt, Check, ClockSet, Fault, Fetch, Header, Kind, Log, Operation, Publish, Trace,
};
use revlab_lab::{Instant, Name, Span};

use super::episode::Episode;
use super::staleness::Clocks;
use crate::jmeter::judged;
use crate::scenario::Scenario;
use crate::scenario::model::Window;

/// A thing in the trace, with the number and the time of its record.
#[derive(Debug)]
pub(crate) struct At<'a, T> {
    pub(crate) n: u64,
    pub(crate) t: Instant,
    it: &'a T,
}

impl<T> Clone for At<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for At<'_, T> {}

impl<'a, T> At<'a, T> {
    /// The thing, for as long as the trace is there.
    pub(crate) fn it(&self) -> &'a T {
        self.it
    }
}

impl<T> Deref for At<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.it
    }
}

/// A check, with the full record that it repeats where it repeats one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CheckAt<'a> {
    pub(crate) n: u64,
    /// When it began.
    pub(crate) began: Instant,
    /// Its own record.
    pub(crate) own: &'a Check,
    /// The record with process, subject, verdict and steps.
    pub(crate) full: &'a Check,
}

/// What the judge and the reports look up in a trace.
#[derive(Debug)]
pub(crate) struct Index<'a> {
    /// Which run this is.
    pub(crate) header: Option<&'a Header>,
    /// Whether the system under test was a program that is not ours: it tells no codes.
    pub(crate) foreign: bool,
    /// Whether the load was another program's, which told its attempts alone: not what administrators did.
    pub(crate) attempts_only: bool,
    /// Whether what was fetched is on record.
    pub(crate) fetches_told: bool,
    /// Start of the run.
    pub(crate) start: Instant,
    /// End of the run as planned.
    pub(crate) planned_end: Instant,
    /// End of the run: as planned, or where the trace was cut.
    pub(crate) end: Instant,
    /// Up to where the trace says everything, where it was cut.
    pub(crate) cut: Option<Instant>,
    /// In the order in which they were due.
    pub(crate) attempts: Vec<At<'a, Attempt>>,
    /// In the order in which they ended.
    pub(crate) fetches: Vec<At<'a, Fetch>>,
    /// In the order in which they ended.
    pub(crate) checks: Vec<CheckAt<'a>>,
    /// In their order.
    pub(crate) operations: Vec<At<'a, Operation>>,
    /// Begins and ends, in their order.
    pub(crate) faults: Vec<At<'a, Fault>>,
    /// In their order.
    pub(crate) publications: Vec<At<'a, Publish>>,
    /// In their order.
    pub(crate) logs: Vec<At<'a, Log>>,
    /// What the actors' clocks read.
    pub(crate) clocks: Clocks<'a>,
    /// For each SUT, the process that checks its clients' certificates: `lsass.exe`. None where
    /// no attempt names a check.
    pub(crate) serving: BTreeMap<Name, Name>,
    /// Episodes of all attempts, made when first asked for.
    pub(super) episodes: OnceCell<Vec<Vec<Episode>>>,
}

/// Full records of checks, by SUT and number.
#[derive(Default)]
struct FullChecks<'a> {
    by_sut: BTreeMap<&'a str, BTreeMap<u64, &'a Check>>,
}

impl<'a> FullChecks<'a> {
    /// The full record that this one is or repeats; itself where that is not there.
    fn resolve(&mut self, it: &'a Check) -> &'a Check {
        let known = self.by_sut.entry(&it.by).or_default();
        match it.same_as {
            Some(number) => known.get(&number).copied().unwrap_or(it),
            None => {
                known.insert(it.check, it);
                it
            }
        }
    }
}

impl<'a> Index<'a> {
    pub(crate) fn new(scenario: &Scenario, trace: &'a Trace) -> Index<'a> {
        let planned_end = scenario.start + scenario.duration;
        let last = trace.records().last().map_or(scenario.start, |r| r.t);
        let cut = (!trace.is_complete()).then(|| settled(scenario, last));
        let mut index = Index {
            header: None,
            foreign: false,
            attempts_only: false,
            fetches_told: true,
            start: scenario.start,
            planned_end,
            end: if cut.is_some() { last.min(planned_end) } else { planned_end },
            cut,
            attempts: Vec::new(),
            fetches: Vec::new(),
            checks: Vec::new(),
            operations: Vec::new(),
            faults: Vec::new(),
            publications: Vec::new(),
            logs: Vec::new(),
            clocks: Clocks::default(),
            serving: BTreeMap::new(),
            episodes: OnceCell::new(),
        };
        index.fill(trace);
        index.foreign = index.header.is_some_and(|h| h.adapter(&h.sut).is_some());
        index.attempts_only = index.header.is_some_and(|h| h.transport == judged::JTL);
        index.fetches_told = !index.attempts_only
            || index.header.is_some_and(|h| {
                h.profiles.get(&h.sut).is_some_and(|what| what.contains_key(judged::JOURNAL))
            });
        index.attempts.sort_by_key(|a| (a.due, a.n));
        for client in scenario.clients.values() {
            if let Some(process) =
                index.check_of_first(&client.name, &client.sut).and_then(|c| c.process.clone())
            {
                index.serving.insert(client.sut.clone(), process);
            }
        }
        index
    }

    fn fill(&mut self, trace: &'a Trace) {
        let mut full = FullChecks::default();
        for record in trace.records() {
            let (n, t) = (record.n, record.t);
            match &record.kind {
                Kind::Attempt(it) => self.attempts.push(At { n, t, it }),
                Kind::Fetch(it) => self.fetches.push(At { n, t, it }),
                Kind::Operation(it) => self.operations.push(At { n, t, it }),
                Kind::Log(it) => self.logs.push(At { n, t, it }),
                Kind::Fault(it) => self.faults.push(At { n, t, it }),
                Kind::Publish(it) => self.publications.push(At { n, t, it }),
                Kind::Clock(ClockSet { actor, offset_ms }) => {
                    self.clocks.set(actor, t, Span::from_millis(*offset_ms));
                }
                Kind::Check(it) => {
                    let began = it.began.unwrap_or(t);
                    self.checks.push(CheckAt { n, began, own: it, full: full.resolve(it) });
                }
                Kind::Header(it) => self.header = Some(it),
                Kind::Cache(_) | Kind::End(_) => {}
            }
        }
    }

    /// The full record of the check that the client's first attempt with one waited for.
    fn check_of_first(&self, client: &str, sut: &str) -> Option<&'a Check> {
        let mine = |a: &&At<'_, Attempt>| *a.client == *client && !a.checks.is_empty();
        let first = self.attempts.iter().find(mine)?;
        self.check_of(first, sut)
    }

    /// The full record of the last check that an attempt waited for.
    pub(crate) fn check_of(&self, attempt: &Attempt, sut: &str) -> Option<&'a Check> {
        let number = *attempt.checks.last()?;
        let found = self.checks.iter().find(|c| c.own.check == number && *c.own.by == *sut);
        found.map(|c| c.full)
    }

    /// The attempts that were due in a window.
    pub(crate) fn attempts_in(&self, window: Window) -> &[At<'a, Attempt>] {
        let from = self.attempts.partition_point(|a| a.due < window.from);
        let to = self.attempts.partition_point(|a| a.due < window.to);
        self.attempts.get(from..to).unwrap_or_default()
    }

    /// The fetches whose request was made in a window.
    pub(crate) fn fetches_in(&self, window: Window) -> impl Iterator<Item = &At<'a, Fetch>> {
        self.fetches.iter().filter(move |f| window.contains(f.began))
    }

    /// The checks that began in a window.
    pub(crate) fn checks_in(&self, window: Window) -> impl Iterator<Item = &CheckAt<'a>> {
        self.checks.iter().filter(move |c| window.contains(c.began))
    }
}

/// Up to where a trace that was cut at `last` says everything: an attempt that was due later may
/// still have been under way.
fn settled(scenario: &Scenario, last: Instant) -> Instant {
    let timeout = scenario.clients.values().map(|c| c.timeout).max().unwrap_or(Span::ZERO);
    last - timeout
}

#[cfg(test)]
mod tests {
    use revlab_lab::trace::Verdict;

    use super::*;
    use crate::judge::sample::{Lab, check, hours, mins};

    #[test]
    fn attempts_are_in_due_order_even_where_they_ended_in_another() {
        let mut lab = Lab::new(hours(1));
        lab.attempt_ending("slow", mins(1), mins(3));
        lab.attempt_ending("quick", mins(2), mins(2));
        let trace = lab.trace();
        let index = Index::new(&lab.scenario(), &trace);
        let order: Vec<_> = index.attempts.iter().map(|a| &*a.client).collect();
        assert_eq!(order, ["slow", "quick"]);
        let window = Window { from: lab.at(mins(2)), to: lab.at(mins(3)) };
        let inside: Vec<_> = index.attempts_in(window).iter().map(|a| &*a.client).collect();
        assert_eq!(inside, ["quick"]);
    }

    #[test]
    fn a_repeated_check_is_resolved_to_the_full_record_of_the_same_sut() {
        let mut lab = Lab::new(hours(1));
        lab.check(mins(1), check("web", 1, Verdict::Good));
        lab.check(mins(1), check("other", 1, Verdict::Revoked));
        lab.repeat(mins(2), "web", 2, 1);
        let trace = lab.trace();
        let index = Index::new(&lab.scenario(), &trace);
        let verdicts: Vec<_> = index.checks.iter().map(|c| c.full.verdict).collect();
        let (good, revoked) = (Some(Verdict::Good), Some(Verdict::Revoked));
        assert_eq!(verdicts, [good, revoked, good]);
    }

    #[test]
    fn a_repetition_of_a_check_that_is_not_there_has_no_verdict() {
        let mut lab = Lab::new(hours(1));
        lab.repeat(mins(2), "web", 2, 1);
        let trace = lab.trace();
        let index = Index::new(&lab.scenario(), &trace);
        assert_eq!(index.checks.iter().map(|c| c.full.verdict).collect::<Vec<_>>(), [None]);
    }
}
