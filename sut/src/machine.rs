//! The built-in machine: an IIS-like server in front of the revocation engine, or a validator, which
//! has the engine alone.

mod accounts;
mod directory;
mod kept;
mod server_name;
mod stapler;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use revlab_lab::trace::{Handshake, Kind, Log, Party, Validation, Verdict};
use revlab_lab::{Code, Core, Instant, Name, Out, Seed};
use revlab_pki::Certificate;

pub use accounts::Accounts;

use crate::cache::Caches;
use crate::config::{ClientCertificates, SutConfig, ValidatorConfig};
use crate::engine::{Caller, Conclusion, Engine, Presented};
use crate::event::{Operation, SutAction, SutEvent, Validate};
use crate::iis::{self, Page};
use crate::stores::Stores;
use kept::Kept;
use stapler::Stapler;

/// A Windows machine, as a state machine without I/O: a server that asks for client certificates and
/// checks their revocation after the handshake, or a validator, which does so for others.
#[derive(Debug)]
pub struct Machine {
    name: Name,
    engine: Engine,
    resumption_skips: bool,
    client_certificates: ClientCertificates,
    directory: Option<Name>,
    /// For its own certificate, then for those above it where it staples to these too.
    staplers: Vec<Stapler>,
    accounts: Option<Accounts>,
    /// The CA certificates in its stores.
    known: Vec<Certificate>,
    /// Certificates that were refused when they were looked at last, by their bytes: resuming a
    /// session does not let them in (inferred).
    refused: BTreeSet<Arc<[u8]>>,
    /// Attempts that wait for their answer.
    open: BTreeMap<u64, Open>,
    /// Connections that wait for their next request.
    kept: Kept,
    refusal_closes: bool,
    /// What others wait for.
    asked: BTreeMap<u64, Validate>,
}

/// A request that waits for its answer.
#[derive(Debug)]
struct Open {
    peer: Arc<[Certificate]>,
    /// Whether the client's account is known from the handshake that is resumed.
    resumed: bool,
    checks: Vec<u64>,
    validations: Vec<Validation>,
    /// The connection, where it can be kept.
    connection: Option<u64>,
}

impl Machine {
    /// A machine that has just booted, with empty caches.
    pub fn new(config: &SutConfig, stores: impl Into<Stores>, seed: Seed) -> Machine {
        let stores = stores.into();
        let parameters = config.profile.parameters();
        let staplers = config.staple.map(|staple| {
            let user_agent = parameters.user_agent.clone();
            Stapler::new(config.name.clone(), config.clock.clone(), staple, user_agent)
        });
        Machine {
            name: config.name.clone(),
            resumption_skips: parameters.resumption_skips_revocation,
            client_certificates: config.client_certificates,
            directory: config.directory.clone(),
            staplers: staplers.into_iter().collect(),
            accounts: None,
            known: stores.certificates.clone(),
            engine: Engine::new(config, stores, seed),
            refused: BTreeSet::new(),
            open: BTreeMap::new(),
            kept: Kept::new(parameters.connection_idle),
            refusal_closes: parameters.refusal_closes_connection,
            asked: BTreeMap::new(),
        }
    }

    /// A validator's machine with this name, which is the validator's or, where each thread has one,
    /// its with a number. A directory knows the `accounts`.
    pub fn validator(
        config: &ValidatorConfig,
        name: Name,
        accounts: Option<Accounts>,
        stores: impl Into<Stores>,
        seed: Seed,
    ) -> Machine {
        Machine { accounts, ..Machine::new(&config.machine(name), stores, seed) }
    }

    /// A machine that boots with these caches on its disk; the rest as in [`Machine::new`].
    pub fn with_caches(
        config: &SutConfig,
        stores: impl Into<Stores>,
        seed: Seed,
        caches: Caches,
    ) -> Machine {
        let mut machine = Machine::new(config, stores, seed);
        machine.engine.boot(caches);
        machine
    }

    /// What a boot does to memory, with the disk left alone: what a machine that goes by way of files is
    /// held against.
    #[cfg(test)]
    pub(crate) fn forget_memory(&mut self) {
        self.open.clear();
        self.kept.clear();
        self.refused.clear();
        self.engine.forget_memory();
    }

    /// What is on its disk now.
    pub fn caches(&self, now: Instant) -> Caches {
        self.engine.caches(now)
    }

    /// Whether a connection that a client has kept open is still open here: the next request on it is
    /// answered. The client learns of its end at once, before it sends anything (a simplification: in
    /// life it can be late by the way of one packet).
    pub fn keeps(&self, now: Instant, connection: u64) -> bool {
        self.kept.has(now, connection)
    }

    /// The OCSP responses that it staples for a client that makes a full handshake now: to its own
    /// certificate (RFC 6066 §8), and to those above it where it does that (RFC 8446 §4.4.2.1).
    pub fn staples(&mut self, now: Instant) -> Vec<Option<Arc<[u8]>>> {
        self.staplers.iter_mut().map(|stapler| stapler.response(now)).collect()
    }

    /// The server's own certificate is another from now on.
    fn show(&mut self, now: Instant, chain: &[Certificate]) {
        if let Some(own) = self.staplers.first().filter(|own| own.staples_chain()) {
            let above: Vec<_> =
                (self.staplers.len()..chain.len()).map(|place| own.for_place(place)).collect();
            self.staplers.extend(above);
        }
        for (place, stapler) in self.staplers.iter_mut().enumerate() {
            stapler.set_own(now, chain.get(place..).unwrap_or_default(), &self.known);
        }
    }

    fn request(
        &mut self,
        now: Instant,
        attempt: u64,
        peer: Arc<[Certificate]>,
        (handshake, connection): (Handshake, Option<u64>),
        out: &mut Out<SutAction>,
    ) {
        // Nothing is looked at again.
        let known = connection
            .filter(|_| handshake == Handshake::Kept)
            .and_then(|connection| self.kept.take(connection));
        let was_refused = peer.first().is_some_and(|own| self.refused.contains(own.der()));
        let resumed = handshake == Handshake::Resumed && self.resumption_skips && !was_refused;
        let (checks, validations) = (Vec::new(), Vec::new());
        let open = Open { peer: peer.clone(), resumed, checks, validations, connection };
        self.open.insert(attempt, open);
        if let Some(page) = known {
            self.respond(now, attempt, page, out);
        } else if self.client_certificates == ClientCertificates::Ignore {
            self.respond(now, attempt, Page::Welcome, out);
        } else if peer.is_empty() {
            self.respond(now, attempt, Page::CertificateRequired, out);
        } else if resumed {
            self.engine.resumed(now, &peer, Caller::Attempt(attempt), out);
        } else {
            let presented = Presented::default();
            self.engine.check(now, &peer, presented, Caller::Attempt(attempt), out);
        }
    }

    fn operate(&mut self, now: Instant, operation: Operation, out: &mut Out<SutAction>) {
        if matches!(operation, Operation::Reboot | Operation::RestartService) {
            // With its last site http.sys gives up the port and what was connected to it (inferred).
            self.kept.clear();
            self.open.values_mut().for_each(|open| open.connection = None);
        }
        if matches!(operation, Operation::Reboot) {
            // There is no session left that could be resumed.
            self.refused.clear();
            for (attempt, _) in std::mem::take(&mut self.open) {
                out.act(SutAction::Close { attempt });
            }
            for (attempt, asked) in std::mem::take(&mut self.asked) {
                self.unanswered(now, attempt, asked.of, out);
            }
            for stapler in &mut self.staplers {
                stapler.forget(now, out);
            }
        }
        self.engine.operate(now, operation, out);
    }

    /// Goes on with whatever waited for the checks that have come to their end.
    fn answer(&mut self, now: Instant, out: &mut Out<SutAction>) {
        loop {
            let concluded = self.engine.concluded();
            if concluded.is_empty() {
                return;
            }
            for conclusion in concluded {
                match conclusion.caller {
                    Caller::Attempt(attempt) => self.know_client(now, attempt, &conclusion, out),
                    Caller::Directory(attempt) => {
                        self.know_directory(now, attempt, &conclusion, out);
                    }
                    Caller::Asked(attempt) => self.tell(now, attempt, &conclusion, out),
                    Caller::Command => {}
                }
            }
        }
    }

    /// The verdict on a client is there: it is let in, refused, or looked up in the directory.
    fn know_client(
        &mut self,
        now: Instant,
        attempt: u64,
        conclusion: &Conclusion,
        out: &mut Out<SutAction>,
    ) {
        let page = match self.engine.admits(conclusion.verdict) {
            true => Page::Welcome,
            false => iis::page(conclusion.verdict, conclusion.code),
        };
        let validation = self.validation(Party::Client, conclusion, page.code());
        let Some(open) = self.open.get_mut(&attempt) else { return };
        open.checks.push(conclusion.check);
        if let Some(own) = open.peer.first().filter(|_| !open.resumed) {
            match page == Page::Welcome {
                true => self.refused.remove(own.der()),
                false => self.refused.insert(Arc::from(own.der())),
            };
        }
        match self.directory.clone().filter(|_| page == Page::Welcome && !open.resumed) {
            Some(directory) => {
                open.validations.push(validation);
                out.act(SutAction::Connect { attempt, directory });
            }
            None => {
                if self.directory.is_some() {
                    open.validations.push(validation);
                }
                self.respond(now, attempt, page, out);
            }
        }
    }

    /// What a conclusion comes to for whoever depends on it; `code` says why it is not accepted.
    fn validation(&self, of: Party, conclusion: &Conclusion, code: Option<Code>) -> Validation {
        let (by, check, verdict) = (self.name.clone(), conclusion.check, conclusion.verdict);
        Validation { by, of, check, verdict, code, account: None }
    }

    /// Why a certificate with this conclusion is not accepted; none: it is.
    fn objection(&self, conclusion: &Conclusion) -> Option<Code> {
        let accepted = self.engine.admits(conclusion.verdict);
        conclusion.code.filter(|_| !accepted && conclusion.verdict != Verdict::Good)
    }

    fn respond(&mut self, now: Instant, attempt: u64, page: Page, out: &mut Out<SutAction>) {
        let Some(open) = self.open.remove(&attempt) else { return };
        if let Some(code) = page.code() {
            out.trace(Kind::Log(Log {
                by: self.name.clone(),
                file: Arc::from("FailedReqLogFiles/W3SVC1"),
                line: format!("{} {code}", page.status_text()),
                code: Some(code),
                attempt: Some(attempt),
            }));
        }
        let Open { checks, validations, connection, .. } = open;
        let closes = self.refusal_closes && page != Page::Welcome;
        let keeps = connection
            .filter(|_| !closes)
            .is_some_and(|connection| self.kept.put(now, connection, page));
        out.act(SutAction::Respond { attempt, reply: page.reply(), checks, validations, keeps });
    }
}

impl Core for Machine {
    type Event = SutEvent;
    type Action = SutAction;

    fn decide(&mut self, now: Instant, event: SutEvent, out: &mut Out<SutAction>) {
        match event {
            SutEvent::Wake => {
                self.engine.wake(now, out);
                for stapler in &mut self.staplers {
                    stapler.wake(now, out);
                }
            }
            SutEvent::Request { attempt, peer, handshake, connection } => {
                self.request(now, attempt, peer, (handshake, connection), out);
            }
            SutEvent::Fetched { fetch, result } => {
                match self.staplers.iter_mut().find(|stapler| stapler.waits_for(fetch)) {
                    Some(stapler) => stapler.fetched(now, fetch, result, out),
                    None => self.engine.fetched(now, fetch, result, out),
                }
            }
            SutEvent::Validate(validate) => self.validate(now, validate, out),
            SutEvent::Counsel { attempt, validation } => self.heed(now, attempt, validation, out),
            SutEvent::OwnCertificate { chain } => self.show(now, &chain),
            SutEvent::Operation(operation) => self.operate(now, operation, out),
        }
        self.answer(now, out);
    }

    fn next_wakeup(&self) -> Option<Instant> {
        let staplers = self.staplers.iter().filter_map(Stapler::next_wakeup);
        self.engine.next_wakeup().into_iter().chain(staplers).min()
    }
}
