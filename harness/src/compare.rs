//! Two runs held against one another: what a patch changed, and whether it made anything worse.
//!
//! A pure function of two scenarios and two traces. Attempts are the same where client, thread and
//! due time are; so the two should be variants of one scenario, or one scenario run by two versions
//! or with two settings.
//!
//! * [`rules`]: what counts as worse;
//! * [`terminal`], [`markdown`], [`html`]: for people, all from the same `sections`;
//! * JSON: a [`Comparison`] serialises as described in `docs/src/reference/report.md`.

pub mod html;
pub mod markdown;
mod pairs;
pub mod rules;
mod sections;
pub mod terminal;

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use revlab_lab::trace::Trace;
use revlab_lab::{Instant, Name, Outcome};
use serde::Serialize;
use serde_json::Value;

use crate::judge::index::Index;
use crate::judge::{Episode, Judgement, Status, exposure, judge, result_words};
use crate::report::{facts, words};
use crate::scenario::Scenario;

pub use pairs::{Attempts, Changed, Stretch};

/// Episodes of each side that are told one by one.
const MOST: usize = 20;

/// One of the two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// Scenario and variant.
    pub run: String,
    /// What it came to by its own expectations.
    pub status: Status,
    /// Why it proves nothing, where it does not.
    pub inconclusive: Vec<String>,
    /// Its systems under test.
    pub systems: Vec<String>,
    /// How long attempts took.
    pub latency: Option<Latency>,
    /// How long, in milliseconds, a revoked certificate was still admitted at the longest; none: no
    /// certificate was revoked that was admitted before and tried after it.
    pub exposure_ms: Option<i64>,
}

/// How long attempts took, from when they were due to their end, in milliseconds of lab time; within
/// a thousandth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Half took at most this.
    pub p50: u64,
    /// Nine of ten did.
    pub p90: u64,
    /// 99 of 100 did.
    pub p99: u64,
    /// The longest.
    pub max: u64,
}

/// Something that has a value on each side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// What it is.
    pub what: String,
    /// Its value in A; none: it is not there.
    pub a: Option<String>,
    /// Its value in B.
    pub b: Option<String>,
}

/// An episode that only one side has.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lone {
    /// Whose attempts.
    pub clients: Vec<Name>,
    /// What they came to.
    pub result: String,
    /// From when.
    pub begin: Instant,
    /// Until when.
    pub end: Instant,
    /// How many attempts.
    pub attempts: u64,
}

/// Episodes in which clients were not admitted.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Episodes {
    /// Those of A with no such episode of the same client in B at that time.
    pub gone: Vec<Lone>,
    /// Those of B with none in A.
    pub new: Vec<Lone>,
    /// How many of B overlap with one of A.
    pub both: usize,
}

/// How often something was fetched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Fetches {
    /// Who fetched.
    pub by: String,
    /// What, and whether it came.
    pub what: String,
    /// In A.
    pub a: u64,
    /// In B.
    pub b: u64,
}

/// What differs between two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The first.
    pub a: Side,
    /// The second.
    pub b: Side,
    /// Parameters of the systems under test, seed, transport: what was set otherwise.
    pub settings: Vec<Difference>,
    /// Attempt by attempt.
    pub attempts: Attempts,
    /// Episodes.
    pub episodes: Episodes,
    /// Counts of fetches, the unchanged ones too.
    pub fetches: Vec<Fetches>,
    /// Expectations of the same name that came to something else.
    pub expectations: Vec<Difference>,
    /// Those that held in A and do not in B.
    pub broken: Vec<Name>,
}

/// Holds B against A.
pub fn compare(a: (&Scenario, &Trace), b: (&Scenario, &Trace)) -> Comparison {
    let (index_a, index_b) = (Index::new(a.0, a.1), Index::new(b.0, b.1));
    let (judged_a, judged_b) = (judge(a.0, a.1), judge(b.0, b.1));
    let revoked = exposure::revoked(b.0, &index_b);
    let (expectations, broken) = expectations(&judged_a, &judged_b);
    Comparison {
        settings: settings(&index_a, &index_b),
        attempts: pairs::attempts(&index_a, &index_b, &revoked),
        episodes: episodes(&judged_a, &judged_b),
        fetches: fetches(&index_a, &index_b),
        expectations,
        broken,
        a: side(a.0, &index_a, judged_a),
        b: side(b.0, &index_b, judged_b),
    }
}

fn side(scenario: &Scenario, index: &Index<'_>, judgement: Judgement) -> Side {
    Side {
        run: facts::run_name(scenario),
        status: judgement.status(),
        inconclusive: judgement.inconclusive,
        systems: facts::systems(index).into_iter().map(system).collect(),
        latency: latency(index),
        exposure_ms: exposure::longest(scenario, index).map(|longest| longest.as_millis()),
    }
}

fn system((system, hypothesis): (String, Option<String>)) -> String {
    match hypothesis {
        Some(hypothesis) => format!("{system}, {hypothesis}"),
        None => system,
    }
}

/// From when an attempt was due, so that a server that stalls is not flattered by attempts that
/// could not begin.
fn latency(index: &Index<'_>) -> Option<Latency> {
    let mut histogram: Histogram<u64> = Histogram::new(3).ok()?;
    for attempt in &index.attempts {
        let took = attempt.began.unwrap_or(attempt.due) - attempt.due;
        let took = took.as_millis() + attempt.took_ms;
        histogram.record(u64::try_from(took).unwrap_or_default()).ok()?;
    }
    let at = |percent| histogram.value_at_percentile(percent);
    (!histogram.is_empty()).then(|| Latency {
        p50: at(50.0),
        p90: at(90.0),
        p99: at(99.0),
        max: histogram.max(),
    })
}

fn settings(a: &Index<'_>, b: &Index<'_>) -> Vec<Difference> {
    let (a, b) = (flat(a), flat(b));
    let mut all: Vec<&String> = a.keys().chain(b.keys()).collect();
    all.sort();
    all.dedup();
    let each = all.into_iter().map(|what| Difference {
        what: what.clone(),
        a: a.get(what).cloned(),
        b: b.get(what).cloned(),
    });
    each.filter(|d| d.a != d.b).collect()
}

/// Every setting on record, by its name: `web: updates`.
fn flat(index: &Index<'_>) -> BTreeMap<String, String> {
    let Some(header) = index.header else { return BTreeMap::new() };
    let mut all = BTreeMap::from([
        ("revlab".to_owned(), header.revlab.clone()),
        ("seed".to_owned(), header.seed.to_string()),
        ("transport".to_owned(), header.transport.clone()),
        ("start".to_owned(), header.start.to_string()),
        ("duration".to_owned(), revlab_lab::Span::from_millis(header.duration_ms).to_string()),
    ]);
    for (sut, profile) in &header.profiles {
        let plain = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        all.extend(profile.iter().map(|(name, value)| (format!("{sut}: {name}"), plain(value))));
    }
    all
}

fn episodes(a: &Judgement, b: &Judgement) -> Episodes {
    let bad = |judgement: &Judgement| -> Vec<Episode> {
        let all = judgement.episodes.iter().filter(|e| e.outcome != Outcome::Admitted);
        all.cloned().collect()
    };
    let (a, b) = (bad(a), bad(b));
    let meets = |it: &Episode, others: &[Episode]| {
        others.iter().any(|o| o.clients == it.clients && o.begin < it.end && it.begin < o.end)
    };
    let lone = |mine: &[Episode], others: &[Episode]| -> Vec<Lone> {
        mine.iter().filter(|e| !meets(e, others)).map(lone).collect()
    };
    Episodes {
        gone: lone(&a, &b),
        new: lone(&b, &a),
        both: b.iter().filter(|e| meets(e, &a)).count(),
    }
}

fn lone(it: &Episode) -> Lone {
    Lone {
        clients: it.clients.clone(),
        result: result_words(it.outcome, it.status, it.substatus, it.code),
        begin: it.begin,
        end: it.end,
        attempts: it.attempts,
    }
}

fn fetches(a: &Index<'_>, b: &Index<'_>) -> Vec<Fetches> {
    let mut counts: BTreeMap<(String, String), [u64; 2]> = BTreeMap::new();
    for (side, index) in [a, b].into_iter().enumerate() {
        for fetch in &index.fetches {
            let came = if fetch.succeeded() { "fetched" } else { "in vain" };
            let unsolicited = if fetch.unsolicited.is_some() { ", unsolicited" } else { "" };
            let what = format!("{}, {came}{unsolicited}", words::noun(fetch.purpose));
            let count =
                counts.entry((format!("{} {}", fetch.by, fetch.process), what)).or_default();
            if let Some(count) = count.get_mut(side) {
                *count += 1;
            }
        }
    }
    counts.into_iter().map(|((by, what), [a, b])| Fetches { by, what, a, b }).collect()
}

fn expectations(a: &Judgement, b: &Judgement) -> (Vec<Difference>, Vec<Name>) {
    let mut different = Vec::new();
    let mut broken = Vec::new();
    for after in &b.findings {
        let Some(before) = a.findings.iter().find(|f| f.name == after.name) else { continue };
        if before.verdict != after.verdict {
            different.push(Difference {
                what: after.name.to_string(),
                a: Some(before.verdict.as_str().to_owned()),
                b: Some(after.verdict.as_str().to_owned()),
            });
        }
        if before.verdict.exit_code() == 0 && after.verdict.exit_code() != 0 {
            broken.push(after.name.clone());
        }
    }
    (different, broken)
}

#[cfg(test)]
mod tests;
