//! `[clients.NAME]`.

use std::collections::BTreeMap;
use std::sync::Arc;

use revlab_clients::Choice;
use revlab_clients::cipher::Cipher;
use revlab_clients::plan::{ClientPlan, Principal, ResumedBy, Session, Sessions, StatusRange};
use revlab_lab::trace::{HttpVersion, TlsVersion};
use revlab_lab::{Name, Span};
use revlab_sut::config::SutConfig;

use super::super::notation;
use super::super::source::Place;
use super::super::tree::{Entry, Value};
use super::Spec;
use super::actors::Role;
use super::clock;
use super::context::Context;
use super::fields::Fields;
use super::identities;
use super::load;
use super::sut::{TLS, ca_of};
use super::times::Sign;

#[cfg(test)]
pub(super) const SPECS: &[&Spec] = &[&CLIENTS, &PRINCIPAL, &load::STAGE, &identities::KEYSTORE];

const CLIENTS: Spec = Spec {
    path: "clients.NAME",
    keys: &[
        "sut",
        "ca",
        "issued_by_key",
        "every",
        "think",
        "rate",
        "arrivals",
        "barrier",
        "threads",
        "ramp_up",
        "identities",
        "choice",
        "weights",
        "csv",
        "state",
        "keystore",
        "from",
        "until",
        "loops",
        "session",
        "resumed_by",
        "sessions",
        "keep_alive",
        "tls",
        "http",
        "ciphers",
        "timeout",
        "control",
        "path",
        "admit",
        "clock",
        "validator",
        "principal",
        "host",
        "remembers_certificate",
        "sends_issuers",
        "recorded",
    ],
    kinds: &[],
};

const PRINCIPAL: Spec =
    Spec { path: "clients.NAME.principal", keys: &["name", "from"], kinds: &[] };

const PRINCIPAL_FROM: [(&str, bool); 2] = [("common_name", false), ("first_dns_name", true)];

const SESSIONS: [(&str, Session); 2] = [("fresh", Session::Fresh), ("resumed", Session::Resumed)];

const RESUMED_BY: [(&str, ResumedBy); 2] = [("ticket", ResumedBy::Ticket), ("id", ResumedBy::Id)];

const HOLDERS: [(&str, Sessions); 2] = [("own", Sessions::Own), ("shared", Sessions::Shared)];

/// Each thread is a connection.
const MOST: i64 = 10_000;

pub(super) fn decode(
    cx: &Context,
    suts: &BTreeMap<Name, SutConfig>,
    name: Name,
    entry: &Entry,
) -> Option<ClientPlan> {
    let label = format!("client `{name}`");
    let fields = Fields::open(cx, &entry.node, entry.place, label, &CLIENTS)?;
    let sut = match fields.has("sut") {
        true => fields.actor("sut", &[Role::Sut]),
        false => cx.actors.default_sut(),
    };
    let ca = ca_of(&fields);
    let window = fields.window("from", "until");
    let threads = fields.number("threads", 1, MOST).unwrap_or(1);
    let load = load::decode(&fields, window.to - window.from);
    let tls = fields.choice("tls", &TLS);
    let of_sut = sut.as_ref().and_then(|sut| suts.get(sut)).map(|sut| sut.tls);
    check_tls(&fields, tls, of_sut);
    let tls = tls.or(of_sut).unwrap_or(TlsVersion::V1_2);
    let session = fields.choice("session", &SESSIONS).unwrap_or(Session::Fresh);
    check_resumption(&fields, session, tls);
    let identities = identities::decode(&fields, &name);
    let keep_alive = keep_alive(&fields, &identities.choice);
    // The keys that must be there come last: without one of them the others are still read.
    Some(ClientPlan {
        barrier: barrier(&fields, threads),
        threads,
        ramp_up: fields.duration("ramp_up", Sign::NotNegative).unwrap_or(Span::ZERO),
        identities: identities.number,
        choice: identities.choice,
        state: identities.state,
        keystore: identities.keystore,
        from: window.from,
        until: window.to,
        issued_by_key: fields.number("issued_by_key", 0, i64::from(u16::MAX)),
        loops: fields.number("loops", 1, i64::MAX),
        session,
        resumed_by: fields.choice("resumed_by", &RESUMED_BY).unwrap_or(ResumedBy::Ticket),
        sessions: fields.choice("sessions", &HOLDERS).unwrap_or(Sessions::Own),
        keep_alive,
        tls,
        http: fields.choice("http", &HttpVersion::NAMES).unwrap_or_default(),
        ciphers: ciphers(&fields, tls),
        timeout: fields
            .duration_on_the_way("timeout", Sign::Positive)
            .unwrap_or(Span::from_mins(1)),
        control: fields.boolean("control").unwrap_or(false),
        path: path(&fields).unwrap_or_else(|| "/".into()),
        admit: admit(&fields).unwrap_or(StatusRange::SUCCESS),
        clock: clock::decode(&fields),
        validator: match fields.has("validator") {
            true => fields.actor("validator", &[Role::Validator]),
            false => None,
        },
        principal: principal(&fields),
        host: fields.host("host"),
        remembers_certificate: fields.boolean("remembers_certificate").unwrap_or(false),
        sends_issuers: fields.boolean("sends_issuers").unwrap_or(true),
        recorded: fields.boolean("recorded").unwrap_or(true),
        name,
        sut: sut?,
        ca: ca?,
        load: load?,
    })
}

fn barrier(fields: &Fields<'_>, threads: u32) -> Option<u32> {
    let together = fields.number("barrier", 2, MOST)?;
    if together > threads {
        fields
            .report("barrier", format!("nobody would ever pass it: there are {threads} `threads`"));
    }
    Some(together)
}

fn principal(fields: &Fields<'_>) -> Option<Principal> {
    let inner = fields.table("principal", &PRINCIPAL)?;
    inner.require("name", "name = \"msstd:mail.example.com\"");
    let name =
        inner.parsed("name", "a name such as `\"msstd:mail.example.com\"`", |text| {
            match text.strip_prefix("msstd:") {
                Some(name) if !name.is_empty() => Ok(Name::from(name)),
                _ => Err("must be `msstd:` with a name behind it".into()),
            }
        });
    let from = inner.choice("from", &PRINCIPAL_FROM).unwrap_or(false);
    if !fields.has("validator") {
        fields.report("principal", "only a validator looks at it: add `validator`");
    }
    Some(Principal { name: name?, in_first_dns_name: from })
}

fn check_tls(fields: &Fields<'_>, tls: Option<TlsVersion>, of_sut: Option<TlsVersion>) {
    if let (Some(TlsVersion::V1_3), Some(TlsVersion::V1_2)) = (tls, of_sut) {
        fields.report("tls", "the SUT speaks 1.2 at most: no handshake would succeed");
    }
}

fn check_resumption(fields: &Fields<'_>, session: Session, tls: TlsVersion) {
    for key in ["resumed_by", "sessions"] {
        if session == Session::Fresh && fields.has(key) {
            fields.report(key, "no session is taken up: add `session = \"resumed\"`");
        }
    }
    if tls == TlsVersion::V1_3 && fields.has("resumed_by") {
        fields.report("resumed_by", "TLS 1.3 resumes by ticket alone (RFC 8446 §2.2)");
    }
}

fn keep_alive(fields: &Fields<'_>, choice: &Choice) -> bool {
    let keep_alive = fields.boolean("keep_alive").unwrap_or(false);
    if keep_alive && *choice == Choice::Minted {
        let why = "each attempt has a certificate of its own, and so a connection of its own: leave \
                   out `keep_alive`, or let `choice` be another";
        fields.report("keep_alive", why);
    }
    keep_alive
}

fn ciphers(fields: &Fields<'_>, tls: TlsVersion) -> Arc<[Cipher]> {
    let texts = fields.texts("ciphers");
    if texts.as_ref().is_some_and(Vec::is_empty) {
        fields.report("ciphers", "without a suite there is no handshake");
    }
    let mut ciphers = Vec::new();
    for (text, place) in texts.into_iter().flatten() {
        match cipher(fields, text, place, tls) {
            Some(twice) if ciphers.contains(&twice) => {
                fields
                    .cx
                    .report(place, format!("`ciphers` of {}: it is there twice", fields.label));
            }
            chosen => ciphers.extend(chosen),
        }
    }
    ciphers.into()
}

fn cipher(fields: &Fields<'_>, text: &str, place: Place, tls: TlsVersion) -> Option<Cipher> {
    let names: Vec<_> = Cipher::of(tls).collect();
    let (other, mine) = match tls {
        TlsVersion::V1_2 => (TlsVersion::V1_3, "1.2"),
        TlsVersion::V1_3 => (TlsVersion::V1_2, "1.3"),
    };
    if Cipher::of(other).any(|(name, _)| name == text) {
        let label = &fields.label;
        let message = format!("`ciphers` of {label}: `{text}` is no suite of TLS {mine}");
        let valid = names.iter().map(|(name, _)| *name);
        fields.cx.report_name(place, message, text, valid, "it can be");
        return None;
    }
    fields.chosen("ciphers", place, text, &names)
}

fn path(fields: &Fields<'_>) -> Option<String> {
    fields.parsed("path", "a path such as `\"/\"`", |text| {
        if text.starts_with('/') && text.len() <= 2000 && text.chars().all(|c| c.is_ascii_graphic())
        {
            return Ok(text.to_owned());
        }
        Err("must begin with `/` and have neither blanks nor characters beyond ASCII".into())
    })
}

fn admit(fields: &Fields<'_>) -> Option<StatusRange> {
    if let Value::Integer(_) = fields.entry("admit")?.node.value {
        let status = fields.number("admit", 200, 599)?;
        return Some(StatusRange { from: status, to: status });
    }
    fields.parsed("admit", "a status such as `\"2xx\"` or 200", notation::statuses)
}
