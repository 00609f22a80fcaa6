//! The event queue of a run, with one documented order of simultaneous events.
//!
//! Events of one instant come out by [`Class`] (operations and faults, publications, answers,
//! wake-ups, attempts), then by actor, then by sequence. The sequence is part of the event (an
//! operation's place in the scenario, a fetch's id, an attempt's number), never the order of
//! insertion: inserting simultaneous events in another order does not change what comes out.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::Instant;

/// What kind of thing happens, in the order in which simultaneous things happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// An administrator's operation, or a fault that begins or ends.
    Operation,
    /// A CA publishes.
    Publication,
    /// A message arrives: a request at a server, an answer at a client.
    Answer,
    /// A core wanted to be asked again.
    WakeUp,
    /// A client's attempt is due.
    Attempt,
}

/// The place of an event in the order of a run. Keys of pending events are unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// When it happens.
    pub at: Instant,
    /// What kind it is.
    pub class: Class,
    /// Whose it is: the actor's rank by name.
    pub actor: u16,
    /// Which of that actor's it is.
    pub seq: u64,
}

/// Pending events, earliest first.
#[derive(Debug)]
pub struct EventQueue<E> {
    heap: BinaryHeap<Reverse<Entry<E>>>,
}

#[derive(Debug)]
struct Entry<E> {
    key: Key,
    event: E,
}

impl<E> EventQueue<E> {
    /// An empty queue.
    pub fn new() -> EventQueue<E> {
        EventQueue { heap: BinaryHeap::new() }
    }

    /// Adds an event. `key` must differ from those of all pending events.
    pub fn push(&mut self, key: Key, event: E) {
        self.heap.push(Reverse(Entry { key, event }));
    }

    /// The key of the earliest event.
    pub fn peek(&self) -> Option<Key> {
        self.heap.peek().map(|Reverse(e)| e.key)
    }

    /// Takes the earliest event.
    pub fn pop(&mut self) -> Option<(Key, E)> {
        self.heap.pop().map(|Reverse(e)| (e.key, e.event))
    }

    /// Takes away the events that are not to happen any more.
    pub fn retain(&mut self, mut keep: impl FnMut(&E) -> bool) {
        self.heap.retain(|Reverse(entry)| keep(&entry.event));
    }

    /// How many events are pending.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

impl<E> Default for EventQueue<E> {
    fn default() -> Self {
        EventQueue::new()
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn class(n: u8) -> Class {
        [Class::Operation, Class::Publication, Class::Answer, Class::WakeUp, Class::Attempt]
            [usize::from(n % 5)]
    }

    proptest! {
        #[test]
        fn insertion_order_does_not_matter(
            keys in proptest::collection::btree_set((0i64..4, 0u8..5, 0u16..3, 0u64..4), 0..40),
            seed in any::<u64>(),
        ) {
            let keys: Vec<Key> = keys
                .into_iter()
                .map(|(at, c, actor, seq)| Key {
                    at: Instant::from_millis(at),
                    class: class(c),
                    actor,
                    seq,
                })
                .collect();
            let drain = |order: &[Key]| {
                let mut queue = EventQueue::new();
                order.iter().for_each(|k| queue.push(*k, ()));
                std::iter::from_fn(|| queue.pop().map(|(k, ())| k)).collect::<Vec<_>>()
            };
            let mut shuffled = keys.clone();
            let mut state = seed;
            for i in (1..shuffled.len()).rev() {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                shuffled.swap(i, (state >> 33) as usize % (i + 1));
            }
            prop_assert_eq!(drain(&keys), drain(&shuffled));
        }
    }
}
