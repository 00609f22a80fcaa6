//! The bench: a machine, a scripted CA, and lab time that the test moves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use revlab_lab::core::Item;
use revlab_lab::http::{FetchError, Reply, Request, Url};
use revlab_lab::trace::{Check, Fetch, Handshake, Kind, TlsVersion, Verdict};
use revlab_lab::{Clock, Code, Core, Instant, Out, Seed, Span};
use revlab_pki::Certificate;

use super::authority::{Authority, START};
use crate::cache::Caches;
use crate::config::{Adapter, Staple, SutConfig};
use crate::profile::{Hypothesis, Profile, Sheet, Update, Value};
use crate::{Machine, Operation, Stores, SutAction, SutEvent};

/// What a URL answers, and after which time; without a result it never does.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) after: Span,
    pub(super) result: Option<Result<Reply, FetchError>>,
}

impl Answer {
    pub(super) fn ok(body: Vec<u8>) -> Answer {
        Answer::status(200, body)
    }

    pub(super) fn status(status: u16, body: Vec<u8>) -> Answer {
        let reply = Reply { status, substatus: 0, headers: Vec::new(), body: body.into() };
        Answer { after: Span::ZERO, result: Some(Ok(reply)) }
    }

    pub(super) fn not_found() -> Answer {
        Answer::status(404, Vec::new())
    }

    pub(super) fn error(error: FetchError) -> Answer {
        Answer { after: Span::ZERO, result: Some(Err(error)) }
    }

    pub(super) fn never() -> Answer {
        Answer { after: Span::ZERO, result: None }
    }

    pub(super) fn after(self, after: Span) -> Answer {
        Answer { after, ..self }
    }
}

/// What stands behind a URL: from the instant of the request to the answer.
type Script = Box<dyn FnMut(Instant) -> Answer>;

/// A request that reached the CA.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) at: Instant,
    /// The name that the test gave the URL.
    pub(super) what: String,
    pub(super) request: Request,
}

/// What came of one request to the server.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// `200`, `403.13` …
    pub(super) page: String,
    pub(super) verdict: Verdict,
    pub(super) code: Option<Code>,
    /// What was asked for meanwhile, in order, by the names of the URLs: `ocsp base delta`.
    pub(super) asked: String,
    /// The record of its check, that of the check which it repeats included.
    pub(super) check: Check,
    pub(super) took: Span,
}

pub(super) struct Bench {
    pub(super) now: Instant,
    pub(super) machine: Machine,
    site: BTreeMap<String, (String, Script)>,
    pending: BTreeMap<(Instant, u64), Result<Reply, FetchError>>,
    /// Fetches that are under way, by number.
    pub(super) in_flight: BTreeMap<u64, Request>,
    /// The most fetches that were under way at once for the same thing: URL and, by POST, body.
    pub(super) most_at_once: usize,
    pub(super) asked: Vec<Asked>,
    pub(super) trace: Vec<(Instant, Kind)>,
    /// When an attempt was answered, how, and by which checks.
    pub(super) answered: BTreeMap<u64, (Instant, Arc<Reply>, Vec<u64>)>,
    pub(super) closed: BTreeSet<u64>,
    /// Attempts after whose answer the connection stays open.
    pub(super) kept: BTreeSet<u64>,
    pub(super) sessions_forgotten: usize,
    attempts: u64,
    /// What the machine is made of, to make it again.
    made_of: (SutConfig, Stores, Seed),
}

/// A profile of 2008 R2 with settings as a scenario writes them.
pub(super) fn profile(
    hypothesis: Hypothesis,
    updates: &[Update],
    settings: &[(&str, &str)],
) -> Profile {
    let mut profile =
        Profile::new(Sheet::named("windows-2008r2").unwrap(), hypothesis, updates.to_vec());
    for (name, text) in settings {
        let value = match (text.parse::<bool>(), text.parse::<i64>()) {
            (Ok(boolean), _) => Value::Boolean(boolean),
            (_, Ok(integer)) => Value::Integer(integer),
            _ => Value::Text(text),
        };
        profile.set(name, value).unwrap();
    }
    profile
}

impl Bench {
    /// A machine without the defect (H0), with these settings.
    pub(super) fn new(settings: &[(&str, &str)]) -> Bench {
        Bench::of(profile(Hypothesis::H0, &[], settings))
    }

    pub(super) fn of(profile: Profile) -> Bench {
        Bench::with(profile, Clock::exact(START), vec![Authority::root().certificate])
    }

    pub(super) fn with(profile: Profile, clock: Clock, known: impl Into<Stores>) -> Bench {
        Bench::seeded(profile, clock, known, Seed(1))
    }

    pub(super) fn seeded(
        profile: Profile,
        clock: Clock,
        known: impl Into<Stores>,
        seed: Seed,
    ) -> Bench {
        let known: Stores = known.into();
        let config = SutConfig {
            http: revlab_lab::trace::HttpVersion::V2,
            client_certificates: crate::config::ClientCertificates::Require,
            directory: None,
            staple: None,
            sends_issuers: true,
            stores: None,
            ocsp_urls: Vec::new(),
            crl_prefetch: Vec::new(),
            publisher: Default::default(),
            name: "web".into(),
            under_test: true,
            adapter: Adapter::Model,
            host: "web".into(),
            ca: "issuing".into(),
            profile,
            tls: TlsVersion::V1_2,
            clock,
        };
        Bench {
            now: START,
            machine: Machine::new(&config, known.clone(), seed),
            made_of: (config, known, seed),
            site: BTreeMap::new(),
            pending: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            most_at_once: 0,
            asked: Vec::new(),
            trace: Vec::new(),
            answered: BTreeMap::new(),
            closed: BTreeSet::new(),
            kept: BTreeSet::new(),
            sessions_forgotten: 0,
            attempts: 0,
        }
    }

    /// A server that lists these CRLs to be prefetched by a rule of their own.
    pub(super) fn listing(urls: &[Url], profile: Profile) -> Bench {
        let mut bench = Bench::of(profile);
        bench.made_of.0.crl_prefetch = urls.to_vec();
        let (config, known, seed) = &bench.made_of;
        bench.machine = Machine::new(config, known.clone(), *seed);
        bench
    }

    /// A server that staples to these certificates of its own.
    pub(super) fn stapling(staple: Staple, chain: &[Certificate]) -> Bench {
        let mut bench = Bench::new(&[("prefetch", "false")]);
        bench.made_of.0.staple = Some(staple);
        let (config, known, seed) = &bench.made_of;
        bench.machine = Machine::new(config, known.clone(), *seed);
        bench.decide(SutEvent::OwnCertificate { chain: chain.into() });
        bench
    }

    /// From now on `url`, and what lies below it, answers like this; `what` names it to the test.
    pub(super) fn put(&mut self, what: &str, url: &str, answer: Answer) {
        self.script(what, url, move |_| answer.clone());
    }

    pub(super) fn script(
        &mut self,
        what: &str,
        url: &str,
        script: impl FnMut(Instant) -> Answer + 'static,
    ) {
        self.site.insert(url.to_owned(), (what.to_owned(), Box::new(script)));
    }

    /// A request comes in; what comes of it is seen later.
    pub(super) fn request(&mut self, peer: &[Certificate], handshake: Handshake) -> u64 {
        self.request_on(None, peer, handshake)
    }

    /// The same on a connection that the client wants to keep.
    pub(super) fn request_on(
        &mut self,
        connection: Option<u64>,
        peer: &[Certificate],
        handshake: Handshake,
    ) -> u64 {
        self.attempts += 1;
        let attempt = self.attempts;
        self.decide(SutEvent::Request { attempt, peer: Arc::from(peer), handshake, connection });
        attempt
    }

    /// A request with a full handshake, to its end.
    pub(super) fn check(&mut self, client: &Certificate) -> Seen {
        let (began, asked) = (self.now, self.asked.len());
        let attempt = self.request(std::slice::from_ref(client), Handshake::Full);
        while !self.answered.contains_key(&attempt) {
            assert!(self.step(Instant::from_millis(i64::MAX)), "the request waits for nothing");
        }
        Seen { asked: self.asked_since(asked), took: self.now - began, ..self.seen(attempt) }
    }

    /// What came of an attempt that has been answered.
    pub(super) fn seen(&self, attempt: u64) -> Seen {
        let (_, reply, checks) = &self.answered[&attempt];
        let check = self.full(checks[0]);
        let page = match reply.substatus {
            0 => reply.status.to_string(),
            sub => format!("{}.{sub}", reply.status),
        };
        let verdict = check.verdict.unwrap();
        Seen { page, verdict, code: check.code, asked: String::new(), check, took: Span::ZERO }
    }

    /// The full record of a check: its own, or the one that it repeats.
    pub(super) fn full(&self, number: u64) -> Check {
        let own = self.checks().find(|c| c.check == number).expect("a record for each check");
        match own.same_as {
            Some(earlier) => self.full(earlier),
            None => own.clone(),
        }
    }

    pub(super) fn checks(&self) -> impl Iterator<Item = &Check> {
        self.trace.iter().filter_map(|(_, kind)| match kind {
            Kind::Check(check) => Some(check),
            _ => None,
        })
    }

    pub(super) fn fetches(&self) -> impl Iterator<Item = &Fetch> {
        self.trace.iter().filter_map(|(_, kind)| match kind {
            Kind::Fetch(fetch) => Some(fetch),
            _ => None,
        })
    }

    /// Lines of the machine's own logs.
    pub(super) fn log(&self) -> impl Iterator<Item = &str> {
        self.trace.iter().filter_map(|(_, kind)| match kind {
            Kind::Log(log) => Some(log.line.as_str()),
            _ => None,
        })
    }

    /// The names of what was asked from the `from`th request on.
    pub(super) fn asked_since(&self, from: usize) -> String {
        let names: Vec<_> = self.asked[from..].iter().map(|a| a.what.as_str()).collect();
        names.join(" ")
    }

    /// The machine is replaced by one that was made of nothing but what is on its disk, by way of
    /// files. Whatever was under way is lost, as by a reboot.
    pub(super) fn replace_machine(&mut self) {
        let files = self.machine.caches(self.now).to_files();
        let caches = Caches::from_files(&files).expect("it reads what it has written");
        let (config, known, seed) = &self.made_of;
        self.machine = Machine::with_caches(config, known.clone(), *seed, caches);
    }

    /// The same with another profile.
    pub(super) fn replace_machine_with(&mut self, profile: Profile) {
        self.made_of.0.profile = profile;
        self.replace_machine();
    }

    /// Whether the machine has a connection open.
    pub(super) fn keeps(&self, connection: u64) -> bool {
        self.machine.keeps(self.now, connection)
    }

    pub(super) fn operate(&mut self, operation: Operation) {
        self.decide(SutEvent::Operation(operation));
    }

    /// Lets time pass, and what is due happen.
    pub(super) fn wait(&mut self, span: Span) {
        let until = self.now + span;
        while self.step(until) {}
        self.now = until;
    }

    pub(super) fn wait_until(&mut self, until: Instant) {
        self.wait(until - self.now);
    }

    /// The next thing that is due up to `limit` happens: answers go before wake-ups.
    fn step(&mut self, limit: Instant) -> bool {
        let answer = self.pending.keys().next().copied();
        let wakeup = self.machine.next_wakeup();
        let at = match (answer.map(|(at, _)| at), wakeup) {
            (Some(a), Some(w)) => Ord::min(a, w),
            (a, w) => match a.or(w) {
                Some(at) => at,
                None => return false,
            },
        };
        if at > limit {
            return false;
        }
        assert!(at >= self.now, "due {at}, and it is {}", self.now);
        self.now = at;
        let due = answer.filter(|(when, _)| *when == at);
        match due.and_then(|key| self.pending.remove(&key).map(|result| (key.1, result))) {
            Some((fetch, result)) => {
                self.in_flight.remove(&fetch);
                self.decide(SutEvent::Fetched { fetch, result });
            }
            None => self.decide(SutEvent::Wake),
        }
        true
    }

    pub(super) fn decide(&mut self, event: SutEvent) {
        let mut out = Out::new();
        self.machine.decide(self.now, event, &mut out);
        for item in out.drain() {
            match item {
                Item::Trace(kind) => self.trace.push((self.now, kind)),
                Item::Do(action) => self.perform(action),
            }
        }
        let wakeup = self.machine.next_wakeup();
        assert!(wakeup.is_none_or(|at| at >= self.now), "wants to be asked in the past");
    }

    fn perform(&mut self, action: SutAction) {
        match action {
            SutAction::Fetch { fetch, request, .. } => self.answer(fetch, request),
            // The answer may be on its way: it comes late, and the machine must bear it.
            SutAction::Abandon { fetch } => {
                assert!(self.in_flight.remove(&fetch).is_some(), "fetch {fetch} is not under way");
            }
            SutAction::Respond { attempt, reply, checks, keeps, .. } => {
                if keeps {
                    self.kept.insert(attempt);
                }
                let before = self.answered.insert(attempt, (self.now, reply, checks));
                assert!(before.is_none(), "attempt {attempt} is answered twice");
                assert!(!self.closed.contains(&attempt), "attempt {attempt} was closed");
            }
            SutAction::Close { attempt } => {
                assert!(!self.answered.contains_key(&attempt), "attempt {attempt} was answered");
                self.closed.insert(attempt);
            }
            SutAction::ForgetSessions => self.sessions_forgotten += 1,
            // The bench has neither directories nor clients with validators.
            SutAction::Connect { .. } | SutAction::Consult { .. } | SutAction::Validated { .. } => {
                panic!("nobody has asked for {action:?}");
            }
        }
    }

    fn answer(&mut self, fetch: u64, request: Request) {
        let asked = request.url.as_str();
        let below = |known: &String| {
            asked
                .strip_prefix(known.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let found = self.site.iter_mut().find(|(known, _)| below(known));
        let (what, answer) = match found {
            Some((_, (what, script))) => (what.clone(), script(self.now)),
            None => (asked.to_owned(), Answer::error(FetchError::NameNotResolved)),
        };
        if let Some(result) = answer.result {
            self.pending.insert((self.now + answer.after, fetch), result);
        }
        self.in_flight.insert(fetch, request.clone());
        let same = |r: &&Request| (&r.url, &r.body) == (&request.url, &request.body);
        let same = self.in_flight.values().filter(same).count();
        self.most_at_once = Ord::max(self.most_at_once, same);
        self.asked.push(Asked { at: self.now, what, request });
    }
}
