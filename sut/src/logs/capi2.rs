//! The CAPI2 operational log: what the chain engine did for each check, as XML.
//!
//! Shown are checks that used the wire or did not come to a good verdict, and retrievals of the
//! prefetch service. One check is one task: its events share a TaskId and count up a SeqNumber, in
//! the reported nesting order (fact sheet §5.1): for each certificate from the root side down, 51
//! and 53 as they happened, then 42 for what was rejected, then 41; 11 closes the check. Event 51
//! stands for a look into the disk cache; the memory cache has no retrieval event and shows as
//! `TvoCache` in 41.
//!
//! The real log is a ring of 1 MB: [`MAX_EVENTS`] are kept, and a comment counts the dropped ones.
//! A check that repeats an earlier one (`same_as`) repeats its events without retrievals.

mod envelope;
mod event_11;
mod event_41;
mod event_42;
mod event_51;
mod event_53;
mod objects;
mod part;
mod words;

use std::collections::{BTreeMap, VecDeque};

use revlab_lab::trace::{Check, Fetch, Kind, Layer, Record, Step, Verdict};
use revlab_lab::{Code, Instant};

use super::xml::Xml;
use super::{LogFile, Options, evidence};
use envelope::{Draft, Task};
use objects::Objects;
use part::Part;
use words::Budgets;

/// How many events are kept.
pub const MAX_EVENTS: usize = 4000;

/// The log of the system under test called `sut`.
pub fn render(records: &[Record], sut: &str, options: &Options) -> LogFile {
    let mut log = Collector::new(sut);
    for record in records {
        log.take(record);
    }
    LogFile { path: evidence::CAPI2.to_owned(), bytes: log.document(options) }
}

/// One event, with what it needs from the trace.
enum Event<'a> {
    Chain(event_11::Chain<'a>),
    Revocation(event_41::Revocation<'a>),
    Rejected(event_42::Rejected<'a>),
    Cache(event_51::Cache<'a>),
    Wire(event_53::Wire<'a>),
}

/// Goes through a trace once and collects the last events.
struct Collector<'a> {
    sut: &'a str,
    budgets: Budgets,
    objects: Objects<'a>,
    fetches: BTreeMap<u64, (Instant, &'a Fetch)>,
    full: BTreeMap<u64, &'a Check>,
    events: VecDeque<Draft<'a>>,
    dropped: u64,
}

impl<'a> Collector<'a> {
    fn new(sut: &'a str) -> Collector<'a> {
        Collector {
            sut,
            budgets: Budgets::default(),
            objects: Objects::default(),
            fetches: BTreeMap::new(),
            full: BTreeMap::new(),
            events: VecDeque::new(),
            dropped: 0,
        }
    }

    fn take(&mut self, record: &'a Record) {
        match &record.kind {
            Kind::Header(header) => {
                if let Some(profile) = header.profiles.get(self.sut) {
                    self.budgets = Budgets::of(profile);
                }
            }
            Kind::Publish(publish) => self.objects.published(publish),
            Kind::Fetch(fetch) if *fetch.by == *self.sut => {
                self.objects.fetched(record.t, fetch);
                self.fetches.insert(fetch.id, (record.t, fetch));
                if fetch.check.is_none() {
                    self.prefetch(record.t, fetch);
                }
            }
            Kind::Check(check) if *check.by == *self.sut => self.check(record.t, check),
            _ => {}
        }
    }

    /// A retrieval that no check asked for is a task of its own.
    fn prefetch(&mut self, t: Instant, fetch: &'a Fetch) {
        let task = Task { process: &fetch.process, of: "prefetch", number: fetch.id };
        self.push(Draft { t, task, seq: 1, event: Event::Wire(self.wire(fetch)) });
    }

    fn check(&mut self, t: Instant, check: &'a Check) {
        let full = match check.same_as {
            None => {
                self.full.insert(check.check, check);
                check
            }
            Some(number) => match self.full.get(&number) {
                Some(full) => full,
                None => return,
            },
        };
        let repeats = check.same_as.is_some();
        let good = full.verdict == Some(Verdict::Good);
        let wire = !repeats && full.steps.iter().any(|s| matches!(s, Step::Retrieve { .. }));
        // A resumed session never reaches the chain engine.
        if (good && !wire) || full.steps.contains(&Step::Resumed) {
            return;
        }
        let begin = check.began.unwrap_or(t);
        let process = full.process.as_deref().unwrap_or("lsass.exe");
        let task = Task { process, of: "check", number: check.check };
        Telling { log: self, task, seq: 0, at: begin, begin, end: t }.tell(full, repeats);
    }

    fn wire(&self, fetch: &'a Fetch) -> event_53::Wire<'a> {
        let object = fetch
            .object
            .as_ref()
            .and_then(|o| self.objects.find(fetch.purpose, o.number, o.next_update).copied());
        event_53::Wire { fetch, object }
    }

    fn push(&mut self, draft: Draft<'a>) {
        if self.events.len() == MAX_EVENTS {
            self.events.pop_front();
            self.dropped += 1;
        }
        self.events.push_back(draft);
    }

    fn document(mut self, options: &Options) -> Vec<u8> {
        // Checks run side by side, and the real log is in order of time.
        self.events.make_contiguous().sort_by_key(|draft| draft.t);
        let mut xml = Xml::new();
        if self.dropped > 0 {
            let (dropped, kept) = (self.dropped, self.events.len());
            xml.comment(&format!(
                "{dropped} earlier events are left out: the last {kept} are kept"
            ));
        }
        xml.element("Events", &[], |xml| {
            for (number, draft) in (self.dropped + 1..).zip(&self.events) {
                envelope::write(xml, draft, number, self.sut, &self.budgets, options);
            }
        });
        xml.finish()
    }
}

/// Puts one check into events.
struct Telling<'a, 'l> {
    log: &'l mut Collector<'a>,
    task: Task<'a>,
    seq: u32,
    /// How far the check has come.
    at: Instant,
    begin: Instant,
    end: Instant,
}

impl<'a> Telling<'a, '_> {
    fn tell(mut self, check: &'a Check, repeats: bool) {
        let code = check.code.unwrap_or(Code(0));
        let broken = check.steps.iter().any(|s| matches!(s, Step::Chain { error: Some(_), .. }));
        let weak = check.steps.iter().any(
            |s| matches!(s, Step::Chain { rule: Some(rule), .. } if &**rule == "signature_weak"),
        );
        // Issuers are sought before the chain is there.
        for step in part::before_any(check) {
            self.step(step, repeats);
        }
        let mut parts = part::split(check);
        let last = parts.len().saturating_sub(1);
        for (i, part) in parts.iter_mut().enumerate() {
            // The first certificate that fails ends a check (fact sheet §2.7).
            part.code = if i == last { code } else { Code(0) };
            if !broken {
                self.part(part, repeats);
            }
        }
        let chain = event_11::Chain { parts, code, checked: !broken, weak, now: self.end };
        self.say(self.end, Event::Chain(chain));
    }

    fn part(&mut self, part: &mut Part<'a>, repeats: bool) {
        let mut rejected = Vec::new();
        for step in part.steps {
            self.step(step, repeats);
            part.saw(step, &self.log.objects, &self.log.fetches);
            if let Some(r) = event_42::Rejected::new(part.subject, step, &self.log.objects)
                && !rejected.contains(&r)
            {
                rejected.push(r);
            }
        }
        for r in rejected {
            self.say(self.at, Event::Rejected(r));
        }
        let event = event_41::Revocation { part: part.clone(), begin: self.begin };
        self.say(self.end, Event::Revocation(event));
    }

    fn step(&mut self, step: &'a Step, repeats: bool) {
        match step {
            Step::Lookup { object, layer: Layer::Disk, number, next_update, state } => {
                let found = self.log.objects.find(*object, *number, *next_update).copied();
                let url = found.map(|f| f.url).or_else(|| self.log.objects.latest_url(*object));
                let event = event_51::Cache { purpose: *object, state: *state, url, found };
                self.say(self.at, Event::Cache(event));
            }
            Step::Retrieve { fetch, .. } if !repeats => {
                if let Some((t, fetch)) = self.log.fetches.get(fetch).copied() {
                    self.at = self.at.max(t);
                    let event = Event::Wire(self.log.wire(fetch));
                    self.say(self.at, event);
                }
            }
            _ => {}
        }
    }

    fn say(&mut self, t: Instant, event: Event<'a>) {
        self.seq += 1;
        self.log.push(Draft { t, task: self.task, seq: self.seq, event });
    }
}

#[cfg(test)]
mod tests;
