//! Key `renewed` of `[ca.NAME]`, and what the operation `renew` shares with it.

use revlab_fake_ca::config::Renewal;
use revlab_lab::Span;

use super::Spec;
use super::fields::Fields;
use super::times::Sign;

#[cfg(test)]
pub(super) const SPECS: &[&Spec] = &[&RENEWED];

const RENEWED: Spec = Spec { path: "ca.NAME.renewed", keys: &["ago", "key"], kinds: &[] };

const KEYS: [(&str, bool); 2] = [("new", true), ("same", false)];

/// The renewals of a CA that was set up so long before the start.
pub(super) fn decode(ca: &Fields<'_>, age: Span) -> Vec<Renewal> {
    let tables = ca.tables("renewed", &RENEWED).unwrap_or_default();
    tables.iter().filter_map(|fields| renewal(fields, age)).collect()
}

fn renewal(fields: &Fields<'_>, age: Span) -> Option<Renewal> {
    fields.require("ago", "ago = \"10d\"");
    let new_key = with_new_key(fields);
    let ago = fields.duration("ago", Sign::Positive)?;
    if ago >= age {
        let message = format!("the CA was set up {age} before the start; before that it was not");
        fields.report("ago", message);
        return None;
    }
    Some(Renewal { ago, new_key })
}

/// Key `key`: whether the renewal brings a new one, as it does unless the scenario says otherwise.
pub(super) fn with_new_key(fields: &Fields<'_>) -> bool {
    fields.choice("key", &KEYS).unwrap_or(true)
}
