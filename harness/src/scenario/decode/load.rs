//! When the attempts of a group of clients are due: `every`, `think` or `rate`.

use revlab_clients::load::{Arrivals, Gap, Load, Rate, Stage};
use revlab_lab::Span;

use super::super::notation;
use super::super::tree::Value;
use super::Spec;
use super::fields::Fields;
use super::times::Sign;

/// A stage of a rate.
pub(super) const STAGE: Spec =
    Spec { path: "clients.NAME.rate", keys: &["for", "rate", "to"], kinds: &[] };

const ARRIVALS: [(&str, Arrivals); 2] = [("even", Arrivals::Even), ("poisson", Arrivals::Poisson)];

const GAP: &str = "a duration such as `\"10s\"`, or one that is drawn: `\"5s..15s\"`, \
                   `\"gaussian 10s, 2s\"`, `\"poisson 10s\"`";

/// The one load model of a group that lasts so long.
pub(super) fn decode(fields: &Fields<'_>, group: Span) -> Option<Load> {
    const MODELS: [&str; 3] = ["every", "think", "rate"];
    let mut there = MODELS.into_iter().filter(|key| fields.has(key));
    let Some(first) = there.next() else {
        let models = "every = \"10s\"`, `think = \"10s\"` or `rate = \"10 per 1s\"";
        fields.require("every", models);
        return None;
    };
    if let Some(second) = there.next() {
        fields.report(second, format!("there is `{first}` already, and only one of them can be"));
        return None;
    }
    if first != "rate" && fields.has("arrivals") {
        fields.report("arrivals", "only a `rate` has arrivals");
    }
    match first {
        "every" => gap(fields, "every", Span::from_millis(1)).map(Load::Every),
        "think" => gap(fields, "think", Span::ZERO).map(Load::Think),
        _ => rate(fields, group),
    }
}

fn gap(fields: &Fields<'_>, key: &'static str, least: Span) -> Option<Gap> {
    let gap = fields.parsed(key, GAP, notation::gap)?.map(|span| fields.cx.divided(span));
    if gap.mean() < least {
        let text = fields.text(key).unwrap_or_default();
        let why = match fields.cx.divisor {
            0 => "is not longer than zero",
            _ => "divided by `real_time.divide` is nothing",
        };
        fields.report(key, format!("`{text}` {why}"));
        return None;
    }
    Some(gap)
}

fn rate(fields: &Fields<'_>, group: Span) -> Option<Load> {
    if fields.has("ramp_up") {
        fields.report(
            "ramp_up",
            "a rate has stages instead: `{ rate = \"0 per 1s\", to = …, for = … }`",
        );
    }
    let arrivals = fields.choice("arrivals", &ARRIVALS).unwrap_or(Arrivals::Even);
    let stages = match fields.entry("rate").map(|entry| &entry.node.value) {
        Some(Value::List(_)) => {
            let tables = fields.tables("rate", &STAGE)?;
            let last = tables.len().checked_sub(1);
            let each = tables.iter().enumerate().map(|(i, inner)| stage(inner, Some(i) == last));
            each.collect::<Option<Vec<Stage>>>()?
        }
        _ => {
            let needed = "a rate such as `\"10 per 1s\"`, or a list of stages";
            let rate = fields.parsed("rate", needed, notation::rate)?;
            let rate = divided(fields, "rate", rate)?;
            vec![Stage { length: None, from: rate, to: rate }]
        }
    };
    let idle = |s: &&Stage| (s.from.count, s.to.count) == (0, 0);
    let before = stages.iter().take_while(idle);
    let begins = before.fold(Span::ZERO, |sum, s| sum + s.length.unwrap_or(group));
    if stages.iter().all(|s| idle(&s)) || begins >= group {
        let why = "nobody ever comes: one rate must be above 0 before the group ends";
        fields.report("rate", why);
        return None;
    }
    Some(Load::Rate(stages, arrivals))
}

/// As many in a shorter time.
fn divided(fields: &Fields<'_>, key: &'static str, rate: Rate) -> Option<Rate> {
    let rate = Rate { per: fields.cx.divided(rate.per), ..rate };
    if notation::is_too_many(rate) {
        fields.report(key, "divided by `real_time.divide`, it is more than can be sent");
        return None;
    }
    Some(rate)
}

/// The last one may go on to the group's end.
fn stage(fields: &Fields<'_>, last: bool) -> Option<Stage> {
    if !last {
        fields.require("for", "for = \"10m\"");
    }
    fields.require("rate", "rate = \"10 per 1s\"");
    let length = fields.duration("for", Sign::Positive);
    let read = |key| {
        let rate = fields.parsed(key, "a rate such as `\"10 per 1s\"`", notation::rate)?;
        divided(fields, key, rate)
    };
    let from: Option<Rate> = read("rate");
    let to = if fields.has("to") { read("to") } else { from };
    if length.is_none() && fields.has("to") {
        fields.report("to", "how long it takes must be said: add `for`");
        return None;
    }
    if length.is_none() && !last {
        return None;
    }
    Some(Stage { length, from: from?, to: to? })
}
