//! What a system under test on Windows has logged, read and put into the trace of its run.
//!
//! * `text`: bytes in the encodings of Windows;
//! * `lines`: logs of IIS and of http.sys, W3C extended format;
//! * `freb`: failed-request traces;
//! * `capi2`: events of the chain engine;
//! * `join`: which attempt a piece of evidence belongs to.
//!
//! The trace says what was seen on the wire. A log says why: it gives a refused attempt the sub-status and the code that
//! the wire does not show, where the two belong together beyond doubt, and stands beside it as a `log` record.

mod capi2;
mod freb;
mod join;
mod lines;
mod text;

use std::path::{Path, PathBuf};

use revlab_lab::trace::{End, Kind, Log, Record, Trace};
use revlab_lab::{Clock, Code, Instant, Name, Span};

pub use join::Joined;

/// In the header, beside what is known of the system under test: which logs were put into the trace.
pub const EVIDENCE: &str = "imported_logs";

/// How far the stamps of a log may be from what the lab saw: the way between them, and their clocks.
pub const TOLERANCE: Span = Span::from_secs(2);

/// A log that cannot be read, and where it goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}", file = file.display())]
pub struct LogError {
    /// Which file.
    pub file: PathBuf,
    /// Its line, counting from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// What kind of log says it, the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    /// A failed-request trace of IIS.
    Freb,
    /// The access log of IIS.
    Access,
    /// An event of the chain engine.
    Capi2,
    /// The error log of http.sys.
    HttpErr,
}

/// One thing that a log says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Evidence {
    source: Source,
    /// When, by the clock of the system under test; the begin of the second where a log has no more.
    at: Instant,
    /// In short.
    line: String,
    status: Option<u16>,
    substatus: Option<u16>,
    code: Option<Code>,
    /// Of an event: its number.
    event: u16,
    /// Whose certificate: its common name.
    subject: Option<String>,
    /// Whose certificate: its SHA-1 in lower-case hex.
    thumbprint: Option<String>,
}

/// The logs of a system under test.
#[derive(Debug, Default)]
pub struct Logs {
    found: Vec<(Name, Evidence)>,
    files: Vec<Name>,
}

impl Logs {
    /// Reads one file, called `name` below `logs/`; whether it is a log that is known.
    ///
    /// # Errors
    ///
    /// It begins as one and is none, with the line.
    pub fn read(&mut self, file: &Path, name: &str, bytes: &[u8]) -> Result<bool, LogError> {
        let text = text::decoded(bytes);
        let wrong = |(line, what)| LogError { file: file.to_owned(), line, what };
        let found = if freb::is_one(&text) {
            freb::read(&text).map_err(wrong)?.into_iter().collect()
        } else if capi2::is_one(&text) {
            capi2::read(&text).map_err(wrong)?
        } else if lines::is_one(&text) {
            lines::read(&text).map_err(wrong)?
        } else {
            return Ok(false);
        };
        let name = Name::from(name);
        self.found.extend(found.into_iter().map(|evidence| (name.clone(), evidence)));
        self.files.push(name);
        Ok(true)
    }

    /// The names of the files that were read.
    pub fn files(&self) -> &[Name] {
        &self.files
    }

    /// The trace with this evidence in it. `clock` is that of the system under test; `thumbprints` tells whose certificate
    /// has which SHA-1.
    pub fn into_trace(
        mut self,
        trace: &Trace,
        clock: &Clock,
        thumbprints: &dyn Fn(&str) -> Option<Name>,
    ) -> (Trace, Joined) {
        for (_, evidence) in &mut self.found {
            // The log has the time of its machine; the trace has lab time.
            evidence.at = evidence.at - clock.skew(evidence.at);
            if let Some(name) = evidence.thumbprint.as_deref().and_then(thumbprints) {
                evidence.subject = Some(name.to_string());
            }
        }
        self.found.sort_by(|(a, x), (b, y)| (x.at, x.source, a).cmp(&(y.at, y.source, b)));
        join::into(trace, &self.found, &self.files)
    }
}

/// Records in order, with new numbers, and an `end` that counts them.
fn renumbered(records: Vec<(Instant, Kind)>) -> Trace {
    let mut counts = std::collections::BTreeMap::new();
    let mut trace = Trace::default();
    for (n, (t, kind)) in (0..).zip(records) {
        let kind = match kind {
            Kind::End(end) => Kind::End(End { counts: std::mem::take(&mut counts), ..end }),
            kind => kind,
        };
        *counts.entry(kind.name().to_owned()).or_insert(0) += 1;
        trace.push(Record { n, t, kind });
    }
    trace
}

fn record(by: &Name, file: &Name, evidence: &Evidence, attempt: Option<u64>) -> Kind {
    let (by, file) = (by.clone(), file.clone());
    Kind::Log(Log { by, file, line: evidence.line.clone(), code: evidence.code, attempt })
}

#[cfg(test)]
mod tests;
