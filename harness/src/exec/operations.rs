//! What administrators do, on the timeline.

use std::sync::Arc;

use revlab_clients::{ClientEvent, RevocationState};
use revlab_fake_ca::config::CaOperation;
use revlab_fake_ca::{CaEvent, FakeCa};
use revlab_lab::queue::{Class, EventQueue, Key};
use revlab_lab::trace::{Fault, FaultState, Kind, Operation as Record};
use revlab_lab::{Instant, Name, Span};
use revlab_sut::config::SutOperation;
use revlab_sut::{Operation as SutEventOperation, SutEvent};

use super::setup::{Cast, Identity, chain};
use super::timeline;
use super::wire::Wire;
use super::world::{Event, World};
use crate::scenario::model::{Operation, OperationKind};

impl<W: Wire> World<'_, W> {
    /// Performs the operation with this index, and sets its next repetition.
    pub(super) fn operate(&mut self, now: Instant, index: usize, seq: u64) {
        let Some(operation) = self.scenario.operations.values().nth(index).cloned() else { return };
        self.record(now, Kind::Operation(record(&operation)));
        match &operation.action {
            OperationKind::Sut(action) => {
                if let Some(event) = self.sut_operation(action) {
                    self.tell_sut(now, &operation.on, &SutEvent::Operation(event));
                }
            }
            OperationKind::Reissue { ocsp } => self.reissue(now, &operation.on, ocsp),
            OperationKind::Heal => self.heal(now, &operation.on),
            OperationKind::SwapCertificate { names } => self.swap(now, &operation.on, names),
            OperationKind::RestoreCertificate => self.put_back(now, &operation.on),
            OperationKind::ClearSslState => self.clear_ssl_state(now, &operation.on),
            action => {
                if let Some(action) = for_ca(action, &self.cast) {
                    self.tell_ca_operation(now, &operation.on, action);
                }
            }
        }
        if let Some((identity, state)) = revocation(&operation.action) {
            self.tell_driver(now, ClientEvent::Revocation { identity, state });
        }
        self.repeat(&operation, now, index, seq);
    }

    fn repeat(&mut self, operation: &Operation, now: Instant, index: usize, seq: u64) {
        let Some(every) = operation.every.filter(|e| *e > Span::ZERO) else { return };
        let at = now + every;
        if at < operation.until && at < self.end {
            let actor = self.ranks.of(&operation.on);
            let key = Key { at, class: Class::Operation, actor, seq };
            self.queue.push(key, Event::Operation { index });
        }
    }

    fn sut_operation(&self, action: &SutOperation) -> Option<SutEventOperation> {
        Some(match action {
            SutOperation::UrlcacheDelete { account } => {
                SutEventOperation::UrlcacheDelete { account: account.clone() }
            }
            SutOperation::DeleteCacheFiles { accounts } => {
                SutEventOperation::DeleteCacheFiles { accounts: accounts.clone() }
            }
            SutOperation::RestartService => SutEventOperation::RestartService,
            SutOperation::Reboot => SutEventOperation::Reboot,
            SutOperation::ChainCacheResync => SutEventOperation::ChainCacheResync,
            SutOperation::RecreateBinding => SutEventOperation::RecreateBinding,
            SutOperation::RevocationCheck { enabled } => {
                SutEventOperation::RevocationCheck { enabled: *enabled }
            }
            SutOperation::Disconnect => SutEventOperation::Disconnect,
            SutOperation::Connect => SutEventOperation::Connect,
            SutOperation::AddToStore { ca, base } => {
                SutEventOperation::AddToStore { crl: self.ca.newest_crl(ca, *base)? }
            }
            SutOperation::Verify { identity, account } => SutEventOperation::Verify {
                peer: self.cast.identities.get(identity)?.chain.clone(),
                account: account.clone(),
            },
        })
    }

    fn tell_ca_operation(&mut self, now: Instant, ca: &Name, operation: CaOperation) {
        self.tell_ca(now, CaEvent::Operation { ca: ca.clone(), operation });
        self.cast.follow(&self.ca, ca);
    }

    /// Ends all faults on a CA, those that were to come included.
    fn heal(&mut self, now: Instant, ca: &Name) {
        for fault in self.ca.heal(now, Some(ca)) {
            self.record(now, Kind::Fault(timeline::fault_record(&fault, FaultState::End)));
        }
        forget_faults(&mut self.queue, ca);
    }

    fn reissue(&mut self, now: Instant, ca: &Name, ocsp: &[revlab_lab::http::Url]) {
        for (name, renewed) in reissued(&mut self.ca, &self.cast, ca, ocsp) {
            let known_as = self.choices.renewed(&name);
            self.wire.add_identity(&known_as, &renewed);
            self.cast.identities.insert(name.clone(), renewed);
            let state = RevocationState::Good;
            self.tell_driver(now, ClientEvent::Revocation { identity: name, state });
        }
    }
}

/// Whose certificate an operation revokes or releases.
pub(super) fn revocation(action: &OperationKind) -> Option<(Name, RevocationState)> {
    match action {
        OperationKind::Revoke { identity, .. } => {
            Some((identity.clone(), RevocationState::Revoked))
        }
        OperationKind::Release { identity } => Some((identity.clone(), RevocationState::Good)),
        _ => None,
    }
}

/// What an operation is to the CA alone; none: it is more, or about a certificate that is not
/// there.
pub(super) fn for_ca(action: &OperationKind, cast: &Cast) -> Option<CaOperation> {
    let serial = |name: &Name| {
        let identity = cast.identities.get(name).or_else(|| cast.servers.get(name));
        let own = match identity {
            Some(identity) => identity.chain.first(),
            None => cast.authorities.get(name)?.first(),
        };
        Some(own?.serial().to_vec())
    };
    match action {
        OperationKind::Revoke { identity, reason, extensions } => Some(CaOperation::Revoke {
            serial: serial(identity)?,
            reason: *reason,
            extensions: extensions.clone(),
        }),
        OperationKind::Release { identity } => {
            Some(CaOperation::Release { serial: serial(identity)? })
        }
        OperationKind::Publish { base } => Some(CaOperation::Publish { base: *base }),
        OperationKind::Ca(action) => Some(action.clone()),
        OperationKind::Sut(_)
        | OperationKind::Reissue { .. }
        | OperationKind::Heal
        | OperationKind::SwapCertificate { .. }
        | OperationKind::RestoreCertificate
        | OperationKind::ClearSslState => None,
    }
}

/// Issues every client certificate of a CA anew, with these OCSP URLs.
pub(super) fn reissued(
    authority: &mut FakeCa,
    cast: &Cast,
    ca: &Name,
    ocsp: &[revlab_lab::http::Url],
) -> Vec<(Name, Identity)> {
    let mine = cast.identities.iter().filter(|(_, identity)| identity.ca == *ca);
    mine.filter_map(|(name, identity)| {
        let usage = revlab_pki::Usage::Client;
        let issued = authority.issue_with_ocsp(ca, name, usage, &identity.key, &[], ocsp);
        // The first issue of the same certificate has succeeded, so this one does too.
        let chain = chain(cast, ca, issued.ok()?);
        Some((name.clone(), Identity { chain, ..identity.clone() }))
    })
    .collect()
}

/// Nothing more is told of faults on a CA that is healed.
pub(super) fn forget_faults(queue: &mut EventQueue<Event>, ca: &Name) {
    queue.retain(|event| match event {
        Event::Note(record) => !matches!(&**record, Kind::Fault(fault) if is_on(fault, ca)),
        _ => true,
    });
}

/// Whether a record is of a fault on this CA: `issuing`, or `issuing.crl`.
fn is_on(fault: &Fault, ca: &Name) -> bool {
    fault.on.split('.').next() == Some(&**ca)
}

pub(super) fn record(operation: &Operation) -> Record {
    let (what, detail): (&str, Option<String>) = match &operation.action {
        OperationKind::Sut(action) => return sut_record(operation, action),
        OperationKind::Revoke { identity, reason, .. } => {
            let why = reason.map(|r| format!(", reason {r}")).unwrap_or_default();
            ("revoke", Some(format!("the certificate of {identity}{why}")))
        }
        OperationKind::Publish { base: true } => ("publish", Some("base and delta".into())),
        OperationKind::Publish { base: false } => ("publish", Some("delta".into())),
        OperationKind::Release { identity } => {
            ("release", Some(format!("the certificate of {identity} from hold")))
        }
        OperationKind::Ca(action) => return ca_record(operation, action),
        OperationKind::Heal => ("heal", Some("all faults end".into())),
        OperationKind::SwapCertificate { names } => {
            let detail = format!("for one with the names {}", names.join(", "));
            ("swap_certificate", Some(detail))
        }
        OperationKind::RestoreCertificate => {
            ("restore_certificate", Some("the first one is put back".into()))
        }
        OperationKind::ClearSslState => {
            ("clear_ssl_state", Some("sessions and remembered certificates are forgotten".into()))
        }
        OperationKind::Reissue { ocsp } if ocsp.is_empty() => {
            ("reissue", Some("client certificates without OCSP in their AIA".into()))
        }
        OperationKind::Reissue { ocsp } => {
            ("reissue", Some(format!("client certificates with {} OCSP URLs", ocsp.len())))
        }
    };
    named(operation, what, detail)
}

fn ca_record(operation: &Operation, action: &CaOperation) -> Record {
    let which = |base: bool| if base { "base" } else { "delta" };
    match action {
        CaOperation::Skip { base } => {
            named(operation, "skip", Some(format!("the next {}", which(*base))))
        }
        CaOperation::Postpone { base, by } => {
            named(operation, "postpone", Some(format!("the next {} by {by}", which(*base))))
        }
        CaOperation::Renew { new_key } => {
            let key = if *new_key { "a new key" } else { "the same key" };
            named(operation, "renew", Some(format!("its certificate, with {key}")))
        }
        CaOperation::Restore { back } => {
            named(operation, "restore", Some(format!("the backup from {back} bases before")))
        }
        // These have kinds of their own.
        CaOperation::Publish { base } => named(operation, "publish", Some(which(*base).into())),
        CaOperation::Revoke { .. } => named(operation, "revoke", None),
        CaOperation::Release { .. } => named(operation, "release", None),
    }
}

fn sut_record(operation: &Operation, action: &SutOperation) -> Record {
    match action {
        SutOperation::UrlcacheDelete { account } => {
            named(operation, "urlcache_delete", Some(format!("disk cache of {account}")))
        }
        SutOperation::DeleteCacheFiles { accounts } => {
            let whose: Vec<&str> = accounts.iter().map(|a| &**a).collect();
            named(operation, "delete_cache_files", Some(format!("of {}", whose.join(", "))))
        }
        SutOperation::RestartService => {
            named(operation, "restart_service", Some("iisreset: lsass.exe lives on".into()))
        }
        SutOperation::Reboot => named(operation, "reboot", Some("every process ends".into())),
        SutOperation::ChainCacheResync => {
            named(operation, "chain_cache_resync", Some("older cached objects are ignored".into()))
        }
        SutOperation::RecreateBinding => {
            let detail = "the HTTPS binding is back to its defaults";
            named(operation, "recreate_binding", Some(detail.into()))
        }
        SutOperation::RevocationCheck { enabled: true } => {
            let detail = "revocation is checked from now on";
            named(operation, "enable_revocation_check", Some(detail.into()))
        }
        SutOperation::RevocationCheck { enabled: false } => {
            let detail = "revocation is not checked any more";
            named(operation, "disable_revocation_check", Some(detail.into()))
        }
        SutOperation::Disconnect => {
            named(operation, "disconnect", Some("the machine has no network".into()))
        }
        SutOperation::Connect => {
            named(operation, "connect", Some("the machine has its network back".into()))
        }
        SutOperation::AddToStore { ca, base } => {
            let which = if *base { "base" } else { "delta" };
            let detail = format!("the newest {which} of {ca} into the machine's store");
            named(operation, "add_to_store", Some(detail))
        }
        SutOperation::Verify { identity, account } => {
            named(operation, "verify_urlfetch", Some(format!("{identity}, run by {account}")))
        }
    }
}

fn named(operation: &Operation, what: &str, detail: Option<String>) -> Record {
    let (id, on) = (operation.name.clone(), operation.on.clone());
    Record { id, what: Arc::from(what), on, detail }
}
