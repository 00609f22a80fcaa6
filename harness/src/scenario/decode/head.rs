//! The keys above the first table, and `[network]`.

use revlab_lab::network::Network;
use revlab_lab::{Seed, Span};

use super::super::notation;
use super::super::tree::{Table, Value};
use super::Spec;
use super::actors;
use super::context::{Context, Run};
use super::fields::Fields;
use super::times::Sign;

/// The scenario language that this reader knows.
const FORMAT: i64 = 1;

#[cfg(test)]
pub(super) const SPECS: &[&Spec] = &[&HEAD, &REAL_TIME, &NETWORK, &VARIANT];

const HEAD: Spec = Spec {
    path: "scenario",
    keys: &[
        "format",
        "title",
        "description",
        "tags",
        "seed",
        "start",
        "duration",
        "real_time",
        "extends",
        "remove",
        "template",
        "network",
        "ca",
        "sut",
        "validator",
        "clients",
        "fault",
        "operation",
        "expect",
        "variant",
    ],
    kinds: &[],
};

const NETWORK: Spec = Spec {
    path: "network",
    keys: &["round_trip", "name_error", "name_timeout", "connect_timeout"],
    kinds: &[],
};

/// What a variant may overlay.
pub(in crate::scenario) const VARIANT: Spec = Spec {
    path: "variant.NAME",
    keys: &[
        "remove",
        "title",
        "description",
        "tags",
        "seed",
        "start",
        "duration",
        "real_time",
        "network",
        "ca",
        "sut",
        "validator",
        "clients",
        "fault",
        "operation",
        "expect",
    ],
    kinds: &[],
};

/// By how much a run in real time may be shorter: to a second what was a day.
const DIVISORS: (u32, u32) = (2, 86_400);

const REAL_TIME: Spec = Spec { path: "real_time", keys: &["divide", "now", "always"], kinds: &[] };

/// What stands above the first table.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) title: String,
    pub(super) description: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) seed: Seed,
    pub(super) run: Option<Run>,
    /// By how much durations may be divided where the run is made in real time.
    pub(super) divide: Option<u32>,
    /// Whether real servers run it in real time in any case.
    pub(super) always_real: bool,
    pub(super) network: Network,
}

pub(super) fn decode(cx: &mut Context, tree: &Table) -> Option<Head> {
    let RealTime { divide, now, always } = real_time(cx, tree);
    cx.divisor = divide.filter(|_| now).map_or(0, i64::from);
    let cx = &*cx;
    let fields = Fields::over(cx, tree, actors::top(tree), "the scenario".into(), &HEAD);
    fields.require("format", "format = 1");
    fields.require("title", "title = \"The CRL is not fetched again\"");
    fields.require("start", "start = \"2014-04-16T00:00:00Z\"");
    fields.require("duration", "duration = \"24h\"");
    if let Some(entry) = fields.entry("format")
        && !matches!(entry.node.value, Value::Integer(FORMAT))
    {
        let is = entry.node.value.describe();
        let message = format!("`format` must be {FORMAT}, but is {is}");
        let help = format!("this revlab reads scenarios of format {FORMAT} only");
        cx.report_with(entry.node.place, message, help);
    }
    let title = fields.parsed("title", "a text", one_line);
    let description = fields.text("description").map(str::to_owned);
    let tags = fields.texts("tags").unwrap_or_default();
    let seed = fields.number("seed", 0, i64::MAX).unwrap_or(1);
    let run = run(&fields);
    let network = network(&fields);
    Some(Head {
        title: title?,
        description,
        tags: tags.into_iter().map(|(tag, _)| tag.to_owned()).collect(),
        seed: Seed(seed),
        run,
        divide,
        always_real: always,
        network,
    })
}

fn one_line(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err("must be one line that says something".into());
    }
    Ok(text.to_owned())
}

fn run(fields: &Fields<'_>) -> Option<Run> {
    let start = match fields.entry("start").map(|entry| &entry.node.value) {
        Some(Value::Time(time)) => {
            let read = notation::instant(&time.to_string());
            read.map_err(|error| fields.report("start", error)).ok()
        }
        _ => fields.parsed("start", "a time such as `\"2014-04-16T00:00:00Z\"`", notation::instant),
    };
    let duration = fields.duration("duration", Sign::Positive);
    Some(Run { start: start?, duration: duration? })
}

/// By how much durations may be divided, and whether they are.
/// What is said of runs in real time.
#[derive(Default)]
struct RealTime {
    divide: Option<u32>,
    now: bool,
    always: bool,
}

fn real_time(cx: &Context, tree: &Table) -> RealTime {
    let fields = Fields::over(cx, tree, actors::top(tree), "the scenario".into(), &HEAD);
    let Some(inner) = fields.table("real_time", &REAL_TIME) else { return RealTime::default() };
    let always = inner.boolean("always").unwrap_or(false);
    if !always {
        inner.require("divide", "divide = 60");
    }
    let (least, most) = DIVISORS;
    let divide = inner.number("divide", least.into(), most.into());
    RealTime { divide, now: inner.boolean("now").unwrap_or(false), always }
}

fn network(fields: &Fields<'_>) -> Network {
    let usual = Network::default();
    let Some(network) = fields.table("network", &NETWORK) else { return usual };
    let or =
        |key, usual: Span| network.duration_on_the_way(key, Sign::NotNegative).unwrap_or(usual);
    Network {
        round_trip: or("round_trip", usual.round_trip),
        name_error: or("name_error", usual.name_error),
        name_timeout: or("name_timeout", usual.name_timeout),
        connect_timeout: or("connect_timeout", usual.connect_timeout),
    }
}
