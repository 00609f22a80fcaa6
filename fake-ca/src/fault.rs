//! What an endpoint does wrong, and when.
//!
//! A fault is data here and has the same meaning on both transports. [`FaultPlan::meet`] says which
//! faults act on a request; [`compose`] says what comes of it, as a [`Ruling`] that both transports
//! carry out. In `sim` the ruling is charged and reported as it is; in `live` a real socket does it
//! (the name is missing from the address book, nothing listens, a reset is sent, the connection
//! stays silent, the answer is written piece by piece).
//!
//! # Order
//!
//! Faults overlap. They compose in the order in which a request meets them on its way:
//!
//! 1. name, connection, request: of the effects that leave no answer of the server's the earliest one
//!    in the order of [`Effect::NAMES`] counts; besides it only `name_slow` and `name_first_dead` are
//!    met, where they come before it and the name resolves;
//! 2. the page in place of the server's own answer (`status` to `not_modified`): the first in the
//!    order of the scenario counts;
//! 3. where there is no such page, what is wrong with the server's own answer (`crl`, `ocsp`, `issuer`): all of
//!    them, in the order of the scenario;
//! 4. header fields (`content_type`, `headers`): all of them, in the order of the scenario;
//! 5. how the length of the body is told (`wrong_length`, `broken_chunking`, `no_length`): the first;
//! 6. the end (`limit_data`, `half_close`, `reset_peer` and `timeout` with a number of bytes): the one
//!    after the fewest bytes;
//! 7. the pace: all `latency` and `slow_close` add up, of `bandwidth` the lowest rate counts, of
//!    `slicer` the first.
//!
//! One effect, one file: its meaning, its place, its test.

mod authenticate;
mod bandwidth;
mod broken_chunking;
mod captive_portal;
mod compose;
mod connection_limit;
mod content;
mod content_type;
mod down;
mod effect;
mod half_close;
mod headers;
mod https;
mod latency;
mod limit_data;
mod name_aaaa_only;
mod name_first_dead;
mod name_not_resolved;
mod name_servfail;
mod name_silent;
mod name_slow;
mod name_wrong_address;
mod no_length;
mod not_modified;
mod page;
mod plan;
mod redirect;
mod reset_peer;
mod ruling;
mod script;
mod selector;
mod shape;
mod slicer;
mod slow_close;
mod status;
mod swallowed;
mod timeout;
mod way;
mod when;
mod wrong_length;

use revlab_lab::trace::Purpose;
use revlab_lab::{Instant, Name};

pub use compose::compose;
pub use effect::Effect;
pub use https::HttpsCertificate;
pub use page::Page;
pub use plan::{Acting, FaultPlan};
pub use redirect::Location;
pub use reset_peer::ResetAt;
pub use ruling::{Answer, Meeting, Ruling};
pub use script::{End, Heard, Pause, Script};
pub use selector::{Asked, Caller, OfCertificate, Pattern, Selector};
pub use shape::{Cut, Framing, Shape};
pub use slicer::Slices;
pub use status::page;
pub use way::Way;
pub use when::{Probability, When};

/// A fault of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultConfig {
    /// Its name in the scenario.
    pub name: Name,
    /// The endpoint it acts on.
    pub on: Target,
    /// On which of the requests to that endpoint.
    pub only: Selector,
    /// On how many of those, and which.
    pub when: When,
    /// From when, in lab time.
    pub from: Instant,
    /// Until when; exclusive.
    pub until: Instant,
    /// Whether a run in which no fetch met it is inconclusive.
    pub must_be_met: bool,
    /// What it does.
    pub effect: Effect,
}

/// The endpoint that a fault acts on, written `issuing.crl` in scenarios.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The CA.
    pub ca: Name,
    /// Which of its endpoints.
    pub endpoint: Endpoint,
}

/// Which of a CA's endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// All of them: the web site as a whole. Written without a dot: `issuing`.
    All,
    /// Base and delta CRLs.
    Crl,
    /// Base CRLs.
    Base,
    /// Delta CRLs.
    Delta,
    /// OCSP.
    Ocsp,
    /// The CA's certificate.
    Issuer,
}

impl Endpoint {
    /// All endpoints with their names in scenarios, behind the CA and a dot.
    /// [`Endpoint::All`] is written without the dot and has no name.
    pub const NAMES: [(&'static str, Endpoint); 5] = [
        ("crl", Endpoint::Crl),
        ("base", Endpoint::Base),
        ("delta", Endpoint::Delta),
        ("ocsp", Endpoint::Ocsp),
        ("issuer", Endpoint::Issuer),
    ];

    /// Whether a request with this purpose goes to this endpoint.
    pub fn covers(self, purpose: Purpose) -> bool {
        match self {
            Endpoint::All => true,
            Endpoint::Crl => matches!(purpose, Purpose::Base | Purpose::Delta),
            Endpoint::Base => purpose == Purpose::Base,
            Endpoint::Delta => purpose == Purpose::Delta,
            Endpoint::Ocsp => purpose == Purpose::Ocsp,
            Endpoint::Issuer => purpose == Purpose::Issuer,
        }
    }
}

impl FaultConfig {
    /// A fault that acts on every request to its endpoint, at any time.
    pub fn always(name: Name, on: Target, effect: Effect) -> FaultConfig {
        FaultConfig {
            name,
            on,
            only: Selector::default(),
            when: When::default(),
            from: Instant::from_millis(i64::MIN),
            until: Instant::from_millis(i64::MAX),
            must_be_met: true,
            effect,
        }
    }

    /// Whether `now` lies in its window.
    pub fn is_active(&self, now: Instant) -> bool {
        self.from <= now && now < self.until
    }

    /// Whether it acts on no request whatever comes: it leaves no trace then.
    pub fn never_acts(&self) -> bool {
        self.until <= self.from || self.when.never()
    }
}

#[cfg(test)]
mod tests;
