//! The loop over a real system under test: one attempt at a time, and the CA answers meanwhile.
//!
//! Where the server takes lab time from us, lab time stands still while bytes move, and each step
//! is charged its modelled duration, as in `live`. Where it does not, lab time is real time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use revlab_clients::live::Progress;
use revlab_clients::{ClientAction, ClientEvent, Driver, Observation, Seen, Send, Times};
use revlab_fake_ca::{CaAction, CaEvent, Defects, FakeCa};
use revlab_lab::http::{Reply, Request};
use revlab_lab::queue::{Class, EventQueue, Key};
use revlab_lab::trace::{Handshake, Header, Kind, Log};
use revlab_lab::{Core, Instant, Item, Name, Out, Span};
use revlab_sut::config::SutConfig;

use super::peer::{Happened, LOG, Peer};
use super::s_server;
use crate::exec::Transport;
use crate::exec::adapter::Adapter;
use crate::exec::recorder::Recorder;
use crate::exec::setup::{Cast, Lab};
use crate::exec::timeline::{self, Ranks};
use crate::exec::world::Event;
use crate::scenario::model::Scenario;

/// How long is waited in one go: after it Ctrl-C is looked for.
const STEP: Duration = Duration::from_millis(250);
/// How many steps without a sign of life make a run hung.
const HUNG: u32 = 120;
/// How long is waited, in real time, for a server that may be waiting for an answer that never
/// comes, before lab time goes on.
const GRACE: Duration = Duration::from_millis(100);
/// How far the server's clock may be from what it was told: it tells whole seconds.
const APART: i64 = 2;

/// A run under way.
pub(super) struct RealLab<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) sut: &'a SutConfig,
    adapter: &'a Adapter,
    pub(super) end: Instant,
    pub(super) ranks: Ranks,
    pub(super) queue: EventQueue<Event>,
    pub(super) ca: FakeCa,
    driver: Driver,
    pub(super) cast: Cast,
    pub(super) peer: Peer,
    recorder: Recorder<'a>,
    waiting: VecDeque<Send>,
    open: Option<u64>,
    /// How far it has come, and what the network charges it for its handshake.
    progress: Option<(u64, Span, Progress)>,
    /// When the attempt under way, or the last one, was sent.
    began: Instant,
    pub(super) now: Instant,
    pub(super) fetches: u64,
    /// A request has been left unanswered: the server may wait for it from now on.
    pub(super) silent: bool,
    /// Whether a page has told that the server takes lab time.
    told: bool,
    pub(super) trouble: Option<String>,
}

/// Who is asked next.
enum Next {
    Queue,
    Ca,
    Driver,
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
        RealLab {
            scenario,
            sut,
            adapter,
            end: scenario.start + scenario.duration,
            ranks,
            queue,
            ca: lab.ca,
            driver: lab.driver,
            cast: lab.cast,
            peer,
            recorder,
            waiting: VecDeque::new(),
            open: None,
            progress: None,
            began: scenario.start,
            now: scenario.start,
            fetches: 0,
            silent: false,
            told: false,
            trouble: None,
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
        let reason = self.until_the_end(stop);
        let end = if reason == "complete" { self.now.max(self.end) } else { self.now };
        let log = self.peer.finish();
        self.recorder.end(end, reason);
        (self.cast, log.map(|log| (LOG.to_owned(), log)).into_iter().collect())
    }

    /// Why it ended.
    fn until_the_end(&mut self, stop: Option<&AtomicBool>) -> String {
        let stopped = || stop.is_some_and(|s| s.load(Ordering::Relaxed));
        let last = self.last_instant();
        loop {
            if let Some(trouble) = self.trouble.take() {
                return trouble;
            }
            if self.recorder.has_failed() {
                return "the trace cannot be written".to_owned();
            }
            if stopped() {
                return "interrupted".to_owned();
            }
            if let Some(send) = self.waiting.pop_front() {
                self.attempt(&send, &stopped);
                continue;
            }
            let next = self.next().filter(|(key, _)| key.at < last);
            let due = next.as_ref().map_or(last, |(key, _)| key.at);
            if self.idle_until(due) {
                match next {
                    Some((_, next)) => self.step(next),
                    None => break,
                }
            }
        }
        if last < self.end {
            return format!("stopped after {}, as asked", last - self.scenario.start);
        }
        if *self.adapter == Adapter::SServer && !self.told {
            return "the system under test never showed that it takes lab time: it let nobody in"
                .to_owned();
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
            Adapter::SServer => self.end,
        }
    }

    /// Goes on to `due` with no attempt under way. In real time one step towards it; whether it
    /// has been reached.
    fn idle_until(&mut self, due: Instant) -> bool {
        let ahead = due - self.peer.time(self.now);
        let most = match self.peer.holds_time() {
            true => Duration::ZERO,
            false => Duration::from_millis(ahead.as_millis().max(0).unsigned_abs()).min(STEP),
        };
        if let Happened::Request(arrived) = self.peer.wait(None, most) {
            self.set(self.peer.time(self.now));
            self.fetch(*arrived, None);
            return false;
        }
        let now = self.peer.time(self.now);
        let reached = self.peer.holds_time() || now >= due;
        self.set(if self.peer.holds_time() { due } else { now });
        reached
    }

    /// The earliest of everything that is pending, in the documented order.
    fn next(&self) -> Option<(Key, Next)> {
        let wake = |at, class, next| (Key { at, class, actor: 0, seq: 0 }, next);
        let queued = self.queue.peek().map(|key| (key, Next::Queue));
        let ca = self.ca.next_wakeup().map(|at| wake(at, Class::Publication, Next::Ca));
        let driver = self.driver.next_wakeup().map(|at| wake(at, Class::Attempt, Next::Driver));
        queued.into_iter().chain(ca).chain(driver).min_by_key(|(key, _)| *key)
    }

    fn step(&mut self, next: Next) {
        match next {
            Next::Ca => {
                self.tell_ca(CaEvent::Wake);
            }
            Next::Driver => {
                self.tell_progress();
                self.tell_driver(ClientEvent::Wake);
            }
            Next::Queue => match self.queue.pop() {
                Some((key, Event::Operation { index })) => self.operate(index, key.seq),
                Some((_, Event::Note(record))) => self.record(*record),
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

    fn set(&mut self, to: Instant) {
        self.now = self.now.max(to);
        if let Err(trouble) = self.peer.set_time(self.now) {
            self.trouble.get_or_insert(trouble);
        }
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

    fn tell_driver(&mut self, event: ClientEvent) {
        let mut out = Out::new();
        self.driver.decide(self.now, event, &mut out);
        self.perform(out);
    }

    fn perform(&mut self, mut out: Out<ClientAction>) {
        for item in out.drain() {
            match item {
                Item::Trace(kind) => self.recorder.write(self.now, kind),
                Item::Do(ClientAction::Send(send)) => self.waiting.push_back(send),
                Item::Do(ClientAction::Abandon { attempt }) => {
                    self.waiting.retain(|send| send.attempt != attempt);
                    self.open.take_if(|open| *open == attempt);
                }
            }
        }
    }

    /// One attempt from its begin to its end; meanwhile the CA answers.
    fn attempt(&mut self, send: &Send, stopped: &dyn Fn() -> bool) {
        self.open = Some(send.attempt);
        self.began = self.now;
        let send = Send { tls: Ord::min(send.tls, self.sut.tls), ..send.clone() };
        let cost = self.scenario.network.tls_request(send.tls, Handshake::Full);
        self.charge(cost);
        let (mut client, progress) = self.peer.start(&send);
        self.progress = Some((send.attempt, cost, progress));
        let mut idle = 0;
        while self.open == Some(send.attempt) && self.trouble.is_none() && !stopped() {
            match self.peer.wait(Some(&mut client), self.patience()) {
                Happened::Request(arrived) => {
                    idle = 0;
                    self.fetch(*arrived, Some(&send.identity));
                }
                Happened::Seen(seen) => self.ended(&send, seen, cost),
                Happened::Nothing => {
                    idle += 1;
                    self.nothing_came(idle);
                }
            }
        }
        client.abort();
        self.open = None;
        self.progress = None;
    }

    /// While bytes move lab time stands still, but for what the server waits for: the network's own
    /// part comes on top.
    fn add_modelled(&self, times: &mut Times, handshake: Span) {
        let connect = self.scenario.network.connect();
        times.connect_ms = times.connect_ms.map(|ms| ms + connect.as_millis());
        let tls = (handshake - connect).as_millis();
        times.handshake_ms = times.handshake_ms.map(|ms| ms + tls);
    }

    /// Tells the driver how far the attempt under way has come: its time may be up.
    fn tell_progress(&mut self) {
        let Some((attempt, cost, progress)) = &self.progress else { return };
        let (attempt, cost, mut reached) = (*attempt, *cost, progress.reached());
        if self.peer.holds_time() {
            self.add_modelled(&mut reached.times, cost);
        }
        let mut out = Out::new();
        self.driver.decide(self.now, ClientEvent::Reached { attempt, reached }, &mut out);
        self.perform(out);
    }

    /// How long is waited for a sign of life, in real time.
    fn patience(&self) -> Duration {
        if self.peer.holds_time() {
            return if self.silent { GRACE } else { STEP };
        }
        let due = self.next().map_or(self.end, |(key, _)| key.at);
        let ahead = (due - self.peer.time(self.now)).as_millis().max(1).unsigned_abs();
        Duration::from_millis(ahead).min(STEP)
    }

    fn nothing_came(&mut self, idle: u32) {
        if !self.peer.holds_time() {
            self.advance(self.peer.time(self.now));
        } else if self.silent {
            // It waits for what will not come: only the clock can go on.
            let due = self.next().map_or(self.end, |(key, _)| key.at);
            self.advance(due + Span::from_millis(1));
        } else if idle >= HUNG {
            let seconds = (STEP * HUNG).as_secs();
            self.trouble = Some(format!(
                "the watchdog fired: the system under test gave no sign of life for {seconds} s"
            ));
        }
    }

    /// A client has seen the end of its attempt.
    fn ended(&mut self, send: &Send, mut seen: Observation, handshake: Span) {
        if self.peer.holds_time() {
            self.add_modelled(&mut seen.times, handshake);
        }
        self.heed(send, &seen.seen);
        self.charge(self.scenario.network.answer());
        if self.open.take_if(|open| *open == send.attempt).is_some() {
            let attempt = send.attempt;
            let (checks, wall_ms) = (Vec::new(), None);
            self.tell_driver(ClientEvent::Answer {
                attempt,
                observation: seen,
                checks,
                validations: Vec::new(),
                wall_ms,
            });
        }
    }

    /// What the server itself says about the end of an attempt: the time, its reason, its end.
    fn heed(&mut self, send: &Send, seen: &Seen) {
        let clock = self.sut.clock.at(self.now);
        let Some(server) = self.peer.ours() else { return };
        let reasons = server.reasons();
        let ended = match seen {
            Seen::Closed { .. } | Seen::Broken { .. } => server.ended(),
            _ => None,
        };
        for line in reasons {
            let (by, file, attempt) = (self.sut.name.clone(), Name::from(LOG), Some(send.attempt));
            self.record(Kind::Log(Log { by, file, line, code: None, attempt }));
        }
        if let Some(words) = ended {
            self.trouble.get_or_insert(format!("the system under test {words}"));
        }
        let Seen::Response { body, .. } = seen else { return };
        let Some(read) = s_server::told_time(body) else { return };
        // Its session began at some time between the begin and the end of the attempt.
        let earliest = self.sut.clock.at(self.began).as_secs() - APART;
        if read < earliest || read > clock.as_secs() + APART {
            let read = crate::judge::at(Instant::from_millis(read.saturating_mul(1000)));
            let told = crate::judge::at(clock);
            self.trouble.get_or_insert(format!(
                "the system under test does not take lab time: it reads {read}, and was told {told}"
            ));
        }
        self.told = true;
    }

    /// What is known of the process that fetches.
    pub(super) fn process(&self) -> &'static str {
        self.adapter.name()
    }

    fn header(&mut self) -> Header {
        let s = self.scenario;
        let mut what: BTreeMap<String, serde_json::Value> = BTreeMap::new();
        what.insert("adapter".into(), self.adapter.name().into());
        match self.peer.ours() {
            Some(server) => {
                what.insert("program".into(), server.version().into());
                what.insert("options".into(), server.options().into());
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
