//! `[expect.NAME]`.

use revlab_lab::Name;

use super::super::model::{Expectation, ExpectationKind, OrderItem};
use super::super::tree::Entry;
use super::Spec;
use super::context::Context;
use super::fields::Fields;
use super::filter;
use super::times::{Edge, Sign};

#[cfg(test)]
pub(super) const SPECS: &[&Spec] = &[&EXPECT, &ITEM];

const EXPECT: Spec = Spec {
    path: "expect.NAME",
    keys: &["why", "shows", "known", "from", "to"],
    kinds: &[
        &Spec {
            path: "expect.NAME.attempts",
            keys: &["share", "outcome", "code", "substatus", "by", "clients", "identity"],
            kinds: &[],
        },
        &Spec {
            path: "expect.NAME.episodes",
            keys: &[
                "outcome",
                "code",
                "substatus",
                "by",
                "clients",
                "identity",
                "count",
                "length",
                "heals",
                "first",
                "apart",
            ],
            kinds: &[],
        },
        &Spec {
            path: "expect.NAME.fetches",
            keys: &[
                "purpose",
                "url",
                "status",
                "succeeded",
                "process",
                "by",
                "unsolicited",
                "count",
                "during",
                "while_base_stale",
            ],
            kinds: &[],
        },
        &Spec { path: "expect.NAME.order", keys: &["sequence", "within", "only"], kinds: &[] },
        &Spec { path: "expect.NAME.follows", keys: &["after", "then", "within"], kinds: &[] },
        &Spec {
            path: "expect.NAME.checks",
            keys: &[
                "process", "by", "identity", "verdict", "code", "base", "count", "share", "during",
            ],
            kinds: &[],
        },
        &Spec { path: "expect.NAME.exposure", keys: &["at_most"], kinds: &[] },
        &Spec { path: "expect.NAME.log", keys: &["code", "file", "count"], kinds: &[] },
    ],
};

/// A fetch of `order.sequence`.
const ITEM: Spec = Spec {
    path: "expect.NAME.order.sequence",
    keys: &["purpose", "url", "status", "succeeded", "process", "by", "unsolicited", "at"],
    kinds: &[],
};

pub(super) fn decode(cx: &Context, name: Name, entry: &Entry) -> Option<Expectation> {
    let label = format!("expectation `{name}`");
    let fields = Fields::open(cx, &entry.node, entry.place, label, &EXPECT)?;
    let why = fields.text("why").map(str::to_owned);
    let shows = fields.texts("shows").unwrap_or_default();
    let shows = shows.into_iter().map(|(label, _)| label.to_owned()).collect();
    let known = fields.text("known").map(str::to_owned);
    let window = fields.window("from", "to");
    let kind = fields.kind().and_then(|(kind, fields)| expected(kind, &fields));
    Some(Expectation { name, why, shows, known, window, kind: kind? })
}

fn expected(kind: &str, fields: &Fields<'_>) -> Option<ExpectationKind> {
    match kind {
        "attempts" => attempts(fields),
        "episodes" => episodes(fields),
        "fetches" => fetches(fields),
        "order" => order(fields),
        "follows" => follows(fields),
        "checks" => checks(fields),
        "exposure" => {
            fields.require("at_most", "at_most = \"2h\"");
            let at_most = fields.duration("at_most", Sign::NotNegative)?;
            Some(ExpectationKind::Exposure { at_most })
        }
        "log" => Some(ExpectationKind::Log {
            code: fields.code("code"),
            file: fields.text("file").map(str::to_owned),
            count: filter::count(fields),
        }),
        _ => None,
    }
}

fn attempts(fields: &Fields<'_>) -> Option<ExpectationKind> {
    fields.require("share", "share = \"all\"");
    let share = fields.share("share");
    let of = filter::attempts(fields);
    let result = filter::result(fields);
    Some(ExpectationKind::Attempts { share: share?, of, result: result? })
}

fn episodes(fields: &Fields<'_>) -> Option<ExpectationKind> {
    let of = filter::attempts(fields);
    let result = filter::result(fields);
    let count = filter::count(fields);
    let length = fields.range("length");
    let heals = fields.boolean("heals");
    let first = fields.range("first");
    let apart = fields.range("apart");
    Some(ExpectationKind::Episodes { of, result: result?, count, length, heals, first, apart })
}

fn fetches(fields: &Fields<'_>) -> Option<ExpectationKind> {
    let of = filter::fetches(fields);
    let count = filter::count(fields);
    let during = filter::during(fields);
    let while_base_stale = fields.boolean("while_base_stale").unwrap_or(false);
    Some(ExpectationKind::Fetches { of, count, during, while_base_stale })
}

fn order(fields: &Fields<'_>) -> Option<ExpectationKind> {
    fields.require("sequence", "sequence = [{ purpose = \"base\", at = \"3h\" }]");
    fields.require("within", "within = \"30s\"");
    let items = fields.tables("sequence", &ITEM);
    if items.as_ref().is_some_and(Vec::is_empty) {
        fields.report("sequence", "holds no fetch; `fetches` with `count = \"= 0\"` says none");
    }
    let sequence = items.map(|items| items.iter().filter_map(item).collect::<Vec<_>>());
    let within = fields.duration("within", Sign::NotNegative);
    let only = filter::fetch_table(fields, "only");
    Some(ExpectationKind::Order { sequence: sequence?, within: within?, only })
}

fn item(fields: &Fields<'_>) -> Option<OrderItem> {
    fields.require("at", "at = \"3h\"");
    let of = filter::fetches(fields);
    let at = fields.instant("at", Edge::Begin);
    Some(OrderItem { of, at: at? })
}

fn follows(fields: &Fields<'_>) -> Option<ExpectationKind> {
    fields.require("after", "after = { purpose = \"ocsp\", succeeded = false }");
    fields.require("then", "then = { purpose = \"base\" }");
    fields.require("within", "within = \"20s\"");
    let after = filter::fetch_table(fields, "after");
    let then = filter::fetch_table(fields, "then");
    let within = fields.duration("within", Sign::NotNegative);
    Some(ExpectationKind::Follows { after: after?, then: then?, within: within? })
}

fn checks(fields: &Fields<'_>) -> Option<ExpectationKind> {
    let of = filter::checks(fields);
    let result = filter::check_result(fields);
    let during = filter::during(fields);
    let share = fields.share("share");
    if fields.has("count") && fields.has("share") {
        fields.report("share", "`count` says already how many; only one of them can be");
    }
    let count = match fields.has("share") {
        true => None,
        false => Some(filter::count(fields)),
    };
    Some(ExpectationKind::Checks { of, result, count, share, during })
}
