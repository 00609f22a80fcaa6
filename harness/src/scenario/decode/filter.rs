//! Tables that say which attempts, fetches or checks are meant.

use revlab_lab::trace::{Purpose, State, Verdict};
use revlab_lab::{Name, Outcome};

use super::super::model::{
    AttemptFilter, CheckFilter, CheckResult, Count, During, FetchFilter, ResultFilter,
};
use super::super::tree::Value;
use super::Spec;
use super::actors::Role;
use super::fields::Fields;
use super::times::Sign;

#[cfg(test)]
pub(super) const SPECS: &[&Spec] = &[&FETCH, &DURING];

/// A table that is a filter of fetches and nothing else.
pub(super) const FETCH: Spec = Spec {
    path: "fetch filter",
    keys: &["purpose", "url", "status", "succeeded", "process", "by", "unsolicited"],
    kinds: &[],
};

const DURING: Spec = Spec {
    path: "during",
    keys: &["outcome", "code", "substatus", "by", "clients", "identity", "at_start"],
    kinds: &[],
};

const STATES: [(&str, State); 4] = [
    ("fresh", State::Fresh),
    ("stale", State::Stale),
    ("not_yet_valid", State::NotYetValid),
    ("absent", State::Absent),
];

/// Keys `clients` and `identity`.
pub(super) fn attempts(fields: &Fields<'_>) -> AttemptFilter {
    let clients = fields.texts("clients").unwrap_or_default();
    let clients = clients
        .into_iter()
        .filter_map(|(text, place)| fields.cx.actor(text, place, &[Role::Client]));
    AttemptFilter { clients: clients.collect(), identity: identity(fields) }
}

/// Key `by`: a SUT or a validator.
fn by(fields: &Fields<'_>) -> Option<Name> {
    match fields.has("by") {
        true => fields.actor("by", &[Role::Sut, Role::Validator]),
        false => None,
    }
}

fn identity(fields: &Fields<'_>) -> Option<Name> {
    fields.identity("identity").map(|(identity, _)| identity)
}

/// Keys `outcome`, `code` and `substatus`.
pub(super) fn result(fields: &Fields<'_>) -> Option<ResultFilter> {
    fields.require("outcome", "outcome = \"admitted\"");
    let outcome = fields.choice("outcome", &Outcome::NAMES);
    let code = fields.code("code");
    let substatus = fields.number("substatus", 0, 999);
    let by = by(fields);
    Some(ResultFilter { outcome: outcome?, code, substatus, by })
}

/// The keys of [`FETCH`].
pub(super) fn fetches(fields: &Fields<'_>) -> FetchFilter {
    FetchFilter {
        purposes: purposes(fields),
        url: fields.text("url").map(str::to_owned),
        status: fields.number("status", 100, 599),
        succeeded: fields.boolean("succeeded"),
        process: fields.name("process"),
        by: by(fields),
        unsolicited: fields.boolean("unsolicited"),
    }
}

/// Key `purpose`: one purpose, or a list of them.
pub(super) fn purposes(fields: &Fields<'_>) -> Vec<Purpose> {
    const KEY: &str = "purpose";
    match fields.entry(KEY).map(|entry| &entry.node.value) {
        None => Vec::new(),
        Some(Value::List(_)) => {
            let texts = fields.texts(KEY).unwrap_or_default();
            let chosen = |(text, place)| fields.chosen(KEY, place, text, &Purpose::NAMES);
            texts.into_iter().filter_map(chosen).collect()
        }
        Some(_) => fields.choice(KEY, &Purpose::NAMES).into_iter().collect(),
    }
}

/// A table of [`FETCH`].
pub(super) fn fetch_table(parent: &Fields<'_>, key: &'static str) -> Option<FetchFilter> {
    parent.table(key, &FETCH).map(|fields| fetches(&fields))
}

/// Keys `process` and `identity`.
pub(super) fn checks(fields: &Fields<'_>) -> CheckFilter {
    CheckFilter { process: fields.name("process"), by: by(fields), identity: identity(fields) }
}

/// Keys `verdict`, `code` and `base`.
pub(super) fn check_result(fields: &Fields<'_>) -> CheckResult {
    CheckResult {
        verdict: fields.choice("verdict", &Verdict::NAMES),
        code: fields.code("code"),
        base: fields.choice("base", &STATES),
    }
}

/// Key `during`.
pub(super) fn during(parent: &Fields<'_>) -> Option<During> {
    let fields = parent.table("during", &DURING)?;
    let of = attempts(&fields);
    let at_start = fields.duration("at_start", Sign::Positive);
    let result = result(&fields);
    Some(During { of, result: result?, at_start })
}

/// Key `count`; at least one unless it is there.
pub(super) fn count(fields: &Fields<'_>) -> Count {
    fields.count("count").unwrap_or(Count { min: 1, max: None })
}
