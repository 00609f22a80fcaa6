//! `[fault.NAME]`, and `[ca.NAME.fault.NAME]`, which is the same said with its CA.

mod effect;
mod select;

use std::collections::BTreeMap;

use revlab_fake_ca::fault::{Effect, Endpoint, FaultConfig, Target};
use revlab_lab::trace::Purpose;
use revlab_lab::{Instant, Name};

use super::super::tree::{Entry, Table, Value};
use super::Spec;
use super::actors::Role;
use super::context::{Context, check_name};
use super::fields::Fields;
use super::times::Sign;

#[cfg(test)]
pub(super) const SPECS: &[&Spec] = &[&FAULT, &select::ONLY, &select::WHEN];

const FAULT: Spec = Spec {
    path: "fault.NAME",
    keys: &["on", "only", "when", "from", "for", "until", "must_be_met"],
    kinds: effect::KINDS,
};

pub(super) fn decode(cx: &Context, name: Name, entry: &Entry) -> Option<FaultConfig> {
    read(cx, name, entry, None)
}

/// The faults that stand in the tables of their CAs, put among the others.
pub(super) fn of_cas(cx: &Context, tree: &Table, faults: &mut BTreeMap<Name, FaultConfig>) {
    for ca in tree.table("ca").into_iter().flat_map(Table::iter) {
        let Value::Table(table) = &ca.node.value else { continue };
        let Some(entry) = table.get("fault") else { continue };
        let Value::Table(table) = &entry.node.value else {
            let message = format!("`fault` of CA `{}` must hold tables of faults by name", ca.key);
            cx.report(entry.node.place, message);
            continue;
        };
        let name_of_ca = Name::from(ca.key.as_str());
        for entry in table.iter() {
            let name = match check_name(&entry.key, "fault") {
                Ok(name) => name,
                Err(message) => {
                    cx.report(entry.place, message);
                    continue;
                }
            };
            if faults.contains_key(&name) {
                let message = format!("there is a fault `{name}` already");
                cx.report_with(entry.place, message, "each fault needs a name of its own");
            }
            faults.extend(read(cx, name.clone(), entry, Some(&name_of_ca)).map(|f| (name, f)));
        }
    }
}

/// Reads a fault; `ca` is the CA in whose table it stands.
fn read(cx: &Context, name: Name, entry: &Entry, ca: Option<&Name>) -> Option<FaultConfig> {
    let label = format!("fault `{name}`");
    let fields = Fields::open(cx, &entry.node, entry.place, label, &FAULT)?;
    let on = match ca {
        Some(ca) => endpoint_of(&fields, ca),
        None => {
            fields.require("on", "on = \"issuing.crl\"");
            target(&fields)
        }
    };
    let must_be_met = fields.boolean("must_be_met").unwrap_or(true);
    let (from, until) = window(&fields);
    let (only, when) = (select::only(&fields), select::when(&fields));
    let effect = fields.kind().and_then(|(kind, fields)| effect::decode(kind, &fields));
    check_effect(&fields, on.as_ref(), effect.as_ref());
    Some(FaultConfig { name, on: on?, only, when, from, until, must_be_met, effect: effect? })
}

/// What is wrong with an artefact is wrong where that artefact is.
fn check_effect(fields: &Fields<'_>, on: Option<&Target>, effect: Option<&Effect>) {
    let (Some(on), Some(effect)) = (on, effect) else { return };
    if *effect == Effect::NameWrongAddress(Some(on.ca.clone())) {
        fields.report("on", "`of` names the CA whose own address it is");
    }
    let purposes = [Purpose::Base, Purpose::Delta, Purpose::Ocsp, Purpose::Issuer];
    let mut here = purposes.into_iter().filter(|purpose| on.endpoint.covers(*purpose));
    if !here.any(|purpose| effect.concerns(Some(purpose))) {
        let message = format!("`{}` can do nothing to this endpoint", effect.name());
        fields.report("on", message);
    }
}

/// `issuing`, or `issuing.crl`.
fn target(fields: &Fields<'_>) -> Option<Target> {
    let text = fields.text("on")?;
    let place = fields.place_of("on");
    let (ca, endpoint) = match text.split_once('.') {
        None => (text, Some(Endpoint::All)),
        Some((ca, endpoint)) => (ca, fields.chosen("on", place, endpoint, &Endpoint::NAMES)),
    };
    let ca = fields.cx.actor(ca, place, &[Role::Ca]);
    Some(Target { ca: ca?, endpoint: endpoint? })
}

/// `crl`, or nothing for the whole site.
fn endpoint_of(fields: &Fields<'_>, ca: &Name) -> Option<Target> {
    let endpoint = match fields.has("on") {
        true => fields.choice("on", &Endpoint::NAMES),
        false => Some(Endpoint::All),
    };
    Some(Target { ca: ca.clone(), endpoint: endpoint? })
}

/// `from` and `for` or `until`.
pub(super) fn window(fields: &Fields<'_>) -> (Instant, Instant) {
    if fields.has("for") && fields.has("until") {
        fields.report("until", "`for` says already when it ends; only one of them can be");
    }
    let window = fields.window("from", "until");
    let Some(length) = fields.duration("for", Sign::Positive) else {
        return (window.from, window.to);
    };
    let until = window.from + length;
    if let Some(run) = fields.cx.run
        && until > run.end()
    {
        let message =
            format!("`{}` ends {until}, outside the run, which ends {}", length, run.end());
        fields.report("for", message);
    }
    (window.from, until)
}
