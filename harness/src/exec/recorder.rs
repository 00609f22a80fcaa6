//! The trace of a run: kept in memory for the judge, and written as JSON Lines.

use std::collections::BTreeMap;
use std::io::{self, Write};

use revlab_lab::trace::{Kind, Record, Trace, Writer};
use revlab_lab::{Instant, Name};

/// Takes records in order. The first failure to write is kept and reported at the end of the run;
/// what came before it is a readable trace.
pub(super) struct Recorder<'a> {
    writer: Writer<&'a mut dyn Write>,
    records: Vec<Record>,
    failed: Option<io::Error>,
    /// Faults that a fetch met, by SUT and fetch: known here, not to the machine that fetches.
    met: BTreeMap<(Name, u64), Vec<Name>>,
}

impl<'a> Recorder<'a> {
    /// A recorder that expects about so many records.
    pub(super) fn new(to: &'a mut dyn Write, expected: usize) -> Recorder<'a> {
        Recorder {
            writer: Writer::new(to),
            records: Vec::with_capacity(expected),
            failed: None,
            met: BTreeMap::new(),
        }
    }

    /// A fetch of this SUT has met these faults.
    pub(super) fn met(&mut self, sut: &Name, fetch: u64, faults: Vec<Name>) {
        if !faults.is_empty() {
            self.met.insert((sut.clone(), fetch), faults);
        }
    }

    /// Puts something on record.
    pub(super) fn write(&mut self, t: Instant, mut kind: Kind) {
        if let Kind::Fetch(fetch) = &mut kind
            && let Some(faults) = self.met.remove(&(fetch.by.clone(), fetch.id))
        {
            fetch.faults = faults;
        }
        if self.failed.is_none() {
            let written = self.writer.write(t, kind);
            self.keep(written);
        }
    }

    /// Whether nothing more can be written.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Writes the `end` record.
    pub(super) fn end(mut self, t: Instant, reason: &str) -> Result<Trace, io::Error> {
        if self.failed.is_none() {
            let written = self.writer.end(t, reason);
            self.keep(written);
        }
        match self.failed {
            Some(error) => Err(error),
            None => Ok(Trace::new(self.records)),
        }
    }

    fn keep(&mut self, written: io::Result<Record>) {
        match written {
            Ok(record) => self.records.push(record),
            Err(error) => self.failed = Some(error),
        }
    }
}
