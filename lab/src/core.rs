//! The one shape of every state machine in the lab.

use crate::Instant;
use crate::trace::Kind;

/// A state machine without I/O: it is told what happened and says what to do.
///
/// Contract between a core and whoever drives it, in `sim`, in `live` and in tests:
///
/// * `now` never decreases from call to call;
/// * after every [`decide`](Core::decide) all items of `out` are performed in order, and then
///   [`next_wakeup`](Core::next_wakeup) is asked again;
/// * a core is woken by its own wake event once lab time has reached what it asked for;
/// * an answer that is late, or to something the core does not know, is traced and ignored.
pub trait Core {
    /// Everything that can happen to it.
    type Event;
    /// Everything it may ask for.
    type Action;

    /// Takes one event. Total: it cannot fail and never waits.
    fn decide(&mut self, now: Instant, event: Self::Event, out: &mut Out<Self::Action>);

    /// When it wants to be asked again, if nothing else happens before.
    fn next_wakeup(&self) -> Option<Instant>;
}

/// What a core says, in order: things to do and things that happened.
#[derive(Debug)]
pub struct Out<A> {
    items: Vec<Item<A>>,
}

/// One thing that a core says.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "items are drained at once; a box would cost an allocation for each record"
)]
pub enum Item<A> {
    /// To be performed by the shell.
    Do(A),
    /// To be written to the trace at the current instant.
    Trace(Kind),
}

impl<A> Out<A> {
    /// Nothing said yet.
    pub fn new() -> Out<A> {
        Out { items: Vec::new() }
    }

    /// Asks for an action.
    pub fn act(&mut self, action: A) {
        self.items.push(Item::Do(action));
    }

    /// Puts on record that something happened.
    pub fn trace(&mut self, kind: Kind) {
        self.items.push(Item::Trace(kind));
    }

    /// Takes what has been said so far, in order, and keeps the room it took.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Item<A>> {
        self.items.drain(..)
    }
}

impl<A> Default for Out<A> {
    fn default() -> Self {
        Out::new()
    }
}
