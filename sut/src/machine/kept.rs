//! The connections that clients keep open, and what the server knows of each: its client is judged in the
//! handshake and not again (fact sheet §3.3, inferred), so that what was found then stands for every
//! request on the connection, a refusal too.

use std::collections::{BTreeMap, BTreeSet};

use revlab_lab::{Instant, Span};

use crate::iis::Page;

/// Connections that wait for their next request.
#[derive(Debug)]
pub(super) struct Kept {
    /// How long one may wait: http.sys' connection time-out. Zero: none is kept.
    idle: Span,
    by_number: BTreeMap<u64, Waiting>,
    /// The same by since when they wait.
    by_age: BTreeSet<(Instant, u64)>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    page: Page,
    since: Instant,
}

impl Kept {
    pub(super) fn new(idle: Span) -> Kept {
        Kept { idle, by_number: BTreeMap::new(), by_age: BTreeSet::new() }
    }

    /// Whether a connection is still open. One whose time ends now is closed: time-outs come before
    /// requests.
    pub(super) fn has(&self, now: Instant, connection: u64) -> bool {
        self.by_number.get(&connection).is_some_and(|waiting| now < waiting.since + self.idle)
    }

    /// A connection waits from now on; whether it does.
    pub(super) fn put(&mut self, now: Instant, connection: u64, page: Page) -> bool {
        if self.idle <= Span::ZERO {
            return false;
        }
        self.forget_old(now);
        self.take(connection);
        self.by_age.insert((now, connection));
        self.by_number.insert(connection, Waiting { page, since: now });
        true
    }

    /// A request comes on a connection: what was found about its client.
    pub(super) fn take(&mut self, connection: u64) -> Option<Page> {
        let waiting = self.by_number.remove(&connection)?;
        self.by_age.remove(&(waiting.since, connection));
        Some(waiting.page)
    }

    /// All are closed.
    pub(super) fn clear(&mut self) {
        self.by_number.clear();
        self.by_age.clear();
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some((since, connection)) = self.by_age.first().copied()
            && since + self.idle <= now
        {
            self.take(connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const T0: Instant = Instant::from_millis(1_397_606_400_000);
    const IDLE: Span = Span::from_mins(2);

    #[test]
    fn a_connection_waits_up_to_but_not_at_the_end_of_its_time() {
        let mut kept = Kept::new(IDLE);
        assert!(kept.put(T0, 1, Page::Welcome));
        assert!(kept.has(T0 + IDLE - Span::from_millis(1), 1));
        assert!(!kept.has(T0 + IDLE, 1));
        assert!(!kept.has(T0, 2));
    }

    #[test]
    fn each_answer_gives_a_connection_its_time_again() {
        let mut kept = Kept::new(IDLE);
        for minutes in 0..10 {
            let now = T0 + Span::from_mins(minutes);
            assert_eq!(kept.take(1).is_some(), minutes > 0);
            assert!(kept.put(now, 1, Page::Welcome));
        }
        assert!(kept.has(T0 + Span::from_mins(10), 1));
    }

    #[test]
    fn without_a_time_none_is_kept() {
        let mut kept = Kept::new(Span::ZERO);
        assert!(!kept.put(T0, 1, Page::Welcome));
        assert!(!kept.has(T0, 1));
    }

    proptest! {
        /// Against a plain list of who waits since when; and what is over is not remembered for ever.
        #[test]
        fn it_agrees_with_a_list(
            steps in proptest::collection::vec((0u8..8, 1u64..6, 0i64..3), 0..60),
        ) {
            let (mut kept, mut list) = (Kept::new(IDLE), BTreeMap::new());
            let mut now = T0;
            for (what, connection, minutes) in steps {
                now += Span::from_mins(minutes);
                match what {
                    0 => { kept.clear(); list.clear(); }
                    1..4 => {
                        kept.put(now, connection, Page::Welcome);
                        list.insert(connection, now);
                        list.retain(|_, since| now < *since + IDLE);
                        prop_assert_eq!(kept.by_number.len(), list.len());
                    }
                    _ => {
                        let open = list.get(&connection).is_some_and(|since| now < *since + IDLE);
                        prop_assert_eq!(kept.has(now, connection), open);
                        if open {
                            prop_assert_eq!(kept.take(connection), Some(Page::Welcome));
                            list.remove(&connection);
                        }
                    }
                }
                prop_assert_eq!(kept.by_number.len(), kept.by_age.len());
            }
        }
    }
}
