//! The server's TLS session cache: what a client can take up again, and for how long.
//!
//! SChannel keeps sessions in lsass for ServerCacheTime, 20 000 at most (fact sheet §3.3). The
//! same table stands behind both transports.

use std::collections::BTreeMap;
use std::sync::Arc;

use revlab_lab::{Instant, Span};

/// Sessions by key, each for a lifetime of lab time from when it was put in, and no longer unused
/// than the table bears.
#[derive(Clone, Debug)]
pub struct SessionTable<V> {
    lifetime: Span,
    /// How long one may lie unused; zero: as long as it lives.
    idle: Span,
    capacity: usize,
    by_key: BTreeMap<Arc<[u8]>, Entry<V>>,
    /// By age: a number that grows with each session.
    by_age: BTreeMap<u64, Arc<[u8]>>,
    next: u64,
}

#[derive(Clone, Debug)]
struct Entry<V> {
    value: V,
    age: u64,
    expires: Instant,
    /// When it was put in or last taken up.
    used: Instant,
}

impl<V> SessionTable<V> {
    /// How many sessions are kept: SChannel's MaximumCacheSize (fact sheet §3.3).
    pub const CAPACITY: usize = 20_000;

    /// A table whose sessions can be taken up for `lifetime`; zero keeps none, as
    /// ServerCacheTime 0 does.
    pub fn new(lifetime: Span) -> SessionTable<V> {
        SessionTable::with_capacity(lifetime, SessionTable::<V>::CAPACITY)
    }

    /// A table of another size.
    pub fn with_capacity(lifetime: Span, capacity: usize) -> SessionTable<V> {
        let (by_key, by_age) = (BTreeMap::new(), BTreeMap::new());
        SessionTable { lifetime, idle: Span::ZERO, capacity, by_key, by_age, next: 0 }
    }

    /// The same table that also drops a session which nobody took up for `idle`, as IIS 6 does
    /// after five minutes (fact sheet §1.2, kb937687); zero: none is dropped for that.
    pub fn with_idle(self, idle: Span) -> SessionTable<V> {
        SessionTable { idle, ..self }
    }

    /// Remembers a session. One of the same key is replaced; where there is no room, the oldest
    /// is dropped.
    pub fn put(&mut self, now: Instant, key: Vec<u8>, value: V) {
        self.remove(&key);
        if self.capacity == 0 || self.lifetime <= Span::ZERO {
            return;
        }
        while self.by_key.len() >= self.capacity {
            let Some((_, oldest)) = self.by_age.pop_first() else { break };
            self.by_key.remove(&oldest);
        }
        let (key, age): (Arc<[u8]>, u64) = (Arc::from(key), self.next);
        self.next += 1;
        self.by_age.insert(age, key.clone());
        self.by_key.insert(key, Entry { value, age, expires: now + self.lifetime, used: now });
    }

    /// Takes up the session of this key, if it still can be; it stays. TLS 1.2 session ids work
    /// so (RFC 5246 §7.3): a resumption does not lengthen the session's life, but it is a use.
    pub fn resume(&mut self, now: Instant, key: &[u8]) -> Option<&V> {
        let idle = self.idle;
        let entry = self.by_key.get_mut(key).filter(|entry| entry.is_alive(now, idle))?;
        entry.used = now;
        Some(&entry.value)
    }

    /// Takes the session of this key out, if it can still be taken up. TLS 1.3 tickets work so
    /// (RFC 8446 §8.1): each is good for one resumption, which brings a new one.
    pub fn take(&mut self, now: Instant, key: &[u8]) -> Option<V> {
        self.remove(key).filter(|entry| entry.is_alive(now, self.idle)).map(|entry| entry.value)
    }

    /// Forgets all sessions, as a reboot does.
    pub fn clear(&mut self) {
        self.by_key.clear();
        self.by_age.clear();
    }

    /// How many sessions are kept, those past their time included.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    fn remove(&mut self, key: &[u8]) -> Option<Entry<V>> {
        let entry = self.by_key.remove(key)?;
        self.by_age.remove(&entry.age);
        Some(entry)
    }
}

impl<V> Entry<V> {
    fn is_alive(&self, now: Instant, idle: Span) -> bool {
        now < self.expires && (idle <= Span::ZERO || now < self.used + idle)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const T0: Instant = Instant::from_millis(1_397_606_400_000);
    const HOUR: Span = Span::from_hours(1);

    fn key(n: u8) -> Vec<u8> {
        vec![n]
    }

    #[test]
    fn a_session_lives_up_to_but_not_at_the_end_of_its_lifetime() {
        let mut table = SessionTable::new(HOUR);
        table.put(T0, key(1), "a");
        let last = T0 + HOUR - Span::from_millis(1);
        assert_eq!(table.resume(last, &[1]), Some(&"a"));
        assert_eq!(table.resume(T0 + HOUR, &[1]), None);
        assert_eq!(table.take(T0 + HOUR, &[1]), None);
    }

    #[test]
    fn each_use_gives_a_session_its_idle_time_again_but_no_longer_life() {
        let (idle, step) = (Span::from_mins(5), Span::from_mins(4));
        let mut table = SessionTable::new(HOUR).with_idle(idle);
        table.put(T0, key(1), "a");
        let mut now = T0;
        while now + step < T0 + HOUR {
            now += step;
            assert_eq!(table.resume(now, &[1]), Some(&"a"));
        }
        assert_eq!(table.resume(now + step, &[1]), None);
        table.put(T0, key(2), "b");
        table.put(T0, key(3), "c");
        assert_eq!(table.resume(T0 + idle, &[2]), None);
        assert_eq!(table.take(T0 + idle, &[3]), None);
    }

    #[test]
    fn a_resumed_session_stays_and_a_taken_one_is_gone() {
        let mut table = SessionTable::new(HOUR);
        table.put(T0, key(1), "a");
        assert_eq!(table.resume(T0, &[1]), Some(&"a"));
        assert_eq!(table.take(T0, &[1]), Some("a"));
        assert_eq!(table.take(T0, &[1]), None);
        assert!(table.is_empty());
    }

    #[test]
    fn the_oldest_session_makes_room_and_a_renewed_one_counts_as_new() {
        let mut table = SessionTable::with_capacity(HOUR, 2);
        for n in [1, 2, 1, 3] {
            table.put(T0, key(n), n);
        }
        assert_eq!([1, 2, 3].map(|n| table.resume(T0, &[n]).copied()), [Some(1), None, Some(3)]);
    }

    #[test]
    fn no_lifetime_and_no_room_keep_nothing() {
        let mut table = SessionTable::new(Span::ZERO);
        table.put(T0, key(1), ());
        assert!(table.is_empty());
        let mut table = SessionTable::with_capacity(HOUR, 0);
        table.put(T0, key(1), ());
        assert!(table.is_empty());
    }

    #[test]
    fn cleared_sessions_are_forgotten() {
        let mut table = SessionTable::new(HOUR);
        table.put(T0, key(1), ());
        table.clear();
        assert_eq!(table.take(T0, &[1]), None);
    }

    proptest! {
        #[test]
        fn it_never_grows_past_its_capacity_and_both_orders_agree(
            steps in proptest::collection::vec((0u8..3, 0u8..8), 0..60), capacity in 0usize..5,
        ) {
            let mut table = SessionTable::with_capacity(HOUR, capacity);
            for (i, (what, n)) in steps.into_iter().enumerate() {
                let now = T0 + Span::from_mins(i as i64);
                match what {
                    0 => { table.take(now, &[n]); }
                    _ => table.put(now, key(n), n),
                }
                prop_assert!(table.len() <= capacity);
                prop_assert_eq!(table.by_key.len(), table.by_age.len());
            }
        }
    }
}
