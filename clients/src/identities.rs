//! Which certificate an attempt uses.

use std::collections::BTreeSet;

use revlab_lab::rng::Stream;
use revlab_lab::{Name, Seed};

use crate::plan::{ClientPlan, identity_name};
use crate::schedule::Due;

/// How a certificate is chosen for each attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Thread i, attempt k uses number (i + k × threads) mod identities. With as many identities as
    /// threads each has one of its own.
    RoundRobin,
    /// Drawn, each as often as its weight has it: one weight for each identity.
    Weighted(Vec<u32>),
    /// In the order of a list, which all threads share and which begins anew at its end, as JMeter's
    /// CSV Data Set: places among the identities, from 0.
    Listed(Vec<u32>),
    /// One that is issued for this attempt and never used again.
    Minted,
}

/// What a certificate's own CA says of it at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationState {
    /// Not revoked.
    Good,
    /// Revoked, or on hold.
    Revoked,
}

/// The certificates of one client, and whose turn it is.
#[derive(Debug)]
pub(crate) struct Identities {
    names: Vec<Name>,
    /// How many attempts have one.
    taken: u64,
    stream: Stream,
    revoked: BTreeSet<usize>,
}

impl Identities {
    pub(crate) fn of(plan: &ClientPlan, seed: Seed) -> Identities {
        let number = plan.identities.max(1);
        Identities {
            names: (1..=number).map(|number| identity_name(&plan.name, number)).collect(),
            taken: 0,
            stream: seed.stream(&format!("clients/{}/identities", plan.name)),
            revoked: BTreeSet::new(),
        }
    }

    /// A certificate was revoked, or is good again; of another client's nothing comes.
    pub(crate) fn tell(&mut self, identity: &Name, state: RevocationState) {
        let Some(place) = self.names.iter().position(|name| name == identity) else { return };
        match state {
            RevocationState::Revoked => self.revoked.insert(place),
            RevocationState::Good => self.revoked.remove(&place),
        };
    }

    /// The certificate of an attempt; none: there is none in the state that the plan asks for.
    pub(crate) fn choose(&mut self, plan: &ClientPlan, due: Due) -> Option<Name> {
        let place = match &plan.choice {
            Choice::RoundRobin => self.in_turn(plan, due),
            Choice::Weighted(weights) => self.drawn(plan, weights),
            Choice::Listed(list) => self.next_of(plan, list),
            Choice::Minted => {
                self.taken += 1;
                let number = u32::try_from(self.taken).unwrap_or(u32::MAX);
                return Some(identity_name(&plan.name, number));
            }
        };
        self.names.get(place?).cloned()
    }

    fn is_wanted(&self, plan: &ClientPlan, place: usize) -> bool {
        match plan.state {
            None => true,
            Some(RevocationState::Good) => !self.revoked.contains(&place),
            Some(RevocationState::Revoked) => self.revoked.contains(&place),
        }
    }

    fn in_turn(&self, plan: &ClientPlan, due: Due) -> Option<usize> {
        let turn = u128::from(due.thread) + u128::from(due.k) * u128::from(plan.threads);
        if plan.state.is_none() {
            let place = turn.checked_rem(self.names.len() as u128)?;
            return usize::try_from(place).ok();
        }
        let wanted: Vec<usize> =
            (0..self.names.len()).filter(|place| self.is_wanted(plan, *place)).collect();
        let place = turn.checked_rem(wanted.len() as u128)?;
        wanted.get(usize::try_from(place).ok()?).copied()
    }

    fn drawn(&mut self, plan: &ClientPlan, weights: &[u32]) -> Option<usize> {
        let weights: Vec<(usize, u64)> = (0..self.names.len())
            .filter(|place| self.is_wanted(plan, *place))
            .map(|place| (place, weights.get(place).copied().unwrap_or_default().into()))
            .collect();
        let all: u64 = weights.iter().map(|(_, weight)| weight).sum();
        if all == 0 {
            return None;
        }
        let mut drawn = self.stream.below(all);
        for (place, weight) in weights {
            if drawn < weight {
                return Some(place);
            }
            drawn -= weight;
        }
        None
    }

    /// The next in the list that is wanted; after a whole round there is none.
    fn next_of(&mut self, plan: &ClientPlan, list: &[u32]) -> Option<usize> {
        for _ in 0..list.len() {
            let at = self.taken.checked_rem(list.len() as u64)?;
            self.taken += 1;
            let place = *list.get(usize::try_from(at).ok()?)? as usize;
            if self.is_wanted(plan, place) {
                return Some(place);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use revlab_lab::Instant;

    use super::*;

    fn plan(choice: Choice, state: Option<RevocationState>) -> ClientPlan {
        ClientPlan { identities: 3, threads: 2, choice, state, ..crate::driver::sample() }
    }

    /// The numbers of the certificates of the first attempts, thread by thread; 0: none.
    fn first(plan: &ClientPlan, identities: &mut Identities, n: u64) -> Vec<u32> {
        let due = |turn: u64| Due {
            at: Instant::from_millis(0),
            client: 0,
            thread: (turn % 2) as u32,
            k: turn / 2,
        };
        let number = |name: Name| name.rsplit('-').next().unwrap().parse().unwrap();
        (0..n).map(|turn| identities.choose(plan, due(turn)).map_or(0, number)).collect()
    }

    fn all(plan: &ClientPlan, n: u64) -> Vec<u32> {
        first(plan, &mut Identities::of(plan, Seed(7)), n)
    }

    #[test]
    fn a_list_is_shared_and_begins_anew() {
        assert_eq!(all(&plan(Choice::Listed(vec![2, 0, 0]), None), 5), [3, 1, 1, 3, 1]);
    }

    #[test]
    fn each_attempt_has_a_minted_certificate_of_its_own() {
        assert_eq!(all(&plan(Choice::Minted, None), 4), [1, 2, 3, 4]);
    }

    #[test]
    fn weights_are_kept_and_the_draw_is_that_of_the_seed() {
        let weighted = plan(Choice::Weighted(vec![6, 0, 3]), None);
        let mut counts = BTreeMap::new();
        for number in all(&weighted, 9_000) {
            *counts.entry(number).or_insert(0) += 1;
        }
        assert_eq!(counts.keys().copied().collect::<Vec<_>>(), [1, 3]);
        assert!((5_800..6_200).contains(&counts[&1]), "{counts:?}");
        assert_eq!(all(&weighted, 20), all(&weighted, 20));
    }

    #[test]
    fn only_those_in_the_state_are_chosen_and_nobody_where_there_is_none() {
        for choice in
            [Choice::RoundRobin, Choice::Weighted(vec![1, 1, 1]), Choice::Listed(vec![0, 1, 2])]
        {
            let good = plan(choice.clone(), Some(RevocationState::Good));
            let revoked = plan(choice, Some(RevocationState::Revoked));
            let mut identities = Identities::of(&good, Seed(7));
            assert_eq!(first(&revoked, &mut identities, 3), [0, 0, 0]);
            identities.tell(&Name::from("jmeter-2"), RevocationState::Revoked);
            identities.tell(&Name::from("others-1"), RevocationState::Revoked);
            assert_eq!(first(&revoked, &mut identities, 3), [2, 2, 2]);
            assert!(first(&good, &mut identities, 20).iter().all(|n| [1, 3].contains(n)));
            identities.tell(&Name::from("jmeter-2"), RevocationState::Good);
            assert_eq!(first(&revoked, &mut identities, 1), [0]);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_chosen_is_there_and_in_its_state(
            revoked in proptest::collection::btree_set(1u32..4, 0..4),
            weights in proptest::collection::vec(0u32..5, 0..5),
            list in proptest::collection::vec(0u32..3, 0..6),
            wants: bool,
        ) {
            let state = if wants { RevocationState::Revoked } else { RevocationState::Good };
            for choice in [Choice::RoundRobin, Choice::Weighted(weights), Choice::Listed(list)] {
                let plan = plan(choice, Some(state));
                let mut identities = Identities::of(&plan, Seed(7));
                for number in &revoked {
                    identities.tell(&identity_name("jmeter", *number), RevocationState::Revoked);
                }
                for number in first(&plan, &mut identities, 20).into_iter().filter(|n| *n > 0) {
                    prop_assert!(number <= 3);
                    prop_assert_eq!(revoked.contains(&number), wants);
                }
            }
        }
    }
}
