//! Checks step by step: of the first attempt of each outcome, and of what is nearest to each
//! expectation that failed.

use std::collections::BTreeSet;

use revlab_lab::trace::{Attempt, Check};

use super::Page;
use super::around::steps;
use super::wrap::labelled;
use crate::judge::index::At;
use crate::judge::{Status, at, result_words};

pub(super) fn section(page: &Page<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut known = BTreeSet::new();
    for attempt in &page.index.attempts {
        let Some(check) = check_of(page, attempt) else { continue };
        if known.insert((attempt.outcome, attempt.code)) {
            let result =
                result_words(attempt.outcome, attempt.status, attempt.substatus, attempt.code);
            explain(&format!("first {result}"), attempt, check, &mut lines);
        }
    }
    for finding in page.judgement.findings.iter().filter(|f| f.verdict == Status::Failed) {
        let nearest = finding.nearest.iter().find_map(|n| near(page, *n));
        if let Some((attempt, check)) = nearest {
            let what = format!("nearest to the failed expectation {}", finding.name);
            explain(&what, attempt, check, &mut lines);
        }
    }
    if !lines.is_empty() {
        lines.insert(0, String::from("Step by step"));
    }
    lines
}

fn explain(what: &str, attempt: &Attempt, check: &Check, lines: &mut Vec<String>) {
    let process = check.process.as_deref().unwrap_or("the SUT");
    let (identity, by) = (&attempt.identity, &check.by);
    let due = at(attempt.due);
    let heading = format!("{what}: {identity} at {due}, by {process} on {by}");
    lines.extend(labelled("", 2, &heading));
    lines.extend(steps(check));
}

/// The attempt of a record, or the one that a check of that record was made for.
fn near<'p>(page: &'p Page<'_>, n: u64) -> Option<(&'p Attempt, &'p Check)> {
    let check = page.index.checks.iter().find(|check| check.n == n);
    let made_for = |a: &&At<'p, Attempt>| {
        a.n == n || check.is_some_and(|c| a.checks.contains(&c.own.check) && serves(page, a, c.own))
    };
    let attempt = page.index.attempts.iter().find(made_for)?;
    Some((attempt, check_of(page, attempt)?))
}

fn serves(page: &Page<'_>, attempt: &Attempt, check: &Check) -> bool {
    page.scenario.clients.get(&attempt.client).is_some_and(|client| client.sut == check.by)
}

fn check_of<'p>(page: &'p Page<'_>, attempt: &Attempt) -> Option<&'p Check> {
    let sut = &page.scenario.clients.get(&attempt.client)?.sut;
    page.index.check_of(attempt, sut)
}
