//! The record of one request to a CA endpoint.

use serde::{Deserialize, Serialize};

use crate::http::{FetchError, Method, Url};
use crate::{Instant, Name};

/// What a fetch is for, and what a publication is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A base (complete) CRL, RFC 5280 §5.
    Base,
    /// A delta CRL, RFC 5280 §5.2.4.
    Delta,
    /// An OCSP answer, RFC 6960.
    Ocsp,
    /// An issuer's certificate (AIA caIssuers, RFC 5280 §4.2.2.1), or a CA's cross-certificates.
    Issuer,
}

impl Purpose {
    /// All purposes with their names in scenarios and traces.
    pub const NAMES: [(&'static str, Purpose); 4] = [
        ("base", Purpose::Base),
        ("delta", Purpose::Delta),
        ("ocsp", Purpose::Ocsp),
        ("issuer", Purpose::Issuer),
    ];

    /// The name in scenarios and traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Base => "base",
            Purpose::Delta => "delta",
            Purpose::Ocsp => "ocsp",
            Purpose::Issuer => "issuer",
        }
    }
}

/// One request to a CA endpoint, with the answer that it got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fetch {
    /// Number of the fetch, counting from 1 for each actor.
    pub id: u64,
    /// When the request was made.
    pub began: Instant,
    /// Who fetched: the SUT.
    pub by: Name,
    /// Which of its processes.
    pub process: Name,
    /// What for.
    pub purpose: Purpose,
    /// GET or POST.
    pub method: Method,
    /// The URL as requested.
    pub url: Url,
    /// HTTP status, where an answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// IIS sub-status of the answer, as the CA's own log has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substatus: Option<u16>,
    /// Why no answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<FetchError>,
    /// Why the answer could not be used: `not a CRL`, `signature does not verify` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Name>,
    /// Size of the body.
    pub bytes: u64,
    /// From begin to end, in lab time, local overhead included.
    pub took_ms: i64,
    /// What arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectInfo>,
    /// The check that needed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<u64>,
    /// Why it was made when no check needed it: `prefetch`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsolicited: Option<Name>,
    /// The identity whose certificate was being checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Name>,
    /// The faults that it met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Name>,
}

impl Fetch {
    /// Whether it brought what it was made for.
    pub fn succeeded(&self) -> bool {
        self.error.is_none() && self.rejected.is_none() && self.status == Some(200)
    }
}

/// What arrived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectInfo {
    /// CRL number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// Delta CRL indicator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_number: Option<u64>,
    /// thisUpdate.
    pub this_update: Instant,
    /// nextUpdate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_update: Option<Instant>,
    /// SHA-1 of its bytes, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha1: Option<String>,
}
