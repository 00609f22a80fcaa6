//! The record of one client attempt.

use serde::{Deserialize, Serialize};

use super::Verdict;
use crate::{Code, Instant, Name, Outcome};

/// One request by one client, and its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The client's name in the scenario.
    pub client: Name,
    /// Which of its threads, from 0; left out for the first, which is most clients' only one.
    #[serde(default, skip_serializing_if = "is_first")]
    pub thread: u32,
    /// The certificate it used.
    pub identity: Name,
    /// When it was to begin.
    pub due: Instant,
    /// When it began, where that is not when it was due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Instant>,
    /// How far it came; absent when a whole answer arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// How long each phase took; left out when nothing went wrong and no phase had to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phases_ms: Option<PhasesMs>,
    /// Protocol version; absent when no handshake came about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsVersion>,
    /// The version of HTTP that was agreed on; left out for 1.1, and where no handshake came about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpVersion>,
    /// The cipher suite that was agreed on, by its name in the registry of IANA; only of clients that
    /// ask for certain suites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cipher: Option<Name>,
    /// Kind of handshake.
    pub handshake: Handshake,
    /// What came of it.
    pub outcome: Outcome,
    /// HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// IIS sub-status, as the error page says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substatus: Option<u16>,
    /// Error code, as the error page says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// TLS alert that ended it, by its name in RFC 8446 §6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<Name>,
    /// What went wrong otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Name>,
    /// From begin to end, in lab time.
    pub took_ms: i64,
    /// Wall time, in `live` only; never judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_ms: Option<u32>,
    /// The SUT's checks that this attempt caused or waited for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<u64>,
    /// Who validated whom for it, in order; left out where nobody but the SUT validated anybody but the
    /// client.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validations: Vec<Validation>,
}

/// One of the validations that an attempt depends on, by one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validation {
    /// The machine: a SUT, or a validator; of a validator with a machine for each thread the number of
    /// the machine follows (`desk-17`).
    pub by: Name,
    /// Whose certificate.
    pub of: Party,
    /// Its check, by that machine's count.
    pub check: u64,
    /// What the check came to.
    pub verdict: Verdict,
    /// Why the certificate was not accepted; absent when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// The account that a directory maps the certificate to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Name>,
}

/// Whose certificate is validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The server's, by a client.
    Server,
    /// The directory's, by a server.
    Directory,
    /// The client's, by a server or by the directory.
    Client,
}

impl Party {
    /// All of them with their names in scenarios and traces.
    pub const NAMES: [(&'static str, Party); 3] =
        [("server", Party::Server), ("directory", Party::Directory), ("client", Party::Client)];
}

fn is_first(thread: &u32) -> bool {
    *thread == 0
}

/// How far an attempt came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// TCP.
    Connect,
    /// TLS.
    Handshake,
    /// The request was on its way, or its answer.
    Request,
}

/// How long each phase took, in milliseconds of lab time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhasesMs {
    /// TCP; absent over a connection that was kept open, where there was none. Traces of before did not
    /// tell it apart: then it is in `handshake`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<i64>,
    /// TLS; 0 over a connection that was kept open.
    pub handshake: i64,
    /// From the request to the end of the answer.
    pub request: i64,
    /// From the request to the first byte of the answer; absent where none came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<i64>,
}

/// TLS protocol version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TlsVersion {
    /// RFC 5246.
    #[serde(rename = "1.2")]
    V1_2,
    /// RFC 8446.
    #[serde(rename = "1.3")]
    V1_3,
}

/// Version of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum HttpVersion {
    /// RFC 9112.
    #[default]
    #[serde(rename = "1.1")]
    V1_1,
    /// RFC 9113.
    #[serde(rename = "2")]
    V2,
}

impl HttpVersion {
    /// Both with their names in scenarios and traces.
    pub const NAMES: [(&'static str, HttpVersion); 2] =
        [("1.1", HttpVersion::V1_1), ("2", HttpVersion::V2)];

    /// Its name: `1.1`.
    pub fn as_str(self) -> &'static str {
        match self {
            HttpVersion::V1_1 => "1.1",
            HttpVersion::V2 => "2",
        }
    }
}

/// Kind of handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handshake {
    /// With certificates.
    Full,
    /// An earlier session was taken up: no certificate was sent.
    Resumed,
    /// None was made: the request went over a connection that was kept open since an earlier attempt.
    Kept,
    /// There was none, or it failed.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_of_traces_of_before_have_tcp_in_the_handshake() {
        let read: PhasesMs = serde_json::from_str(r#"{"handshake":3,"request":6}"#).unwrap();
        let expected = PhasesMs { connect: None, handshake: 3, request: 6, first_byte: None };
        assert_eq!(read, expected);
        assert_eq!(serde_json::to_string(&read).unwrap(), r#"{"handshake":3,"request":6}"#);
    }
}
