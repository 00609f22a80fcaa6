//! The loop: pop the earliest event, ask a core, perform what it says, in order.

mod minting;
mod validating;
mod wakeups;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use revlab_clients::driver::Reached;
use revlab_clients::{Agreed, ClientAction, ClientEvent, Driver, Observation, Send, Times};
use revlab_fake_ca::fault::{Caller, Ruling};
use revlab_fake_ca::{CaAction, CaEvent, FakeCa};
use revlab_lab::http::{FetchError, Reply, Request};
use revlab_lab::queue::{Class, EventQueue, Key};
use revlab_lab::trace::{Handshake, Header, Kind, TlsVersion, Validation};
use revlab_lab::{Core, Instant, Item, Name, Out, Span};
use revlab_sut::{Machine, SutAction, SutEvent};

use super::choices::Choices;
use super::recorder::Recorder;
use super::setup::{Cast, Lab, Machines};
use super::timeline::{self, Ranks};
use super::wire::{FetchKey, Opened, Shown, Wire};
use super::{Left, Transport};
use crate::scenario::model::Scenario;
use wakeups::Wakeups;

/// What is pending. Rare and large things are boxed: the queue moves its events a lot.
pub(super) enum Event {
    /// An administrator acts.
    Operation { index: usize },
    /// A fault begins or ends, or a clock is set: cores know it themselves, the trace is told.
    Note(Box<Kind>),
    /// A request arrives at a CA's site.
    AtCa { key: FetchKey, request: Box<Request>, ruling: Ruling },
    /// An answer, or word that none will come, arrives at a SUT.
    Fetched { key: FetchKey, result: Result<Reply, FetchError> },
    /// A client has seen its server's certificate.
    AtValidator { attempt: u64 },
    /// A request arrives at a SUT.
    AtSut { attempt: u64 },
    /// A SUT has seen its directory's certificate.
    DirectoryShown { attempt: u64, directory: Name },
    /// A directory is asked about a client.
    Consulted { attempt: u64, directory: Name, peer: Peer },
    /// What it says arrives at the SUT.
    Counsel { attempt: u64, validation: Validation },
    /// An answer arrives at a client.
    AtClient { attempt: u64, observation: Observation },
}

/// A client's certificates, its own first.
pub(super) type Peer = std::sync::Arc<[revlab_pki::Certificate]>;

/// An attempt that is under way.
struct Open {
    sut: usize,
    /// The number of its connection, where the client wants to keep that.
    connection: Option<u64>,
    arrived: Option<(Peer, Agreed)>,
    /// How long its steps take.
    times: Times,
    rank: u16,
    checks: Vec<u64>,
    client: Name,
    /// The host that is asked for, where it is not the SUT's own name.
    host: Option<Name>,
    /// The client's validator, what the server has shown it, and what the handshake came to.
    validator: Option<usize>,
    shown: Option<Shown>,
    agreed: Option<Agreed>,
    /// A certificate that nobody needs any more when the attempt has ended.
    minted: Option<Name>,
    /// What the server stapled to the certificates above its own.
    staples_above: Vec<Option<std::sync::Arc<[u8]>>>,
    validations: Vec<Validation>,
}

/// A run under way.
pub(super) struct World<'a, W> {
    pub(super) scenario: &'a Scenario,
    pub(super) end: Instant,
    pub(super) ranks: Ranks,
    pub(super) queue: EventQueue<Event>,
    pub(super) ca: FakeCa,
    machines: Vec<(Name, Machine)>,
    pub(super) validators: BTreeMap<Name, Machines>,
    wakeups: Wakeups,
    pub(super) choices: Choices,
    driver: Driver,
    pub(super) cast: Cast,
    pub(super) wire: W,
    recorder: Recorder<'a>,
    open: BTreeMap<u64, Open>,
    fetching: BTreeSet<FetchKey>,
    transport: Transport,
    /// Room for what cores say, kept from one event to the next.
    from_sut: Out<SutAction>,
    from_driver: Out<ClientAction>,
}

/// Who is asked next.
enum Next {
    Queue,
    Ca,
    Sut(usize),
    Driver,
}

impl<'a, W: Wire> World<'a, W> {
    pub(super) fn new(
        scenario: &'a Scenario,
        transport: Transport,
        lab: Lab,
        wire: W,
        recorder: Recorder<'a>,
    ) -> World<'a, W> {
        let ranks = Ranks::new(scenario);
        let mut queue = EventQueue::new();
        timeline::fill(scenario, &ranks, &mut queue);
        World {
            scenario,
            end: scenario.start + scenario.duration,
            ranks,
            queue,
            ca: lab.ca,
            machines: lab.machines,
            validators: lab.validators,
            wakeups: Wakeups::default(),
            choices: Choices::default(),
            driver: lab.driver,
            cast: lab.cast,
            wire,
            recorder,
            open: BTreeMap::new(),
            fetching: BTreeSet::new(),
            transport,
            from_sut: Out::new(),
            from_driver: Out::new(),
        }
    }

    /// Runs to the end of the scenario, and on until every attempt made before has its outcome.
    ///
    /// Ends early, with a readable trace, once `stop` is set or the transport has lost its hold.
    pub(super) fn run(mut self, stop: Option<&AtomicBool>) -> Left {
        let mut reason = "complete".to_owned();
        let mut now = self.scenario.start;
        self.record(now, Kind::Header(self.header()));
        for (actor, clock) in timeline::clocks(self.scenario) {
            if clock.skew(now) != Span::ZERO {
                self.recorder.write(now, timeline::clock_record(actor, clock, now));
            }
        }
        self.begin(now);
        while let Some((at, next)) = self.next() {
            if at >= self.end && self.open.is_empty() || self.recorder.has_failed() {
                break;
            }
            if stop.is_some_and(|s| s.load(Ordering::Relaxed)) {
                reason = "interrupted".into();
                break;
            }
            if let Some(trouble) = self.wire.trouble() {
                reason = trouble;
                break;
            }
            now = now.max(at);
            self.wire.set_time(now);
            match next {
                Next::Queue => {
                    if let Some((key, event)) = self.queue.pop() {
                        self.happen(now, key, event);
                    }
                }
                Next::Ca => self.tell_ca(now, CaEvent::Wake),
                Next::Sut(index) => self.tell_machine(now, index, SutEvent::Wake),
                Next::Driver => self.tell_driver(now, ClientEvent::Wake),
            }
        }
        let end = if reason == "complete" { now.max(self.end) } else { now };
        self.recorder.end(end, reason);
        // Of a validator with thousands of machines nobody looks into each.
        let few = self.validators.values().filter(|machines| machines.count > 1);
        let many: Vec<_> = few.map(|m| m.first..m.first + m.count).collect();
        let machines = self.machines.into_iter().enumerate();
        let shown = machines.filter(|(i, _)| !many.iter().any(|range| range.contains(i)));
        let caches = shown.map(|(_, (name, machine))| (name, machine.caches(end)));
        Left { cast: self.cast, caches: caches.collect(), logs: BTreeMap::new() }
    }

    /// Servers learn which certificate is theirs.
    fn begin(&mut self, now: Instant) {
        let names: Vec<Name> = self.scenario.suts.keys().cloned().collect();
        for (index, name) in names.iter().enumerate() {
            if let Some(server) = self.cast.servers.get(name) {
                let chain = server.chain.clone();
                self.tell_machine(now, index, SutEvent::OwnCertificate { chain });
            }
        }
    }

    /// The earliest of everything that is pending, in the documented order.
    fn next(&self) -> Option<(Instant, Next)> {
        let wake = |at, class, actor, next| (Key { at, class, actor, seq: 0 }, next);
        let queued = self.queue.peek().map(|key| (key, Next::Queue));
        let ca = self.ca.next_wakeup().map(|at| wake(at, Class::Publication, 0, Next::Ca));
        let driver = self.driver.next_wakeup().map(|at| wake(at, Class::Attempt, 0, Next::Driver));
        let suts = self.wakeups.first();
        let suts = suts.map(|(at, i)| wake(at, Class::WakeUp, i as u16, Next::Sut(i)));
        let all = queued.into_iter().chain(ca).chain(suts).chain(driver);
        all.min_by_key(|(key, _)| *key).map(|(key, next)| (key.at, next))
    }

    fn happen(&mut self, now: Instant, key: Key, event: Event) {
        match event {
            Event::Operation { index } => self.operate(now, index, key.seq),
            Event::Note(record) => self.record(now, *record),
            Event::AtCa { key, request, ruling } => self.at_ca(now, key, &request, &ruling),
            Event::Fetched { key, result } => {
                if self.fetching.remove(&key) {
                    self.tell_machine(now, key.0, SutEvent::Fetched { fetch: key.1, result });
                }
            }
            Event::AtValidator { attempt } => self.at_validator(now, attempt),
            Event::AtSut { attempt } => self.at_sut(now, attempt),
            Event::DirectoryShown { attempt, directory } => {
                self.directory_shown(now, attempt, &directory);
            }
            Event::Consulted { attempt, directory, peer } => {
                self.consulted(now, attempt, &directory, peer);
            }
            Event::Counsel { attempt, validation } => self.counsel(now, attempt, validation),
            Event::AtClient { attempt, observation } => self.at_client(now, attempt, observation),
        }
    }

    /// A core's trace entries go straight on record.
    pub(super) fn record(&mut self, now: Instant, kind: Kind) {
        self.recorder.write(now, kind);
    }

    pub(super) fn tell_ca(&mut self, now: Instant, event: CaEvent) {
        let mut out = Out::new();
        self.ca.decide(now, event, &mut out);
        for item in out.drain() {
            if let Item::Trace(kind) = item {
                self.recorder.write(now, kind);
            }
        }
    }

    /// Tells a SUT, or all machines of a validator.
    pub(super) fn tell_sut(&mut self, now: Instant, name: &Name, event: &SutEvent) {
        let machines = match self.validators.get(name) {
            Some(machines) => machines.first..machines.first + machines.count,
            None => match self.machines.iter().position(|(n, _)| n == name) {
                Some(index) => index..index + 1,
                None => return,
            },
        };
        for index in machines {
            self.tell_machine(now, index, event.clone());
        }
    }

    pub(super) fn tell_machine(&mut self, now: Instant, index: usize, event: SutEvent) {
        // What is performed below can come back here: then there is new room.
        let mut out = std::mem::take(&mut self.from_sut);
        if let Some((_, machine)) = self.machines.get_mut(index) {
            machine.decide(now, event, &mut out);
            self.wakeups.set(index, machine.next_wakeup());
        }
        for item in out.drain() {
            match item {
                Item::Trace(kind) => self.recorder.write(now, kind),
                Item::Do(action) => self.perform_sut(now, index, action),
            }
        }
        self.from_sut = out;
    }

    pub(super) fn tell_driver(&mut self, now: Instant, event: ClientEvent) {
        let mut out = std::mem::take(&mut self.from_driver);
        self.driver.decide(now, event, &mut out);
        for item in out.drain() {
            match item {
                Item::Trace(kind) => self.recorder.write(now, kind),
                Item::Do(ClientAction::Send(send)) => self.send(now, &send),
                Item::Do(ClientAction::Disconnect { connection }) => {
                    self.wire.disconnect(connection);
                }
                Item::Do(ClientAction::Abandon { attempt }) => {
                    self.wire.abandon_attempt(attempt);
                    if let Some(minted) = self.open.remove(&attempt).and_then(|open| open.minted) {
                        self.wire.remove_identity(&minted);
                    }
                }
            }
        }
        self.from_driver = out;
    }

    fn perform_sut(&mut self, now: Instant, index: usize, action: SutAction) {
        match action {
            SutAction::Fetch { fetch, request, account } => {
                self.fetch(now, (index, fetch), request, &account);
            }
            SutAction::Abandon { fetch } => {
                self.fetching.remove(&(index, fetch));
                self.wire.abandon_fetch((index, fetch));
            }
            SutAction::Respond { attempt, reply, checks, validations, keeps } => {
                if let Some(open) = self.open.get_mut(&attempt) {
                    // Where the client's validator spoke too, all that spoke are listed.
                    open.validations.extend(validations);
                    open.checks = checks;
                }
                self.answer(now, attempt, Some(&reply), keeps);
            }
            SutAction::Close { attempt } => self.answer(now, attempt, None, false),
            SutAction::ForgetSessions if index < self.scenario.suts.len() => {
                self.wire.forget_sessions(index);
            }
            // A client's machine: its own sessions end with it.
            SutAction::ForgetSessions => self.forget_sessions_of(now, index),
            SutAction::Connect { attempt, directory } => self.connect(now, attempt, directory),
            SutAction::Consult { attempt, directory, peer } => {
                self.consult(now, attempt, directory, peer);
            }
            SutAction::Validated { attempt, validation } => {
                self.validated(now, attempt, validation);
            }
        }
    }

    /// A request leaves a SUT: faults on the way act first.
    fn fetch(&mut self, now: Instant, key: FetchKey, request: Request, account: &str) {
        let Some((sut, _)) = self.machines.get(key.0) else { return };
        let sut = sut.clone();
        let open = u32::try_from(self.fetching.len()).unwrap_or(u32::MAX);
        // A fault knows the machines of a validator by its name alone.
        let name = self.validator_with(key.0).unwrap_or(&sut).clone();
        let caller = Caller { name: &name, account: Some(account), open };
        let meeting = self.ca.meet(now, &caller, &request);
        self.recorder.met(&sut, key.1, meeting.faults.clone());
        self.fetching.insert(key);
        let network = self.scenario.network;
        let (found, ruling) = meeting.on_its_way(&network);
        let at = match ruling {
            Ruling::NameNotResolved => now + found,
            _ => now + found + network.request(),
        };
        let event = Event::AtCa { key, request: Box::new(request), ruling };
        self.queue.push(self.fetch_key(at, key, 0), event);
    }

    /// A request arrives at a site, or finds out that it does not.
    fn at_ca(&mut self, now: Instant, key: FetchKey, request: &Request, ruling: &Ruling) {
        if !self.fetching.contains(&key) {
            return;
        }
        let (ca, recorder) = (&mut self.ca, &mut self.recorder);
        let mut substatus = 0;
        let mut serve = |request: Request| {
            let request = ruling.lead(request);
            let mut out = Out::new();
            ca.decide(
                now,
                CaEvent::Request { fetch: key.1, request, defects: ruling.defects() },
                &mut out,
            );
            let mut answer = None;
            for item in out.drain() {
                match item {
                    Item::Trace(kind) => recorder.write(now, kind),
                    Item::Do(CaAction::Reply { reply, .. }) => answer = Some(reply),
                }
            }
            let own = answer.unwrap_or_else(|| revlab_fake_ca::fault::page(500));
            if ruling.is_served() {
                substatus = own.substatus;
            }
            own
        };
        let Some(heard) = self.wire.exchange(key, ruling, request, &mut serve) else { return };
        let mut result = heard.result;
        if let Ok(reply) = &mut result {
            // Not on the wire: the site's own log has it.
            reply.substatus = substatus;
        }
        let delay = match ruling {
            Ruling::Answer(answer) => self.scenario.network.answer() + answer.delay + heard.after,
            // The server's certificate comes with its first answer (RFC 8446 §2, RFC 5246 §7.3).
            Ruling::Reset | Ruling::Elsewhere(_) | Ruling::Insecure(_) => {
                self.scenario.network.answer()
            }
            _ => Span::ZERO,
        };
        let event = Event::Fetched { key, result };
        self.queue.push(self.fetch_key(now + delay, key, 1), event);
    }

    /// An attempt begins.
    fn send(&mut self, now: Instant, send: &Send) {
        let Some(sut) = self.machines.iter().position(|(n, _)| *n == send.sut) else { return };
        let rank = self.ranks.of(&send.client);
        let connection = self.still_open(now, sut, send);
        let mut open = Open {
            sut,
            connection: send.keep_alive.then_some(connection.unwrap_or(send.attempt)),
            arrived: None,
            times: self.steps(None),
            rank,
            checks: Vec::new(),
            client: send.client.clone(),
            host: send.host.clone(),
            validator: self.validator_of(&send.client, send.thread),
            shown: None,
            agreed: None,
            minted: self.mint(send),
            staples_above: Vec::new(),
            validations: Vec::new(),
        };
        let remembers =
            self.scenario.clients.get(&send.client).is_some_and(|plan| plan.remembers_certificate);
        let presents = self.choices.presented(send, remembers);
        let send = &Send { presents, connection, ..send.clone() };
        // Nothing is stapled where no handshake is made.
        let staples = if connection.is_none() { self.staples(now, sut) } else { Vec::new() };
        let mut staples = staples.into_iter();
        let staple = staples.next().flatten();
        open.staples_above = staples.collect();
        let network = self.scenario.network;
        match self.wire.open(now, sut, send, staple) {
            Opened::Connected(shown) => {
                let cost = network.tls_request(shown.agreed.tls, shown.agreed.handshake);
                open.times = self.steps(Some(&shown.agreed));
                open.shown = Some(shown);
                let event = Event::AtValidator { attempt: send.attempt };
                self.push_attempt(now + cost, rank, send.attempt, event);
            }
            Opened::Request { peer, agreed } => {
                let cost = network.tls_request(agreed.tls, agreed.handshake);
                open.times = self.steps(Some(&agreed));
                open.arrived = Some((peer, agreed));
                self.push_attempt(
                    now + cost,
                    rank,
                    send.attempt,
                    Event::AtSut { attempt: send.attempt },
                );
            }
            Opened::Ended(mut observation) => {
                let cost = network.tls_request(TlsVersion::V1_2, Handshake::Full);
                observation.times = open.times;
                let event = Event::AtClient { attempt: send.attempt, observation };
                self.push_attempt(now + cost, rank, send.attempt, event);
            }
        }
        let reached = Reached { agreed: None, times: open.times };
        self.open.insert(send.attempt, open);
        self.tell_driver(now, ClientEvent::Reached { attempt: send.attempt, reached });
    }

    /// The connection that a client kept for an attempt, unless the server has closed it since.
    fn still_open(&mut self, now: Instant, sut: usize, send: &Send) -> Option<u64> {
        let connection = send.connection?;
        let machine = self.machines.get(sut).map(|(_, machine)| machine);
        if machine.is_some_and(|machine| machine.keeps(now, connection)) {
            return Some(connection);
        }
        self.wire.disconnect(connection);
        None
    }

    /// What the network charges for the steps of an attempt.
    fn steps(&self, agreed: Option<&Agreed>) -> Times {
        if agreed.is_some_and(|agreed| agreed.handshake == Handshake::Kept) {
            return Times::default();
        }
        let network = self.scenario.network;
        Times {
            connect_ms: Some(network.connect().as_millis()),
            handshake_ms: agreed.map(|a| network.handshake(a.tls, a.handshake).as_millis()),
            ..Times::default()
        }
    }

    /// What a SUT staples now, to its own certificate first.
    fn staples(&mut self, now: Instant, sut: usize) -> Vec<Option<std::sync::Arc<[u8]>>> {
        let Some((_, machine)) = self.machines.get_mut(sut) else { return Vec::new() };
        let staples = machine.staples(now);
        self.wakeups.set(sut, machine.next_wakeup());
        staples
    }

    fn at_sut(&mut self, now: Instant, attempt: u64) {
        let Some(open) = self.open.get_mut(&attempt) else { return };
        let Some((peer, agreed)) = open.arrived.take() else { return };
        let (sut, times, handshake) = (open.sut, open.times, agreed.handshake);
        let connection = open.connection;
        let reached = Reached { agreed: Some(agreed), times };
        self.tell_driver(now, ClientEvent::Reached { attempt, reached });
        self.tell_machine(now, sut, SutEvent::Request { attempt, peer, handshake, connection });
    }

    fn answer(&mut self, now: Instant, attempt: u64, reply: Option<&Reply>, keeps: bool) {
        let Some(open) = self.open.get(&attempt) else { return };
        let (rank, times) = (open.rank, open.times);
        let Some(mut observation) = self.wire.answer(attempt, reply, keeps) else { return };
        observation.times = times;
        let at = now + self.scenario.network.answer();
        self.push_attempt(at, rank, attempt, Event::AtClient { attempt, observation });
    }

    fn at_client(&mut self, now: Instant, attempt: u64, observation: Observation) {
        let Some(open) = self.open.remove(&attempt) else { return };
        let wall_ms = self.wire.wall_ms(attempt);
        let Open { checks, validations, minted, .. } = open;
        if let Some(minted) = minted {
            self.wire.remove_identity(&minted);
        }
        let event = ClientEvent::Answer { attempt, observation, checks, validations, wall_ms };
        self.tell_driver(now, event);
    }

    pub(super) fn push_attempt(&mut self, at: Instant, actor: u16, attempt: u64, event: Event) {
        // Apart from the counts of fetches, should a client and a SUT share their name.
        let seq = attempt | 1 << 63;
        self.queue.push(Key { at, class: Class::Answer, actor, seq }, event);
    }

    fn fetch_key(&self, at: Instant, key: FetchKey, leg: u64) -> Key {
        let name = self.machines.get(key.0).map_or("", |(n, _)| n);
        // Apart by machine: those of one validator share their rank.
        let seq = (key.0 as u64) << 48 | (key.1 * 2 + leg);
        Key { at, class: Class::Answer, actor: self.ranks.of(name), seq }
    }

    fn header(&self) -> Header {
        let s = self.scenario;
        let under_test = s.suts.values().find(|c| c.under_test).map_or("", |c| &*c.name);
        Header {
            format: 1,
            revlab: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: s.name.clone(),
            digest: crate::digest::sha256_hex(s.resolved.as_bytes()),
            variant: s.variant.as_ref().map(|v| v.to_string()),
            seed: s.seed.0,
            transport: self.transport.as_str().to_owned(),
            sut: under_test.to_owned(),
            start: s.start,
            duration_ms: s.duration.as_millis(),
            profiles: s
                .suts
                .iter()
                .map(|(n, c)| (n, &c.profile))
                .chain(s.validators.iter().map(|(n, c)| (n, &c.profile)))
                .map(|(name, profile)| (name.to_string(), profile.describe()))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests;
