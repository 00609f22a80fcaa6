//! Which run a report is of, and what it came to, in words that every report uses.

use std::collections::BTreeMap;

use revlab_lab::Span;
use revlab_sut::profile::{Hypothesis, Sheet};
use serde_json::Value;

use crate::jmeter::judged;
use crate::judge::index::Index;
use crate::judge::{Episode, Healing, Judgement, Status, at};
use crate::scenario::Scenario;

/// `kb2666300/lab, variant unpatched`.
pub(crate) fn run_name(scenario: &Scenario) -> String {
    match &scenario.variant {
        Some(variant) => format!("{}, variant {variant}", scenario.name),
        None => scenario.name.clone(),
    }
}

/// The hypothesis that a profile has by itself.
fn usual(profile: &BTreeMap<String, Value>) -> &'static str {
    let sheet = profile.get("profile").and_then(Value::as_str).and_then(Sheet::named);
    sheet.map_or(Hypothesis::H0, |sheet| sheet.hypothesis()).as_str()
}

/// Each SUT with its profile, and which hypothesis stands behind it, where one does.
pub(crate) fn systems(index: &Index<'_>) -> Vec<(String, Option<String>)> {
    let Some(header) = index.header else { return Vec::new() };
    let each = header.profiles.iter().map(|(name, profile)| {
        let hypothesis = profile.get("hypothesis").and_then(Value::as_str);
        let told = hypothesis.filter(|h| *h != usual(profile) || *h != "H0");
        let told =
            told.map(|h| format!("hypothesis {h} (inferred mechanism: no source describes it)"));
        (system(name, profile), told)
    });
    each.collect()
}

fn system(name: &str, profile: &BTreeMap<String, Value>) -> String {
    let said = |key: &str| profile.get(key).and_then(Value::as_str);
    if let Some(adapter) = said("adapter") {
        let what = [said("program"), said("address")].into_iter().flatten().next();
        let time = said("time").unwrap_or("unknown");
        let which = said("program").and(said("options")).unwrap_or(adapter);
        return format!("{name}: {which}, {}, in {time} time", what.unwrap_or("unknown"));
    }
    let of = profile.get("profile").and_then(Value::as_str).unwrap_or("without a profile");
    let updates = profile.get("updates").and_then(Value::as_array);
    let updates: Vec<&str> = updates.into_iter().flatten().filter_map(Value::as_str).collect();
    match updates.is_empty() {
        true => format!("{name}: {of}, no updates"),
        false => format!("{name}: {of} with {}", updates.join(" and ")),
    }
}

/// How long, from when, how connected, by which seed.
pub(crate) fn run_words(scenario: &Scenario, index: &Index<'_>) -> String {
    let transport = index.header.map_or("unknown", |h| &*h.transport);
    format!(
        "{} from {} (lab time, UTC), transport {transport}, seed {}",
        scenario.duration,
        at(scenario.start),
        scenario.seed.0
    )
}

/// Actors whose clocks do not read lab time; empty where all do.
pub(crate) fn clocks(index: &Index<'_>) -> String {
    let settings = index.clocks.settings().map(|(actor, since, offset)| {
        let from = match since <= index.start {
            true => String::new(),
            false => format!(" from {}", at(since)),
        };
        match offset {
            Span::ZERO => format!("{actor} reads lab time{from}"),
            ahead if !ahead.is_negative() => format!("{actor} is {ahead} ahead{from}"),
            behind => format!("{actor} is {} behind{from}", -behind),
        }
    });
    settings.collect::<Vec<_>>().join("; ")
}

/// The command that gives the same trace again; of a run that JMeter made, with its results.
pub(crate) fn command(scenario: &Scenario, index: &Index<'_>) -> String {
    let file = match scenario.name.contains('/') {
        true => format!("scenarios/{}.toml", scenario.name),
        false => format!("{}.toml", scenario.name),
    };
    let by_jtl = index.header.is_some_and(|header| header.transport == judged::JTL);
    let mut command = match by_jtl {
        true => format!("revlab jmeter judge RESULTS {file}"),
        false => format!("revlab run {file}"),
    };
    if let Some(variant) = &scenario.variant {
        command.push_str(&format!(" --variant {variant}"));
    }
    if by_jtl {
        return command;
    }
    command.push_str(&format!(" --seed {}", scenario.seed.0));
    let Some(header) = index.header else { return command };
    if let Some(profile) = header.profiles.get(&header.sut)
        && let Some(adapter) = profile.get("adapter").and_then(Value::as_str)
    {
        let said = |key: &str| profile.get(key).and_then(Value::as_str);
        match said("address").and(said("options")) {
            Some(address) => command.push_str(&format!(" --sut '{address}'")),
            None => command.push_str(&format!(" --sut {}", said("options").unwrap_or(adapter))),
        }
        if said("program").is_some() && said("time") == Some("real") {
            command.push_str(" --real-time");
        }
    } else if header.transport != "sim" {
        command.push_str(&format!(" --transport {}", header.transport));
    }
    let profile = header.profiles.get(&header.sut);
    if let Some(profile) = profile
        && let Some(named) = profile.get("hypothesis").and_then(Value::as_str)
        && named != usual(profile)
    {
        command.push_str(&format!(" --hypothesis {named}"));
    }
    command
}

/// How many expectations held, which did not, and why the run proves nothing where it does not.
pub(crate) fn summary(judgement: &Judgement) -> String {
    let number = |status| judgement.findings.iter().filter(|f| f.verdict == status).count();
    let total = judgement.findings.len();
    let mut parts = Vec::new();
    if total == 0 {
        parts.push("nothing was expected of this run".to_owned());
    } else if number(Status::Held) == total {
        parts.push(match total {
            1 => "the one expectation held".to_owned(),
            _ => format!("all {total} expectations held"),
        });
    } else {
        parts.push(format!("{} of {total} expectations held", number(Status::Held)));
    }
    for status in [Status::Failed, Status::Inconclusive, Status::Known, Status::Cured] {
        let findings = judgement.findings.iter().filter(|f| f.verdict == status);
        let names: Vec<String> = findings
            .map(|f| match &f.known {
                Some(ticket) => format!("{} ({ticket})", f.name),
                None => f.name.to_string(),
            })
            .collect();
        if !names.is_empty() {
            parts.push(format!("{}: {}", status.as_str(), names.join(", ")));
        }
    }
    parts.extend(
        judgement.inconclusive.iter().map(|reason| format!("the run proves nothing: {reason}")),
    );
    parts.join("; ")
}

/// How an episode ended, in short.
pub(crate) fn ended(index: &Index<'_>, episode: &Episode) -> String {
    match episode.healing {
        Healing::ByItself => "by itself".to_owned(),
        Healing::NotHealed => "not in the run".to_owned(),
        Healing::AfterOperation(record) => {
            let operation = index.operations.iter().find(|o| o.n == record);
            operation.map_or("after operation".to_owned(), |o| format!("after {}", o.what))
        }
    }
}
