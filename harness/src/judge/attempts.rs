//! `attempts`: a share of the attempts due in the window had this outcome.

use std::collections::BTreeMap;

use super::index::Index;
use super::{Ruling, counted, phrase, select, told};
use crate::scenario::model::{AttemptFilter, ResultFilter, Share, Window};

pub(super) fn judge(
    index: &Index<'_>,
    window: Window,
    share: Share,
    of: &AttemptFilter,
    result: &ResultFilter,
) -> Ruling {
    let whose = phrase::attempts_of(of);
    let wanted = phrase::result(result);
    let expected = format!("{} attempts{whose} {wanted}", phrase::share(share));
    let asked = index.attempts_in(window).iter().filter(|a| select::attempt(of, a));
    let (mut met, mut others) = (Vec::new(), Vec::new());
    let (mut untold, mut by_alert) = (0, false);
    let mut instead: BTreeMap<String, usize> = BTreeMap::new();
    for attempt in asked {
        let is_met = told::result(index, result, attempt);
        if is_met == Some(true) {
            by_alert |= result.code.is_some() && attempt.code.is_none();
            met.push(attempt.n);
        } else {
            untold += usize::from(is_met.is_none());
            if others.len() < super::Finding::MOST_RECORDS {
                others.push(attempt.n);
            }
            *instead.entry(outcome_words(attempt)).or_insert(0) += 1;
        }
    }
    let total = met.len() + instead.values().sum::<usize>();
    if total == 0 {
        return Ruling::failed(
            expected,
            format!("no attempt{whose} was due then: there must be one"),
        );
    }
    let mut seen = format!("{} of {} {wanted}", met.len(), counted(total, "attempt"));
    if by_alert {
        seen.push_str(&format!(" (the alert {} says so)", told::REVOKED));
    }
    for (words, number) in &instead {
        seen.push_str(&format!(", {number} {words}"));
    }
    // What stands in the way of the share is what there is to look at.
    let nearest = match share {
        Share::All | Share::AtLeast(_) => others,
        Share::None | Share::AtMost(_) => met.clone(),
    };
    let worst_and_best = [met.len(), met.len() + untold].map(|met| holds(share, met, total));
    if let [true, false] | [false, true] = worst_and_best {
        seen.push_str(&format!(": of {untold} the code or sub-status is not told"));
        return Ruling { nearest, ..Ruling::inconclusive(expected, seen) };
    }
    match holds(share, met.len(), total) {
        true => Ruling::by_problems(expected, &[], seen, Vec::new()),
        false => Ruling { nearest, ..Ruling::failed(expected, seen) },
    }
}

fn outcome_words(attempt: &revlab_lab::trace::Attempt) -> String {
    let (status, substatus) = (attempt.status, attempt.substatus);
    let words = super::result_words(attempt.outcome, status, substatus, attempt.code);
    phrase::by_alert(words, attempt.alert.as_ref())
}

/// Whether `met` of `total`, which is not 0, is the share.
pub(super) fn holds(share: Share, met: usize, total: usize) -> bool {
    let part = met as f64 / total as f64;
    match share {
        Share::All => met == total,
        Share::None => met == 0,
        Share::AtLeast(least) => part >= least,
        Share::AtMost(most) => part <= most,
    }
}

#[cfg(test)]
mod tests {
    use revlab_lab::{Code, Outcome};

    use super::*;
    use crate::judge::Status;
    use crate::judge::sample::{Lab, hours, mins};
    use crate::scenario::model::ExpectationKind;

    fn share_of(share: Share, outcome: Outcome) -> ExpectationKind {
        let result = ResultFilter { outcome, code: None, substatus: None, by: None };
        ExpectationKind::Attempts { share, of: AttemptFilter::default(), result }
    }

    fn one_in_four_refused() -> Lab {
        let mut lab = Lab::new(hours(1));
        lab.admitted(mins(0)).admitted(mins(1)).admitted(mins(3));
        lab.refused(mins(2), Code::CRYPT_E_REVOCATION_OFFLINE);
        lab
    }

    #[test]
    fn a_share_holds_or_fails_by_the_attempts_due_in_the_window() {
        let lab = one_in_four_refused();
        for (share, verdict) in [
            (Share::All, Status::Failed),
            (Share::None, Status::Failed),
            (Share::AtLeast(0.75), Status::Held),
            (Share::AtLeast(0.76), Status::Failed),
            (Share::AtMost(0.75), Status::Held),
            (Share::AtMost(0.74), Status::Failed),
        ] {
            let finding = lab.find(share_of(share, Outcome::Admitted));
            assert_eq!(finding.verdict, verdict, "{share:?}: {}", finding.seen);
        }
        let finding = lab.find_in(mins(0), mins(2), share_of(Share::All, Outcome::Admitted));
        assert_eq!(finding.verdict, Status::Held);
    }

    #[test]
    fn a_failure_says_what_came_instead_and_where() {
        let lab = one_in_four_refused();
        let finding = lab.find(share_of(Share::All, Outcome::Admitted));
        assert_eq!(
            finding.seen,
            "3 of 4 attempts admitted, \
             1 refused with 403.13, 0x80092013 CRYPT_E_REVOCATION_OFFLINE"
        );
        assert_eq!(finding.nearest.len(), 1);
        assert_eq!(lab.outcome_of(finding.nearest[0]), Some(Outcome::Refused));
    }

    #[test]
    fn without_an_attempt_no_share_holds() {
        let lab = one_in_four_refused();
        for share in [Share::All, Share::None, Share::AtLeast(0.0), Share::AtMost(1.0)] {
            let finding = lab.find_in(mins(10), mins(20), share_of(share, Outcome::Admitted));
            assert_eq!(finding.verdict, Status::Failed, "{share:?}");
            assert!(finding.seen.contains("no attempt"), "{}", finding.seen);
        }
    }
}
