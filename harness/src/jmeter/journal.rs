//! What a CA was asked while JMeter sent its load: the journal of `revlab serve`, as its control API shows it
//! (`GET /journal`).

use revlab_lab::http::{FetchError, Method, Url};
use revlab_lab::trace::{Fetch, Purpose};
use revlab_lab::{Instant, Name, Span};
use serde::Deserialize;

use crate::scenario::Scenario;

/// A journal that was kept in a file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Journal {
    /// When serving began; none: an older revlab wrote it.
    #[serde(default)]
    pub start: Option<Instant>,
    entries: Vec<Entry>,
    #[serde(default)]
    dropped: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Entry {
    n: u64,
    t: Instant,
    #[serde(default)]
    user_agent: Option<String>,
    method: String,
    url: Url,
    #[serde(default)]
    purpose: Option<Purpose>,
    #[serde(default)]
    faults: Vec<Name>,
    outcome: String,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    bytes: u64,
    #[serde(default)]
    ocsp: Vec<Asked>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Asked {
    #[serde(default)]
    certificate: Option<Name>,
}

/// The process of a fetch of which nobody told.
const UNKNOWN: &str = "unknown";

impl Journal {
    /// Reads what `GET /journal` answered.
    ///
    /// # Errors
    ///
    /// What is wrong, and where.
    pub fn read(text: &str) -> Result<Journal, String> {
        serde_json::from_str(text).map_err(|error| {
            format!("{error} (expected what `GET /journal` of `revlab serve` answers)")
        })
    }

    /// That it does not tell everything; none: it does.
    pub(super) fn incomplete(&self) -> Option<String> {
        let first = self.entries.first().map_or(1, |entry| entry.n);
        let missing = self.dropped.max(first.saturating_sub(1));
        (missing > 0).then(|| {
            format!(
                "the journal lacks {missing} older entries: what is expected of fetches cannot be judged"
            )
        })
    }

    /// Each request for an artefact as a fetch of the system under test, moved by so much.
    pub(super) fn fetches(&self, scenario: &Scenario, by: Span) -> Vec<Fetch> {
        let sut = scenario.suts.values().find(|sut| sut.under_test);
        let sut = sut.map_or_else(|| Name::from(UNKNOWN), |sut| sut.name.clone());
        let all = self.entries.iter().filter_map(|entry| entry.fetch(&sut, by));
        (1..).zip(all).map(|(id, fetch)| Fetch { id, ..fetch }).collect()
    }
}

impl Entry {
    fn fetch(&self, sut: &Name, by: Span) -> Option<Fetch> {
        let error = match self.outcome.as_str() {
            "answered" => None,
            "reset" => Some(FetchError::ConnectionReset),
            "silent" => Some(FetchError::TimedOut),
            _ => Some(FetchError::BadReply),
        };
        let method = if self.method == "POST" { Method::Post } else { Method::Get };
        Some(Fetch {
            id: 0,
            began: self.t + by,
            by: sut.clone(),
            process: Name::from(self.user_agent.as_deref().unwrap_or(UNKNOWN)),
            purpose: self.purpose?,
            method,
            url: self.url.clone(),
            status: self.status,
            substatus: None,
            error,
            rejected: None,
            bytes: self.bytes,
            took_ms: 0,
            object: None,
            check: None,
            unsolicited: None,
            client: self.ocsp.iter().find_map(|asked| asked.certificate.clone()),
            faults: self.faults.clone(),
        })
    }
}
