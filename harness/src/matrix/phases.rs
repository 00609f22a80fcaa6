//! The phases of a run, from the faults and operations in its trace.
//!
//! Where a fault began, `during` lies from the begin of the first to the end of the last (or of the
//! run), `before` and `after` around it. What goes wrong with the script that brings CRL files is a fault
//! too; the trace does not have it, the scenario does. Where there was none, `during` is when checks were switched off.
//! Where they were not, `after` begins with the first operation. Where there was neither, the whole run is one phase.

use revlab_lab::Instant;
use revlab_lab::trace::FaultState;

use super::switches;
use crate::judge::index::Index;
use crate::scenario::Scenario;

/// A stretch of lab time, [from, to).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Its name in tables.
    pub name: &'static str,
    /// Inclusive.
    pub from: Instant,
    /// Exclusive.
    pub to: Instant,
}

impl Phase {
    /// Whether an attempt that was due then belongs to it.
    pub fn contains(&self, due: Instant) -> bool {
        self.from <= due && due < self.to
    }
}

/// The phases of a run in order; none is empty.
pub(crate) fn of(scenario: &Scenario, index: &Index<'_>) -> Vec<Phase> {
    let forever = Instant::from_millis(i64::MAX);
    let begins = index.faults.iter().filter(|f| f.state == FaultState::Begin).map(|f| f.t);
    let scripts = || scenario.suts.values().flat_map(|sut| &sut.publisher.faults);
    let all = match begins.chain(scripts().map(|f| f.from)).min() {
        Some(begin) => {
            let ends = last_end(index, forever).into_iter().chain(scripts().map(|f| f.until));
            three(index.start, begin, ends.max().unwrap_or(forever))
        }
        None => match (switches::off(index), index.operations.first().map(|o| o.t)) {
            (Some((begin, end)), _) => three(index.start, begin, end.unwrap_or(forever)),
            (None, Some(first)) => vec![
                Phase { name: "before", from: index.start, to: first },
                Phase { name: "after", from: first, to: forever },
            ],
            (None, None) => vec![Phase { name: "throughout", from: index.start, to: forever }],
        },
    };
    all.into_iter().filter(|phase| phase.from < phase.to).collect()
}

fn three(start: Instant, begin: Instant, end: Instant) -> Vec<Phase> {
    vec![
        Phase { name: "before", from: start, to: begin },
        Phase { name: "during", from: begin, to: end },
        Phase { name: "after", from: end, to: Instant::from_millis(i64::MAX) },
    ]
}

/// When the last fault ended, `forever` where one went on; none: there was no fault.
fn last_end(index: &Index<'_>, forever: Instant) -> Option<Instant> {
    let mut open = std::collections::BTreeSet::new();
    let mut end = None;
    for fault in &index.faults {
        match fault.state {
            FaultState::Begin => {
                open.insert(&fault.it().id);
            }
            FaultState::End => {
                open.remove(&fault.it().id);
                end = Some(fault.t);
            }
        }
    }
    if open.is_empty() { end } else { Some(forever) }
}

#[cfg(test)]
mod tests {
    use revlab_lab::Span;

    use super::*;
    use crate::judge::sample::{Lab, hours, mins};

    /// Name, and from when to when in minutes; none: to the end.
    fn phases(lab: &Lab) -> Vec<(&'static str, i64, Option<i64>)> {
        let (scenario, trace) = (lab.scenario(), lab.trace());
        let index = Index::new(&scenario, &trace);
        let minutes = |at: Instant| (at - scenario.start).as_millis() / 60_000;
        let end = |at: Instant| (at.as_millis() < i64::MAX).then(|| minutes(at));
        of(&scenario, &index).iter().map(|p| (p.name, minutes(p.from), end(p.to))).collect()
    }

    #[test]
    fn a_fault_makes_three_phases_whatever_administrators_do() {
        let mut lab = Lab::new(hours(2));
        lab.operation(mins(5), "revoke", "revoke").fault("down", mins(40), mins(80), false);
        let three = [("before", 0, Some(40)), ("during", 40, Some(80)), ("after", 80, None)];
        assert_eq!(phases(&lab), three);
        lab.fault("slow", mins(60), mins(90), false);
        assert_eq!(phases(&lab)[1..], [("during", 40, Some(90)), ("after", 90, None)]);
    }

    #[test]
    fn a_fault_from_the_start_has_nothing_before_it() {
        let mut lab = Lab::new(hours(2));
        lab.fault("down", Span::ZERO, mins(80), false);
        assert_eq!(phases(&lab), [("during", 0, Some(80)), ("after", 80, None)]);
    }

    #[test]
    fn without_a_fault_the_first_operation_parts_the_run() {
        let mut lab = Lab::new(hours(2));
        lab.operation(mins(5), "revoke", "revoke").operation(mins(50), "publish", "publish");
        assert_eq!(phases(&lab), [("before", 0, Some(5)), ("after", 5, None)]);
        assert_eq!(phases(&Lab::new(hours(2))), [("throughout", 0, None)]);
    }

    #[test]
    fn without_a_fault_the_checks_that_are_switched_off_part_the_run() {
        let mut lab = Lab::new(hours(2));
        lab.operation(mins(5), "revoke", "revoke");
        // Of another machine that says nothing of this one.
        lab.operation_on(mins(30), "desk", "other", "disable_revocation_check");
        lab.operation(mins(40), "cure", "disable_revocation_check");
        assert_eq!(phases(&lab), [("before", 0, Some(40)), ("during", 40, None)]);
        lab.operation(mins(80), "again", "enable_revocation_check");
        let three = [("before", 0, Some(40)), ("during", 40, Some(80)), ("after", 80, None)];
        assert_eq!(phases(&lab), three);
        // A fault counts for more.
        lab.fault("down", mins(20), mins(30), false);
        let three = [("before", 0, Some(20)), ("during", 20, Some(30)), ("after", 30, None)];
        assert_eq!(phases(&lab), three);
    }

    #[test]
    fn what_goes_wrong_with_the_script_is_a_fault() {
        let mut lab = Lab::new(hours(2));
        let text = "format = 1\ntitle = \"t\"\nstart = \"2014-04-16T00:00:00Z\"\nduration = \"2h\"\n\
             [ca.issuing]\n[clients.jmeter]\nevery = \"1m\"\n[sut.web.publisher]\n\
             faults = [{ from = \"20m\", until = \"30m\", stopped = {} }]\n";
        lab.scenario = crate::scenario::from_text("lab", text).unwrap().remove(0);
        let alone = [("before", 0, Some(20)), ("during", 20, Some(30)), ("after", 30, None)];
        assert_eq!(phases(&lab), alone);
    }

    #[test]
    fn what_is_due_when_a_phase_begins_belongs_to_it() {
        let at = Instant::from_millis;
        let phase = Phase { name: "during", from: at(10), to: at(20) };
        let inside: Vec<bool> = [9, 10, 19, 20].map(|ms| phase.contains(at(ms))).into();
        assert_eq!(inside, [false, true, true, false]);
    }
}
