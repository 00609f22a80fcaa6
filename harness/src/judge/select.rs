//! Whether a thing in the trace is one that a scenario's filter means.

use revlab_lab::trace::{Attempt, Check, Fetch, Layer, Purpose, State, Step};

use crate::scenario::model::{
    AttemptFilter, CheckFilter, CheckResult, Count, FetchFilter, SpanRange,
};
use revlab_lab::Span;

pub(super) fn attempt(filter: &AttemptFilter, attempt: &Attempt) -> bool {
    (filter.clients.is_empty() || filter.clients.contains(&attempt.client))
        && filter.identity.as_ref().is_none_or(|i| *i == attempt.identity)
}

pub(super) fn fetch(filter: &FetchFilter, fetch: &Fetch) -> bool {
    (filter.purposes.is_empty() || filter.purposes.contains(&fetch.purpose))
        && filter.url.as_ref().is_none_or(|part| fetch.url.as_str().contains(part.as_str()))
        && (filter.status.is_none() || filter.status == fetch.status)
        && filter.succeeded.is_none_or(|s| s == fetch.succeeded())
        && filter.process.as_ref().is_none_or(|p| *p == fetch.process)
        && filter.by.as_ref().is_none_or(|by| is_machine_of(by, &fetch.by))
        && filter.unsolicited.is_none_or(|u| u == fetch.unsolicited.is_some())
}

pub(super) fn check(filter: &CheckFilter, check: &Check) -> bool {
    (filter.process.is_none() || filter.process == check.process)
        && filter.by.as_ref().is_none_or(|by| is_machine_of(by, &check.by))
        && (filter.identity.is_none() || filter.identity == check.subject)
}

/// Whether a machine is this SUT or one of this validator's: `desk-17` is one of `desk`.
pub(super) fn is_machine_of(actor: &str, machine: &str) -> bool {
    machine.strip_prefix(actor).is_some_and(|rest| {
        let number = rest.strip_prefix('-');
        rest.is_empty()
            || number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// Who did not accept a certificate, so that the attempt came to what it did; none: nobody, or the
/// trace does not tell.
pub(super) fn refuser(attempt: &Attempt) -> Option<&str> {
    attempt.validations.iter().find(|v| v.code.is_some()).map(|v| &*v.by)
}

pub(super) fn check_result(filter: &CheckResult, check: &Check) -> bool {
    (filter.verdict.is_none() || filter.verdict == check.verdict)
        && (filter.code.is_none() || filter.code == check.code)
        && (filter.base.is_none() || filter.base == base_in_memory(check))
}

/// How the check found the base CRL for the certificate it looked at last (the client's own,
/// unless the check ended before it) when it first looked in memory.
pub(super) fn base_in_memory(check: &Check) -> Option<State> {
    let own = check.steps.rsplit(|s| matches!(s, Step::Certificate { .. })).next()?;
    own.iter().find_map(|step| match step {
        Step::Lookup { object: Purpose::Base, layer: Layer::Memory, state, .. } => Some(*state),
        _ => None,
    })
}

pub(super) fn count(count: Count, number: usize) -> bool {
    let number = number as u64;
    count.min <= number && count.max.is_none_or(|max| number <= max)
}

pub(super) fn range(range: SpanRange, length: Span) -> bool {
    range.min.is_none_or(|min| min <= length) && range.max.is_none_or(|max| length <= max)
}

#[cfg(test)]
mod tests {
    use revlab_lab::trace::Verdict;

    use super::*;
    use crate::judge::sample::{check as sample_check, looked_up};

    #[test]
    fn the_state_of_the_base_is_that_of_the_last_certificate_when_first_looked_for() {
        let mut check = sample_check("web", 1, Verdict::Offline);
        let certificate = |subject: &str| Step::Certificate { subject: subject.into() };
        check.steps = vec![
            certificate("CN=issuing"),
            looked_up(Purpose::Base, Layer::Memory, State::Fresh),
            certificate("CN=jmeter-1"),
            looked_up(Purpose::Ocsp, Layer::Memory, State::Absent),
            looked_up(Purpose::Base, Layer::Disk, State::Absent),
            looked_up(Purpose::Base, Layer::Memory, State::Stale),
            looked_up(Purpose::Base, Layer::Memory, State::Fresh),
        ];
        assert_eq!(base_in_memory(&check), Some(State::Stale));
        check.steps.clear();
        assert_eq!(base_in_memory(&check), None);
    }

    #[test]
    fn bounds_of_counts_and_ranges_are_inclusive() {
        let two_or_three = Count { min: 2, max: Some(3) };
        let met: Vec<_> = (0..5).filter(|n| count(two_or_three, *n)).collect();
        assert_eq!(met, [2, 3]);
        let half_hour =
            SpanRange { min: Some(Span::from_mins(30)), max: Some(Span::from_mins(30)) };
        assert!(range(half_hour, Span::from_mins(30)));
        assert!(!range(half_hour, Span::from_mins(31)));
        assert!(!range(half_hour, Span::from_mins(29)));
    }
}
