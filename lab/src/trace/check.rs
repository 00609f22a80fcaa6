//! The record of one revocation check, step by step.

use serde::{Deserialize, Serialize};

use super::Purpose;
use crate::http::FetchError;
use crate::{Code, Instant, Name};

/// One revocation check of one chain by the SUT.
///
/// A check that was answered just as the same SUT's previous one of that certificate carries
/// `same_as`, the number of the check that has the full record, and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Number of the check, counting from 1 for each SUT.
    pub check: u64,
    /// When it began, where that is not when the record was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Instant>,
    /// The SUT.
    pub by: Name,
    /// The check whose record this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<u64>,
    /// The process that checked: `lsass.exe`, `certutil.exe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Name>,
    /// The identity that was checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Name>,
    /// What it came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The code that goes with a verdict other than good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// What the verdict rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used: Vec<Used>,
    /// How it got there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Not revoked, by fresh data.
    Good,
    /// Listed as revoked.
    Revoked,
    /// Fresh data could not be had.
    Offline,
    /// There is nothing to ask, or it does not know the certificate.
    Unknown,
    /// Revocation was not looked at: the chain is bad, or the session was resumed.
    NotChecked,
}

impl Verdict {
    /// All verdicts with their names in scenarios and traces.
    pub const NAMES: [(&'static str, Verdict); 5] = [
        ("good", Verdict::Good),
        ("revoked", Verdict::Revoked),
        ("offline", Verdict::Offline),
        ("unknown", Verdict::Unknown),
        ("not_checked", Verdict::NotChecked),
    ];
}

/// Where an object was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// The process's cache of time-valid objects.
    Memory,
    /// The account's Cryptnet URL cache.
    Disk,
    /// The machine's certificate store.
    Store,
    /// The network.
    Wire,
    /// The TLS handshake.
    Staple,
}

/// An object that a verdict rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Used {
    /// What it is.
    pub object: Purpose,
    /// Where it was found.
    pub layer: Layer,
    /// CRL number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// nextUpdate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_update: Option<Instant>,
}

/// How an object was, where it was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// There, and valid at the SUT's time.
    Fresh,
    /// There, but past its nextUpdate.
    Stale,
    /// There, but before its thisUpdate.
    NotYetValid,
    /// Not there.
    Absent,
}

/// One step of a check: a code with parameters. Reports put it into words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The chain itself was judged.
    Chain {
        /// What is wrong with it; absent when it is in order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<Code>,
        /// The rule that it breaks, as the steps of `revlab verify` name it: `path_too_long`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule: Option<Name>,
    },
    /// The session was resumed, so no certificate was looked at.
    Resumed,
    /// Revocation of this certificate is looked at next.
    Certificate {
        /// Its subject, as a distinguished name.
        subject: Name,
    },
    /// An object was looked for in a cache.
    Lookup {
        /// What was looked for.
        object: Purpose,
        /// Where.
        layer: Layer,
        /// How it was found.
        state: State,
        /// CRL number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<u64>,
        /// nextUpdate.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next_update: Option<Instant>,
    },
    /// Cross-certificates were looked for, since a certificate on the way up says where they are.
    CrossCertificates {
        /// The subject of that certificate, as a distinguished name.
        subject: Name,
        /// Where what there is was found.
        layer: Layer,
        /// Whether it was fetched lately enough; stale: it serves until something comes in its place.
        state: State,
        /// When it is to be fetched again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Instant>,
    },
    /// The network was asked.
    Retrieve {
        /// What for.
        object: Purpose,
        /// The fetch record.
        fetch: u64,
        /// HTTP status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// Why no answer came.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<FetchError>,
        /// Why the answer could not be used.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rejected: Option<Name>,
    },
    /// Another check's retrieval of the same object was waited for.
    Shared {
        /// What for.
        object: Purpose,
        /// The fetch record.
        fetch: u64,
    },
    /// The network was not asked, and why not.
    Withheld {
        /// What was needed.
        object: Purpose,
        /// Why it was not asked for.
        why: Withheld,
        /// Until when, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Instant>,
    },
    /// An object was refused though it is there and fresh.
    Refused {
        /// What it is.
        object: Purpose,
        /// Why.
        why: Name,
    },
    /// A delta does not start from the cached base: a newer base is looked for.
    BaseTooOld {
        /// The cached base's number.
        base: u64,
        /// The delta's indicator.
        indicator: u64,
    },
    /// The time for the whole check is used up.
    BudgetSpent {
        /// Which retrieval was given up or never made.
        object: Purpose,
    },
    /// The certificate is listed.
    Listed {
        /// Where.
        object: Purpose,
        /// Reason code, RFC 5280 §5.3.1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<u8>,
    },
    /// A source has been asked that gives no URL.
    NoUrl {
        /// What was needed.
        object: Purpose,
    },
    /// A verdict of an earlier check was repeated (hypothesis H5).
    Remembered {
        /// Until when.
        until: Instant,
    },
}

/// Why the network was not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// The cache entry carries an offline mark.
    OfflineMark,
    /// The OCSP URL failed lately and is not tried again yet.
    OcspOfflineMark,
    /// OCSP failed on the wire in this pass, so the CRL is not asked for in it.
    OcspFailed,
    /// The base is only asked for together with a delta (hypothesis H4).
    WaitsForDelta,
    /// Policy prefers CRLs.
    CrlPreferred,
    /// A delta is not asked for without a valid base.
    NoValidBase,
    /// The server is set to keep to what is cached.
    CachedOnly,
    /// A CRL that goes before OCSP came and was refused.
    CrlRefused,
    /// The machine has no network (ERROR_NOT_CONNECTED).
    NotConnected,
}

impl Step {
    /// The step's code.
    pub fn name(&self) -> &'static str {
        match self {
            Step::Chain { .. } => "chain",
            Step::Resumed => "resumed",
            Step::Certificate { .. } => "certificate",
            Step::Lookup { .. } => "lookup",
            Step::CrossCertificates { .. } => "cross_certificates",
            Step::Retrieve { .. } => "retrieve",
            Step::Shared { .. } => "shared",
            Step::Withheld { .. } => "withheld",
            Step::Refused { .. } => "refused",
            Step::BaseTooOld { .. } => "base_too_old",
            Step::BudgetSpent { .. } => "budget_spent",
            Step::Listed { .. } => "listed",
            Step::NoUrl { .. } => "no_url",
            Step::Remembered { .. } => "remembered",
        }
    }
}
