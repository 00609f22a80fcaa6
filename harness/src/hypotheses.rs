//! Which observations of the incident each hypothesis reproduces: the book's generated table.
//!
//! Every scenario of the incident is run under every hypothesis. An expectation says which
//! observations it shows (`shows = ["O2"]`); an observation is met when every expectation that
//! shows it held. The fact sheet's own reading (§7.3), made before there was a model, stands
//! beside it.

use std::collections::BTreeMap;
use std::io;

use revlab_sut::profile::Hypothesis;

use crate::exec::{self, Options, RunError, Transport};
use crate::judge::{self, Finding, Status};
use crate::scenario::Scenario;

/// An observation of the incident (fact sheet §0) with the letters that §7.3 judges it by.
struct Observation {
    label: &'static str,
    words: &'static str,
    letters: &'static str,
}

const OBSERVATIONS: [Observation; 12] = [
    row("O1", "two 2008 R2 machines in a workgroup, client certificate required", ""),
    row("O2", "403 with 0x80092013 now and then, for about an hour, heals without action", "bc"),
    row("O3", "lab: base and delta are normally fetched about hourly", ""),
    row("O4", "right before an outage only the delta is fetched", "a"),
    row("O5", "only a delta is dumped in X509Objects for that time", "a"),
    row("O6", "the five CRL lines of the CA's log", "aij"),
    row("O7", "the CA certificate is in the Root and Intermediate stores", ""),
    row("O8", "production (1 week / 1 day) fails after about a week", "d"),
    row("O9", "certutil -verify -urlfetch is fine during an outage", "e"),
    row("O10", "deleting caches and restarting IIS do not help, a reboot does", "fgh"),
    row("O11", "the OCSP URL is the CA's .crt, and it is tried", ""),
    row("O12", "KB2666300 cures it", ""),
];

const fn row(label: &'static str, words: &'static str, letters: &'static str) -> Observation {
    Observation { label, words, letters }
}

/// What §7.3 says of each hypothesis for (a) to (j): `+` explained, `~` partly, `-` contradicted,
/// `.` not judged.
const SHEET: [(Hypothesis, &str); 8] = [
    (Hypothesis::H0, "+-~-+---.+"),
    (Hypothesis::H1a, "++-~~++~.~"),
    (Hypothesis::H1b, "++++-++-.+"),
    (Hypothesis::H1c, "++++++++.~"),
    (Hypothesis::H1d, "++++++++.~"),
    (Hypothesis::H2, "-~+~~++-+~"),
    (Hypothesis::H4, "+~+~++++~+"),
    (Hypothesis::H5, "+~+~++++.+"),
];

/// What a hypothesis makes of the scenarios.
struct Column {
    hypothesis: Hypothesis,
    /// By observation: the expectations that show it, each with its place.
    shown: BTreeMap<String, Vec<(String, Finding)>>,
}

/// Runs the scenarios under every hypothesis and writes the table as Markdown.
///
/// # Errors
///
/// A scenario that cannot be set up.
pub fn table(scenarios: &[Scenario]) -> Result<String, RunError> {
    let mut columns = Vec::new();
    for (_, hypothesis) in Hypothesis::NAMES {
        columns.push(column(scenarios, hypothesis)?);
    }
    Ok(render(&columns))
}

fn column(scenarios: &[Scenario], hypothesis: Hypothesis) -> Result<Column, RunError> {
    let mut shown: BTreeMap<String, Vec<(String, Finding)>> = BTreeMap::new();
    for scenario in scenarios {
        let mut scenario = scenario.clone();
        for sut in scenario.suts.values_mut() {
            sut.profile = sut.profile.with_hypothesis(hypothesis);
        }
        let run = exec::run(&scenario, Transport::Sim, &Options::default(), &mut io::sink())?;
        for finding in judge::judge(&scenario, &run.trace).findings {
            let variant = scenario.variant.as_deref().unwrap_or("default");
            let place = format!("{} {variant}: {}", scenario.name, finding.name);
            for label in finding.shows.clone() {
                shown.entry(label).or_default().push((place.clone(), finding.clone()));
            }
        }
    }
    Ok(Column { hypothesis, shown })
}

fn render(columns: &[Column]) -> String {
    let mut text = String::from("| observation |");
    columns.iter().for_each(|c| text.push_str(&format!(" {} |", c.hypothesis)));
    text.push_str("\n|---|");
    columns.iter().for_each(|_| text.push_str("---|"));
    for observation in &OBSERVATIONS {
        text.push_str(&format!("\n| **{}** {} |", observation.label, observation.words));
        for column in columns {
            text.push_str(&format!(" {} |", cell(column, observation)));
        }
    }
    text.push_str("\n\n");
    text.push_str(&misses(columns));
    text
}

/// `met`, `not met` or `given`, and behind a slash the fact sheet's marks.
fn cell(column: &Column, observation: &Observation) -> String {
    let model = match column.shown.get(observation.label) {
        None => "given",
        Some(findings) if findings.iter().all(|(_, f)| f.verdict == Status::Held) => "**met**",
        Some(_) => "not met",
    };
    let marks = SHEET.iter().find(|(h, _)| *h == column.hypothesis).map_or("", |(_, m)| m);
    let sheet: Vec<&str> = observation
        .letters
        .bytes()
        .filter_map(|letter| marks.as_bytes().get(usize::from(letter - b'a')))
        .map(|mark| match mark {
            b'+' => "✔",
            b'~' => "~",
            b'-' => "✘",
            _ => "–",
        })
        .collect();
    if sheet.is_empty() { model.to_owned() } else { format!("{model} / {}", sheet.join("")) }
}

/// What each hypothesis misses, and what was seen instead.
fn misses(columns: &[Column]) -> String {
    let mut text = String::new();
    for column in columns {
        text.push_str(&format!("### {} misses\n\n", column.hypothesis));
        let mut places = BTreeMap::new();
        for (label, findings) in &column.shown {
            for (place, finding) in findings.iter().filter(|(_, f)| f.verdict != Status::Held) {
                let entry = places.entry(place).or_insert((Vec::new(), &finding.seen));
                entry.0.push(label.as_str());
            }
        }
        if places.is_empty() {
            text.push_str("nothing.\n\n");
            continue;
        }
        for (place, (labels, seen)) in places {
            text.push_str(&format!("- {} ({place}): {seen}\n", labels.join(", ")));
        }
        text.push('\n');
    }
    text
}
