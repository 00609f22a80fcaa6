//! What was run and what it came to.

use std::collections::BTreeMap;

use revlab_lab::Span;
use revlab_sut::profile::{Hypothesis, Sheet};
use serde_json::Value;

use super::paint::{Tone, tone};
use super::wrap::{labelled, wrap};
use super::{Page, WIDTH};
use crate::judge::{Status, at};

const INDENT: usize = 11;

pub(super) fn section(page: &Page<'_>) -> Vec<String> {
    // Reports of several runs come one after another.
    let mut lines = vec![page.paint.text(Tone::Quiet, &"═".repeat(WIDTH))];
    let title = wrap(&page.scenario.title, WIDTH);
    lines.extend(title.iter().map(|line| page.paint.text(Tone::Heading, line)));
    lines.extend(verdict(page));
    lines.extend(labelled("scenario", INDENT, &run_name(page)));
    lines.extend(systems(page));
    lines.extend(labelled("run", INDENT, &run_words(page)));
    lines.extend(clocks(page));
    lines.extend(labelled("again", INDENT, &command(page)));
    lines
}

/// What it came to, and which expectations did not hold.
fn verdict(page: &Page<'_>) -> Vec<String> {
    let status = page.judgement.status();
    let verdict = status.as_str().to_uppercase();
    let mut lines = labelled(&verdict, INDENT.max(verdict.len() + 2), &summary(page));
    if let Some(first) = lines.first_mut() {
        *first = first.replacen(&verdict, &page.paint.text(tone(status), &verdict), 1);
    }
    lines
}

fn run_name(page: &Page<'_>) -> String {
    match &page.scenario.variant {
        Some(variant) => format!("{}, variant {variant}", page.scenario.name),
        None => page.scenario.name.clone(),
    }
}

/// The hypothesis that a profile has by itself.
fn usual(profile: &BTreeMap<String, Value>) -> &'static str {
    let sheet = profile.get("profile").and_then(Value::as_str).and_then(Sheet::named);
    sheet.map_or(Hypothesis::H0, |sheet| sheet.hypothesis()).as_str()
}

/// Each SUT with its profile, and which hypothesis stands behind it.
fn systems(page: &Page<'_>) -> Vec<String> {
    let Some(header) = page.index.header else { return Vec::new() };
    let mut lines = Vec::new();
    for (name, profile) in &header.profiles {
        lines.extend(labelled("system", INDENT, &system(name, profile)));
        let hypothesis = profile.get("hypothesis").and_then(Value::as_str);
        if let Some(hypothesis) = hypothesis.filter(|h| *h != usual(profile) || *h != "H0") {
            let words =
                format!("hypothesis {hypothesis} (inferred mechanism: no source describes it)");
            lines.extend(labelled("", INDENT, &words));
        }
    }
    lines
}

fn system(name: &str, profile: &BTreeMap<String, Value>) -> String {
    let said = |key: &str| profile.get(key).and_then(Value::as_str);
    if let Some(adapter) = said("adapter") {
        let what = [said("program"), said("address")].into_iter().flatten().next();
        let time = said("time").unwrap_or("unknown");
        return format!("{name}: {adapter}, {}, in {time} time", what.unwrap_or("unknown"));
    }
    let of = profile.get("profile").and_then(Value::as_str).unwrap_or("without a profile");
    let updates = profile.get("updates").and_then(Value::as_array);
    let updates: Vec<&str> = updates.into_iter().flatten().filter_map(Value::as_str).collect();
    match updates.is_empty() {
        true => format!("{name}: {of}, no updates"),
        false => format!("{name}: {of} with {}", updates.join(" and ")),
    }
}

fn run_words(page: &Page<'_>) -> String {
    let scenario = page.scenario;
    let transport = page.index.header.map_or("unknown", |h| &*h.transport);
    format!(
        "{} from {} (lab time, UTC), transport {transport}, seed {}",
        scenario.duration,
        at(scenario.start),
        scenario.seed.0
    )
}

/// Actors whose clocks do not read lab time.
fn clocks(page: &Page<'_>) -> Vec<String> {
    let settings: Vec<String> = page
        .index
        .clocks
        .settings()
        .map(|(actor, since, offset)| {
            let from = match since <= page.index.start {
                true => String::new(),
                false => format!(" from {}", at(since)),
            };
            match offset {
                Span::ZERO => format!("{actor} reads lab time{from}"),
                ahead if !ahead.is_negative() => format!("{actor} is {ahead} ahead{from}"),
                behind => format!("{actor} is {} behind{from}", -behind),
            }
        })
        .collect();
    match settings.is_empty() {
        true => Vec::new(),
        false => labelled("clocks", INDENT, &settings.join("; ")),
    }
}

/// The command that gives the same trace again.
fn command(page: &Page<'_>) -> String {
    let scenario = page.scenario;
    let file = match scenario.name.contains('/') {
        true => format!("scenarios/{}.toml", scenario.name),
        false => format!("{}.toml", scenario.name),
    };
    let mut command = format!("revlab run {file}");
    if let Some(variant) = &scenario.variant {
        command.push_str(&format!(" --variant {variant}"));
    }
    command.push_str(&format!(" --seed {}", scenario.seed.0));
    let Some(header) = page.index.header else { return command };
    if let Some(profile) = header.profiles.get(&header.sut)
        && let Some(adapter) = profile.get("adapter").and_then(Value::as_str)
    {
        let said = |key: &str| profile.get(key).and_then(Value::as_str);
        match said("address").and(said("options")) {
            Some(address) => command.push_str(&format!(" --sut '{address}'")),
            None => command.push_str(&format!(" --sut {adapter}")),
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

fn summary(page: &Page<'_>) -> String {
    let judgement = page.judgement;
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
    for status in [Status::Failed, Status::Inconclusive] {
        let names: Vec<&str> =
            judgement.findings.iter().filter(|f| f.verdict == status).map(|f| &*f.name).collect();
        if !names.is_empty() {
            parts.push(format!("{}: {}", status.as_str(), names.join(", ")));
        }
    }
    parts.extend(
        judgement.inconclusive.iter().map(|reason| format!("the run proves nothing: {reason}")),
    );
    parts.join("; ")
}
