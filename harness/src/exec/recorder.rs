//! The trace of a run: kept in memory for the judge, and written as JSON Lines.
//!
//! Writing takes about as long as deciding, so a thread of its own does it: the [`Recorder`] hands
//! records over in the order in which they were made, and [`transcribe`] numbers and writes them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};

use revlab_lab::trace::{Kind, Record, Trace, Writer};
use revlab_lab::{Instant, Name};

use super::progress::Progress;

/// So many records are handed over at once.
const BATCH: usize = 1024;
/// So many batches may wait to be written before the run waits for the disk.
pub(super) const WAITING: usize = 64;

/// What goes from the run to the writing thread.
pub(super) enum Message {
    /// Records in order.
    Records(Vec<(Instant, Kind)>),
    /// The run is over: why.
    End(Instant, String),
}

/// Takes records in order.
pub(super) struct Recorder<'a> {
    to: SyncSender<Message>,
    batch: Vec<(Instant, Kind)>,
    failed: &'a AtomicBool,
    /// Faults that a fetch met, by SUT and fetch: known here, not to the machine that fetches.
    met: BTreeMap<(Name, u64), Vec<Name>>,
    watched: Option<&'a Progress>,
}

impl<'a> Recorder<'a> {
    /// A recorder that hands over to `to`; `failed` is set by the other end.
    pub(super) fn new(to: SyncSender<Message>, failed: &'a AtomicBool) -> Recorder<'a> {
        Recorder {
            to,
            batch: Vec::with_capacity(BATCH),
            failed,
            met: BTreeMap::new(),
            watched: None,
        }
    }

    /// Somebody watches how far the run has come.
    pub(super) fn told(mut self, watched: Option<&'a Progress>) -> Recorder<'a> {
        self.watched = watched;
        self
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
        if let Some(progress) = self.watched {
            progress.note(t, &kind);
        }
        self.batch.push((t, kind));
        if self.batch.len() >= BATCH {
            self.hand_over();
        }
    }

    /// Whether nothing more can be written: the run can stop.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Asks for the `end` record.
    pub(super) fn end(mut self, t: Instant, reason: String) {
        self.hand_over();
        let _ = self.to.send(Message::End(t, reason));
    }

    fn hand_over(&mut self) {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        // Fails when the other end is gone, which has set `failed` then.
        let _ = self.to.send(Message::Records(batch));
    }
}

/// What was on its way is written even when the run dies.
impl Drop for Recorder<'_> {
    fn drop(&mut self) {
        self.hand_over();
    }
}

/// Numbers and writes what arrives, until the recorder is gone.
///
/// # Errors
///
/// The first failure to write; what came before it is a readable trace.
pub(super) fn transcribe(
    from: Receiver<Message>,
    to: &mut dyn Write,
    expected: usize,
    failed: &AtomicBool,
) -> io::Result<Trace> {
    let mut writer = Writer::new(to);
    let mut records: Vec<Record> = Vec::with_capacity(expected);
    for message in from {
        let written = match message {
            Message::Records(batch) => batch.into_iter().try_for_each(|(t, kind)| {
                records.push(writer.write(t, kind)?);
                Ok(())
            }),
            Message::End(t, reason) => writer.end(t, &reason).map(|record| records.push(record)),
        };
        if let Err(error) = written {
            failed.store(true, Ordering::Relaxed);
            return Err(error);
        }
    }
    Ok(Trace::new(records))
}
