//! What was run and what it came to.

use super::paint::{Tone, tone};
use super::wrap::{labelled, wrap};
use super::{Page, WIDTH};
use crate::report::facts;

const INDENT: usize = 11;

pub(super) fn section(page: &Page<'_>) -> Vec<String> {
    // Reports of several runs come one after another.
    let mut lines = vec![page.paint.text(Tone::Quiet, &"═".repeat(WIDTH))];
    let title = wrap(&page.scenario.title, WIDTH);
    lines.extend(title.iter().map(|line| page.paint.text(Tone::Heading, line)));
    lines.extend(verdict(page));
    lines.extend(labelled("scenario", INDENT, &facts::run_name(page.scenario)));
    for (system, hypothesis) in facts::systems(page.index) {
        lines.extend(labelled("system", INDENT, &system));
        lines.extend(hypothesis.iter().flat_map(|words| labelled("", INDENT, words)));
    }
    lines.extend(labelled("run", INDENT, &facts::run_words(page.scenario, page.index)));
    let clocks = facts::clocks(page.index);
    if !clocks.is_empty() {
        lines.extend(labelled("clocks", INDENT, &clocks));
    }
    lines.extend(labelled("again", INDENT, &facts::command(page.scenario, page.index)));
    lines
}

/// What it came to, and which expectations did not hold.
fn verdict(page: &Page<'_>) -> Vec<String> {
    let status = page.judgement.status();
    let verdict = status.as_str().to_uppercase();
    let indent = INDENT.max(verdict.len() + 2);
    let mut lines = labelled(&verdict, indent, &facts::summary(page.judgement));
    if let Some(first) = lines.first_mut() {
        *first = first.replacen(&verdict, &page.paint.text(tone(status), &verdict), 1);
    }
    lines
}
