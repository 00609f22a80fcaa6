//! From when until when a CA's certificate is valid: relative to the run, or absolute.

use revlab_lab::{Instant, Span};

use super::fields::Fields;
use super::times::Sign;

/// How long before the start the CA is set up when the scenario does not say.
const AGE: Span = Span::from_days(30);

/// How long its certificate then lives.
const LIFETIME: Span = Span::from_days(3650);

/// Age and lifetime, by `age` or `not_before`, and by `lifetime` or `not_after`.
pub(super) fn decode(fields: &Fields<'_>) -> (Span, Span) {
    let start = fields.cx.run.map_or(Instant::default(), |run| run.start);
    let age = match absolute(fields, "not_before", "age") {
        // Where the run is not known nothing is judged by it.
        Some(_) if fields.cx.run.is_none() => AGE,
        Some(not_before) if not_before < start => start - not_before,
        Some(not_before) => {
            let message = format!("{not_before} is not before the start of the run, {start}");
            fields.report("not_before", message);
            AGE
        }
        None => fields.duration("age", Sign::Positive).unwrap_or(AGE),
    };
    let not_before = start - age;
    let lifetime = match absolute(fields, "not_after", "lifetime") {
        Some(_) if fields.cx.run.is_none() => LIFETIME,
        Some(not_after) if not_before < not_after => not_after - not_before,
        Some(not_after) => {
            let message = format!("{not_after} is not after the begin, {not_before}");
            fields.report("not_after", message);
            LIFETIME
        }
        None => fields.duration("lifetime", Sign::Positive).unwrap_or(LIFETIME),
    };
    (age, lifetime)
}

fn absolute(fields: &Fields<'_>, key: &'static str, relative: &'static str) -> Option<Instant> {
    if !fields.has(key) {
        return None;
    }
    if fields.has(relative) {
        fields.report(key, format!("`{relative}` says it already; only one of them can be"));
    }
    fields.absolute(key)
}
