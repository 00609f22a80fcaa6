//! The connections that threads keep open from one attempt to the next.

use std::collections::BTreeMap;

use revlab_lab::Name;

/// A client, by its place among the plans, and one of its threads.
pub(super) type Place = (usize, u32);

/// A connection that is not in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Idle {
    /// The number of the attempt that made it.
    pub(super) number: u64,
    /// Whose certificate was presented in its handshake.
    pub(super) identity: Name,
}

/// One idle connection at most for each thread, as a JMeter thread has for a server: what a thread opens
/// besides, while that one is busy, it closes after the answer.
#[derive(Debug, Default)]
pub(super) struct Connections(BTreeMap<Place, Idle>);

impl Connections {
    /// What a thread uses for an attempt with this certificate, and what it closes because that was
    /// made with another.
    pub(super) fn take_up(&mut self, place: Place, identity: &Name) -> (Option<u64>, Option<u64>) {
        match self.0.remove(&place) {
            Some(idle) if idle.identity == *identity => (Some(idle.number), None),
            other => (None, other.map(|idle| idle.number)),
        }
    }

    /// Keeps a connection after its answer. False: the thread has another one already.
    pub(super) fn put_back(&mut self, place: Place, idle: Idle) -> bool {
        if self.0.contains_key(&place) {
            return false;
        }
        self.0.insert(place, idle);
        true
    }

    /// Forgets the idle connections of a client: their numbers.
    pub(super) fn drop_all(&mut self, client: usize) -> Vec<u64> {
        let mut dropped = Vec::new();
        self.0.retain(|(of, _), idle| {
            let gone = *of == client;
            if gone {
                dropped.push(idle.number);
            }
            !gone
        });
        dropped
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn idle(number: u64, identity: u8) -> Idle {
        Idle { number, identity: format!("x-{identity}").into() }
    }

    #[test]
    fn a_connection_belongs_to_its_thread_and_to_the_certificate_that_it_was_made_with() {
        let mut connections = Connections::default();
        assert!(connections.put_back((0, 0), idle(1, 1)));
        assert_eq!(connections.take_up((0, 1), &"x-1".into()), (None, None));
        assert_eq!(connections.take_up((1, 0), &"x-1".into()), (None, None));
        assert_eq!(connections.take_up((0, 0), &"x-2".into()), (None, Some(1)));
        assert_eq!(connections.take_up((0, 0), &"x-1".into()), (None, None), "it was closed");
        assert!(connections.put_back((0, 0), idle(2, 1)));
        assert!(!connections.put_back((0, 0), idle(3, 1)), "a thread keeps one");
        assert_eq!(connections.take_up((0, 0), &"x-1".into()), (Some(2), None));
    }

    proptest! {
        /// Each connection that was kept is used, closed or still there: none is lost, none used twice.
        #[test]
        fn no_connection_is_lost_or_used_twice(
            steps in proptest::collection::vec((0u8..3, 0usize..2, 0u32..2, 0u8..2), 0..60),
        ) {
            let mut connections = Connections::default();
            let mut idle_now: BTreeSet<u64> = BTreeSet::new();
            for (number, (what, client, thread, who)) in (1u64..).zip(steps) {
                match what {
                    0 => if connections.put_back((client, thread), idle(number, who)) {
                        prop_assert!(idle_now.insert(number));
                    },
                    1 => {
                        let who = Name::from(format!("x-{who}"));
                        let (used, closed) = connections.take_up((client, thread), &who);
                        for number in used.into_iter().chain(closed) {
                            prop_assert!(idle_now.remove(&number));
                        }
                    }
                    _ => for number in connections.drop_all(client) {
                        prop_assert!(idle_now.remove(&number));
                    },
                }
                let left: BTreeSet<_> = connections.0.values().map(|idle| idle.number).collect();
                prop_assert_eq!(&left, &idle_now);
            }
        }
    }
}
