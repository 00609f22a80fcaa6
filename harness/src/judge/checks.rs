//! `checks`: a number or a share of the SUT's checks came to this.

use super::attempts::holds;
use super::fetches::stretches;
use super::index::{CheckAt, Index};
use super::{Finding, Ruling, phrase, select};
use crate::scenario::model::{CheckFilter, CheckResult, Count, During, Share, Window};

/// What a `checks` expectation asks for.
pub(super) struct Asked<'e> {
    pub(super) of: &'e CheckFilter,
    pub(super) result: &'e CheckResult,
    pub(super) count: Option<Count>,
    pub(super) share: Option<Share>,
    pub(super) during: Option<&'e During>,
}

/// What was found in one stretch.
struct Tally {
    met: usize,
    total: usize,
    /// Checks that were counted, and that were not: the first few of each.
    counted: Vec<u64>,
    others: Vec<u64>,
}

pub(super) fn judge(index: &Index<'_>, window: Window, asked: &Asked<'_>) -> Ruling {
    let expected = expected(asked);
    if index.checks_in(window).next().is_none() && asked.share.is_none() || index.checks.is_empty()
    {
        // A black-box SUT yields no checks: that there is none with some verdict says nothing.
        return Ruling::inconclusive(expected, "the trace has no check then");
    }
    let stretches = match asked.during {
        None => vec![window],
        Some(during) => match stretches(index, window, during) {
            Ok(stretches) => stretches,
            Err(none) => return none.ruling(expected),
        },
    };
    let (mut problems, mut seen, mut nearest) = (Vec::new(), Vec::new(), Vec::new());
    for stretch in stretches {
        let tally = tally(index.checks_in(stretch), asked);
        let words = words(asked, &tally);
        if !met(asked, &tally) {
            let few = tally.counted.is_empty()
                || matches!(asked.share, Some(Share::All | Share::AtLeast(_)));
            nearest.extend(if few { tally.others } else { tally.counted });
            problems.push((stretch.from, words.clone()));
        }
        seen.push((stretch.from, words));
    }
    Ruling::by_stretches(expected, asked.during, &problems, &seen, nearest)
}

fn expected(asked: &Asked<'_>) -> String {
    let what = format!("{}{}", phrase::checks_of(asked.of), phrase::check_result(asked.result));
    let mut text = match (asked.share, asked.count) {
        (Some(share), _) => format!("{} checks{what}", phrase::share(share)),
        (None, Some(count)) => format!("{}{what}", phrase::count(count, "check")),
        (None, None) => format!("checks{what}"),
    };
    if let Some(during) = asked.during {
        text.push_str(&phrase::during(during));
    }
    text
}

fn tally<'i, 'a: 'i>(checks: impl Iterator<Item = &'i CheckAt<'a>>, asked: &Asked<'_>) -> Tally {
    let mut tally = Tally { met: 0, total: 0, counted: Vec::new(), others: Vec::new() };
    for check in checks.filter(|c| select::check(asked.of, c.full)) {
        tally.total += 1;
        let met = select::check_result(asked.result, check.full);
        tally.met += usize::from(met);
        let list = if met { &mut tally.counted } else { &mut tally.others };
        if list.len() < Finding::MOST_RECORDS {
            list.push(check.n);
        }
    }
    tally
}

fn met(asked: &Asked<'_>, tally: &Tally) -> bool {
    match (asked.share, asked.count) {
        (Some(share), _) => tally.total > 0 && holds(share, tally.met, tally.total),
        (None, Some(count)) => select::count(count, tally.met),
        (None, None) => tally.met > 0,
    }
}

fn words(asked: &Asked<'_>, tally: &Tally) -> String {
    let whose = phrase::checks_of(asked.of);
    if asked.share.is_some() && tally.total == 0 {
        return format!("no check{whose}: there must be one");
    }
    let total = phrase::counted(tally.total, "check");
    format!("{} of {total}{whose}{}", tally.met, phrase::check_result(asked.result))
}

#[cfg(test)]
mod tests {
    use revlab_lab::trace::{Layer, Purpose, State, Verdict};
    use revlab_lab::{Code, Outcome};

    use super::*;
    use crate::judge::Status;
    use crate::judge::sample::{Lab, check, hours, looked_up, mins};
    use crate::scenario::model::{AttemptFilter, ExpectationKind, ResultFilter};

    const OFFLINE: Code = Code::CRYPT_E_REVOCATION_OFFLINE;

    /// Refused with a stale base from 0:20 to 0:40; admitted with a fresh one before and after.
    fn outage() -> Lab {
        let mut lab = Lab::new(hours(1));
        for (i, minute) in (0..60).step_by(10).enumerate() {
            let number = i as u64 + 1;
            let refused = (20..40).contains(&minute);
            let (verdict, state) = if refused {
                (Verdict::Offline, State::Stale)
            } else {
                (Verdict::Good, State::Fresh)
            };
            if minute == 30 {
                lab.repeat(mins(minute), "web", number, number - 1);
            } else {
                let mut full = check("web", number, verdict);
                full.steps = vec![looked_up(Purpose::Base, Layer::Memory, state)];
                lab.check(mins(minute), full);
            }
            if refused {
                lab.refused(mins(minute), OFFLINE)
            } else {
                lab.admitted(mins(minute))
            };
        }
        lab
    }

    fn checks(result: CheckResult, share: Option<Share>, during: bool) -> ExpectationKind {
        let refused =
            ResultFilter { outcome: Outcome::Refused, code: None, substatus: None, by: None };
        ExpectationKind::Checks {
            of: CheckFilter::default(),
            result,
            count: share.is_none().then_some(Count { min: 1, max: Some(2) }),
            share,
            during: during.then_some(During {
                of: AttemptFilter::default(),
                result: refused,
                at_start: None,
            }),
        }
    }

    fn stale() -> CheckResult {
        CheckResult { base: Some(State::Stale), ..CheckResult::default() }
    }

    #[test]
    fn repeated_checks_count_as_what_they_repeat() {
        let lab = outage();
        assert_eq!(lab.find(checks(stale(), None, false)).verdict, Status::Held);
        let finding = lab.find(checks(stale(), Some(Share::All), true));
        assert_eq!(finding.verdict, Status::Held, "{}", finding.seen);
        assert!(finding.seen.contains(": 2 of 2 checks"), "{}", finding.seen);
    }

    #[test]
    fn a_share_that_is_not_met_says_how_many_and_which() {
        let lab = outage();
        let finding = lab.find(checks(stale(), Some(Share::All), false));
        assert_eq!(finding.verdict, Status::Failed);
        assert_eq!(finding.seen, "2 of 6 checks with its base CRL stale in memory");
        assert_eq!(finding.nearest.len(), 4);
    }

    #[test]
    fn a_number_that_is_not_met_fails() {
        let lab = outage();
        let good = CheckResult { verdict: Some(Verdict::Good), ..CheckResult::default() };
        let finding = lab.find(checks(good, None, false));
        assert_eq!(finding.verdict, Status::Failed);
        assert_eq!(finding.seen, "4 of 6 checks with verdict good");
    }

    #[test]
    fn only_checks_of_the_asked_process_are_looked_at() {
        let mut lab = outage();
        let mut certutil = check("web", 7, Verdict::Good);
        certutil.process = Some("certutil.exe".into());
        lab.check(mins(35), certutil);
        let of = |process: &str, share| ExpectationKind::Checks {
            of: CheckFilter { process: Some(process.into()), ..CheckFilter::default() },
            result: CheckResult { verdict: Some(Verdict::Offline), ..CheckResult::default() },
            count: None,
            share: Some(share),
            during: None,
        };
        assert_eq!(lab.find(of("certutil.exe", Share::None)).verdict, Status::Held);
        assert_eq!(lab.find(of("lsass.exe", Share::None)).verdict, Status::Failed);
        assert_eq!(lab.find(of("svchost.exe", Share::None)).verdict, Status::Failed);
    }

    #[test]
    fn a_trace_without_checks_proves_nothing() {
        let mut lab = Lab::new(hours(1));
        lab.refused(mins(0), OFFLINE);
        for share in [None, Some(Share::All), Some(Share::None)] {
            assert_eq!(lab.find(checks(stale(), share, false)).verdict, Status::Inconclusive);
        }
    }

    #[test]
    fn without_an_episode_to_look_into_it_fails() {
        let lab = outage();
        let finding = lab.find_in(mins(0), mins(10), checks(stale(), Some(Share::All), true));
        assert_eq!(finding.verdict, Status::Failed);
    }
}
