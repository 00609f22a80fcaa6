//! `[sut.NAME]`.

use revlab_lab::Name;
use revlab_lab::trace::TlsVersion;
use revlab_sut::config::{Adapter, SutConfig};
use revlab_sut::profile::{Hypothesis, Parameters, Profile, ProfileName, Update, ValueError};

use super::super::tree::{Entry, Value, shortened};
use super::Spec;
use super::actors::Role;
use super::clock;
use super::context::Context;
use super::fields::Fields;

#[cfg(test)]
pub(super) const SPECS: &[&Spec] = &[&SUT];

const SUT: Spec = Spec {
    path: "sut.NAME",
    keys: &[
        "adapter",
        "profile",
        "hypothesis",
        "updates",
        "parameters",
        "under_test",
        "host",
        "ca",
        "tls",
        "clock",
    ],
    kinds: &[],
};

const ADAPTERS: [(&str, Adapter); 1] = [("model", Adapter::Model)];

/// TLS versions with their names in scenarios.
pub(super) const TLS: [(&str, TlsVersion); 2] =
    [("1.2", TlsVersion::V1_2), ("1.3", TlsVersion::V1_3)];

pub(super) fn decode(cx: &Context, name: Name, entry: &Entry) -> Option<SutConfig> {
    let label = format!("SUT `{name}`");
    let fields = Fields::open(cx, &entry.node, entry.place, label, &SUT)?;
    let profile = profile(&fields);
    let under_test = fields.boolean("under_test");
    if under_test == Some(false) && cx.actors.only_sut() {
        fields.report("under_test", "the only SUT must be under test");
    }
    let ca = ca_of(&fields);
    Some(SutConfig {
        under_test: under_test.unwrap_or(cx.actors.only_sut()),
        adapter: fields.choice("adapter", &ADAPTERS).unwrap_or(Adapter::Model),
        host: fields.host("host").unwrap_or_else(|| name.to_ascii_lowercase()),
        profile,
        tls: fields.choice("tls", &TLS).unwrap_or(TlsVersion::V1_2),
        clock: clock::decode(&fields),
        name,
        ca: ca?,
    })
}

/// The CA of an actor: the one it names, else the obvious one.
pub(super) fn ca_of(fields: &Fields<'_>) -> Option<Name> {
    if fields.has("ca") {
        return fields.actor("ca", &[Role::Ca]);
    }
    let obvious = fields.cx.actors.default_ca();
    if obvious.is_none() && fields.cx.actors.several_cas() {
        fields.require("ca", "ca = \"issuing\"");
    }
    obvious
}

fn profile(fields: &Fields<'_>) -> Profile {
    let name = fields.choice("profile", &ProfileName::NAMES);
    let hypothesis = fields.choice("hypothesis", &Hypothesis::NAMES).unwrap_or_default();
    let updates = fields.texts("updates").unwrap_or_default();
    let updates = updates
        .into_iter()
        .filter_map(|(text, place)| fields.chosen("updates", place, text, &Update::NAMES))
        .collect();
    let mut profile = Profile::new(name.unwrap_or(ProfileName::Windows2008R2), hypothesis, updates);
    if let Some(entry) = fields.entry("parameters") {
        parameters(fields, entry, &mut profile);
    }
    profile
}

fn parameters(fields: &Fields<'_>, entry: &Entry, profile: &mut Profile) {
    let Value::Table(table) = &entry.node.value else {
        let example = "write `parameters = { ocsp_offline_memory = \"6h\" }`";
        let message = format!("must be a table, but is {}; {example}", entry.node.value.describe());
        return fields.report("parameters", message);
    };
    for entry in table.iter() {
        let value = match &entry.node.value {
            Value::Text(text) => revlab_sut::profile::Value::Text(text),
            Value::Integer(number) => revlab_sut::profile::Value::Integer(*number),
            Value::Boolean(value) => revlab_sut::profile::Value::Boolean(*value),
            other => {
                let message = format!("parameter `{}` cannot be {}", entry.key, other.describe());
                fields.cx.report(entry.node.place, message);
                continue;
            }
        };
        match profile.set(&entry.key, value) {
            Ok(()) => {}
            Err(ValueError::Unknown(name)) => {
                let message = format!("there is no parameter `{}`", shortened(&name));
                let valid = Parameters::ALL.iter().map(|info| info.name);
                fields.cx.report_name(entry.place, message, &name, valid, "there are");
            }
            Err(ValueError::Bad(why)) => {
                let is = entry.node.value.describe();
                let message = format!("parameter `{}`: {why}, but it is {is}", entry.key);
                fields.cx.report(entry.node.place, message);
            }
        }
    }
}
