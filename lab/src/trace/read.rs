//! Reading a trace back.

use std::io::{BufRead, Error};

use serde::Deserialize;

use super::{Check, Kind, Record};
use crate::Instant;

/// A whole trace in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    records: Vec<Record>,
}

/// Why a trace cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file ended or broke in the middle.
    #[error("line {line}: cannot be read")]
    Io {
        /// Which line.
        line: usize,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Not a record.
    #[error("line {line}: not a trace record")]
    Syntax {
        /// Which line.
        line: usize,
        /// What the JSON reader said.
        #[source]
        source: serde_json::Error,
    },
}

impl Trace {
    /// A trace of these records, in their order.
    pub fn new(records: Vec<Record>) -> Trace {
        Trace { records }
    }

    /// All records in order.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Adds a record at the end.
    pub fn push(&mut self, record: Record) {
        self.records.push(record);
    }

    /// Whether the run came to its end.
    pub fn is_complete(&self) -> bool {
        matches!(self.records.last(), Some(Record { kind: Kind::End(e), .. }) if e.reason == "complete")
    }

    /// The full records of checks, by number and SUT: what `same_as` refers to.
    pub fn full_check(&self, check: &Check) -> Option<&Check> {
        let number = check.same_as.unwrap_or(check.check);
        let by = &check.by;
        self.records.iter().rev().find_map(|r| match &r.kind {
            Kind::Check(c) if c.check == number && c.same_as.is_none() && c.by == *by => Some(c),
            _ => None,
        })
    }
}

#[derive(Deserialize)]
struct Head {
    n: u64,
    t: Instant,
    kind: String,
}

const KNOWN: [&str; 11] = [
    "header",
    "publish",
    "fetch",
    "check",
    "attempt",
    "fault",
    "operation",
    "clock",
    "cache",
    "log",
    "end",
];

/// Reads JSON Lines. Records of unknown kind and blank lines are passed over.
///
/// # Errors
///
/// A line that is not a record. A last line without its line feed that is no record was cut, and is
/// passed over: such a trace has no `end` record and cannot be judged complete.
pub fn read(mut from: impl BufRead) -> Result<Trace, ReadError> {
    let mut trace = Trace::default();
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let got = from.read_until(b'\n', &mut bytes);
        if got.map_err(|source| ReadError::Io { line, source })? == 0 {
            break;
        }
        // A cut may have gone through a character.
        let cut = !bytes.ends_with(b"\n");
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(_) if cut => break,
            Err(error) => return Err(ReadError::Io { line, source: Error::other(error) }),
        };
        if text.trim().is_empty() {
            continue;
        }
        match parse(text) {
            Ok(Some(record)) => trace.push(record),
            Ok(None) => {}
            Err(_) if cut => break,
            Err(source) => return Err(ReadError::Syntax { line, source }),
        }
    }
    Ok(trace)
}

fn parse(text: &str) -> Result<Option<Record>, serde_json::Error> {
    let head: Head = serde_json::from_str(text)?;
    if !KNOWN.contains(&head.kind.as_str()) {
        return Ok(None);
    }
    Ok(Some(Record { n: head.n, t: head.t, kind: serde_json::from_str(text)? }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::*;
    use super::*;
    use crate::{Outcome, Span};

    fn attempt() -> Kind {
        Kind::Attempt(Attempt {
            client: Arc::from("jmeter"),
            thread: 0,
            identity: Arc::from("jmeter-1"),
            due: Instant::from_millis(10_000),
            began: None,
            phase: None,
            phases_ms: None,
            tls: Some(TlsVersion::V1_2),
            http: None,
            cipher: None,
            handshake: Handshake::Full,
            outcome: Outcome::Admitted,
            status: Some(200),
            substatus: None,
            code: None,
            alert: None,
            error: None,
            took_ms: 4,
            wall_ms: None,
            checks: vec![1],
            validations: Vec::new(),
        })
    }

    #[test]
    fn what_is_written_is_read_back_and_absent_values_are_left_out() {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        let t = Instant::from_millis(10_004);
        let first = writer.write(t, attempt()).unwrap();
        let last = writer.end(t + Span::from_secs(1), "complete").unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(!text.contains("null"), "{text}");
        assert!(text.starts_with(
            r#"{"n":0,"t":"1970-01-01T00:00:10.004Z","kind":"attempt","client":"jmeter""#
        ));
        let trace = read(&bytes[..]).unwrap();
        assert_eq!(trace.records(), [first, last]);
        assert!(trace.is_complete());
    }

    #[test]
    fn unknown_kinds_and_fields_are_ignored_and_a_cut_line_ends_the_trace() {
        let text = concat!(
            r#"{"n":0,"t":"2014-04-16T00:00:00.000Z","kind":"comet","tail":1}"#,
            "\n",
            r#"{"n":1,"t":"2014-04-16T00:00:00.000Z","kind":"clock","actor":"ca","offset_ms":5,"x":1}"#,
            "\n",
            r#"{"n":2,"t":"2014-04-16T00:00"#,
        );
        let trace = read(text.as_bytes()).unwrap();
        assert_eq!(trace.records().len(), 1);
        assert!(!trace.is_complete());
        assert!(matches!(read(&b"not json\n"[..]), Err(ReadError::Syntax { line: 1, .. })));
        assert!(read(&b"\n{\"n\":0,\"what\":\"\xc3"[..]).unwrap().records().is_empty());
        assert!(matches!(read(&b"\xff\n"[..]), Err(ReadError::Io { line: 1, .. })));
    }
}
