//! The built-in system under test: an IIS-like server in front of the revocation engine.

use std::collections::BTreeSet;
use std::sync::Arc;

use revlab_lab::trace::{Handshake, Kind, Log};
use revlab_lab::{Core, Instant, Name, Out, Seed};
use revlab_pki::Certificate;

use crate::cache::Caches;
use crate::config::SutConfig;
use crate::engine::{Caller, Engine};
use crate::event::{Operation, SutAction, SutEvent};
use crate::iis::{self, Page};

/// A Windows server that asks for client certificates and checks their revocation after the
/// handshake, as a state machine without I/O.
#[derive(Debug)]
pub struct Machine {
    name: Name,
    engine: Engine,
    resumption_skips: bool,
    /// Attempts that wait for their answer.
    open: BTreeSet<u64>,
}

impl Machine {
    /// A machine that has just booted, with empty caches. `known` are the CA certificates in its
    /// stores; the self-issued ones among them are trusted roots.
    pub fn new(config: &SutConfig, known: Vec<Certificate>, seed: Seed) -> Machine {
        Machine {
            name: config.name.clone(),
            engine: Engine::new(config, known, seed),
            resumption_skips: config.profile.parameters().resumption_skips_revocation,
            open: BTreeSet::new(),
        }
    }

    /// A machine that boots with these caches on its disk; the rest as in [`Machine::new`].
    pub fn with_caches(
        config: &SutConfig,
        known: Vec<Certificate>,
        seed: Seed,
        caches: Caches,
    ) -> Machine {
        let mut machine = Machine::new(config, known, seed);
        machine.engine.boot(caches);
        machine
    }

    /// What a boot does to memory, with the disk left alone: what a machine that goes by way of files is
    /// held against.
    #[cfg(test)]
    pub(crate) fn forget_memory(&mut self) {
        self.open.clear();
        self.engine.forget_memory();
    }

    /// What is on its disk now.
    pub fn caches(&self, now: Instant) -> Caches {
        self.engine.caches(now)
    }

    fn request(
        &mut self,
        now: Instant,
        attempt: u64,
        peer: Arc<[Certificate]>,
        handshake: Handshake,
        out: &mut Out<SutAction>,
    ) {
        self.open.insert(attempt);
        if peer.is_empty() {
            self.respond(attempt, Page::CertificateRequired, Vec::new(), out);
        } else if handshake == Handshake::Resumed && self.resumption_skips {
            self.engine.resumed(now, &peer, Caller::Attempt(attempt), out);
        } else {
            self.engine.check(now, &peer, Caller::Attempt(attempt), out);
        }
    }

    fn operate(&mut self, now: Instant, operation: Operation, out: &mut Out<SutAction>) {
        if matches!(operation, Operation::Reboot) {
            for attempt in std::mem::take(&mut self.open) {
                out.act(SutAction::Close { attempt });
            }
        }
        self.engine.operate(now, operation, out);
    }

    /// Answers the attempts whose checks have come to their end.
    fn answer(&mut self, out: &mut Out<SutAction>) {
        for conclusion in self.engine.concluded() {
            if let Caller::Attempt(attempt) = conclusion.caller {
                let page = match self.engine.admits(conclusion.verdict) {
                    true => Page::Welcome,
                    false => iis::page(conclusion.verdict, conclusion.code),
                };
                self.respond(attempt, page, vec![conclusion.check], out);
            }
        }
    }

    fn respond(&mut self, attempt: u64, page: Page, checks: Vec<u64>, out: &mut Out<SutAction>) {
        if !self.open.remove(&attempt) {
            return;
        }
        if let Some(code) = page.code() {
            out.trace(Kind::Log(Log {
                by: self.name.clone(),
                file: Arc::from("FailedReqLogFiles/W3SVC1"),
                line: format!("{} {code}", page.status_text()),
                code: Some(code),
                attempt: Some(attempt),
            }));
        }
        out.act(SutAction::Respond { attempt, reply: page.reply(), checks });
    }
}

impl Core for Machine {
    type Event = SutEvent;
    type Action = SutAction;

    fn decide(&mut self, now: Instant, event: SutEvent, out: &mut Out<SutAction>) {
        match event {
            SutEvent::Wake => self.engine.wake(now, out),
            SutEvent::Request { attempt, peer, handshake } => {
                self.request(now, attempt, peer, handshake, out);
            }
            SutEvent::Fetched { fetch, result } => self.engine.fetched(now, fetch, result, out),
            SutEvent::Operation(operation) => self.operate(now, operation, out),
        }
        self.answer(out);
    }

    fn next_wakeup(&self) -> Option<Instant> {
        self.engine.next_wakeup()
    }
}
