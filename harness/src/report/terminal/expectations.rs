//! Each expectation: held or not, and what was seen.

use super::Page;
use super::paint::{Tone, tone};
use super::wrap::labelled;
use crate::judge::{Finding, Status};

/// Column of the texts below a name.
const INDENT: usize = 13;

pub(super) fn section(page: &Page<'_>) -> Vec<String> {
    if page.judgement.findings.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![page.paint.text(Tone::Heading, "Expectations")];
    for finding in &page.judgement.findings {
        lines.extend(one(page, finding));
    }
    lines
}

fn one(page: &Page<'_>, finding: &Finding) -> Vec<String> {
    let verdict = finding.verdict.as_str().to_uppercase();
    let shows = match finding.shows.is_empty() {
        true => String::new(),
        false => format!(" (shows {})", finding.shows.join(", ")),
    };
    let label = format!("{verdict} ");
    let known = finding.known.as_ref().map(|t| format!(", known as {t}")).unwrap_or_default();
    let name = format!("{}{shows}{known}", finding.name);
    let mut lines = labelled(&label, INDENT.max(label.len()), &name);
    if let Some(first) = lines.first_mut() {
        *first = first.replacen(&verdict, &page.paint.text(tone(finding.verdict), &verdict), 1);
    }
    if let Some(why) = &finding.why {
        lines.extend(labelled("  why", INDENT, why));
    }
    lines.extend(labelled("  expected", INDENT, &finding.expected));
    let seen = labelled("  seen", INDENT, &finding.seen);
    match finding.verdict {
        Status::Held => lines.extend(seen),
        Status::Cured => {
            lines.extend(seen);
            let words = "it holds, though it is known to fail: take `known` out of the scenario";
            lines.extend(labelled("  cured", INDENT, words));
        }
        other => lines.extend(seen.iter().map(|line| page.paint.text(tone(other), line))),
    }
    if finding.verdict != Status::Held && !finding.nearest.is_empty() {
        let numbers: Vec<String> = finding.nearest.iter().map(u64::to_string).collect();
        lines.extend(labelled("  records", INDENT, &numbers.join(", ")));
    }
    lines
}
