//! How a site takes up connections: whom it lets in, and how many at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// How a site takes up connections. May be changed, from any of its copies, while it is served.
#[derive(Clone, Debug)]
pub struct Gate(Arc<State>);

#[derive(Debug)]
struct State {
    to_reset: AtomicU32,
    resets_all: AtomicBool,
    most: AtomicU32,
    open: AtomicU32,
    turned_away: AtomicU64,
}

/// A connection that has been let in. Dropping it makes room for another.
#[derive(Debug)]
pub(super) struct Admitted(Gate);

impl Default for Gate {
    fn default() -> Gate {
        Gate(Arc::new(State {
            to_reset: AtomicU32::new(0),
            resets_all: AtomicBool::new(false),
            most: AtomicU32::new(u32::MAX),
            open: AtomicU32::new(0),
            turned_away: AtomicU64::new(0),
        }))
    }
}

impl Gate {
    /// The next connection is reset at once, without a request.
    pub fn reset_next(&self) {
        self.0.to_reset.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether every connection is reset at once.
    pub fn reset_all(&self, resets: bool) {
        self.0.resets_all.store(resets, Ordering::Relaxed);
    }

    /// While so many connections are open, further ones are reset at once. Those that are open stay.
    pub fn at_most(&self, connections: u32) {
        self.0.most.store(connections, Ordering::Relaxed);
    }

    /// How many connections are open.
    pub fn open(&self) -> u32 {
        self.0.open.load(Ordering::Relaxed)
    }

    /// How many connections have been reset at once, for whichever reason.
    pub fn turned_away(&self) -> u64 {
        self.0.turned_away.load(Ordering::Relaxed)
    }

    /// Lets a connection in, or not.
    pub(super) fn admit(&self) -> Option<Admitted> {
        let state = &*self.0;
        let less = |count: u32| count.checked_sub(1);
        let is_reset =
            state.to_reset.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
                || state.resets_all.load(Ordering::Relaxed);
        let most = state.most.load(Ordering::Relaxed);
        let more = |open: u32| (open < most).then_some(open.saturating_add(1));
        let admitted = !is_reset
            && state.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        if !admitted {
            state.turned_away.fetch_add(1, Ordering::Relaxed);
        }
        admitted.then(|| Admitted(self.clone()))
    }
}

impl Admitted {
    /// How many other connections are open.
    pub(super) fn others(&self) -> u32 {
        self.0.open().saturating_sub(1)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_let_in_and_room_is_made_by_those_who_go() {
        let gate = Gate::default();
        gate.at_most(2);
        let [one, two] = [gate.admit().unwrap(), gate.admit().unwrap()];
        assert_eq!((one.others(), gate.admit().is_none(), gate.open()), (1, true, 2));
        drop(two);
        assert!(gate.admit().is_some());
        assert_eq!((gate.open(), gate.turned_away()), (1, 1));
    }

    #[test]
    fn some_or_all_are_turned_away() {
        let gate = Gate::default();
        gate.reset_next();
        assert!(gate.admit().is_none() && gate.admit().is_some());
        gate.reset_all(true);
        assert!(gate.admit().is_none() && gate.admit().is_none());
        gate.reset_all(false);
        assert!(gate.admit().is_some());
        assert_eq!((gate.open(), gate.turned_away()), (0, 3));
    }
}
