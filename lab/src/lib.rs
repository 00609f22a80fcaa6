//! The words every part of revlab speaks.
//!
//! No I/O, no async, no wall clock: everything here is data, or a pure function of data.
//!
//! * [`time`]: [`Instant`] and [`Span`], the one time scale of a run, in milliseconds;
//! * [`clock`]: what an actor's own clock reads, given lab time, an offset, a drift and steps;
//! * [`queue`]: the event queue with its documented order of simultaneous events;
//! * [`core`]: the one shape of every state machine, [`Core`], and its output, [`Out`];
//! * [`rng`]: named streams of seeded randomness;
//! * [`http`]: requests and replies as data, with the URL type of the lab;
//! * [`network`]: the modelled durations both transports charge;
//! * [`outcome`]: what came of an attempt, and Win32 codes;
//! * [`trace`]: the records that are the truth of a run.
//!
//! # Determinism
//!
//! Nothing here reads a clock, a random device or a hash map. The same scenario and seed give the
//! same records in the same order; inserting simultaneous events in another order does not change
//! them (see [`queue`]).

pub mod clock;
pub mod core;
pub mod http;
pub mod network;
pub mod outcome;
pub mod queue;
pub mod rng;
pub mod time;
pub mod trace;

pub use clock::Clock;
pub use core::{Core, Item, Out};
pub use outcome::{Code, Outcome};
pub use rng::Seed;
pub use time::{Instant, Span};

/// A name that a scenario gives to an actor, an identity, a fault …: cheap to copy.
pub type Name = std::sync::Arc<str>;
