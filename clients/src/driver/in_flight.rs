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
    slots: VecDeque<Option<Slot<T>>>,
    open: usize,
    /// The earliest is always in force; later ones may be stale.
    deadlines: BinaryHeap<Reverse<(Instant, u64)>>,
}

#[derive(Debug)]
struct Slot<T> {
    /// None: its time does not run.
    deadline: Option<Instant>,
    attempt: T,
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
    pub(super) fn push(&mut self, deadline: Option<Instant>, attempt: T) -> u64 {
        let number = self.next_number();
        self.slots.push_back(Some(Slot { deadline, attempt }));
        self.open += 1;
        self.deadlines.extend(deadline.map(|deadline| Reverse((deadline, number))));
        number
    }

    /// From now on the time of an attempt is up then.
    pub(super) fn set_deadline(&mut self, number: u64, deadline: Instant) {
        let slot = slot(self.first, number).and_then(|slot| self.slots.get_mut(slot)?.as_mut());
        if let Some(slot) = slot {
            slot.deadline = Some(deadline);
            self.deadlines.push(Reverse((deadline, number)));
            self.forget_stale();
        }
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let slot = slot(self.first, number)?;
        self.slots.get_mut(slot)?.as_mut().map(|slot| &mut slot.attempt)
    }

    /// Takes an attempt out.
    pub(super) fn remove(&mut self, number: u64) -> Option<T> {
        let slot = slot(self.first, number)?;
        let slot = self.slots.get_mut(slot)?.take()?;
        self.open -= 1;
        while let Some(None) = self.slots.front() {
            self.slots.pop_front();
            self.first += 1;
        }
        self.forget_stale();
        Some(slot.attempt)
    }

    fn forget_stale(&mut self) {
        while let Some(Reverse((deadline, number))) = self.deadlines.peek()
            && !self.is_in_force(*deadline, *number)
        {
            self.deadlines.pop();
        }
    }

    /// When the first attempt's time is up, and its number.
    pub(super) fn next_deadline(&self) -> Option<(Instant, u64)> {
        self.deadlines.peek().map(|Reverse(next)| *next)
    }

    fn is_in_force(&self, deadline: Instant, number: u64) -> bool {
        let slot = slot(self.first, number).and_then(|slot| self.slots.get(slot)?.as_ref());
        slot.is_some_and(|slot| slot.deadline == Some(deadline))
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

    #[derive(Clone, Debug)]
    enum Step {
        Push(Option<i64>),
        SetDeadline(u64, i64),
        Remove(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            proptest::option::of(0i64..50).prop_map(Step::Push),
            (0u64..40, 0i64..50).prop_map(|(number, ms)| Step::SetDeadline(number, ms)),
            (0u64..40).prop_map(Step::Remove),
        ]
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_map(steps in proptest::collection::vec(step(), 0..80)) {
            let mut flight = InFlight::new();
            let mut map = BTreeMap::new();
            for (n, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Push(ms) => {
                        let deadline = ms.map(Instant::from_millis);
                        map.insert(flight.push(deadline, n), (deadline, n));
                    }
                    Step::SetDeadline(number, ms) => {
                        let deadline = Instant::from_millis(ms);
                        flight.set_deadline(number, deadline);
                        map.entry(number).and_modify(|(there, _)| *there = Some(deadline));
                    }
                    Step::Remove(number) => {
                        let expected = map.remove(&number).map(|(_, n)| n);
                        prop_assert_eq!(flight.remove(number), expected);
                    }
                }
                prop_assert_eq!(flight.len(), map.len());
                let deadlines = map.iter().filter_map(|(n, (at, _))| Some(((*at)?, *n)));
                prop_assert_eq!(flight.next_deadline(), deadlines.min());
                for number in 0..40 {
                    prop_assert_eq!(flight.get_mut(number).is_some(), map.contains_key(&number));
                }
            }
        }
    }
}
