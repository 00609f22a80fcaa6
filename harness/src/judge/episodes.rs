//! `episodes`: how many episodes of an outcome, how long each, and how each ends.

use revlab_lab::Instant;

use super::episode::{self, Episode};
use super::index::Index;
use super::{Ruling, phrase, select};
use crate::scenario::model::{AttemptFilter, Count, ResultFilter, SpanRange, Window};

/// What an `episodes` expectation asks for.
pub(super) struct Asked<'e> {
    pub(super) of: &'e AttemptFilter,
    pub(super) result: &'e ResultFilter,
    pub(super) count: Count,
    pub(super) length: Option<SpanRange>,
    pub(super) heals: Option<bool>,
    pub(super) first: Option<SpanRange>,
    pub(super) apart: Option<SpanRange>,
}

pub(super) fn judge(index: &Index<'_>, window: Window, asked: &Asked<'_>) -> Ruling {
    let expected = expected(asked);
    if !index.attempts_in(window).iter().any(|a| select::attempt(asked.of, a)) {
        let whose = phrase::attempts_of(asked.of);
        return Ruling::inconclusive(expected, format!("no attempt{whose} was due then"));
    }
    let sequences = episode::sequences(index, asked.of);
    let here: Vec<&Episode> = sequences.iter().flatten().filter(|e| e.lies_in(window)).collect();
    // What cannot be told is taken for found first, then for not found: where that makes a
    // difference, nothing can be said.
    let [with, without] = [true, false]
        .map(|untold| found(index, window, asked, &expected, &sequences, &here, untold));
    if with.verdict == without.verdict {
        return without;
    }
    let untold = here.iter().filter(|e| e.is(index, asked.result).is_none()).count();
    let words = format!("{}: the code or sub-status of {untold} is not told", with.seen);
    Ruling { nearest: with.nearest, ..Ruling::inconclusive(expected, words) }
}

fn found(
    index: &Index<'_>,
    window: Window,
    asked: &Asked<'_>,
    expected: &str,
    sequences: &[Vec<Episode>],
    here: &[&Episode],
    untold: bool,
) -> Ruling {
    let is = |e: &Episode| e.is(index, asked.result).unwrap_or(untold);
    let found: Vec<&Episode> = here.iter().copied().filter(|e| is(e)).collect();
    let mut problems = Vec::new();
    if !select::count(asked.count, found.len()) {
        problems.push(seen(&found));
        if found.is_empty() {
            problems.push(instead(index, here, asked));
        }
    }
    problems.extend(misshapen(asked, &found));
    problems.extend(first_at_another_time(index.start, asked, &found));
    for sequence in sequences.iter() {
        let mine = sequence.iter().filter(|e| e.lies_in(window) && is(e));
        problems.extend(at_another_distance(asked, &mine.collect::<Vec<_>>()));
    }
    let near = if found.is_empty() { near_misses(index, here, asked) } else { found.clone() };
    let nearest = near.iter().map(|e| e.first).collect();
    Ruling::by_problems(expected.to_owned(), &problems, seen(&found), nearest)
}

fn expected(asked: &Asked<'_>) -> String {
    let mut text = phrase::count(asked.count, "episode");
    text.push_str(&format!(" {}{}", phrase::result(asked.result), phrase::attempts_of(asked.of)));
    if let Some(length) = asked.length {
        text.push_str(&format!(", each {} long", phrase::range(length)));
    }
    match asked.heals {
        Some(true) => text.push_str(", each healing by itself"),
        Some(false) => text.push_str(", none healing by itself"),
        None => {}
    }
    if let Some(first) = asked.first {
        text.push_str(&format!(", the first after {}", phrase::range(first)));
    }
    if let Some(apart) = asked.apart {
        text.push_str(&format!(", begins {} apart", phrase::range(apart)));
    }
    text
}

/// `2 episodes: 1h from …, 1h from …`.
fn seen(found: &[&Episode]) -> String {
    let number = phrase::counted(found.len(), "episode");
    match found {
        [] => number,
        _ => format!("{number}: {}", phrase::listed(found.iter().map(|e| phrase::episode(e)))),
    }
}

/// Episodes of the same outcome with another code; failing that, of another outcome than
/// admitted.
fn near_misses<'e>(index: &Index<'_>, here: &[&'e Episode], asked: &Asked<'_>) -> Vec<&'e Episode> {
    use revlab_lab::Outcome;
    let others = || here.iter().copied().filter(|e| e.is(index, asked.result) != Some(true));
    let same: Vec<_> = others().filter(|e| e.outcome == asked.result.outcome).collect();
    match same.is_empty() {
        false => same,
        true => others().filter(|e| e.outcome != Outcome::Admitted).collect(),
    }
}

/// What there was when there was no such episode.
fn instead(index: &Index<'_>, here: &[&Episode], asked: &Asked<'_>) -> String {
    let near = near_misses(index, here, asked);
    if near.is_empty() {
        let attempts: u64 = here.iter().map(|e| e.attempts).sum();
        return format!("{} admitted", phrase::counted(attempts as usize, "attempt"));
    }
    let words = near.iter().map(|e| {
        let what = phrase::result_words(e.outcome, e.status, e.substatus, e.code);
        let what = phrase::by_alert(what, e.alert.as_ref());
        format!("{what} for {}", phrase::episode(e))
    });
    format!("nearest: {}", phrase::listed(words))
}

/// Episodes that are too short, too long, or end as they should not.
fn misshapen(asked: &Asked<'_>, found: &[&Episode]) -> Vec<String> {
    let total = found.len();
    let mut problems = Vec::new();
    let mut report = |wrong: Vec<&&Episode>, what: &str| {
        if !wrong.is_empty() {
            let words = phrase::listed(wrong.iter().map(|e| phrase::episode(e)));
            problems.push(format!("{} of {total} {what}: {words}", wrong.len()));
        }
    };
    if let Some(length) = asked.length {
        let short = |e: &&&Episode| length.min.is_some_and(|min| e.length() < min);
        report(found.iter().filter(short).collect(), "too short");
        let long = |e: &&&Episode| length.max.is_some_and(|max| e.length() > max);
        report(found.iter().filter(long).collect(), "too long");
    }
    if let Some(heals) = asked.heals {
        let wrong = found.iter().filter(|e| e.heals() != heals).collect();
        report(wrong, if heals { "not healed by itself" } else { "healed by itself" });
    }
    problems
}

fn first_at_another_time(start: Instant, asked: &Asked<'_>, found: &[&Episode]) -> Option<String> {
    let begin = found.iter().map(|e| e.begin).min()?;
    let after = begin - start;
    let wrong = !select::range(asked.first?, after);
    wrong.then(|| format!("the first began {after} after the start, at {}", phrase::at(begin)))
}

/// Successive episodes of one sequence of attempts whose begins are not as far apart as asked.
fn at_another_distance(asked: &Asked<'_>, found: &[&Episode]) -> Vec<String> {
    let Some(range) = asked.apart else { return Vec::new() };
    let pairs = found.iter().zip(found.iter().skip(1));
    let wrong = pairs.filter(|(a, b)| !select::range(range, b.begin - a.begin));
    let words = wrong.map(|(a, b)| {
        let distance = b.begin - a.begin;
        format!("one began {distance} after the one before it, at {}", phrase::at(b.begin))
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use revlab_lab::{Code, Outcome, Span};

    use super::*;
    use crate::judge::Status;
    use crate::judge::sample::{Lab, hours, mins};
    use crate::scenario::model::ExpectationKind;

    const OFFLINE: Code = Code::CRYPT_E_REVOCATION_OFFLINE;

    /// Refused from 2:00 to 2:50 and from 5:00 to 5:10, in a run of 8 h, an attempt every 10 min.
    fn two_outages() -> Lab {
        let mut lab = Lab::new(hours(8));
        for minute in (0..480).step_by(10) {
            match minute {
                120..170 | 300..310 => lab.refused(mins(minute), OFFLINE),
                _ => lab.admitted(mins(minute)),
            };
        }
        lab
    }

    fn refused(count: Count) -> ExpectationKind {
        ExpectationKind::Episodes {
            of: AttemptFilter::default(),
            result: ResultFilter {
                outcome: Outcome::Refused,
                code: Some(OFFLINE),
                substatus: Some(13),
                by: None,
            },
            count,
            length: None,
            heals: None,
            first: None,
            apart: None,
        }
    }

    const SOME: Count = Count { min: 1, max: None };
    const NONE: Count = Count { min: 0, max: Some(0) };

    fn spans(min: Span, max: Span) -> Option<SpanRange> {
        Some(SpanRange { min: Some(min), max: Some(max) })
    }

    #[test]
    fn the_number_of_episodes_is_judged() {
        let lab = two_outages();
        assert_eq!(lab.find(refused(Count { min: 2, max: Some(2) })).verdict, Status::Held);
        let finding = lab.find(refused(Count { min: 3, max: None }));
        assert_eq!(finding.verdict, Status::Failed);
        assert_eq!(
            finding.seen,
            "2 episodes: 50m from 2014-04-16 02:00:00 (healed by itself), \
             10m from 2014-04-16 05:00:00 (healed by itself)"
        );
        assert_eq!(finding.nearest.len(), 2);
    }

    #[test]
    fn each_length_is_judged_and_the_offender_named() {
        let lab = two_outages();
        let mut kind = refused(SOME);
        if let ExpectationKind::Episodes { length, .. } = &mut kind {
            *length = spans(mins(30), mins(75));
        }
        let finding = lab.find(kind.clone());
        assert_eq!(finding.verdict, Status::Failed);
        assert_eq!(
            finding.seen,
            "1 of 2 too short: 10m from 2014-04-16 05:00:00 (healed by itself)"
        );
        assert_eq!(lab.find_in(mins(0), hours(4), kind).verdict, Status::Held);
    }

    #[test]
    fn an_operation_at_its_end_is_no_healing_by_itself() {
        let mut lab = two_outages();
        let mut kind = refused(SOME);
        if let ExpectationKind::Episodes { heals, .. } = &mut kind {
            *heals = Some(true);
        }
        assert_eq!(lab.find(kind.clone()).verdict, Status::Held);
        lab.operation(mins(165), "restart", "reboot");
        let finding = lab.find(kind);
        assert_eq!(finding.verdict, Status::Failed);
        assert!(finding.seen.contains("1 of 2 not healed by itself"), "{}", finding.seen);
    }

    #[test]
    fn the_first_and_the_distance_are_judged() {
        let lab = two_outages();
        let asked = |from, to, near, far| {
            let mut kind = refused(SOME);
            if let ExpectationKind::Episodes { first, apart, .. } = &mut kind {
                *first = spans(from, to);
                *apart = spans(near, far);
            }
            lab.find(kind)
        };
        assert_eq!(asked(hours(2), hours(2), hours(3), hours(3)).verdict, Status::Held);
        let late = asked(hours(3), hours(4), hours(3), hours(3));
        assert_eq!(late.seen, "the first began 2h after the start, at 2014-04-16 02:00:00");
        let apart = asked(hours(2), hours(2), hours(4), hours(5));
        assert_eq!(apart.seen, "one began 3h after the one before it, at 2014-04-16 05:00:00");
    }

    #[test]
    fn when_there_is_none_the_nearest_are_named() {
        let mut lab = Lab::new(hours(1));
        lab.admitted(mins(0)).refused(mins(10), Code::CRYPT_E_REVOKED).admitted(mins(20));
        let finding = lab.find(refused(SOME));
        assert_eq!(
            finding.seen,
            "no episode; nearest: refused with 403.13, 0x80092010 CRYPT_E_REVOKED for \
             10m from 2014-04-16 00:10:00 (healed by itself)"
        );
        assert_eq!(finding.nearest.len(), 1);
        let mut healthy = Lab::new(hours(1));
        healthy.admitted(mins(0)).admitted(mins(1));
        assert_eq!(healthy.find(refused(SOME)).seen, "no episode; 2 attempts admitted");
    }

    #[test]
    fn an_outage_that_reaches_into_the_window_counts_with_its_whole_length() {
        let lab = two_outages();
        let finding = lab.find_in(mins(140), mins(200), refused(NONE));
        assert_eq!(finding.verdict, Status::Failed);
        assert!(finding.seen.contains("50m from 2014-04-16 02:00:00"), "{}", finding.seen);
    }

    #[test]
    fn a_window_without_attempts_proves_nothing() {
        let lab = two_outages();
        for count in [NONE, SOME] {
            let finding = lab.find_in(mins(1), mins(2), refused(count));
            assert_eq!(finding.verdict, Status::Inconclusive);
        }
    }
}
