//! Writing a trace, record by record.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{End, Kind, Record, Trace};
use crate::Instant;

/// Numbers records and writes them as JSON Lines.
#[derive(Debug)]
pub struct Writer<W> {
    to: W,
    line: Vec<u8>,
    n: u64,
    counts: BTreeMap<&'static str, u64>,
}

impl<W: Write> Writer<W> {
    /// A trace that is written to `to`, which should be buffered.
    pub fn new(to: W) -> Writer<W> {
        Writer { to, line: Vec::with_capacity(512), n: 0, counts: BTreeMap::new() }
    }

    /// Writes one record and returns it with its number.
    ///
    /// # Errors
    ///
    /// What `to` says: a full disk, a closed pipe.
    pub fn write(&mut self, t: Instant, kind: Kind) -> io::Result<Record> {
        let record = Record { n: self.n, t, kind };
        self.n += 1;
        *self.counts.entry(record.kind.name()).or_insert(0) += 1;
        self.line.clear();
        write_line(&record, &mut self.line)?;
        self.to.write_all(&self.line)?;
        Ok(record)
    }

    /// Writes the `end` record with the counts so far, and flushes.
    ///
    /// # Errors
    ///
    /// What `to` says.
    pub fn end(&mut self, t: Instant, reason: &str) -> io::Result<Record> {
        let counts = self.counts.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
        let record = self.write(t, Kind::End(End { reason: reason.to_owned(), counts }))?;
        self.to.flush()?;
        Ok(record)
    }
}

impl Writer<()> {
    /// Writes a whole trace as it is, and flushes.
    ///
    /// ```
    /// use revlab_lab::Instant;
    /// use revlab_lab::trace::{self, Writer};
    /// let mut first = Vec::new();
    /// Writer::new(&mut first).end(Instant::from_millis(0), "complete")?;
    /// let mut copied = Vec::new();
    /// Writer::copy(&trace::read(&first[..])?, &mut copied)?;
    /// assert_eq!(first, copied);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What `to` says.
    pub fn copy(trace: &Trace, to: &mut dyn Write) -> io::Result<()> {
        let mut line = Vec::with_capacity(512);
        for record in trace.records() {
            line.clear();
            write_line(record, &mut line)?;
            to.write_all(&line)?;
        }
        to.flush()
    }
}

/// One line: `n` and `t` first, then the kind's own fields, then a line feed.
pub(super) fn write_line(record: &Record, line: &mut Vec<u8>) -> io::Result<()> {
    write!(line, "{{\"n\":{},\"t\":", record.n)?;
    serde_json::to_writer(&mut *line, &record.t)?;
    let join = line.len();
    serde_json::to_writer(&mut *line, &record.kind)?;
    // The kind is an object with at least its `kind` field: its brace becomes the comma.
    line[join] = b',';
    line.push(b'\n');
    Ok(())
}
