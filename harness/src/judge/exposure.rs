//! `exposure`: how long a revoked certificate was still admitted.

use revlab_lab::trace::{Attempt, Operation};
use revlab_lab::{Instant, Name, Outcome, Span};

use super::index::{At, Index};
use super::{Ruling, phrase};
use crate::scenario::Scenario;
use crate::scenario::model::{OperationKind, Window};

/// What became of one revoked certificate.
enum Fate {
    /// It was never admitted before, or never tried again: it says nothing.
    Untried(&'static str),
    /// Still admitted at the last try: exposed at least so long.
    Open(Span, u64),
    /// Last admitted so long after its revocation, and turned away after that.
    Closed(Span, u64),
}

pub(super) fn judge(
    scenario: &Scenario,
    index: &Index<'_>,
    window: Window,
    at_most: Span,
) -> Ruling {
    let expected =
        format!("no revoked certificate admitted more than {at_most} after its revocation");
    let revocations = revocations(scenario, index, window);
    if revocations.is_empty() {
        return Ruling::failed(expected, "no certificate was revoked: there must be one");
    }
    let (mut problems, mut open, mut seen, mut nearest) = (vec![], false, vec![], vec![]);
    let mut judged = false;
    for (identity, revoked, until) in &revocations {
        let fate = fate(index, identity, revoked.t, *until);
        let words = words(identity, revoked.t, &fate);
        match fate {
            Fate::Untried(_) => {}
            Fate::Open(length, n) | Fate::Closed(length, n) if length > at_most => {
                judged = true;
                problems.push(words.clone());
                nearest.extend([revoked.n, n]);
            }
            Fate::Open(..) => open = true,
            Fate::Closed(..) => judged = true,
        }
        seen.push(words);
    }
    let all = seen.join("; ");
    if problems.is_empty() && open {
        return Ruling::inconclusive(expected, all);
    }
    if !judged {
        return Ruling::failed(expected, all);
    }
    Ruling::by_problems(expected, &problems, all, nearest)
}

/// Every certificate that was revoked: whose, from when, until it was replaced or released.
pub(crate) fn revoked(scenario: &Scenario, index: &Index<'_>) -> Vec<(Name, Instant, Instant)> {
    let all = revocations(scenario, index, whole(index)).into_iter();
    all.map(|(identity, operation, until)| (identity, operation.t, until)).collect()
}

/// For how long a revoked certificate was still admitted, at the longest; none: no revocation says
/// anything.
pub(crate) fn longest(scenario: &Scenario, index: &Index<'_>) -> Option<Span> {
    let all = revocations(scenario, index, whole(index)).into_iter();
    let lengths = all.filter_map(|(identity, operation, until)| {
        match fate(index, &identity, operation.t, until) {
            Fate::Untried(_) => None,
            Fate::Open(length, _) | Fate::Closed(length, _) => Some(length),
        }
    });
    lengths.max()
}

fn whole(index: &Index<'_>) -> Window {
    Window { from: index.start, to: index.planned_end }
}

/// The first revocation of each identity in the window, and when the identity got a new
/// certificate, or its own was taken off hold, if it was.
fn revocations<'i, 'a>(
    scenario: &Scenario,
    index: &'i Index<'a>,
    window: Window,
) -> Vec<(Name, &'i At<'a, Operation>, Instant)> {
    let mut found: Vec<(Name, &At<'_, Operation>, Instant)> = Vec::new();
    for operation in index.operations.iter().filter(|o| window.contains(o.t)) {
        let action = scenario.operations.get(&operation.id).map(|o| &o.action);
        let Some(OperationKind::Revoke { identity, .. }) = action else { continue };
        if found.iter().any(|(known, ..)| known == identity) {
            continue;
        }
        let renewed = index.operations.iter().find(|o| {
            let action = scenario.operations.get(&o.id).map(|o| &o.action);
            o.n > operation.n
                && o.on == operation.on
                && match action {
                    Some(OperationKind::Reissue { .. }) => true,
                    Some(OperationKind::Release { identity: released }) => released == identity,
                    _ => false,
                }
        });
        let until = renewed.map_or(Instant::from_millis(i64::MAX), |o| o.t);
        found.push((identity.clone(), operation, until));
    }
    found
}

fn fate(index: &Index<'_>, identity: &str, revoked: Instant, until: Instant) -> Fate {
    let mine = || index.attempts.iter().filter(|a| *a.identity == *identity && a.due < until);
    let admitted = |a: &&At<'_, Attempt>| a.outcome == Outcome::Admitted;
    if !mine().any(|a| admitted(&a) && a.t < revoked) {
        return Fate::Untried("not admitted before it");
    }
    let Some(last) = mine().rfind(|a| a.due >= revoked) else {
        return Fate::Untried("not tried after it");
    };
    let last_admitted =
        mine().filter(admitted).filter(|a| a.t >= revoked).max_by_key(|a| (a.t, a.n));
    match last_admitted {
        None => Fate::Closed(Span::ZERO, last.n),
        Some(a) if a.n == last.n => Fate::Open(a.t - revoked, a.n),
        Some(a) => Fate::Closed(a.t - revoked, a.n),
    }
}

fn words(identity: &str, revoked: Instant, fate: &Fate) -> String {
    let begin = format!("{identity}, revoked at {}, was", phrase::at(revoked));
    match fate {
        Fate::Untried(why) => format!("{begin} {why}"),
        Fate::Open(length, _) => {
            let later = phrase::about(*length);
            format!("{begin} still admitted at its last attempt, {later} later")
        }
        Fate::Closed(Span::ZERO, _) => format!("{begin} not admitted any more"),
        Fate::Closed(length, _) => {
            format!("{begin} last admitted {} later", phrase::about(*length))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::judge::Status;
    use crate::judge::sample::{Lab, hours, mins};
    use crate::scenario::model::ExpectationKind;
    use revlab_lab::Code;

    fn at_most(minutes: i64) -> ExpectationKind {
        ExpectationKind::Exposure { at_most: mins(minutes) }
    }

    /// Revoked at 1:00, last admitted at 1:30, refused from 1:40 on.
    fn revoked_and_refused() -> Lab {
        let mut lab = Lab::new(hours(3));
        lab.revocation("out", "jmeter-1");
        for minute in (0..100).step_by(10) {
            lab.admitted(mins(minute));
        }
        lab.operation(hours(1), "out", "revoke");
        lab.refused(mins(100), Code::CRYPT_E_REVOKED).refused(mins(110), Code::CRYPT_E_REVOKED);
        lab
    }

    #[test]
    fn the_last_admission_after_the_revocation_decides() {
        let lab = revoked_and_refused();
        let held = lab.find(at_most(31));
        assert_eq!(held.verdict, Status::Held, "{}", held.seen);
        assert_eq!(
            held.seen,
            "jmeter-1, revoked at 2014-04-16 01:00:00, was last admitted 30m later"
        );
        let failed = lab.find(at_most(30));
        assert_eq!(failed.verdict, Status::Failed);
        assert_eq!(failed.nearest.len(), 2);
    }

    #[test]
    fn without_a_revocation_in_the_window_it_fails() {
        let lab = revoked_and_refused();
        let finding = lab.find_in(mins(0), mins(50), at_most(30));
        assert_eq!(finding.verdict, Status::Failed);
        assert_eq!(finding.seen, "no certificate was revoked: there must be one");
    }

    #[test]
    fn a_certificate_that_was_not_admitted_before_or_not_tried_after_says_nothing() {
        let mut lab = Lab::new(hours(3));
        lab.revocation("out", "jmeter-1").operation(hours(1), "out", "revoke");
        lab.refused(hours(2), Code::CRYPT_E_REVOKED);
        let finding = lab.find(at_most(30));
        assert_eq!(finding.verdict, Status::Failed);
        assert!(finding.seen.ends_with("was not admitted before it"), "{}", finding.seen);
        let mut lab = Lab::new(hours(3));
        lab.revocation("out", "jmeter-1").admitted(mins(10)).operation(hours(1), "out", "revoke");
        let finding = lab.find(at_most(30));
        assert_eq!(finding.verdict, Status::Failed);
        assert!(finding.seen.ends_with("was not tried after it"), "{}", finding.seen);
    }

    #[test]
    fn still_admitted_at_the_end_is_open_until_the_bound_and_failed_past_it() {
        let mut lab = Lab::new(hours(3));
        lab.revocation("out", "jmeter-1").admitted(mins(10)).operation(hours(1), "out", "revoke");
        lab.admitted(hours(2));
        assert_eq!(lab.find(at_most(90)).verdict, Status::Inconclusive);
        assert_eq!(lab.find(at_most(59)).verdict, Status::Failed);
    }

    #[test]
    fn a_new_certificate_of_the_identity_is_another_one() {
        let mut lab = revoked_and_refused();
        lab.reissue("again").operation(mins(115), "again", "reissue").admitted(mins(120));
        assert_eq!(lab.find(at_most(31)).verdict, Status::Held);
    }
}
