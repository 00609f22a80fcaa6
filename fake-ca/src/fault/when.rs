//! On how many of the selected requests a fault acts, and which.

use revlab_lab::{Name, Seed};

/// On which of the requests in its window that it selects a fault acts: those that meet all that is
/// set. Requests are counted from 1, whether it acts on them or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct When {
    /// The first so many.
    pub first: Option<u64>,
    /// Every so many: with 3 the third, the sixth …
    pub every: Option<u64>,
    /// Only once the CA has had so many OCSP requests in the fault's window; others before are not
    /// counted as selected.
    pub after_ocsp: Option<u64>,
    /// Each with this probability.
    pub probability: Option<Probability>,
}

/// A probability in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probability(u32);

/// One.
const CERTAIN: u32 = 1_000_000;

impl Probability {
    /// So many millionths; at most a million.
    pub fn millionths(millionths: u32) -> Probability {
        Probability(millionths.min(CERTAIN))
    }

    /// In millionths.
    pub fn as_millionths(self) -> u32 {
        self.0
    }
}

impl When {
    /// Whether it acts on the selected request with this number. What is drawn depends on the seed,
    /// the fault's name and the number alone: other faults and other requests change nothing.
    pub fn acts(&self, seed: Seed, fault: &Name, number: u64) -> bool {
        self.first.is_none_or(|first| number <= first)
            && self.every.is_none_or(|every| every > 0 && number.is_multiple_of(every))
            && self.probability.is_none_or(|p| drawn(seed, fault, number) < p.0)
    }

    /// Whether it never acts.
    pub(super) fn never(&self) -> bool {
        self.first == Some(0) || self.every == Some(0) || self.probability == Some(Probability(0))
    }
}

fn drawn(seed: Seed, fault: &Name, number: u64) -> u32 {
    let drawn = seed.stream(&format!("fault/{fault}/{number}")).below(u64::from(CERTAIN));
    // Below a million.
    drawn as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acting(when: When, of: u64) -> Vec<u64> {
        (1..=of).filter(|n| when.acts(Seed(1), &"f".into(), *n)).collect()
    }

    #[test]
    fn unless_it_says_otherwise_a_fault_acts_on_every_request() {
        assert_eq!(acting(When::default(), 3), [1, 2, 3]);
    }

    #[test]
    fn the_first_and_every_nth_are_counted_from_one() {
        assert_eq!(acting(When { first: Some(2), ..When::default() }, 5), [1, 2]);
        assert_eq!(acting(When { every: Some(3), ..When::default() }, 7), [3, 6]);
        assert_eq!(acting(When { first: Some(4), every: Some(2), ..When::default() }, 9), [2, 4]);
    }

    #[test]
    fn probability_zero_is_never_one_is_always_and_a_half_is_about_half() {
        let of = |millionths| {
            let probability = Some(Probability::millionths(millionths));
            acting(When { probability, ..When::default() }, 1000).len()
        };
        assert_eq!((of(0), of(1_000_000)), (0, 1000));
        assert!((400..600).contains(&of(500_000)), "{}", of(500_000));
    }

    #[test]
    fn draws_depend_on_seed_and_name() {
        let draws = |seed, name: &str| -> Vec<u32> {
            (1..9).map(|n| drawn(Seed(seed), &name.into(), n)).collect()
        };
        assert_eq!(draws(1, "a"), draws(1, "a"));
        assert_ne!(draws(1, "a"), draws(2, "a"));
        assert_ne!(draws(1, "a"), draws(1, "b"));
    }
}
