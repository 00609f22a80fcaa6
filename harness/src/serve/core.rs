//! What a request, a command or the passing of time comes to. Pure: time, bytes and randomness come
//! from outside.

use std::collections::BTreeMap;

use revlab_fake_ca::config::{CaConfig, CaOperation};
use revlab_fake_ca::content::Defects;
use revlab_fake_ca::dns::NameFault;
use revlab_fake_ca::fault::{Caller, FaultConfig, HttpsCertificate, Ruling};
use revlab_fake_ca::{CaAction, CaEvent, HttpsCredential, SetupError};
use revlab_lab::core::{Core, Item, Out};
use revlab_lab::http::{Reply, Request};
use revlab_lab::trace::{Kind, Publish};
use revlab_lab::{Instant, Name, Seed, Span};
use serde_json::{Map, Value as Json};

use super::ServeError;
use super::agenda::Agenda;
use super::carry_out::{Carried, carry_out};
use super::journal::{self, Entry, Journal};
use super::laboratory::Laboratory;
use super::metrics::Metrics;
use super::problem::Problem;
use super::sites::Sites;
use super::ways::{self, Names, Places, Stand};
use crate::scenario::Pattern;
use crate::scenario::model::{Operation, OperationKind, Scenario};

/// No fault ends by itself unless it says so: serving lasts for a century.
const DURATION: Span = Span::from_days(36_500);

/// A CA publishes without an end to it: so many faults are kept at once.
const FAULTS_MOST: usize = 1_000;

/// Everything that is served.
#[derive(Debug)]
pub(super) struct ServeCore {
    pub(super) pattern: Pattern,
    /// Its seed is that of the keys.
    pub(super) scenario: Scenario,
    /// By which seed faults draw.
    drawn: Seed,
    pub(super) lab: Laboratory,
    pub(super) faults: Map<String, Json>,
    pub(super) journal: Journal,
    pub(super) metrics: Metrics,
    /// The newest publications.
    pub(super) latest: BTreeMap<(Name, &'static str), Publish>,
    sites: Option<Sites>,
    places: Places,
    /// Where there is a name server: what it knows, and the faults that are its to carry out.
    names: Option<Names>,
    name_faults: Vec<FaultConfig>,
    agenda: Agenda,
    /// How far lab time is ahead of the shell's.
    pub(super) ahead: Span,
    /// The latest instant that the CAs have heard of.
    last: Instant,
    asked: u64,
}

impl ServeCore {
    /// Sets up what is served: the scenario from `start` on. With `sites` certificates name these,
    /// without they keep the hosts of the scenario. With `names` a name server carries out what is wrong
    /// with these. Keys are drawn by `keys`; what faults leave to chance is drawn by the scenario's seed.
    ///
    /// # Errors
    ///
    /// The scenario cannot be moved, or its CAs cannot be set up.
    pub(super) fn new(
        scenario: &Scenario,
        start: Instant,
        sites: Option<Sites>,
        names: Option<Names>,
        keys: Seed,
    ) -> Result<ServeCore, ServeError> {
        let mut pattern = Pattern::of(scenario).map_err(ServeError::Scenario)?;
        pattern.begin(scenario.start, start, DURATION);
        if let Some(sites) = &sites {
            pattern.rewrite(&|url| sites.url(url));
        }
        let mut scenario = pattern.scenario().map_err(ServeError::Scenario)?;
        if let Some(sites) = &sites {
            sites.place(&mut scenario);
        }
        let drawn = std::mem::replace(&mut scenario.seed, keys);
        let lab = Laboratory::new(&scenario, drawn)?;
        let mut core = ServeCore {
            places: Places::of(&scenario, &lab.ca),
            names,
            name_faults: Vec::new(),
            lab,
            faults: pattern.faults(),
            agenda: Agenda::of(&scenario),
            journal: Journal::default(),
            metrics: Metrics::new(start),
            latest: BTreeMap::new(),
            ahead: Span::ZERO,
            last: start,
            asked: 0,
            sites,
            pattern,
            drawn,
            scenario,
        };
        core.share_faults(core.scenario.faults.values().cloned().collect()).map_err(set_up)?;
        core.pass(start);
        Ok(core)
    }

    /// Puts everything back as if it had been served since its start and nobody had done anything.
    ///
    /// # Errors
    ///
    /// None that [`ServeCore::new`] had not.
    pub(super) fn reset(&mut self, now: Instant) -> Result<(), ServeError> {
        self.lab = Laboratory::new(&self.scenario, self.drawn)?;
        self.faults = self.pattern.faults();
        self.agenda = Agenda::of(&self.scenario);
        self.journal.clear();
        self.latest.clear();
        self.ahead = Span::ZERO;
        self.last = self.scenario.start;
        self.share_faults(self.scenario.faults.values().cloned().collect()).map_err(set_up)?;
        self.pass(now);
        Ok(())
    }

    /// Lab time when the shell's clock reads `clock`.
    pub(super) fn now(&self, clock: Instant) -> Instant {
        (clock + self.ahead).max(self.last)
    }

    /// When the shell's clock reads what the core waits for.
    pub(super) fn next_wakeup(&self) -> Option<Instant> {
        let edges = self.in_force().flat_map(|fault| [fault.from, fault.until]);
        let edge = edges.filter(|at| *at > self.last).min();
        let due = [self.lab.ca.next_wakeup(), self.agenda.next(), edge];
        due.into_iter().flatten().min().map(|at| at - self.ahead)
    }

    /// Lets time pass: everything that is due is done, each thing at its instant.
    pub(super) fn pass(&mut self, clock: Instant) {
        let now = self.now(clock);
        while let Some((at, operation)) = self.agenda.take_due(now) {
            self.operate(at.max(self.last), operation);
        }
        self.tell(now, CaEvent::Wake);
    }

    /// All faults, whoever carries them out.
    pub(super) fn in_force(&self) -> impl Iterator<Item = &FaultConfig> {
        self.lab.ca.faults().iter().chain(&self.name_faults)
    }

    /// How the sites stand now, by their names in lower case; one that is not there accepts.
    pub(super) fn stands(&self, clock: Instant) -> BTreeMap<String, Stand> {
        let faults = self.lab.ca.faults().iter();
        self.places.stands(&self.scenario, self.now(clock), faults)
    }

    /// What is wrong now with the names of the name server.
    pub(super) fn wrong_names(&self, clock: Instant) -> BTreeMap<String, NameFault> {
        let Some(names) = &self.names else { return BTreeMap::new() };
        names.faults(&self.places, &self.scenario, self.now(clock), &self.name_faults)
    }

    /// The credential with which a site speaks TLS, with what is wrong with it.
    pub(super) fn https_credential(
        &self,
        site: &str,
        wrong: HttpsCertificate,
    ) -> Option<HttpsCredential> {
        let host = ways::host(site).trim_start_matches('[').trim_end_matches(']');
        let of_site = |ca: &&CaConfig| ca.host.eq_ignore_ascii_case(site);
        let mut cas = self.scenario.cas.values();
        let ca = cas.clone().find(of_site).or_else(|| cas.next())?;
        self.lab.ca.https_credential(&ca.name, host, wrong, self.scenario.seed)
    }

    /// Gives each fault to who carries it out.
    fn share_faults(&mut self, faults: Vec<FaultConfig>) -> Result<(), SetupError> {
        let (names, others) = faults.into_iter().partition(|fault| {
            let names = self.names.as_ref();
            names.is_some_and(|names| names.take(&self.places, &self.scenario, fault))
        });
        self.lab.ca.set_faults(others)?;
        self.name_faults = names;
        Ok(())
    }

    /// What becomes of a request that has arrived at a site to which so many `others` are connected.
    pub(super) fn request(
        &mut self,
        clock: Instant,
        (peer, others): (Option<String>, u32),
        request: Request,
    ) -> Carried {
        self.pass(clock);
        let now = self.now(clock);
        let purpose = self.lab.ca.purpose(&request);
        let asked = self.lab.ca.ocsp_request(&request);
        let ocsp = asked.map_or_else(Vec::new, |asked| {
            let about = self.lab.asked_about(&asked);
            journal::asked(&asked, about)
        });
        let (method, url) = (request.method.as_str(), request.url.clone());
        let agent = journal::agent(&request);
        let caller =
            Caller { name: peer.as_deref().unwrap_or_default(), account: None, open: others };
        let meeting = self.lab.ca.meet(now, &caller, &request);
        let faults = meeting.faults.clone();
        let (found, mut ruling) = meeting.on_its_way(&self.scenario.network);
        if let Ruling::Answer(answer) = &mut ruling {
            // Finding the way takes its time before the request; here it shows only behind it.
            answer.delay = answer.delay + found;
        }
        let (defects, own) = (ruling.defects(), ruling.lead(request.clone()));
        let carried = carry_out(&ruling, &request, || self.answer(now, own, defects));
        let seen = carried.seen;
        self.metrics.asked(purpose.as_ref(), &faults, seen);
        self.journal.write(Entry {
            at: now,
            peer,
            method,
            url,
            purpose,
            faults,
            seen,
            ocsp,
            agent,
        });
        carried
    }

    fn answer(&mut self, now: Instant, request: Request, defects: Defects) -> Reply {
        self.asked += 1;
        let fetch = self.asked;
        let replies = self.tell(now, CaEvent::Request { fetch, request, defects });
        let reply = replies.into_iter().next();
        reply.unwrap_or_else(|| revlab_fake_ca::web_site::error_page(500, 0))
    }

    fn operate(&mut self, at: Instant, operation: Operation) {
        let ca = operation.on;
        match operation.action {
            // Of what only a run has: servers and clients.
            OperationKind::Sut(_)
            | OperationKind::SwapCertificate { .. }
            | OperationKind::RestoreCertificate
            | OperationKind::ClearSslState => {}
            OperationKind::Revoke { identity, reason, extensions } => {
                if let Some(known) = self.lab.named(&identity) {
                    let serial = known.serial;
                    let revoke = CaOperation::Revoke { serial, reason, extensions };
                    self.operate_ca(at, known.ca, revoke);
                }
            }
            OperationKind::Publish { base } => {
                self.operate_ca(at, ca, CaOperation::Publish { base });
            }
            OperationKind::Release { identity } => {
                if let Some(known) = self.lab.named(&identity) {
                    let serial = known.serial;
                    self.operate_ca(at, known.ca, CaOperation::Release { serial });
                }
            }
            OperationKind::Heal => self.heal(&ca),
            OperationKind::Ca(action) => self.operate_ca(at, ca, action),
            OperationKind::Reissue { ocsp } => self.lab.reissue(&ca, &ocsp),
        }
    }

    /// The faults on a CA end for good.
    fn heal(&mut self, ca: &str) {
        let is_on = |table: &Json| {
            let on = table.get("on").and_then(Json::as_str).unwrap_or_default();
            on.split('.').next() == Some(ca)
        };
        let mut faults = self.faults.clone();
        faults.retain(|_, table| !is_on(table));
        // Fewer of what has been taken before is taken again.
        let _ = self.set_faults(faults);
    }

    /// An administrator does something at a CA.
    pub(super) fn operate_ca(&mut self, at: Instant, ca: Name, operation: CaOperation) {
        self.tell(at, CaEvent::Operation { ca, operation });
    }

    fn tell(&mut self, now: Instant, event: CaEvent) -> Vec<Reply> {
        self.last = self.last.max(now);
        let mut out = Out::new();
        self.lab.ca.decide(self.last, event, &mut out);
        let mut replies = Vec::new();
        for item in out.drain() {
            match item {
                Item::Do(CaAction::Reply { reply, .. }) => replies.push(reply),
                Item::Trace(Kind::Publish(publish)) => {
                    self.metrics.published(&publish);
                    self.latest.insert((publish.ca.clone(), publish.what.as_str()), publish);
                }
                Item::Trace(_) => {}
            }
        }
        replies
    }

    /// Puts these faults in place of all that there are.
    ///
    /// # Errors
    ///
    /// What of them a scenario could not say (422); nothing has changed then.
    pub(super) fn set_faults(&mut self, faults: Map<String, Json>) -> Result<(), Problem> {
        if faults.len() > FAULTS_MOST {
            return Err(Problem::new(422, format!("there can be {FAULTS_MOST} faults")));
        }
        let scenario = self.pattern.with_faults(&faults).map_err(Problem::mistakes)?;
        let faults_now = scenario.faults.into_values().collect();
        let unfit = |error: SetupError| Problem::new(422, error.to_string());
        self.share_faults(faults_now).map_err(unfit)?;
        self.faults = faults;
        Ok(())
    }

    /// Whether certificates name the sites' addresses, so that every program finds them.
    pub(super) fn names_addresses(&self) -> bool {
        self.sites.as_ref().is_some_and(Sites::names_addresses)
    }
}

fn set_up(error: SetupError) -> ServeError {
    ServeError::Setup(error.into())
}
