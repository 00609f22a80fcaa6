//! Episodes: unbroken runs of attempts with the same outcome, code, sub-status and alert.

use std::borrow::Cow;

use revlab_lab::trace::Attempt;
use revlab_lab::{Code, Instant, Name, Outcome, Span};

use super::index::{At, Index};
use super::{select, told};
use crate::scenario::model::{AttemptFilter, ResultFilter, Window};

/// An unbroken run of attempts with the same outcome, code, sub-status and alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// Whose attempts: one client, or several that are looked at as one.
    pub clients: Vec<Name>,
    /// The outcome of each.
    pub outcome: Outcome,
    /// HTTP status of the first.
    pub status: Option<u16>,
    /// IIS sub-status of each.
    pub substatus: Option<u16>,
    /// Error code of each.
    pub code: Option<Code>,
    /// TLS alert of each.
    pub alert: Option<Name>,
    /// Who did not accept a certificate in the first.
    pub refused_by: Option<Name>,
    /// When the first was due.
    pub begin: Instant,
    /// When the first attempt after it was due; for the last episode, the end of the run.
    pub end: Instant,
    /// When the last of its attempts was due.
    pub last_due: Instant,
    /// When the last of its attempts ended.
    pub last_ended: Instant,
    /// How many attempts.
    pub attempts: u64,
    /// Number of the record of its first attempt.
    pub first: u64,
    /// Number of the record of its last attempt.
    pub last: u64,
    /// How it ended.
    pub healing: Healing,
}

/// How an episode ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Healing {
    /// By itself: before the run did, and without an operation after its begin, up to its end.
    ByItself,
    /// An administrator acted after its begin and no later than its end: the number of the last
    /// such operation's record.
    AfterOperation(u64),
    /// Not before the run did.
    NotHealed,
}

impl Episode {
    /// From its first attempt to the first one after it.
    pub fn length(&self) -> Span {
        self.end - self.begin
    }

    /// Whether it ended by itself.
    pub fn heals(&self) -> bool {
        self.healing == Healing::ByItself
    }

    /// Whether it is one of what the filter means; none: the trace cannot tell.
    pub(super) fn is(&self, index: &Index<'_>, result: &ResultFilter) -> Option<bool> {
        let code = told::code(self.code, self.alert.as_ref());
        told::all([
            Some(result.outcome == self.outcome),
            told::part(index, result.code, code),
            told::part(index, result.substatus, self.substatus),
            Some(told::by(result, self.refused_by.as_deref())),
        ])
    }

    /// Whether one of its attempts was due in the window. Between two attempts of an episode
    /// there is none of another, so its stretch decides.
    pub(super) fn lies_in(&self, window: Window) -> bool {
        self.begin < window.to && window.from <= self.last_due
    }

    /// From the begin of its first attempt to the end of its last, or the first `at_start` of it.
    pub(super) fn stretch(&self, at_start: Option<Span>) -> Window {
        // What happens in the instant in which the last attempt ends belongs to it.
        let whole = self.last_ended + Span::from_millis(1);
        let to = at_start.map_or(whole, |length| whole.min(self.begin + length));
        Window { from: self.begin, to }
    }
}

/// The episodes of the attempts that the filter means, a list for each sequence of attempts. If
/// the filter names several clients, their attempts are one sequence; else each client's are one
/// by themselves.
pub(super) fn sequences<'i>(
    index: &'i Index<'_>,
    filter: &AttemptFilter,
) -> Cow<'i, [Vec<Episode>]> {
    match *filter == AttemptFilter::default() {
        true => Cow::Borrowed(index.episodes.get_or_init(|| made(index, filter))),
        false => Cow::Owned(made(index, filter)),
    }
}

fn made(index: &Index<'_>, filter: &AttemptFilter) -> Vec<Vec<Episode>> {
    let merge = filter.clients.len() > 1;
    let mut clients: Vec<&Name> = Vec::new();
    let mut runs = Runs::new(index);
    for attempt in index.attempts.iter().filter(|a| select::attempt(filter, a)) {
        let known = clients.iter().position(|c| merge || **c == attempt.client);
        let sequence = known.unwrap_or(clients.len());
        if known.is_none() {
            clients.push(&attempt.client);
        }
        runs.add(sequence, attempt);
    }
    runs.finish()
}

/// Episodes under construction, one sequence for each client.
struct Runs<'i, 'a> {
    index: &'i Index<'a>,
    sequences: Vec<Vec<Episode>>,
}

impl<'i, 'a> Runs<'i, 'a> {
    fn new(index: &'i Index<'a>) -> Self {
        Runs { index, sequences: Vec::new() }
    }

    fn add(&mut self, sequence: usize, attempt: &At<'a, Attempt>) {
        if self.sequences.len() <= sequence {
            self.sequences.resize(sequence + 1, Vec::new());
        }
        let Some(episodes) = self.sequences.get_mut(sequence) else { return };
        match episodes.last_mut() {
            Some(last) if continues(last, attempt) => {
                last.attempts += 1;
                last.last = attempt.n;
                last.last_due = attempt.due;
                last.last_ended = last.last_ended.max(attempt.t);
                if !last.clients.contains(&attempt.client) {
                    last.clients.push(attempt.client.clone());
                }
            }
            before => {
                if let Some(before) = before {
                    before.end = attempt.due;
                    before.healing = Healing::ByItself;
                }
                episodes.push(begun(attempt, self.index.end));
            }
        }
    }

    fn finish(mut self) -> Vec<Vec<Episode>> {
        let index = self.index;
        for episode in self.sequences.iter_mut().flatten() {
            episode.clients.sort();
            if episode.healing == Healing::ByItself
                && let Some(operation) = operation_in(index, episode)
            {
                episode.healing = Healing::AfterOperation(operation);
            }
        }
        self.sequences
    }
}

fn continues(episode: &Episode, attempt: &Attempt) -> bool {
    episode.outcome == attempt.outcome
        && episode.code == attempt.code
        && episode.alert == attempt.alert
        && episode.substatus == attempt.substatus
}

fn begun(attempt: &At<'_, Attempt>, end: Instant) -> Episode {
    Episode {
        clients: vec![attempt.client.clone()],
        outcome: attempt.outcome,
        status: attempt.status,
        substatus: attempt.substatus,
        code: attempt.code,
        alert: attempt.alert.clone(),
        refused_by: select::refuser(attempt).map(Name::from),
        begin: attempt.due,
        end: end.max(attempt.due),
        last_due: attempt.due,
        last_ended: attempt.t,
        attempts: 1,
        first: attempt.n,
        last: attempt.n,
        healing: Healing::NotHealed,
    }
}

/// The last operation in or at the end of an episode. One at its very begin came before it:
/// operations go before attempts of the same instant.
fn operation_in(index: &Index<'_>, episode: &Episode) -> Option<u64> {
    let upto = index.operations.partition_point(|o| o.t <= episode.end);
    let last = index.operations.get(..upto)?.last()?;
    (last.t > episode.begin).then_some(last.n)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::judge::sample::{Lab, hours, mins};

    const OFFLINE: Code = Code::CRYPT_E_REVOCATION_OFFLINE;

    fn found(lab: &Lab, filter: &AttemptFilter) -> Vec<Episode> {
        let (scenario, trace) = (lab.scenario(), lab.trace());
        sequences(&Index::new(&scenario, &trace), filter).concat()
    }

    #[test]
    fn an_episode_lasts_from_its_first_attempt_to_the_first_one_after_it() {
        let mut lab = Lab::new(hours(1));
        lab.admitted(mins(0))
            .refused(mins(10), OFFLINE)
            .refused(mins(20), OFFLINE)
            .admitted(mins(30));
        let episodes = found(&lab, &AttemptFilter::default());
        let lengths: Vec<_> =
            episodes.iter().map(|e| (e.outcome, e.length(), e.attempts)).collect();
        let expected = [
            (Outcome::Admitted, mins(10), 1),
            (Outcome::Refused, mins(20), 2),
            (Outcome::Admitted, mins(30), 1),
        ];
        assert_eq!(lengths, expected);
        let healing: Vec<_> = episodes.iter().map(|e| e.healing).collect();
        assert_eq!(healing, [Healing::ByItself, Healing::ByItself, Healing::NotHealed]);
    }

    #[test]
    fn another_code_is_another_episode() {
        let mut lab = Lab::new(hours(1));
        lab.refused(mins(0), OFFLINE).refused(mins(1), Code::CRYPT_E_REVOKED);
        assert_eq!(found(&lab, &AttemptFilter::default()).len(), 2);
    }

    #[test]
    fn an_operation_in_or_at_the_end_takes_the_healing_but_one_at_the_begin_does_not() {
        for (at, healing) in [(10, None), (15, Some(())), (30, Some(())), (31, None)] {
            let mut lab = Lab::new(hours(1));
            lab.admitted(mins(0)).refused(mins(10), OFFLINE).refused(mins(20), OFFLINE);
            lab.admitted(mins(30)).operation(mins(at), "restart", "reboot");
            let episodes = found(&lab, &AttemptFilter::default());
            let refused = episodes.iter().find(|e| e.outcome == Outcome::Refused).unwrap();
            let after = matches!(refused.healing, Healing::AfterOperation(_));
            assert_eq!(after, healing.is_some(), "operation at {at} min");
            assert_eq!(refused.heals(), !after);
        }
    }

    #[test]
    fn clients_are_apart_unless_the_filter_names_several() {
        let mut lab = Lab::new(hours(1));
        lab.admitted(mins(0)).admitted(mins(2));
        lab.attempt_of("other", mins(1), Outcome::Refused, Some(OFFLINE));
        let outcomes = |filter: &AttemptFilter| -> Vec<_> {
            found(&lab, filter).iter().map(|e| (e.outcome, e.attempts)).collect()
        };
        let apart = [(Outcome::Admitted, 2), (Outcome::Refused, 1)];
        assert_eq!(outcomes(&AttemptFilter::default()), apart);
        let clients = vec!["jmeter".into(), "other".into()];
        let merged = [(Outcome::Admitted, 1), (Outcome::Refused, 1), (Outcome::Admitted, 1)];
        assert_eq!(outcomes(&AttemptFilter { clients, identity: None }), merged);
    }

    #[test]
    fn an_episode_that_reaches_into_a_window_lies_in_it() {
        let mut lab = Lab::new(hours(1));
        lab.refused(mins(10), OFFLINE).refused(mins(20), OFFLINE).admitted(mins(30));
        let episodes = found(&lab, &AttemptFilter::default());
        let first = episodes.first().unwrap();
        let window = |from, to| Window { from: lab.at(mins(from)), to: lab.at(mins(to)) };
        assert!(first.lies_in(window(15, 40)));
        assert!(first.lies_in(window(0, 11)));
        assert!(!first.lies_in(window(0, 10)));
        assert!(!first.lies_in(window(21, 40)));
    }

    proptest! {
        #[test]
        fn episodes_of_a_client_cover_its_attempts_without_gap_or_overlap(
            outcomes in proptest::collection::vec(any::<bool>(), 1..60)
        ) {
            let mut lab = Lab::new(hours(1));
            for (i, admitted) in outcomes.iter().enumerate() {
                let due = mins(i as i64);
                if *admitted { lab.admitted(due) } else { lab.refused(due, OFFLINE) };
            }
            let episodes = found(&lab, &AttemptFilter::default());
            prop_assert_eq!(episodes.iter().map(|e| e.attempts).sum::<u64>(), outcomes.len() as u64);
            prop_assert_eq!(episodes.first().unwrap().begin, lab.at(mins(0)));
            prop_assert_eq!(episodes.last().unwrap().end, lab.at(hours(1)));
            for pair in episodes.windows(2) {
                prop_assert_eq!(pair[0].end, pair[1].begin);
                prop_assert_ne!(pair[0].outcome, pair[1].outcome);
            }
        }
    }
}
