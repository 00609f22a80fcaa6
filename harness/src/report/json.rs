//! `report.json`: what programs read about one run. Its fields are described in
//! `docs/src/reference/report.md`; they are only ever added to.

use std::collections::BTreeMap;

use revlab_lab::trace::Trace;
use revlab_lab::{Code, Instant, Name, Outcome};
use serde::Serialize;
use serde_json::Value;

use super::summary::{self, AttemptCount, FetchCount};
use crate::judge::index::Index;
use crate::judge::{Episode, Finding, Healing, Judgement, Status};
use crate::scenario::Scenario;

/// Version of the format.
const FORMAT: u32 = 1;

/// The report of one run, as JSON.
pub fn report(scenario: &Scenario, trace: &Trace, judgement: &Judgement) -> Value {
    let index = Index::new(scenario, trace);
    let header = index.header;
    let report = Report {
        format: FORMAT,
        scenario: &scenario.name,
        title: &scenario.title,
        variant: scenario.variant.as_ref(),
        status: judgement.status(),
        inconclusive: &judgement.inconclusive,
        seed: scenario.seed.0,
        transport: header.map(|h| &*h.transport),
        sut: header.map(|h| &*h.sut),
        profiles: header.map(|h| h.profiles.iter().map(|(n, p)| (&**n, profile(p))).collect()),
        start: scenario.start,
        duration_ms: scenario.duration.as_millis(),
        findings: judgement.findings.iter().map(finding).collect(),
        attempts: summary::attempts(&index),
        episodes: judgement.episodes.iter().map(episode).collect(),
        fetches: summary::fetches(&index),
    };
    // Only maps with keys that are not text, and failing serialisers, can make this fail.
    serde_json::to_value(report).unwrap_or_default()
}

/// The same as the text of the file.
pub fn text(scenario: &Scenario, trace: &Trace, judgement: &Judgement) -> String {
    format!("{:#}\n", report(scenario, trace, judgement))
}

#[derive(Serialize)]
struct Report<'a> {
    format: u32,
    scenario: &'a str,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<&'a Name>,
    status: Status,
    inconclusive: &'a [String],
    seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    transport: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sut: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profiles: Option<BTreeMap<&'a str, BTreeMap<&'static str, &'a Value>>>,
    start: Instant,
    duration_ms: i64,
    findings: Vec<FindingJson<'a>>,
    attempts: Vec<AttemptCount>,
    episodes: Vec<EpisodeJson<'a>>,
    fetches: Vec<FetchCount>,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    name: &'a Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    shows: &'a [String],
    verdict: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<&'a str>,
    expected: &'a str,
    seen: &'a str,
    #[serde(skip_serializing_if = "<[u64]>::is_empty")]
    nearest: &'a [u64],
}

#[derive(Serialize)]
struct EpisodeJson<'a> {
    clients: &'a [Name],
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    substatus: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Code>,
    #[serde(skip_serializing_if = "Option::is_none")]
    symbol: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<&'a Name>,
    begin: Instant,
    end: Instant,
    length_ms: i64,
    attempts: u64,
    first: u64,
    last: u64,
    healing: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<u64>,
}

/// What identifies a profile; every parameter of it is in the trace's header.
fn profile(all: &BTreeMap<String, Value>) -> BTreeMap<&'static str, &Value> {
    let names =
        ["profile", "hypothesis", "updates", "adapter", "program", "options", "address", "time"];
    names.into_iter().filter_map(|name| Some((name, all.get(name)?))).collect()
}

fn finding(finding: &Finding) -> FindingJson<'_> {
    FindingJson {
        name: &finding.name,
        why: finding.why.as_deref(),
        shows: &finding.shows,
        verdict: finding.verdict,
        known: finding.known.as_deref(),
        expected: &finding.expected,
        seen: &finding.seen,
        nearest: &finding.nearest,
    }
}

fn episode(episode: &Episode) -> EpisodeJson<'_> {
    let (healing, operation) = match episode.healing {
        Healing::ByItself => ("by_itself", None),
        Healing::AfterOperation(record) => ("after_operation", Some(record)),
        Healing::NotHealed => ("not_healed", None),
    };
    EpisodeJson {
        clients: &episode.clients,
        outcome: episode.outcome,
        status: episode.status,
        substatus: episode.substatus,
        code: episode.code,
        symbol: episode.code.and_then(Code::symbol),
        alert: episode.alert.as_ref(),
        begin: episode.begin,
        end: episode.end,
        length_ms: episode.length().as_millis(),
        attempts: episode.attempts,
        first: episode.first,
        last: episode.last,
        healing,
        operation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::judge;
    use crate::report::sample::outage;

    #[test]
    fn a_report_has_the_documented_fields_in_their_order() {
        let lab = outage();
        let (scenario, trace) = (lab.scenario(), lab.trace());
        let report = report(&scenario, &trace, &judge(&scenario, &trace));
        insta::assert_snapshot!(format!("{report:#}"));
    }

    #[test]
    fn the_same_run_gives_the_same_bytes() {
        let lab = outage();
        let (scenario, trace) = (lab.scenario(), lab.trace());
        let text = || report(&scenario, &trace, &judge(&scenario, &trace)).to_string();
        assert_eq!(text(), text());
    }
}
