//! The loop over a real system under test.
//!
//! Where the server takes lab time from us, lab time stands still while bytes move, each step is
//! charged its modelled duration, as in `live`, and there is one attempt at a time. Where it does
//! not, lab time is real time, and attempts begin when they are due, however many are under way.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use revlab_clients::{ClientAction, ClientEvent, Driver, Send};
use revlab_fake_ca::{CaAction, CaEvent, Defects, FakeCa};
use revlab_lab::http::{Reply, Request};
use revlab_lab::queue::{Class, EventQueue, Key};
use revlab_lab::trace::{Header, Kind};
use revlab_lab::{Core, Instant, Item, Name, Out, Span};
use revlab_sut::config::SutConfig;

use super::attempts::Open;
use super::fetch::Late;
use super::hooks::{self, Hooked};
use super::peer::{Happened, Peer};
use super::publisher::Script;
use crate::exec::Transport;
use crate::exec::adapter::Adapter;
use crate::exec::hooks::{Hooks, SET_CLOCK};
use crate::exec::recorder::Recorder;
use crate::exec::setup::{Cast, Lab};
use crate::exec::timeline::{self, Ranks};
use crate::exec::world::Event;
use crate::scenario::model::Scenario;

/// How long is waited in one go: after it Ctrl-C is looked for.
pub(super) const STEP: Duration = Duration::from_millis(250);

/// A run under way.
pub(super) struct RealLab<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) sut: &'a SutConfig,
    pub(super) adapter: &'a Adapter,
    pub(super) end: Instant,
    pub(super) ranks: Ranks,
    pub(super) queue: EventQueue<Event>,
    pub(super) ca: FakeCa,
    driver: Driver,
    pub(super) cast: Cast,
    pub(super) peer: Peer,
    recorder: Recorder<'a>,
    /// Attempts that are due and have not begun.
    waiting: VecDeque<Send>,
    /// Attempts under way, by number.
    pub(super) open: BTreeMap<u64, Open>,
    pub(super) now: Instant,
    pub(super) fetches: u64,
    /// Answers of the CA that are held back in real time, by when they go out and by their fetch.
    pub(super) late: BTreeMap<(Instant, u64), Late>,
    /// The script that brings CRLs to a server that reads them from files.
    pub(super) publisher: Option<Script>,
    /// A request has been left unanswered: the server may wait for it from now on.
    pub(super) silent: bool,
    /// Whether a page has told that the server takes lab time.
    pub(super) told: bool,
    pub(super) trouble: Option<String>,
    /// Commands that stand for operations on the server.
    pub(super) hooks: Hooked,
}

/// Who is asked next.
enum Next {
    Queue,
    Ca,
    Driver,
    Late,
    Publisher,
}

impl<'a> RealLab<'a> {
    pub(super) fn new(
        scenario: &'a Scenario,
        sut: &'a SutConfig,
        adapter: &'a Adapter,
        lab: Lab,
        peer: Peer,
        recorder: Recorder<'a>,
    ) -> RealLab<'a> {
        let ranks = Ranks::new(scenario);
        let mut queue = EventQueue::new();
        timeline::fill(scenario, &ranks, &mut queue);
        let mut driver = lab.driver;
        let program = adapter.program();
        if let Some(program) = program {
            driver.refused_by(&program.adapter.refuses.status);
        }
        if peer.holds_time() {
            driver.take_turns();
        }
        let reads_files = program.is_some_and(|program| program.options().crl_files);
        let publisher = reads_files.then(|| Script::new(sut.publisher.clone(), scenario.start));
        RealLab {
            scenario,
            sut,
            adapter,
            end: scenario.start + scenario.duration,
            ranks,
            queue,
            ca: lab.ca,
            driver,
            cast: lab.cast,
            peer,
            recorder,
            waiting: VecDeque::new(),
            open: BTreeMap::new(),
            now: scenario.start,
            fetches: 0,
            late: BTreeMap::new(),
            publisher,
            silent: false,
            told: false,
            trouble: None,
            hooks: Hooked::new(Hooks::default()),
        }
    }

    /// Runs to the end of the scenario, and on until every attempt made before has its outcome.
    pub(super) fn run(mut self, stop: Option<&AtomicBool>) -> (Cast, BTreeMap<String, Vec<u8>>) {
        let header = self.header();
        self.record(Kind::Header(header));
        for (actor, clock) in timeline::clocks(self.scenario) {
            if clock.skew(self.now) != Span::ZERO {
                self.record(timeline::clock_record(actor, clock, self.now));
            }
        }
        if self.sut.clock.skew(self.now) != Span::ZERO {
            self.hook(SET_CLOCK);
        }
        let reason = self.until_the_end(stop);
        let end = if reason == "complete" { self.now.max(self.end) } else { self.now };
        let mut logs = self.peer.finish();
        logs.extend(self.hooks.finish().map(|log| (hooks::LOG.to_owned(), log)));
        self.recorder.end(end, reason);
        (self.cast, logs)
    }

    /// Why it ended.
    fn until_the_end(&mut self, stop: Option<&AtomicBool>) -> String {
        let stopped = || stop.is_some_and(|s| s.load(Ordering::Relaxed));
        let last = self.last_instant();
        let mut ending = false;
        loop {
            if let Some(trouble) = self.hooks.poll().or_else(|| self.trouble.take()) {
                return trouble;
            }
            if self.recorder.has_failed() {
                return "the trace cannot be written".to_owned();
            }
            if stopped() {
                return "interrupted".to_owned();
            }
            // Lab time stands still until the server has been seen to; in real time it goes on.
            if self.hooks.busy() && (self.peer.holds_time() || ending) {
                self.attend();
                continue;
            }
            if let Some(send) = self.waiting.pop_front() {
                match self.peer.holds_time() {
                    true => self.alone(send, &stopped),
                    false => self.begin(send),
                }
                continue;
            }
            if ending && self.open.is_empty() {
                break;
            }
            // Past the end only what is under way comes to its end.
            let next = self.next().filter(|(key, _)| ending || key.at < last);
            let due = next.as_ref().map_or(last, |(key, _)| key.at);
            if self.idle_until(due) {
                match next {
                    Some((_, next)) => self.step(next),
                    None => {
                        self.tell_driver(ClientEvent::Stop);
                        ending = true;
                    }
                }
            }
        }
        if last < self.end {
            return format!("stopped after {}, as asked", last - self.scenario.start);
        }
        let tells_time = self.peer.ours().is_some_and(|server| server.tells_time());
        if tells_time && !self.told {
            return "the system under test never showed that it takes lab time".to_owned();
        }
        "complete".to_owned()
    }

    /// Where the run stops.
    fn last_instant(&self) -> Instant {
        match self.adapter {
            Adapter::Elsewhere(there) => {
                let asked = there.stop_after.map(|span| self.scenario.start + span);
                asked.map_or(self.end, |asked| asked.min(self.end))
            }
            Adapter::Program(_) => self.end,
        }
    }

    /// Goes on to `due`: at once where lab time stands still, else one step towards it. Whether it has
    /// been reached.
    fn idle_until(&mut self, due: Instant) -> bool {
        let ahead = due - self.peer.time(self.now);
        let most = match self.peer.holds_time() {
            true => Duration::ZERO,
            false => Duration::from_millis(ahead.as_millis().max(0).unsigned_abs()).min(STEP),
        };
        match self.peer.wait(most) {
            Happened::Request(arrived) => {
                self.set(self.peer.time(self.now));
                self.fetch(*arrived);
                false
            }
            Happened::Seen(attempt, seen) => {
                self.set(self.peer.time(self.now));
                self.ended(attempt, seen);
                false
            }
            Happened::Nothing => {
                let now = self.peer.time(self.now);
                let reached = self.peer.holds_time() || now >= due;
                self.set(if self.peer.holds_time() { due } else { now });
                reached
            }
        }
    }

    /// Waits a little for a hook; whoever asks meanwhile is answered.
    fn attend(&mut self) {
        match self.peer.wait(STEP) {
            Happened::Request(arrived) => self.fetch(*arrived),
            Happened::Seen(attempt, seen) => self.ended(attempt, seen),
            Happened::Nothing => {}
        }
        self.set(self.peer.time(self.now));
    }

    /// When the earliest of everything that is pending is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.next().map(|(key, _)| key.at)
    }

    /// The earliest of everything that is pending, in the documented order.
    fn next(&self) -> Option<(Key, Next)> {
        let wake = |at, class, next| (Key { at, class, actor: 0, seq: 0 }, next);
        let queued = self.queue.peek().map(|key| (key, Next::Queue));
        let ca = self.ca.next_wakeup().map(|at| wake(at, Class::Publication, Next::Ca));
        let driver = self.driver.next_wakeup().map(|at| wake(at, Class::Attempt, Next::Driver));
        let late = self.late.keys().next().map(|(at, _)| wake(*at, Class::Answer, Next::Late));
        let publisher = self.publisher.as_ref().map(Script::next_wakeup);
        let publisher = publisher.map(|at| wake(at, Class::Publication, Next::Publisher));
        queued
            .into_iter()
            .chain(ca)
            .chain(driver)
            .chain(publisher)
            .chain(late)
            .min_by_key(|(key, _)| *key)
    }

    fn step(&mut self, next: Next) {
        match next {
            Next::Ca => {
                self.tell_ca(CaEvent::Wake);
            }
            Next::Driver => self.tell_driver(ClientEvent::Wake),
            Next::Late => self.let_go(),
            Next::Publisher => self.publish(),
            Next::Queue => match self.queue.pop() {
                Some((key, Event::Operation { index })) => self.operate(index, key.seq),
                Some((_, Event::Note(record))) => {
                    let set = matches!(&*record, Kind::Clock(set) if set.actor == self.sut.name);
                    self.record(*record);
                    if set {
                        self.hook(SET_CLOCK);
                    }
                }
                // Messages are not queued here: sockets carry them.
                _ => {}
            },
        }
    }

    /// Lab time goes on to `to`, and what was due before happens first.
    pub(super) fn advance(&mut self, to: Instant) {
        let answer = Key { at: to, class: Class::Answer, actor: 0, seq: 0 };
        while let Some((key, next)) = self.next().filter(|(key, _)| *key < answer) {
            self.set(key.at);
            self.step(next);
        }
        self.set(to);
    }

    /// Charges what an exchange takes, where lab time stands still while bytes move.
    pub(super) fn charge(&mut self, cost: Span) {
        let to = if self.peer.holds_time() { self.now + cost } else { self.peer.time(self.now) };
        self.advance(to);
    }

    pub(super) fn set(&mut self, to: Instant) {
        self.now = self.now.max(to);
        if let Err(trouble) = self.peer.set_time(self.now) {
            self.trouble.get_or_insert(trouble);
        }
        self.peer.settle(self.scenario, &self.ca, self.now);
    }

    pub(super) fn record(&mut self, kind: Kind) {
        self.recorder.write(self.now, kind);
    }

    pub(super) fn tell_ca(&mut self, event: CaEvent) -> Option<Reply> {
        let mut out = Out::new();
        let mut answer = None;
        self.ca.decide(self.now, event, &mut out);
        for item in out.drain() {
            match item {
                Item::Trace(kind) => self.recorder.write(self.now, kind),
                Item::Do(CaAction::Reply { reply, .. }) => answer = Some(reply),
            }
        }
        answer
    }

    /// What the CA's servers say to a request.
    pub(super) fn serve(&mut self, request: Request, defects: Defects) -> Reply {
        let answer = self.tell_ca(CaEvent::Request { fetch: self.fetches, request, defects });
        answer.unwrap_or_else(|| revlab_fake_ca::fault::page(500))
    }

    pub(super) fn tell_driver(&mut self, event: ClientEvent) {
        let time_is_up = self.driver.next_wakeup().is_some_and(|at| at <= self.now);
        if time_is_up && !matches!(event, ClientEvent::Reached { .. }) {
            self.tell_progress();
        }
        let mut out = Out::new();
        self.driver.decide(self.now, event, &mut out);
        for item in out.drain() {
            match item {
                Item::Trace(kind) => self.recorder.write(self.now, kind),
                Item::Do(ClientAction::Send(send)) => self.waiting.push_back(send),
                Item::Do(ClientAction::Disconnect { connection }) => {
                    self.peer.disconnect(connection)
                }
                Item::Do(ClientAction::Abandon { attempt }) => {
                    self.waiting.retain(|send| send.attempt != attempt);
                    self.close(attempt);
                }
            }
        }
    }

    /// The log of the server, as records name it.
    pub(super) fn log_name(&self) -> Name {
        Name::from(format!("{}.log", self.adapter.name()))
    }

    /// What is known of the process that fetches.
    pub(super) fn process(&self) -> &'a str {
        self.adapter.name()
    }

    fn header(&mut self) -> Header {
        let s = self.scenario;
        let mut what: BTreeMap<String, serde_json::Value> = BTreeMap::new();
        what.insert("adapter".into(), self.adapter.name().into());
        match self.peer.ours() {
            Some(server) => {
                what.insert("program".into(), server.version().into());
                what.insert("options".into(), self.adapter.to_string().into());
            }
            None => {
                if let Adapter::Elsewhere(there) = self.adapter {
                    what.insert("address".into(), there.address().into());
                }
                what.insert("options".into(), self.adapter.to_string().into());
            }
        }
        let time = if self.peer.holds_time() { "lab" } else { "real" };
        what.insert("time".into(), time.into());
        Header {
            format: 1,
            revlab: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: s.name.clone(),
            digest: crate::digest::sha256_hex(s.resolved.as_bytes()),
            variant: s.variant.as_ref().map(|v| v.to_string()),
            seed: s.seed.0,
            transport: Transport::Live.as_str().to_owned(),
            sut: self.sut.name.to_string(),
            start: s.start,
            duration_ms: s.duration.as_millis(),
            profiles: BTreeMap::from([(self.sut.name.to_string(), what)]),
        }
    }
}
