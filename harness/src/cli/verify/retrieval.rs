//! What `--fetch` did, URL by URL.

use revlab_lab::trace::Purpose;
use serde::Serialize;

/// One retrieval with its result.
#[derive(Debug, Serialize)]
pub(super) struct Retrieval {
    /// What for.
    pub(super) purpose: Purpose,
    /// About whose certificate.
    pub(super) subject: String,
    /// How it was asked.
    pub(super) method: &'static str,
    /// The URL as the certificate or CRL has it.
    pub(super) url: String,
    /// The HTTP status, where there was an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    /// Why nothing came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// How large the answer's body was.
    pub(super) bytes: u64,
    /// How long it took.
    pub(super) ms: u64,
    /// What arrived, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arrived: Option<String>,
}

/// Two lines for people: what was asked, and what came.
pub(super) fn words(retrieval: &Retrieval) -> String {
    let Retrieval { purpose, subject, method, url, bytes, ms, .. } = retrieval;
    let status = retrieval.status.map(|status| format!("status {status}, "));
    let status = status.unwrap_or_default();
    let arrived = retrieval.arrived.iter().chain(&retrieval.error);
    let arrived = arrived.map(String::as_str).collect::<Vec<_>>().join("; ");
    format!(
        "{} of {subject}: {method} {url}\n    {status}{bytes} bytes, {ms} ms: {arrived}",
        purpose.as_str()
    )
}
