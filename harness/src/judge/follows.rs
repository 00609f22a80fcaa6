//! `follows`: each fetch of one kind is followed by one of another.

use revlab_lab::trace::Fetch;
use revlab_lab::{Instant, Span};

use super::index::{At, Index};
use super::{Ruling, phrase, select};
use crate::scenario::model::{FetchFilter, Window};

/// A fetch follows another when the same SUT made its request at or after the other's end. It is
/// the same process too, unless the filters name one.
pub(super) fn judge(
    index: &Index<'_>,
    window: Window,
    after: &FetchFilter,
    then: &FetchFilter,
    within: Span,
) -> Ruling {
    let expected = expected(after, then, within);
    let first: Vec<_> = index.fetches_in(window).filter(|f| select::fetch(after, f)).collect();
    if first.is_empty() {
        let noun = phrase::fetch_noun(after);
        return Ruling::failed(expected, format!("no {noun} to follow: there must be one"));
    }
    let any_process = after.process.is_some() || then.process.is_some();
    let mut followers: Vec<&At<'_, Fetch>> =
        index.fetches.iter().filter(|f| select::fetch(then, f)).collect();
    followers.sort_by_key(|f| (f.began, f.n));
    let (mut alone, mut open) = (Vec::new(), 0);
    for fetch in &first {
        let latest = fetch.t + within;
        match follower(&followers, fetch, latest, any_process) {
            Some(_) => {}
            None if latest > index.end => open += 1,
            None => alone.push(*fetch),
        }
    }
    let seen = format!("{} of {} followed", first.len() - alone.len() - open, first.len());
    if alone.is_empty() && open > 0 {
        let seen = format!("{seen}; the run ended too early to tell for {open}");
        return Ruling::inconclusive(expected, seen);
    }
    let next = |f: &At<'_, Fetch>| match follower(
        &followers,
        f,
        Instant::from_millis(i64::MAX),
        any_process,
    ) {
        Some(late) => {
            format!("{} (next one {} later)", phrase::at(f.t), phrase::about(late.began - f.t))
        }
        None => format!("{} (none after it)", phrase::at(f.t)),
    };
    let mut problems = Vec::new();
    if !alone.is_empty() {
        let words = phrase::listed(alone.iter().map(|f| next(f)));
        problems.push(format!("{seen}; not that of {words}"));
    }
    Ruling::by_problems(expected, &problems, seen, alone.iter().map(|f| f.n).collect())
}

fn expected(after: &FetchFilter, then: &FetchFilter, within: Span) -> String {
    format!(
        "each {}{} followed by a {}{} within {within}",
        phrase::fetch_noun(after),
        phrase::fetch_details(after),
        phrase::fetch_noun(then),
        phrase::fetch_details(then),
    )
}

/// The first of `followers`, which are in the order of their begin, that follows `fetch`.
fn follower<'f, 'a>(
    followers: &[&'f At<'a, Fetch>],
    fetch: &At<'_, Fetch>,
    latest: Instant,
    any_process: bool,
) -> Option<&'f At<'a, Fetch>> {
    let from = followers.partition_point(|f| f.began < fetch.t);
    let later = followers.get(from..)?.iter().copied().take_while(|f| f.began <= latest);
    let same = |f: &&At<'_, Fetch>| f.by == fetch.by && (any_process || f.process == fetch.process);
    later.filter(|f| f.n != fetch.n).find(same)
}

#[cfg(test)]
mod tests {
    use revlab_lab::trace::Purpose;

    use super::*;
    use crate::judge::Status;
    use crate::judge::sample::{Lab, base, hours, mins, ocsp_failed};
    use crate::scenario::model::ExpectationKind;

    fn crl_after_ocsp() -> ExpectationKind {
        let of = |purpose, succeeded| FetchFilter {
            purposes: vec![purpose],
            succeeded: Some(succeeded),
            ..FetchFilter::default()
        };
        ExpectationKind::Follows {
            after: of(Purpose::Ocsp, false),
            then: of(Purpose::Base, true),
            within: Span::from_secs(20),
        }
    }

    fn a_base(lab: &Lab) -> Fetch {
        base(lab.at(mins(0)), lab.at(hours(9)))
    }

    #[test]
    fn each_one_that_is_followed_in_time_holds() {
        let mut lab = Lab::new(hours(4));
        for hour in 1..4 {
            lab.fetch(hours(hour), ocsp_failed());
            lab.fetch(hours(hour) + Span::from_secs(20), a_base(&lab));
        }
        let finding = lab.find(crl_after_ocsp());
        assert_eq!((finding.verdict, &*finding.seen), (Status::Held, "3 of 3 followed"));
    }

    #[test]
    fn one_that_is_followed_too_late_or_by_another_process_fails() {
        let mut lab = Lab::new(hours(4));
        lab.fetch(hours(1), ocsp_failed());
        lab.fetch(
            hours(1) + Span::from_secs(5),
            Fetch { process: "certutil.exe".into(), ..a_base(&lab) },
        );
        lab.fetch(hours(1) + Span::from_secs(21), a_base(&lab));
        let finding = lab.find(crl_after_ocsp());
        assert_eq!(finding.verdict, Status::Failed);
        assert_eq!(
            finding.seen,
            "0 of 1 followed; not that of 2014-04-16 01:00:00 (next one 21s later)"
        );
        assert_eq!(finding.nearest.len(), 1);
    }

    #[test]
    fn with_none_to_follow_it_fails() {
        let mut lab = Lab::new(hours(4));
        lab.fetch(hours(1), a_base(&lab));
        let finding = lab.find(crl_after_ocsp());
        assert_eq!(finding.verdict, Status::Failed);
        assert!(finding.seen.contains("there must be one"), "{}", finding.seen);
    }

    #[test]
    fn one_at_the_very_end_of_the_run_cannot_be_judged() {
        let mut lab = Lab::new(hours(4));
        lab.fetch(hours(4) - Span::from_secs(5), ocsp_failed());
        assert_eq!(lab.find(crl_after_ocsp()).verdict, Status::Inconclusive);
    }
}
