//! `fetches`: how many fetches of a kind, in the window or in each episode of an outcome.

use revlab_lab::Instant;
use revlab_lab::trace::Fetch;

use super::episode::{self, Episode};
use super::index::{At, Index};
use super::{Ruling, phrase, select, staleness};
use crate::scenario::model::{Count, During, FetchFilter, Window};

/// What a `fetches` expectation asks for.
pub(super) struct Asked<'e> {
    pub(super) of: &'e FetchFilter,
    pub(super) count: Count,
    pub(super) during: Option<&'e During>,
    pub(super) while_base_stale: bool,
}

pub(super) fn judge(index: &Index<'_>, window: Window, asked: &Asked<'_>) -> Ruling {
    let expected = expected(asked);
    let stretches = match asked.during {
        None => vec![window],
        Some(during) => match stretches(index, window, during) {
            Ok(stretches) => stretches,
            Err(none) => return none.ruling(expected),
        },
    };
    let stale = asked.while_base_stale.then(|| Stale::new(index, asked.of));
    if let Some(stale) = &stale
        && !stretches.iter().any(|s| stale.overlaps(*s))
    {
        let seen = "the base CRL was never past its nextUpdate then, as far as fetches tell";
        return Ruling::inconclusive(expected, seen);
    }
    let noun = phrase::fetch_noun(asked.of);
    let (mut problems, mut seen, mut nearest) = (Vec::new(), Vec::new(), Vec::new());
    for stretch in &stretches {
        let found: Vec<&At<'_, Fetch>> = index
            .fetches_in(*stretch)
            .filter(|f| select::fetch(asked.of, f))
            .filter(|f| stale.as_ref().is_none_or(|s| s.contains(&f.by, f.began)))
            .collect();
        let mut words = phrase::counted(found.len(), &noun);
        if !found.is_empty() {
            words.push_str(&format!(", at {}", phrase::times(found.iter().map(|f| f.began))));
        }
        if !select::count(asked.count, found.len()) {
            let near: Vec<u64> = found.iter().map(|f| f.n).collect();
            nearest.extend(if near.is_empty() { around(index, *stretch) } else { near });
            problems.push((stretch.from, words.clone()));
        }
        seen.push((stretch.from, words));
    }
    Ruling::by_stretches(expected, asked.during, &problems, &seen, nearest)
}

fn expected(asked: &Asked<'_>) -> String {
    let mut text = phrase::count(asked.count, &phrase::fetch_noun(asked.of));
    text.push_str(&phrase::fetch_details(asked.of));
    if let Some(during) = asked.during {
        text.push_str(&phrase::during(during));
    }
    if asked.while_base_stale {
        text.push_str(", while the base CRL was past its nextUpdate");
    }
    text
}

/// Why there is no stretch to look into.
pub(super) enum NoStretch {
    /// There is no such episode.
    None(String),
    /// There may be one: the trace cannot tell.
    Untold(String),
}

impl NoStretch {
    pub(super) fn ruling(self, expected: String) -> Ruling {
        match self {
            NoStretch::None(seen) => Ruling::failed(expected, seen),
            NoStretch::Untold(seen) => Ruling::inconclusive(expected, seen),
        }
    }
}

/// The stretch of each episode, as far as it lies in the window; or that there is none.
pub(super) fn stretches(
    index: &Index<'_>,
    window: Window,
    during: &During,
) -> Result<Vec<Window>, NoStretch> {
    let sequences = episode::sequences(index, &during.of);
    let asked = |e: &&Episode| e.is(index, &during.result) == Some(true) && e.lies_in(window);
    let untold = |e: &Episode| e.is(index, &during.result).is_none() && e.lies_in(window);
    if sequences.iter().flatten().any(untold) {
        let result = phrase::result(&during.result);
        let words = format!("whether an episode was one {result} is not told");
        return Err(NoStretch::Untold(words));
    }
    let stretches = sequences.iter().flatten().filter(asked).map(|e| {
        let whole = e.stretch(during.at_start);
        Window { from: whole.from.max(window.from), to: whole.to.min(window.to) }
    });
    let found: Vec<Window> = stretches.filter(|s| s.from < s.to).collect();
    match found.is_empty() {
        false => Ok(found),
        true => {
            let result = phrase::result(&during.result);
            Err(NoStretch::None(format!("no episode {result}: there must be one to look into")))
        }
    }
}

/// The record of the last fetch before a stretch, and of the first in or after it.
fn around(index: &Index<'_>, stretch: Window) -> Vec<u64> {
    let before = index.fetches.iter().rfind(|f| f.began < stretch.from);
    let after = index.fetches.iter().find(|f| f.began >= stretch.from);
    before.into_iter().chain(after).map(|f| f.n).collect()
}

/// When the base CRL of each SUT was stale.
struct Stale {
    by_sut: Vec<(revlab_lab::Name, Vec<Window>)>,
}

impl Stale {
    fn new(index: &Index<'_>, filter: &FetchFilter) -> Stale {
        let mut by_sut: Vec<(revlab_lab::Name, Vec<Window>)> = Vec::new();
        for fetch in &index.fetches {
            if !by_sut.iter().any(|(sut, _)| *sut == fetch.by) {
                let windows = staleness::stale(index, &fetch.by, filter.process.as_deref());
                by_sut.push((fetch.by.clone(), windows));
            }
        }
        Stale { by_sut }
    }

    fn contains(&self, sut: &str, t: Instant) -> bool {
        let windows = self.by_sut.iter().find(|(name, _)| **name == *sut).map(|(_, w)| w);
        windows.is_some_and(|windows| windows.iter().any(|w| w.contains(t)))
    }

    fn overlaps(&self, stretch: Window) -> bool {
        let mut all = self.by_sut.iter().flat_map(|(_, windows)| windows);
        all.any(|w| w.from < stretch.to && stretch.from < w.to)
    }
}

#[cfg(test)]
mod tests {
    use revlab_lab::trace::Purpose;
    use revlab_lab::{Code, Outcome, Span};

    use super::*;
    use crate::judge::Status;
    use crate::judge::sample::{Lab, base, delta, hours, mins, ocsp_failed};
    use crate::scenario::model::{AttemptFilter, ExpectationKind, ResultFilter};

    const OFFLINE: Code = Code::CRYPT_E_REVOCATION_OFFLINE;
    const NONE: Count = Count { min: 0, max: Some(0) };
    const SOME: Count = Count { min: 1, max: None };

    /// An outage from 2:00 to 2:50 in which only OCSP and the delta are fetched.
    fn outage() -> Lab {
        let mut lab = Lab::new(hours(4));
        lab.fetch(mins(35), base(lab.at(mins(30)), lab.at(mins(115))));
        lab.fetch(mins(36), delta(lab.at(mins(30)), lab.at(mins(90))));
        for minute in (0..240).step_by(10) {
            match minute {
                120..170 => lab.refused(mins(minute), OFFLINE),
                _ => lab.admitted(mins(minute)),
            };
        }
        lab.fetch(mins(120), ocsp_failed());
        lab.fetch(mins(121), delta(lab.at(mins(90)), lab.at(mins(145))));
        lab.fetch(mins(170), base(lab.at(mins(150)), lab.at(mins(235))));
        lab
    }

    fn during(at_start: Option<Span>) -> Option<During> {
        let result = ResultFilter {
            outcome: Outcome::Refused,
            code: Some(OFFLINE),
            substatus: None,
            by: None,
        };
        Some(During { of: AttemptFilter::default(), result, at_start })
    }

    fn fetches(purpose: Purpose, count: Count, during: Option<During>) -> ExpectationKind {
        let of = FetchFilter { purposes: vec![purpose], ..FetchFilter::default() };
        ExpectationKind::Fetches { of, count, during, while_base_stale: false }
    }

    #[test]
    fn fetches_are_counted_in_the_window() {
        let lab = outage();
        assert_eq!(
            lab.find(fetches(Purpose::Base, Count { min: 2, max: Some(2) }, None)).verdict,
            Status::Held
        );
        let finding = lab.find(fetches(Purpose::Base, NONE, None));
        assert_eq!(finding.verdict, Status::Failed);
        assert_eq!(finding.seen, "2 base CRL fetches, at 2014-04-16 00:35:00, 2014-04-16 02:50:00");
        assert_eq!(finding.nearest.len(), 2);
        let finding = lab.find_in(hours(3), hours(4), fetches(Purpose::Base, NONE, None));
        assert_eq!(finding.verdict, Status::Held);
    }

    #[test]
    fn fetches_are_counted_in_each_episode() {
        let lab = outage();
        assert_eq!(lab.find(fetches(Purpose::Base, NONE, during(None))).verdict, Status::Held);
        assert_eq!(lab.find(fetches(Purpose::Delta, SOME, during(None))).verdict, Status::Held);
        let finding = lab.find(fetches(Purpose::Base, SOME, during(None)));
        assert_eq!(finding.verdict, Status::Failed);
        assert_eq!(finding.seen, "in that from 2014-04-16 02:00:00: no base CRL fetch");
        assert_eq!(finding.nearest.len(), 2);
    }

    #[test]
    fn at_start_looks_at_the_first_of_each_episode_only() {
        let lab = outage();
        let start = during(Some(Span::from_secs(10)));
        assert_eq!(lab.find(fetches(Purpose::Ocsp, SOME, start.clone())).verdict, Status::Held);
        assert_eq!(lab.find(fetches(Purpose::Delta, SOME, start)).verdict, Status::Failed);
    }

    #[test]
    fn without_an_episode_nothing_holds_not_even_none() {
        let mut lab = Lab::new(hours(1));
        lab.admitted(mins(0));
        let finding = lab.find(fetches(Purpose::Base, NONE, during(None)));
        assert_eq!(finding.verdict, Status::Failed);
        assert!(finding.seen.contains("there must be one"), "{}", finding.seen);
    }

    #[test]
    fn while_stale_only_what_was_asked_for_in_that_time_counts() {
        let lab = outage();
        let stale = |purpose, count| {
            let of = FetchFilter { purposes: vec![purpose], ..FetchFilter::default() };
            ExpectationKind::Fetches { of, count, during: None, while_base_stale: true }
        };
        // Stale from 1:55 to 2:50, when the request for the new base had been made already.
        let one = Count { min: 1, max: Some(1) };
        assert_eq!(lab.find(stale(Purpose::Base, one)).verdict, Status::Held);
        assert_eq!(lab.find(stale(Purpose::Delta, one)).verdict, Status::Held);
        let finding = lab.find_in(mins(0), hours(1), stale(Purpose::Base, NONE));
        assert_eq!(finding.verdict, Status::Inconclusive);
    }
}
