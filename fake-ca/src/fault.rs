//! What an endpoint does wrong, and when.
//!
//! A fault is data here and has the same meaning on both transports: [`compose`] says what comes of
//! a request on which some faults act at once. In `sim` the ruling is charged and reported as it
//! is; in `live` a real socket does it (the name is missing from the address book, nothing listens,
//! a reset is sent, the connection stays silent, the answer is held back in lab time).
//!
//! One fault, one file: its meaning, its severity, its test.

mod down;
mod latency;
mod name_not_resolved;
mod reset_peer;
mod status;
mod timeout;

use revlab_lab::trace::Purpose;
use revlab_lab::{Instant, Name, Span};

/// A fault of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultConfig {
    /// Its name in the scenario.
    pub name: Name,
    /// The endpoint it acts on.
    pub on: Target,
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

/// What a fault does. Transport faults bear toxiproxy's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The host's name does not resolve.
    NameNotResolved,
    /// Nothing listens: the connection is refused.
    Down,
    /// The connection is accepted and reset before an answer.
    ResetPeer,
    /// The connection is accepted and never answered.
    Timeout,
    /// The answer comes later by this much.
    Latency(Span),
    /// The answer is this status with a short HTML page.
    Status(u16),
}

/// What comes of a request before any server thinks about its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// The host's name does not resolve.
    NameNotResolved,
    /// The connection is refused.
    Refused,
    /// The connection is accepted, the request read, the connection reset.
    Reset,
    /// The connection is accepted and stays silent.
    Silent,
    /// An answer comes.
    Answer {
        /// How much later than without faults.
        delay: Span,
        /// The status that a fault puts in place of the server's own answer, see [`page`].
        status: Option<u16>,
    },
}

/// The faults that a request met, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// The faults that had a part in it, in the order of the scenario. One that a more severe
    /// fault leaves nothing to do for is not met.
    pub faults: Vec<Name>,
    /// What comes of it.
    pub ruling: Ruling,
}

pub use status::page;

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

impl Effect {
    /// The names of all effects in scenarios, the most severe first: name, transport, HTTP.
    pub const NAMES: [&'static str; 6] = [
        name_not_resolved::NAME,
        down::NAME,
        reset_peer::NAME,
        timeout::NAME,
        status::NAME,
        latency::NAME,
    ];

    /// The name in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            Effect::NameNotResolved => name_not_resolved::NAME,
            Effect::Down => down::NAME,
            Effect::ResetPeer => reset_peer::NAME,
            Effect::Timeout => timeout::NAME,
            Effect::Latency(_) => latency::NAME,
            Effect::Status(_) => status::NAME,
        }
    }

    /// The ruling of an effect that leaves nothing to do for less severe ones.
    fn ends(self) -> Option<Ruling> {
        match self {
            Effect::NameNotResolved => Some(name_not_resolved::RULING),
            Effect::Down => Some(down::RULING),
            Effect::ResetPeer => Some(reset_peer::RULING),
            Effect::Timeout => Some(timeout::RULING),
            Effect::Latency(_) | Effect::Status(_) => None,
        }
    }
}

impl FaultConfig {
    /// Whether it acts at `now`.
    pub fn is_active(&self, now: Instant) -> bool {
        self.from <= now && now < self.until
    }
}

/// What comes of a request on which these faults act, given in the order of the scenario.
///
/// The most severe effect wins, in the order of [`Effect::NAMES`], and is the only one met. Where
/// an answer comes, all latencies add up, and of several statuses the first in the scenario counts.
pub fn compose<'a>(acting: impl Iterator<Item = &'a FaultConfig> + Clone) -> Meeting {
    for name in Effect::NAMES {
        let first = acting.clone().find(|fault| fault.effect.name() == name);
        if let Some((fault, ruling)) = first.and_then(|f| f.effect.ends().map(|r| (f, r))) {
            return Meeting { faults: vec![fault.name.clone()], ruling };
        }
    }
    let (mut delay, mut status, mut faults) = (Span::ZERO, None, Vec::new());
    for fault in acting {
        let met = match fault.effect {
            Effect::Latency(more) => latency::act(&mut delay, more),
            Effect::Status(code) => status::act(&mut status, code),
            _ => false,
        };
        if met {
            faults.push(fault.name.clone());
        }
    }
    Meeting { faults, ruling: Ruling::Answer { delay, status } }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(super) fn fault(name: &str, effect: Effect) -> FaultConfig {
        FaultConfig {
            name: name.into(),
            on: Target { ca: "issuing".into(), endpoint: Endpoint::All },
            from: Instant::from_millis(0),
            until: Instant::from_millis(1000),
            must_be_met: true,
            effect,
        }
    }

    pub(super) fn meeting(effects: &[(&str, Effect)]) -> Meeting {
        let faults: Vec<_> = effects.iter().map(|(name, effect)| fault(name, *effect)).collect();
        compose(faults.iter())
    }

    #[test]
    fn without_faults_the_answer_comes_at_once() {
        let answer = Ruling::Answer { delay: Span::ZERO, status: None };
        assert_eq!(meeting(&[]), Meeting { faults: Vec::new(), ruling: answer });
    }

    #[test]
    fn a_fault_acts_from_its_first_instant_until_before_its_last() {
        let fault = fault("f", Effect::Down);
        let active: Vec<_> =
            [-1, 0, 999, 1000].map(|ms| fault.is_active(Instant::from_millis(ms))).into();
        assert_eq!(active, [false, true, true, false]);
    }

    #[test]
    fn an_endpoint_covers_its_purposes_alone() {
        let all = [Purpose::Base, Purpose::Delta, Purpose::Ocsp, Purpose::Issuer];
        for (name, endpoint) in Endpoint::NAMES {
            let covered = all.iter().filter(|purpose| endpoint.covers(**purpose)).count();
            assert_eq!(covered, if name == "crl" { 2 } else { 1 }, "{name}");
        }
        assert!(all.iter().all(|purpose| Endpoint::All.covers(*purpose)));
    }

    fn effects() -> impl Strategy<Value = Effect> {
        prop_oneof![
            Just(Effect::NameNotResolved),
            Just(Effect::Down),
            Just(Effect::ResetPeer),
            Just(Effect::Timeout),
            (0i64..10_000).prop_map(|ms| Effect::Latency(Span::from_millis(ms))),
            (400u16..600).prop_map(Effect::Status),
        ]
    }

    proptest! {
        #[test]
        fn the_most_severe_effect_wins_whatever_the_order(
            effects in proptest::collection::vec(effects(), 0..6)
        ) {
            let rank = |e: &Effect| Effect::NAMES.iter().position(|name| *name == e.name());
            let worst = effects.iter().min_by_key(|e| rank(e)).and_then(|e| e.ends());
            let faults: Vec<_> = effects.iter().map(|e| fault("f", *e)).collect();
            let met = compose(faults.iter());
            match worst {
                Some(ruling) => {
                    prop_assert_eq!(met.ruling, ruling);
                    prop_assert_eq!(met.faults.len(), 1);
                }
                None => {
                    let answers = matches!(met.ruling, Ruling::Answer { .. });
                    prop_assert!(answers);
                }
            }
        }
    }
}
