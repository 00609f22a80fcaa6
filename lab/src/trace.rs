//! The records that are the truth of a run: JSON Lines, one record a line.
//!
//! Every record has `n` (0, 1, 2 …), `t` (when it was written: lab time, never decreasing) and
//! `kind`. Absent values are left out. Readers ignore kinds and fields they do not know. The
//! reference for each field is `docs/src/reference/trace.md`.

mod attempt;
mod check;
mod fetch;
mod read;
mod write;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use attempt::{
    Attempt, Handshake, HttpVersion, Party, Phase, PhasesMs, TlsVersion, Validation,
};
pub use check::{Check, Layer, State, Step, Used, Verdict, Withheld};
pub use fetch::{Fetch, ObjectInfo, Purpose};
pub use read::{ReadError, Trace, read};
pub use write::Writer;

use crate::{Code, Instant, Name};

/// One record of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its number: 0 for the header, then counting up.
    pub n: u64,
    /// When it was written.
    pub t: Instant,
    /// What it says.
    pub kind: Kind,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// Which run this is: the first record.
    Header(Header),
    /// A CA made something available.
    Publish(Publish),
    /// One request to a CA endpoint, with the answer that it got.
    Fetch(Fetch),
    /// One revocation check of one chain by the SUT.
    Check(Check),
    /// One request by one client, and its outcome.
    Attempt(Attempt),
    /// A fault began or ended.
    Fault(Fault),
    /// An administrator's operation.
    Operation(Operation),
    /// An actor's clock was set, or reads other than lab time from the start.
    Clock(ClockSet),
    /// Something happened in a cache of the SUT.
    Cache(Cache),
    /// Evidence from a SUT's own log.
    Log(Log),
    /// The run is over: the last record. A trace without it was cut.
    End(End),
}

/// Which run this is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the trace format: 1.
    pub format: u32,
    /// Version of revlab that wrote it.
    pub revlab: String,
    /// The scenario's name: its path below the library, without the ending.
    pub scenario: String,
    /// SHA-256 of the resolved scenario, in hex.
    pub digest: String,
    /// The variant, where the scenario has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The seed.
    pub seed: u64,
    /// `sim`, `live`, or `jtl` where JMeter sent the load.
    pub transport: String,
    /// The system under test.
    pub sut: String,
    /// Start of lab time.
    pub start: Instant,
    /// Length of the run in milliseconds of lab time.
    pub duration_ms: i64,
    /// The profile of each SUT, resolved: name, hypothesis, every parameter with its value.
    pub profiles: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
}

impl Header {
    /// What stood in for the model of a SUT: `s_server`, `https`. None: it was the model, which
    /// alone tells its checks, its processes and its codes.
    pub fn adapter(&self, sut: &str) -> Option<&str> {
        self.profiles.get(sut)?.get("adapter")?.as_str()
    }
}

/// A CA made something available.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Publish {
    /// Number of the publication, counting from 1 in the run.
    pub id: u64,
    /// The CA.
    pub ca: Name,
    /// `base`, `delta` or `ocsp`.
    pub what: Purpose,
    /// Where it can be fetched.
    pub url: Name,
    /// CRL number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// The delta CRL indicator: the base that a delta refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_number: Option<u64>,
    /// thisUpdate.
    pub this_update: Instant,
    /// nextUpdate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_update: Option<Instant>,
    /// Next CRL Publish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_publish: Option<Instant>,
    /// How many certificates it lists.
    pub entries: u64,
    /// Its size.
    pub bytes: u64,
    /// SHA-1 of its bytes in hex, the name under which Windows dumps it.
    pub sha1: String,
}

/// A fault began or ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// The fault's name in the scenario.
    pub id: Name,
    /// The endpoint it acts on.
    pub on: Name,
    /// Whether it begins or ends.
    pub state: FaultState,
}

/// Whether a fault begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultState {
    /// It acts from now on.
    Begin,
    /// It no longer acts.
    End,
}

/// An administrator's operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// The operation's name in the scenario.
    pub id: Name,
    /// What was done, by its name in scenarios: `reboot`, `revoke` …
    pub what: Name,
    /// The actor it was done to.
    pub on: Name,
    /// Scope and effect, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// An actor's clock differs from lab time by this much from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClockSet {
    /// Whose clock.
    pub actor: Name,
    /// How far it is ahead of lab time, in milliseconds.
    pub offset_ms: i64,
}

/// Something happened in a cache of the SUT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cache {
    /// The SUT.
    pub by: Name,
    /// Which cache.
    pub layer: Layer,
    /// Whose cache: the process for memory, the account for disk.
    pub owner: Name,
    /// What happened.
    pub op: CacheOp,
    /// What it happened to: URL or purpose; absent when it was everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
}

/// What happened in a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheOp {
    /// An object was put in.
    Store,
    /// An object was dropped for want of room or use.
    Evict,
    /// Objects were deleted by an operation.
    Clear,
    /// An object was found past its time.
    Expire,
}

/// Evidence from a SUT's own log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Log {
    /// The SUT.
    pub by: Name,
    /// Which log: a path below `logs/`.
    pub file: Name,
    /// The line, or the event in short.
    pub line: String,
    /// The error code in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// The attempt that it belongs to: the record number is not known yet, so the client's count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u64>,
}

/// The run is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// `complete`, or why the run stopped before its duration.
    pub reason: String,
    /// How many records of each kind came before.
    pub counts: BTreeMap<String, u64>,
}

impl Kind {
    /// The kind's name in the trace.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Header(_) => "header",
            Kind::Publish(_) => "publish",
            Kind::Fetch(_) => "fetch",
            Kind::Check(_) => "check",
            Kind::Attempt(_) => "attempt",
            Kind::Fault(_) => "fault",
            Kind::Operation(_) => "operation",
            Kind::Clock(_) => "clock",
            Kind::Cache(_) => "cache",
            Kind::Log(_) => "log",
            Kind::End(_) => "end",
        }
    }
}
