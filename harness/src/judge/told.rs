//! What a trace tells of a program that is not ours, and what it cannot tell.
//!
//! The model puts codes, processes and checks on record. A real server shows its clients a status
//! or a TLS alert, and the CA its requests; an expectation that asks for more is inconclusive,
//! unless what is there already decides it.

use revlab_lab::trace::Attempt;
use revlab_lab::{Code, Name};

use super::index::Index;
use super::select;
use crate::scenario::model::{ExpectationKind, FetchFilter, ResultFilter};
use crate::sut_logs::EVIDENCE;

/// The alert that says what [`Code::CRYPT_E_REVOKED`] says (RFC 8446 §6.2). No other alert has one
/// meaning: servers send `unknown_ca` for a missing CRL and `certificate_expired` for a stale one.
pub(super) const REVOKED: &str = "certificate_revoked";

/// The code that an attempt tells, by itself or by its alert.
pub(super) fn code(code: Option<Code>, alert: Option<&Name>) -> Option<Code> {
    let by_alert = alert.filter(|a| ***a == *REVOKED).map(|_| Code::CRYPT_E_REVOKED);
    code.or(by_alert)
}

/// Whether something with these properties is what the filter means; none: the trace cannot tell.
pub(super) fn result(index: &Index<'_>, filter: &ResultFilter, attempt: &Attempt) -> Option<bool> {
    let told = code(attempt.code, attempt.alert.as_ref());
    let parts = [
        Some(filter.outcome == attempt.outcome),
        part(index, filter.code, told),
        part(index, filter.substatus, attempt.substatus),
        Some(by(filter, select::refuser(attempt))),
    ];
    all(parts)
}

/// Whether it was brought about by whom the filter names.
pub(super) fn by(filter: &ResultFilter, refuser: Option<&str>) -> bool {
    let is = |by: &Name| refuser.is_some_and(|refuser| select::is_machine_of(by, refuser));
    filter.by.as_ref().is_none_or(is)
}

/// Whether a part that is asked for is there; none: the system under test does not tell it.
pub(super) fn part<T: PartialEq>(
    index: &Index<'_>,
    asked: Option<T>,
    told: Option<T>,
) -> Option<bool> {
    match (asked, told) {
        (None, _) => Some(true),
        (Some(asked), Some(told)) => Some(asked == told),
        (Some(_), None) => (!index.foreign).then_some(false),
    }
}

/// Whether all are so; one that is not decides, whatever is not known.
pub(super) fn all(parts: impl IntoIterator<Item = Option<bool>> + Clone) -> Option<bool> {
    match parts.clone().into_iter().any(|part| part == Some(false)) {
        true => Some(false),
        false => parts.into_iter().all(|part| part == Some(true)).then_some(true),
    }
}

/// Why an expectation asks for what the system under test does not tell; none: it can be judged.
pub(super) fn beyond(index: &Index<'_>, kind: &ExpectationKind) -> Option<&'static str> {
    if !index.foreign {
        return None;
    }
    if let Some(why) = beyond_attempts(index, kind) {
        return Some(why);
    }
    let inside = |filter: &FetchFilter| filter.process.is_some() || filter.unsolicited.is_some();
    let asks = match kind {
        ExpectationKind::Fetches { of, .. } => inside(of),
        ExpectationKind::Order { sequence, only, .. } => {
            sequence.iter().any(|item| inside(&item.of)) || only.as_ref().is_some_and(inside)
        }
        ExpectationKind::Follows { after, then, .. } => inside(after) || inside(then),
        ExpectationKind::Log { code, file, .. } => {
            let imported = imported(index);
            let read = |file: &String| imported.iter().any(|name| name.contains(file.as_str()));
            let there = |file: &String| index.logs.iter().any(|l| l.file.contains(file.as_str()));
            let known = match (code, file) {
                (_, Some(file)) if read(file) => true,
                (None, Some(file)) => there(file),
                (Some(_), Some(_)) => false,
                (_, None) => !imported.is_empty(),
            };
            if !known {
                return Some("the system under test is not the model: its logs are its own");
            }
            false
        }
        _ => false,
    };
    asks.then_some("the system under test is not the model: which of its processes fetches, and why, it does not tell")
}

/// The logs of the system under test that were put into the trace afterwards.
fn imported<'a>(index: &Index<'a>) -> Vec<&'a str> {
    let told = index.header.and_then(|header| header.profiles.get(&header.sut)?.get(EVIDENCE));
    let names = told.and_then(serde_json::Value::as_array).into_iter().flatten();
    names.filter_map(serde_json::Value::as_str).collect()
}

/// Why an expectation asks for more than the attempts of another program's load; none: it does not.
fn beyond_attempts(index: &Index<'_>, kind: &ExpectationKind) -> Option<&'static str> {
    let of_fetches = matches!(
        kind,
        ExpectationKind::Fetches { .. }
            | ExpectationKind::Order { .. }
            | ExpectationKind::Follows { .. }
    );
    if of_fetches && !index.fetches_told {
        return Some("a JTL has no fetches: the journal of `revlab serve` has them (`--journal`)");
    }
    let of_operations = match kind {
        // An operation that ended an episode would not be on record.
        ExpectationKind::Episodes { heals, .. } => heals.is_some(),
        ExpectationKind::Exposure { .. } => true,
        // Whether the CRL in use was stale is a matter of what was published.
        ExpectationKind::Fetches { while_base_stale, .. } => *while_base_stale,
        _ => false,
    };
    (of_operations && index.attempts_only)
        .then_some("a JTL does not tell what CAs and administrators did meanwhile")
}

#[cfg(test)]
mod tests {
    use revlab_lab::Outcome;

    use super::*;
    use crate::judge::Status;
    use crate::judge::sample::{Lab, base, hours, mins};
    use crate::scenario::model::{AttemptFilter, Count, During, Share};

    /// Admitted twice, then refused twice by this alert.
    fn refused_by(alert: &str) -> Lab {
        let mut lab = Lab::new(hours(1));
        lab.foreign();
        lab.admitted(mins(0)).admitted(mins(1));
        lab.alerted(mins(2), alert).alerted(mins(3), alert);
        lab.fetch(mins(2), base(lab.at(mins(0)), lab.at(hours(2))));
        lab
    }

    fn asked(outcome: Outcome, code: Code) -> ResultFilter {
        ResultFilter { outcome, code: Some(code), substatus: None, by: None }
    }

    fn share(share: Share, result: ResultFilter) -> ExpectationKind {
        ExpectationKind::Attempts { share, of: AttemptFilter::default(), result }
    }

    fn episodes(min: u64, max: Option<u64>, result: ResultFilter) -> ExpectationKind {
        ExpectationKind::Episodes {
            of: AttemptFilter::default(),
            result,
            count: Count { min, max },
            length: None,
            heals: None,
            first: None,
            apart: None,
        }
    }

    const OFFLINE: Code = Code::CRYPT_E_REVOCATION_OFFLINE;
    const GONE: Code = Code::CRYPT_E_REVOKED;

    #[test]
    fn the_alert_for_a_revoked_certificate_tells_the_code_for_one() {
        let lab = refused_by(REVOKED);
        let refused = asked(Outcome::Refused, GONE);
        let finding = lab.find_in(mins(2), hours(1), share(Share::All, refused.clone()));
        assert_eq!(finding.verdict, Status::Held);
        assert!(finding.seen.contains("the alert certificate_revoked says so"), "{}", finding.seen);
        assert_eq!(lab.find(episodes(1, Some(1), refused.clone())).verdict, Status::Held);
        let offline = asked(Outcome::Refused, OFFLINE);
        assert_eq!(lab.find(share(Share::None, offline.clone())).verdict, Status::Held);
        assert_eq!(lab.find(episodes(1, None, offline.clone())).verdict, Status::Failed);
    }

    #[test]
    fn a_code_that_is_not_told_is_neither_held_nor_failed() {
        let lab = refused_by("unknown_ca");
        for code in [GONE, OFFLINE] {
            let refused = asked(Outcome::Refused, code);
            let finding = lab.find_in(mins(2), hours(1), share(Share::All, refused.clone()));
            assert_eq!(finding.verdict, Status::Inconclusive);
            assert!(finding.seen.contains("2 refused by the alert unknown_ca"), "{}", finding.seen);
            assert_eq!(lab.find(share(Share::None, refused.clone())).verdict, Status::Inconclusive);
            assert_eq!(lab.find(episodes(1, None, refused.clone())).verdict, Status::Inconclusive);
            assert_eq!(
                lab.find(episodes(0, Some(0), refused.clone())).verdict,
                Status::Inconclusive
            );
        }
    }

    #[test]
    fn what_the_outcome_alone_decides_is_decided() {
        let lab = refused_by("unknown_ca");
        let refused = asked(Outcome::Refused, OFFLINE);
        // Half were admitted: whatever the code, not all were refused with it.
        assert_eq!(lab.find(share(Share::All, refused.clone())).verdict, Status::Failed);
        assert_eq!(lab.find(share(Share::AtMost(0.5), refused.clone())).verdict, Status::Held);
        assert_eq!(lab.find(episodes(2, None, refused.clone())).verdict, Status::Failed);
        let early = lab.find_in(mins(0), mins(2), share(Share::None, refused.clone()));
        assert_eq!(early.verdict, Status::Held);
    }

    #[test]
    fn processes_and_logs_of_the_model_are_not_told() {
        let lab = refused_by("unknown_ca");
        let fetches = |of, during| ExpectationKind::Fetches {
            of,
            count: Count { min: 0, max: Some(0) },
            during,
            while_base_stale: false,
        };
        let process = FetchFilter { process: Some("lsass.exe".into()), ..FetchFilter::default() };
        assert_eq!(lab.find(fetches(process, None)).verdict, Status::Inconclusive);
        let unsolicited = FetchFilter { unsolicited: Some(true), ..FetchFilter::default() };
        assert_eq!(lab.find(fetches(unsolicited, None)).verdict, Status::Inconclusive);
        let during = During {
            of: AttemptFilter::default(),
            result: asked(Outcome::Refused, OFFLINE),
            at_start: None,
        };
        let all = FetchFilter::default();
        assert_eq!(lab.find(fetches(all.clone(), Some(during))).verdict, Status::Inconclusive);
        assert_eq!(lab.find(fetches(all, None)).verdict, Status::Failed);
        let count = Count { min: 0, max: Some(0) };
        let log = |code, file| ExpectationKind::Log { code, file, count };
        assert_eq!(lab.find(log(None, Some("FailedReq".into()))).verdict, Status::Inconclusive);
        assert_eq!(lab.find(log(Some(OFFLINE), None)).verdict, Status::Inconclusive);
    }

    #[test]
    fn the_model_tells_everything() {
        let mut lab = Lab::new(hours(1));
        lab.admitted(mins(0)).alerted(mins(2), "unknown_ca");
        let refused = asked(Outcome::Refused, OFFLINE);
        assert_eq!(
            lab.find_in(mins(1), hours(1), share(Share::All, refused.clone())).verdict,
            Status::Failed
        );
        assert_eq!(lab.find(episodes(0, Some(0), refused.clone())).verdict, Status::Held);
    }
}
