//! `[operation.NAME]`.

use std::collections::BTreeMap;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{
    ID_HOLDINSTRUCTION_CALLISSUER, ID_HOLDINSTRUCTION_NONE, ID_HOLDINSTRUCTION_REJECT,
};
use revlab_clients::plan::ClientPlan;
use revlab_fake_ca::config::{CaConfig, CaOperation};
use revlab_lab::{Instant, Name};
use revlab_pki::CrlExtension;
use revlab_sut::config::SutOperation;

use super::super::model::{Operation, OperationKind};
use super::super::tree::Entry;
use super::Spec;
use super::actors::Role;
use super::context::Context;
use super::fields::Fields;
use super::renewed;
use super::sut::ca_of;
use super::times::{Edge, Sign};

#[cfg(test)]
pub(super) const SPECS: &[&Spec] = &[&OPERATION];

const OPERATION: Spec = Spec {
    path: "operation.NAME",
    keys: &["on", "at", "every", "until"],
    kinds: &[
        &Spec { path: "operation.NAME.reboot", keys: &[], kinds: &[] },
        &Spec { path: "operation.NAME.restart_service", keys: &[], kinds: &[] },
        &Spec { path: "operation.NAME.urlcache_delete", keys: &["account"], kinds: &[] },
        &Spec { path: "operation.NAME.delete_cache_files", keys: &["accounts"], kinds: &[] },
        &Spec { path: "operation.NAME.chain_cache_resync", keys: &[], kinds: &[] },
        &Spec { path: "operation.NAME.recreate_binding", keys: &[], kinds: &[] },
        &Spec { path: "operation.NAME.disable_revocation_check", keys: &[], kinds: &[] },
        &Spec { path: "operation.NAME.enable_revocation_check", keys: &[], kinds: &[] },
        &Spec { path: "operation.NAME.disconnect", keys: &[], kinds: &[] },
        &Spec { path: "operation.NAME.connect", keys: &[], kinds: &[] },
        &Spec { path: "operation.NAME.add_to_store", keys: &["ca", "base"], kinds: &[] },
        &Spec {
            path: "operation.NAME.verify_urlfetch",
            keys: &["identity", "account"],
            kinds: &[],
        },
        &Spec {
            path: "operation.NAME.revoke",
            keys: &["identity", "reason", "invalidity_date", "hold_instruction"],
            kinds: &[],
        },
        &Spec { path: "operation.NAME.publish", keys: &["base"], kinds: &[] },
        &Spec { path: "operation.NAME.reissue", keys: &["ocsp"], kinds: &[] },
        &Spec { path: "operation.NAME.release", keys: &["identity"], kinds: &[] },
        &Spec { path: "operation.NAME.skip", keys: &["base"], kinds: &[] },
        &Spec { path: "operation.NAME.postpone", keys: &["by", "base"], kinds: &[] },
        &Spec { path: "operation.NAME.restore", keys: &["back"], kinds: &[] },
        &Spec { path: "operation.NAME.renew", keys: &["key"], kinds: &[] },
        &Spec { path: "operation.NAME.heal", keys: &[], kinds: &[] },
        &Spec { path: "operation.NAME.swap_certificate", keys: &["names"], kinds: &[] },
        &Spec { path: "operation.NAME.restore_certificate", keys: &[], kinds: &[] },
        &Spec { path: "operation.NAME.clear_ssl_state", keys: &[], kinds: &[] },
    ],
};

/// What to do about a certificate on hold (RFC 3280 §5.3.2, which RFC 5280 dropped).
const HOLD_INSTRUCTIONS: [(&str, ObjectIdentifier); 3] = [
    ("none", ID_HOLDINSTRUCTION_NONE),
    ("call_issuer", ID_HOLDINSTRUCTION_CALLISSUER),
    ("reject", ID_HOLDINSTRUCTION_REJECT),
];

/// Who an administrator is unless the scenario says otherwise.
const ADMINISTRATOR: &str = "Administrator";

/// The profile of LocalSystem, under which lsass.exe has its disk cache (fact sheet §2.4).
const SYSTEM: &str = "systemprofile";

pub(super) fn decode(
    cx: &Context,
    cas: &BTreeMap<Name, CaConfig>,
    clients: &BTreeMap<Name, ClientPlan>,
    name: Name,
    entry: &Entry,
) -> Option<Operation> {
    let label = format!("operation `{name}`");
    let fields = Fields::open(cx, &entry.node, entry.place, label, &OPERATION)?;
    fields.require("on", "on = \"web\"");
    fields.require("at", "at = \"3h\"");
    let at = fields.instant("at", Edge::Begin);
    let every = fields.duration("every", Sign::Positive);
    let until = until(&fields, at);
    let action = fields.kind().and_then(|(kind, fields)| action(kind, &fields));
    let on = match &action {
        Some(OperationKind::Sut(_)) => fields.actor("on", &[Role::Sut, Role::Validator]),
        Some(OperationKind::SwapCertificate { .. } | OperationKind::RestoreCertificate) => {
            fields.actor("on", &[Role::Sut])
        }
        Some(OperationKind::ClearSslState) => fields.actor("on", &[Role::Client]),
        Some(_) => fields.actor("on", &[Role::Ca]),
        None => fields.actor("on", &[Role::Sut, Role::Validator, Role::Client, Role::Ca]),
    };
    let (on, action) = (on?, action?);
    check_issuer(&fields, cas, clients, &on, &action);
    Some(Operation { name, on, at: at?, every, until, action })
}

fn until(fields: &Fields<'_>, at: Option<Instant>) -> Instant {
    let end = fields.cx.run.map_or(Instant::default(), |run| run.end());
    let Some(until) = fields.instant("until", Edge::End) else { return end };
    if !fields.has("every") {
        fields.report("until", "without `every` there is nothing to end");
    } else if at.is_some_and(|at| until <= at) && fields.cx.run.is_some() {
        fields.report("until", format!("{until} is not after `at`"));
    }
    until
}

fn action(kind: &str, fields: &Fields<'_>) -> Option<OperationKind> {
    let account = |key| fields.name(key).unwrap_or_else(|| Name::from(ADMINISTRATOR));
    let sut = match kind {
        "reboot" => SutOperation::Reboot,
        "restart_service" => SutOperation::RestartService,
        "chain_cache_resync" => SutOperation::ChainCacheResync,
        "recreate_binding" => SutOperation::RecreateBinding,
        "disable_revocation_check" => SutOperation::RevocationCheck { enabled: false },
        "enable_revocation_check" => SutOperation::RevocationCheck { enabled: true },
        "disconnect" => SutOperation::Disconnect,
        "connect" => SutOperation::Connect,
        "urlcache_delete" => SutOperation::UrlcacheDelete { account: account("account") },
        "delete_cache_files" => SutOperation::DeleteCacheFiles { accounts: accounts(fields) },
        "add_to_store" => {
            let base = base(fields);
            SutOperation::AddToStore { ca: ca_of(fields)?, base }
        }
        "verify_urlfetch" => {
            let identity = identity(fields);
            let account = account("account");
            SutOperation::Verify { identity: identity?, account }
        }
        _ => return ca_action(kind, fields),
    };
    Some(OperationKind::Sut(sut))
}

fn ca_action(kind: &str, fields: &Fields<'_>) -> Option<OperationKind> {
    match kind {
        "revoke" => {
            let identity = holder(fields);
            let reason = reason(fields);
            let extensions = entry_extensions(fields, reason);
            Some(OperationKind::Revoke { identity: identity?, reason, extensions })
        }
        "publish" => Some(OperationKind::Publish { base: base(fields) }),
        "release" => identity(fields).map(|identity| OperationKind::Release { identity }),
        "skip" => Some(OperationKind::Ca(CaOperation::Skip { base: base(fields) })),
        "postpone" => {
            fields.require("by", "by = \"2h\"");
            let by = fields.duration("by", Sign::Positive);
            let base = base(fields);
            Some(OperationKind::Ca(CaOperation::Postpone { base, by: by? }))
        }
        "restore" => {
            let back = fields.number("back", 1, i64::from(u16::MAX)).unwrap_or(1);
            Some(OperationKind::Ca(CaOperation::Restore { back }))
        }
        "renew" => {
            let new_key = renewed::with_new_key(fields);
            Some(OperationKind::Ca(CaOperation::Renew { new_key }))
        }
        "heal" => Some(OperationKind::Heal),
        "swap_certificate" => {
            fields.require("names", "names = [\"mail.example.com\"]");
            let names = fields.hosts("names")?;
            Some(OperationKind::SwapCertificate { names })
        }
        "restore_certificate" => Some(OperationKind::RestoreCertificate),
        "clear_ssl_state" => Some(OperationKind::ClearSslState),
        "reissue" => {
            fields.require("ocsp", "ocsp = []");
            fields.urls("ocsp").map(|ocsp| OperationKind::Reissue { ocsp })
        }
        _ => None,
    }
}

/// The base, unless the scenario says that the delta is meant.
fn base(fields: &Fields<'_>) -> bool {
    fields.boolean("base").unwrap_or(true)
}

fn accounts(fields: &Fields<'_>) -> Vec<Name> {
    match fields.texts("accounts") {
        Some(texts) => texts.into_iter().map(|(text, _)| Name::from(text)).collect(),
        None => vec![Name::from(ADMINISTRATOR), Name::from(SYSTEM)],
    }
}

/// Whose certificate is revoked: an identity's, or that of a server, a directory or a CA.
fn holder(fields: &Fields<'_>) -> Option<Name> {
    fields.require("identity", "identity = \"jmeter-1\"");
    let text = fields.name("identity")?;
    match fields.cx.actors.role(&text) {
        Some(Role::Sut | Role::Validator | Role::Ca) => Some(text),
        _ => fields.identity("identity").map(|(identity, _)| identity),
    }
}

fn identity(fields: &Fields<'_>) -> Option<Name> {
    fields.require("identity", "identity = \"jmeter-1\"");
    fields.identity("identity").map(|(identity, _)| identity)
}

/// RFC 5280 §5.3.1: 7 is not used, and 8 (removeFromCRL) takes a certificate off hold.
fn reason(fields: &Fields<'_>) -> Option<u8> {
    let reason = fields.number("reason", 0, 10)?;
    if matches!(reason, 7 | 8) {
        let why = "revokes nothing (RFC 5280 §5.3.1); 0 to 6, 9 and 10 do";
        fields.report("reason", format!("{reason} {why}"));
        return None;
    }
    Some(reason)
}

/// What the CRL entry says beside the reason.
fn entry_extensions(fields: &Fields<'_>, reason: Option<u8>) -> Vec<CrlExtension> {
    /// certificateHold (RFC 5280 §5.3.1).
    const HOLD: u8 = 6;
    let invalid = fields.absolute("invalidity_date");
    let instruction = fields.choice("hold_instruction", &HOLD_INSTRUCTIONS);
    if instruction.is_some() && reason != Some(HOLD) {
        let message = "only a certificate on hold has one: `reason = 6` is needed";
        fields.report("hold_instruction", message);
    }
    let invalid = invalid.map(CrlExtension::invalidity_date);
    invalid.into_iter().chain(instruction.map(CrlExtension::hold_instruction)).collect()
}

/// A CA revokes what it issued, and nothing else.
fn check_issuer(
    fields: &Fields<'_>,
    cas: &BTreeMap<Name, CaConfig>,
    clients: &BTreeMap<Name, ClientPlan>,
    on: &Name,
    action: &OperationKind,
) {
    let (OperationKind::Revoke { identity, .. } | OperationKind::Release { identity }) = action
    else {
        return;
    };
    let parts = identity.rsplit_once('-');
    let client = parts.and_then(|(client, _)| clients.get(client));
    // A keystore is counted only when it has been read.
    let number = parts.and_then(|(_, number)| number.parse::<u32>().ok());
    if let Some((client, _)) = client.zip(number).filter(|(client, n)| *n > client.identities) {
        let there = client.identities;
        let message = format!("there is no identity `{identity}`: client `{}` has", client.name);
        fields.report("on", format!("{message} {there} of them"));
    }
    if let Some(client) = client.filter(|client| client.ca != *on) {
        let message = format!("`{on}` did not issue the certificate of `{identity}`");
        fields.report("on", format!("{message}; `{}` did", client.ca));
    }
    if let Some(ca) = cas.get(identity).filter(|ca| ca.parent.as_ref() != Some(on)) {
        let message = format!("`{on}` did not issue the certificate of CA `{identity}`");
        fields.report(
            "on",
            match &ca.parent {
                Some(parent) => format!("{message}; `{parent}` did"),
                None => format!("{message}: it is a root"),
            },
        );
    }
}
