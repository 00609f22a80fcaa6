//! The attempts under way, by number, and when the time of each is up.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use revlab_lab::Instant;

/// Attempts under way. Numbers are given in order and time-outs are short against a run, so a
/// window over the numbers is as good as a map and needs no allocation for each attempt.
#[derive(Debug)]
pub(super) struct InFlight<T> {
    /// The number of the first slot.
    first: u64,
    slots: VecDeque<Option<T>>,
    open: usize,
    /// The earliest is always that of an attempt under way; later ones may be stale.
    deadlines: BinaryHeap<Reverse<(Instant, u64)>>,
}

impl<T> InFlight<T> {
    /// None yet; the first attempt will be number 1.
    pub(super) fn new() -> InFlight<T> {
        InFlight { first: 1, slots: VecDeque::new(), open: 0, deadlines: BinaryHeap::new() }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.open
    }

    /// The number that the next attempt will have.
    fn next_number(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    /// Adds an attempt and gives its number.
    pub(super) fn push(&mut self, deadline: Instant, attempt: T) -> u64 {
        let number = self.next_number();
        self.slots.push_back(Some(attempt));
        self.open += 1;
        self.deadlines.push(Reverse((deadline, number)));
        number
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let slot = slot(self.first, number)?;
        self.slots.get_mut(slot)?.as_mut()
    }

    /// Takes an attempt out.
    pub(super) fn remove(&mut self, number: u64) -> Option<T> {
        let slot = slot(self.first, number)?;
        let attempt = self.slots.get_mut(slot)?.take()?;
        self.open -= 1;
        while let Some(None) = self.slots.front() {
            self.slots.pop_front();
            self.first += 1;
        }
        while let Some(Reverse((_, number))) = self.deadlines.peek()
            && !self.is_open(*number)
        {
            self.deadlines.pop();
        }
        Some(attempt)
    }

    /// When the first attempt's time is up, and its number.
    pub(super) fn next_deadline(&self) -> Option<(Instant, u64)> {
        self.deadlines.peek().map(|Reverse(next)| *next)
    }

    fn is_open(&self, number: u64) -> bool {
        slot(self.first, number).and_then(|slot| self.slots.get(slot)?.as_ref()).is_some()
    }
}

fn slot(first: u64, number: u64) -> Option<usize> {
    usize::try_from(number.checked_sub(first)?).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_agrees_with_a_map(
            steps in proptest::collection::vec((any::<bool>(), 0u64..40, 0i64..50), 0..80),
        ) {
            let mut flight = InFlight::new();
            let mut map = BTreeMap::new();
            for (push, number, ms) in steps {
                if push {
                    let deadline = Instant::from_millis(ms);
                    map.insert(flight.push(deadline, ms), deadline);
                } else {
                    let expected = map.remove(&number).map(|d| d.as_millis());
                    prop_assert_eq!(flight.remove(number), expected);
                }
                prop_assert_eq!(flight.len(), map.len());
                prop_assert_eq!(flight.get_mut(number).is_some(), map.contains_key(&number));
                let next = map.iter().map(|(number, deadline)| (*deadline, *number)).min();
                prop_assert_eq!(flight.next_deadline(), next);
            }
        }
    }
}
