//! What administrators do in a run with a real system under test.

use revlab_clients::{ClientEvent, RevocationState};
use revlab_fake_ca::CaEvent;
use revlab_lab::queue::{Class, Key};
use revlab_lab::trace::{FaultState, Kind, Log};
use revlab_lab::{Name, Span};
use revlab_sut::config::SutOperation;

use super::hooks::Occasion;
use super::lab::RealLab;
use crate::exec::operations;
use crate::exec::timeline;
use crate::exec::world::Event;
use crate::scenario::model::{Operation, OperationKind};

impl RealLab<'_> {
    /// Performs the operation with this index, and sets its next repetition.
    pub(super) fn operate(&mut self, index: usize, seq: u64) {
        let Some(operation) = self.scenario.operations.values().nth(index).cloned() else { return };
        self.record(Kind::Operation(operations::record(&operation)));
        match &operation.action {
            OperationKind::Sut(action) => {
                let what = operations::record(&operation).what;
                if !self.hook(&what) {
                    self.administer(action);
                }
            }
            OperationKind::Heal => self.heal(&operation.on),
            OperationKind::Reissue { ocsp } => {
                let renewed = operations::reissued(&mut self.ca, &self.cast, &operation.on, ocsp);
                for (name, identity) in renewed {
                    if let Err(trouble) = self.peer.replace_identity(&name, &identity) {
                        self.trouble.get_or_insert(trouble);
                    }
                    self.cast.identities.insert(name.clone(), identity);
                    let state = RevocationState::Good;
                    self.tell_driver(ClientEvent::Revocation { identity: name, state });
                }
            }
            action => {
                if let Some(action) = operations::for_ca(action, &self.cast) {
                    let ca = operation.on.clone();
                    self.tell_ca(CaEvent::Operation { ca, operation: action });
                    self.cast.follow(&self.ca, &operation.on);
                }
            }
        }
        if let Some((identity, state)) = operations::revocation(&operation.action) {
            self.tell_driver(ClientEvent::Revocation { identity, state });
        }
        self.repeat(&operation, index, seq);
    }

    /// Ends all faults on a CA, those that were to come included.
    fn heal(&mut self, ca: &Name) {
        for fault in self.ca.heal(self.now, Some(ca)) {
            self.record(Kind::Fault(timeline::fault_record(&fault, FaultState::End)));
        }
        operations::forget_faults(&mut self.queue, ca);
    }

    /// Begins the command that stands for an operation on the server; whether there is one.
    pub(super) fn hook(&mut self, operation: &str) -> bool {
        let occasion = Occasion {
            operation,
            on: &self.sut.name,
            lab: self.now,
            reading: self.sut.clock.at(self.now),
        };
        self.hooks.begin(&occasion)
    }

    /// Of operations on the server itself only these are let in: what starts it again, and what switches
    /// its checks.
    fn administer(&mut self, action: &SutOperation) {
        let Some(server) = self.peer.ours() else { return };
        let done = match action {
            SutOperation::RevocationCheck { enabled } => server.check_revocation(*enabled),
            _ => server.restart(),
        };
        self.taken_up(done);
    }

    /// The server has been told of changed files: what came of it.
    pub(super) fn taken_up(&mut self, done: Result<(), String>) {
        let refused = self.peer.ours().map(|server| std::mem::take(&mut server.refused));
        for line in refused.unwrap_or_default() {
            let (by, file) = (self.sut.name.clone(), self.log_name());
            self.record(Kind::Log(Log { by, file, line, code: None, attempt: None }));
        }
        if let Err(trouble) = done {
            self.trouble.get_or_insert(format!("the system under test: {trouble}"));
        }
    }

    fn repeat(&mut self, operation: &Operation, index: usize, seq: u64) {
        let Some(every) = operation.every.filter(|e| *e > Span::ZERO) else { return };
        let at = self.now + every;
        if at < operation.until && at < self.end {
            let actor = self.ranks.of(&operation.on);
            let key = Key { at, class: Class::Operation, actor, seq };
            self.queue.push(key, Event::Operation { index });
        }
    }
}
