//! Whether the run as a whole proves anything.

use std::collections::BTreeSet;

use revlab_fake_ca::fault::{Endpoint, FaultConfig};
use revlab_lab::trace::{FaultState, Kind, Purpose, Trace};
use revlab_lab::{Instant, Outcome};

use super::index::Index;
use super::phrase;
use crate::scenario::Scenario;
use crate::scenario::model::{ExpectationKind, FetchFilter};

/// Why it does not, a sentence each.
pub(super) fn inconclusive(scenario: &Scenario, trace: &Trace, index: &Index<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    reasons.extend(cut(trace));
    reasons.extend(unmet_faults(scenario, index));
    reasons.extend(controls(scenario, index));
    reasons
}

fn cut(trace: &Trace) -> Option<String> {
    if trace.is_complete() {
        return None;
    }
    Some(match trace.records().last() {
        Some(last) => match &last.kind {
            Kind::End(end) => {
                format!("the run stopped early, at {}: {}", phrase::at(last.t), end.reason)
            }
            _ => format!("the trace was cut after record {}, at {}", last.n, phrase::at(last.t)),
        },
        None => "the trace is empty".to_owned(),
    })
}

/// Faults that must be met and were met by no fetch.
fn unmet_faults(scenario: &Scenario, index: &Index<'_>) -> Vec<String> {
    let met: BTreeSet<&str> =
        index.fetches.iter().flat_map(|f| f.faults.iter().map(|name| &**name)).collect();
    let unmet = scenario
        .faults
        .values()
        .filter(|f| f.must_be_met && !met.contains(&*f.name) && !expected_unmet(scenario, f));
    unmet
        .map(|f| {
            format!("fault `{}` was met by no fetch (`must_be_met = false` allows that)", f.name)
        })
        .collect()
}

/// An expectation that nothing is fetched from the endpoint while the fault lasts says that it
/// is not met.
fn expected_unmet(scenario: &Scenario, fault: &FaultConfig) -> bool {
    scenario.expectations.iter().any(|e| match &e.kind {
        ExpectationKind::Fetches { of, count, during: None, while_base_stale: false } => {
            let end = fault.until.min(scenario.start + scenario.duration);
            count.max == Some(0)
                && e.window.from <= fault.from
                && end <= e.window.to
                && covers(of, fault.on.endpoint)
        }
        _ => false,
    })
}

/// Whether every fetch from the endpoint is one that the filter means.
fn covers(filter: &FetchFilter, endpoint: Endpoint) -> bool {
    let any = FetchFilter { purposes: filter.purposes.clone(), ..FetchFilter::default() };
    let meant = |p: &Purpose| filter.purposes.is_empty() || filter.purposes.contains(p);
    let mut there = Purpose::NAMES.iter().map(|(_, p)| p).filter(|p| endpoint.covers(**p));
    *filter == any && there.all(meant)
}

/// Control clients that were not admitted before anything was done to the lab.
fn controls(scenario: &Scenario, index: &Index<'_>) -> Vec<String> {
    let mut begun = index.faults.iter().filter(|f| f.state == FaultState::Begin);
    let fault = begun.next().map(|f| (f.n, f.t, "fault", &f.id));
    let operation = index.operations.first().map(|o| (o.n, o.t, "operation", &o.id));
    let first = fault.into_iter().chain(operation).min_by_key(|(n, ..)| *n);
    let controls = scenario.clients.values().filter(|c| c.control);
    let failed = controls.filter_map(|client| {
        let mut mine = index.attempts.iter().filter(|a| a.client == client.name);
        let name = &client.name;
        match first {
            Some((n, t, kind, id)) => {
                let admitted = mine.any(|a| a.n < n && a.outcome == Outcome::Admitted);
                (!admitted).then(|| before(name, kind, id, t))
            }
            None => match mine.next() {
                Some(a) if a.outcome == Outcome::Admitted => None,
                Some(a) => Some(format!(
                    "control client `{name}` was not admitted at its first attempt, at {}",
                    phrase::at(a.due)
                )),
                None => Some(format!("control client `{name}` made no attempt")),
            },
        }
    });
    failed.collect()
}

fn before(client: &str, kind: &str, id: &str, t: Instant) -> String {
    let when = phrase::at(t);
    format!("control client `{client}` was not admitted before the first {kind}, `{id}` at {when}")
}

#[cfg(test)]
mod tests {
    use revlab_lab::Code;

    use crate::judge::sample::{Lab, base, hours, mins};
    use crate::judge::{Status, judge};
    use crate::scenario::model::{Count, ExpectationKind, FetchFilter};

    fn reasons(lab: &Lab) -> Vec<String> {
        let judgement = judge(&lab.scenario(), &lab.trace());
        let expected =
            if judgement.inconclusive.is_empty() { Status::Held } else { Status::Inconclusive };
        assert_eq!(judgement.status(), expected);
        judgement.inconclusive
    }

    #[test]
    fn a_whole_trace_counts_and_a_cut_or_stopped_one_does_not() {
        let mut lab = Lab::new(hours(1));
        lab.admitted(mins(0));
        assert_eq!(reasons(&lab), Vec::<String>::new());
        lab.stop("the SUT died");
        assert_eq!(reasons(&lab), ["the run stopped early, at 2014-04-16 00:00:00: the SUT died"]);
        lab.cut();
        assert_eq!(reasons(&lab), ["the trace was cut after record 1, at 2014-04-16 00:00:00"]);
    }

    #[test]
    fn a_fault_that_no_fetch_met_makes_the_run_inconclusive() {
        let mut lab = Lab::new(hours(3));
        lab.admitted(mins(0)).fault("ca-down", hours(1), hours(2), true);
        assert_eq!(
            reasons(&lab),
            ["fault `ca-down` was met by no fetch (`must_be_met = false` allows that)"]
        );
        let mut fetch = base(lab.at(mins(0)), lab.at(hours(9)));
        fetch.faults = vec!["ca-down".into()];
        lab.fetch(mins(70), fetch);
        assert_eq!(reasons(&lab), Vec::<String>::new());
    }

    #[test]
    fn a_fault_need_not_be_met_when_the_scenario_says_so_or_expects_no_fetch() {
        let mut lab = Lab::new(hours(3));
        lab.fault("ca-down", hours(1), hours(2), false);
        assert_eq!(reasons(&lab), Vec::<String>::new());
        let mut lab = Lab::new(hours(3));
        lab.fault("ca-down", hours(1), hours(2), true);
        let none = |of| ExpectationKind::Fetches {
            of,
            count: Count { min: 0, max: Some(0) },
            during: None,
            while_base_stale: false,
        };
        lab.expect(none(FetchFilter { status: Some(404), ..FetchFilter::default() }));
        assert_eq!(reasons(&lab).len(), 1);
        lab.expect(none(FetchFilter::default()));
        assert_eq!(reasons(&lab), Vec::<String>::new());
    }

    #[test]
    fn a_control_must_be_admitted_before_the_first_fault_or_operation() {
        let offline = Code::CRYPT_E_REVOCATION_OFFLINE;
        let mut lab = Lab::new(hours(3));
        lab.control().refused(mins(0), offline).admitted(mins(50));
        assert_eq!(
            reasons(&lab),
            [
                "control client `jmeter` was not admitted at its first attempt, at 2014-04-16 00:00:00"
            ]
        );
        lab.operation(hours(1), "restart", "reboot");
        assert_eq!(reasons(&lab), Vec::<String>::new());
        lab.fault("ca-down", mins(40), mins(45), false);
        assert_eq!(
            reasons(&lab),
            ["control client `jmeter` was not admitted before the first fault, `ca-down` at \
              2014-04-16 00:40:00"]
        );
    }

    #[test]
    fn a_control_that_made_no_attempt_proves_nothing() {
        let mut lab = Lab::new(hours(3));
        lab.control();
        assert_eq!(reasons(&lab), ["control client `jmeter` made no attempt"]);
    }
}
