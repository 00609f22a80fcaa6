//! What an endpoint does wrong, and when.

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
