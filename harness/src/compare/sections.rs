//! What is told of a comparison, whatever it is told in.

use revlab_lab::{Instant, Span};

use super::{Comparison, Difference, Lone, MOST, Side, Stretch};
use crate::judge::{about, at, counted};

/// Some lines, then a table, under a heading.
pub(super) struct Section {
    pub(super) heading: &'static str,
    pub(super) lines: Vec<String>,
    pub(super) table: Option<Table>,
}

/// A table; numbers are columns whose heads begin with a blank.
pub(super) struct Table {
    pub(super) head: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

/// `B is not worse`, or how it is.
pub(super) fn verdict(worse: &[String]) -> String {
    match worse.is_empty() {
        true => "B is not worse than A".to_owned(),
        false => format!("B is worse than A: {}", worse.join("; ")),
    }
}

pub(super) fn sections(it: &Comparison) -> Vec<Section> {
    let all = [settings(it), attempts(it), episodes(it), fetches(it), latency(it), exposure(it)];
    let mut all = Vec::from(all);
    all.extend(expectations(it));
    all
}

/// What a side is, in a line.
pub(super) fn side(it: &Side) -> String {
    let why = it.inconclusive.first().map(|why| format!(" ({why})")).unwrap_or_default();
    format!("{}: {}{why}; {}", it.run, it.status.as_str(), it.systems.join("; "))
}

fn table(head: Vec<&'static str>, rows: Vec<Vec<String>>) -> Option<Table> {
    (!rows.is_empty()).then_some(Table { head, rows })
}

fn or_dash(value: &Option<String>) -> String {
    value.clone().unwrap_or_else(|| "–".to_owned())
}

fn differences(all: &[Difference]) -> Vec<Vec<String>> {
    all.iter().map(|d| vec![d.what.clone(), or_dash(&d.a), or_dash(&d.b)]).collect()
}

fn settings(it: &Comparison) -> Section {
    let lines = match it.settings.is_empty() {
        true => vec!["the same on both sides".to_owned()],
        false => Vec::new(),
    };
    let table = table(vec!["setting", "A", "B"], differences(&it.settings));
    Section { heading: "What was set otherwise", lines, table }
}

fn attempts(it: &Comparison) -> Section {
    let attempts = &it.attempts;
    let mut line = format!(
        "{} on both sides: {} alike, {} newly admitted, {} newly refused, {} in another way",
        counted(usize::try_from(attempts.both).unwrap_or(usize::MAX), "attempt"),
        attempts.same,
        attempts.newly_admitted.count,
        attempts.newly_refused.count,
        attempts.otherwise.count
    );
    for (count, side) in [(attempts.only_a, 'A'), (attempts.only_b, 'B')] {
        if count > 0 {
            line.push_str(&format!("; {count} in {side} alone"));
        }
    }
    let mut lines = vec![line];
    let changed =
        [(&attempts.newly_refused, "newly refused"), (&attempts.newly_admitted, "newly admitted")];
    for (changed, what) in changed {
        if changed.revoked > 0 {
            lines.push(format!("{} of the {what} with a revoked certificate", changed.revoked));
        }
    }
    let groups = [&attempts.newly_refused, &attempts.newly_admitted, &attempts.otherwise]
        .map(|g| &g.stretches);
    let rows: Vec<_> =
        groups.iter().flat_map(|group| group.iter().take(MOST).map(stretch)).collect();
    let left: usize = groups.iter().map(|group| group.len().saturating_sub(MOST)).sum();
    if left > 0 {
        lines.push(format!("{} more are in the JSON", counted(left, "stretch")));
    }
    let head = vec!["from", "for", " attempts", "client", "in A", "in B"];
    Section { heading: "Attempts", lines, table: table(head, rows) }
}

fn stretch(it: &Stretch) -> Vec<String> {
    vec![
        at(it.from),
        about(it.to - it.from).to_string(),
        it.attempts.to_string(),
        it.client.to_string(),
        it.a.clone(),
        it.b.clone(),
    ]
}

fn episodes(it: &Comparison) -> Section {
    let episodes = &it.episodes;
    let line = format!(
        "{} gone, {} new, {} on both sides",
        episodes.gone.len(),
        episodes.new.len(),
        episodes.both
    );
    let row = |what: &str, lone: &Lone| {
        vec![
            what.to_owned(),
            at(lone.begin),
            length(lone.begin, lone.end),
            lone.attempts.to_string(),
            lone.clients.join(", "),
            lone.result.clone(),
        ]
    };
    let gone = episodes.gone.iter().take(MOST).map(|lone| row("gone", lone));
    let new = episodes.new.iter().take(MOST).map(|lone| row("new", lone));
    let head = vec!["", "from", "length", " attempts", "client", "outcome"];
    let heading = "Episodes in which clients were not admitted";
    Section { heading, lines: vec![line], table: table(head, new.chain(gone).collect()) }
}

fn length(from: Instant, to: Instant) -> String {
    about(to - from).to_string()
}

fn fetches(it: &Comparison) -> Section {
    let difference = |a: u64, b: u64| match b.cmp(&a) {
        std::cmp::Ordering::Equal => "=".to_owned(),
        std::cmp::Ordering::Greater => format!("+{}", b - a),
        std::cmp::Ordering::Less => format!("-{}", a - b),
    };
    let rows = it.fetches.iter().map(|f| {
        let numbers = [f.a.to_string(), f.b.to_string(), difference(f.a, f.b)];
        [f.by.clone(), f.what.clone()].into_iter().chain(numbers).collect()
    });
    let rows: Vec<_> = rows.collect();
    let lines = if rows.is_empty() { vec!["none on either side".to_owned()] } else { vec![] };
    let table = table(vec!["by", "what", " A", " B", " difference"], rows);
    Section { heading: "Fetches", lines, table }
}

fn latency(it: &Comparison) -> Section {
    let row = |name: &str, side: &Side| {
        let latency = side.latency?;
        let values = [latency.p50, latency.p90, latency.p99, latency.max];
        let spans =
            values.map(|ms| Span::from_millis(i64::try_from(ms).unwrap_or(i64::MAX)).to_string());
        Some([name.to_owned()].into_iter().chain(spans).collect())
    };
    let rows = [row("A", &it.a), row("B", &it.b)].into_iter().flatten().collect();
    let table = table(vec!["", " half", " 90%", " 99%", " longest"], rows);
    let lines = if table.is_none() { vec!["no attempts".to_owned()] } else { Vec::new() };
    Section { heading: "How long attempts took, from when they were due", lines, table }
}

fn exposure(it: &Comparison) -> Section {
    let words = |side: &Side| match side.exposure_ms {
        None => "no revocation to judge".to_owned(),
        Some(0) => "at once".to_owned(),
        Some(ms) => format!("after {}", about(Span::from_millis(ms))),
    };
    let line = match (it.a.exposure_ms, it.b.exposure_ms) {
        (None, None) => {
            "no certificate was revoked that was admitted before and tried after it".into()
        }
        _ => format!(
            "a revoked certificate is turned away: in A {}, in B {}",
            words(&it.a),
            words(&it.b)
        ),
    };
    Section { heading: "Exposure", lines: vec![line], table: None }
}

fn expectations(it: &Comparison) -> Option<Section> {
    let table = table(vec!["expectation", "A", "B"], differences(&it.expectations));
    table.map(|table| Section {
        heading: "Expectations that came to something else",
        lines: Vec::new(),
        table: Some(table),
    })
}
