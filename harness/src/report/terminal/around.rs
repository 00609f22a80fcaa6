//! The first episodes in detail: what happened around each, and why its first attempt was not
//! admitted, by the steps of the SUT's check.

use revlab_lab::trace::{Attempt, Check, Step};
use revlab_lab::{Instant, Span};

use super::events::{self, Event};
use super::paint::Tone;
use super::wrap::labelled;
use super::{Page, episodes};
use crate::judge::index::At;
use crate::judge::{Episode, about, at, by_alert, result_words};
use crate::report::{facts, words};

/// So many episodes are shown in detail.
const MOST: usize = 3;
/// Where the texts of events begin.
const EVENT_INDENT: usize = 32;

pub(super) fn section(page: &Page<'_>) -> Vec<String> {
    let found = episodes::refused(page);
    let mut lines = Vec::new();
    for (i, episode) in found.iter().take(MOST).enumerate() {
        if i > 0 {
            lines.push(String::new());
        }
        lines.extend(one(page, episode, found.get(..i).unwrap_or_default()));
    }
    if found.len() > MOST {
        lines.push(String::new());
        lines.push(format!("({} more are in the table above)", found.len() - MOST));
    }
    lines
}

fn one(page: &Page<'_>, episode: &Episode, earlier: &[&Episode]) -> Vec<String> {
    let number = earlier.len() + 1;
    let what = result_words(episode.outcome, episode.status, episode.substatus, episode.code);
    let what = by_alert(what, episode.alert.as_ref());
    let heading = format!("Episode {number}: {what}");
    let mut lines = vec![page.paint.text(Tone::Heading, &heading)];
    let clients: Vec<&str> = episode.clients.iter().map(|c| &**c).collect();
    let facts = format!(
        "{} from {}, attempts of {}; ended {}",
        about(episode.length()),
        at(episode.begin),
        clients.join(", "),
        facts::ended(page.index, episode)
    );
    lines.extend(labelled("", 2, &facts));
    let sut = page.scenario.clients.values().find(|c| episode.clients.contains(&c.name));
    if let Some(sut) = sut.map(|c| &c.sut) {
        let events = events::around(page, episode, sut);
        lines.extend(events.iter().flat_map(|event| event_lines(page, episode.begin, event)));
    }
    lines.extend(why(page, episode, earlier));
    lines
}

fn event_lines(page: &Page<'_>, begin: Instant, event: &Event) -> Vec<String> {
    let after = about(event.t - begin);
    let relative = match after {
        Span::ZERO => "0s".to_owned(),
        before if before.is_negative() => before.to_string(),
        after => format!("+{after}"),
    };
    let label = format!("  {} {relative:>12}", episodes::moment(event.t));
    let lines = labelled(&label, EVENT_INDENT, &event.text);
    lines.iter().map(|line| page.paint.text(event.tone, line)).collect()
}

/// The steps of the check of the episode's first attempt, unless an earlier episode began with
/// the same ones.
fn why(page: &Page<'_>, episode: &Episode, earlier: &[&Episode]) -> Vec<String> {
    let Some((attempt, check)) = first_check(page, episode) else { return Vec::new() };
    let alike = |e: &&Episode| first_check(page, e).is_some_and(|(_, c)| same_steps(c, check));
    if let Some(number) = earlier.iter().position(alike) {
        return vec![format!("  why: by the same steps as in episode {}", number + 1)];
    }
    let process = check.process.as_deref().unwrap_or("the SUT");
    let offset = page.index.clocks.offset(&check.by, attempt.due);
    let clock = match offset {
        Span::ZERO => String::new(),
        // nextUpdate is judged by this clock, not by lab time.
        _ => format!(", whose clock reads {}", at(attempt.due + offset)),
    };
    let (identity, sut) = (&attempt.identity, &check.by);
    let heading = format!("why: the check of {identity} by {process} on {sut}{clock}");
    let mut lines = labelled("", 2, &heading);
    lines.extend(steps(check));
    lines
}

/// The steps of a check with their sources, and its verdict.
pub(super) fn steps(check: &Check) -> Vec<String> {
    let mut lines = Vec::new();
    for (i, step) in check.steps.iter().enumerate() {
        lines.extend(labelled(&format!("  {:>3}. ", i + 1), 7, &words::step(step)));
    }
    if let Some(verdict) = check.verdict {
        let name = revlab_lab::trace::Verdict::NAMES.iter().find(|(_, v)| *v == verdict);
        let code = check.code.map(|c| format!(", {c}")).unwrap_or_default();
        lines.extend(labelled(
            "       ",
            7,
            &format!("verdict: {}{code}", name.map_or("", |n| n.0)),
        ));
    }
    lines
}

/// Whether two checks took the same way, at other times and with other numbers.
fn same_steps(a: &Check, b: &Check) -> bool {
    let way = |c: &Check| -> Vec<_> {
        let detail = |step: &Step| match step {
            Step::Withheld { why, .. } => (Some(*why), None),
            Step::Lookup { state, .. } => (None, Some(*state)),
            _ => (None, None),
        };
        c.steps.iter().map(|s| (s.name(), detail(s))).collect()
    };
    (a.verdict, a.code) == (b.verdict, b.code) && way(a) == way(b)
}

fn first_check<'p>(page: &Page<'p>, episode: &Episode) -> Option<(&'p At<'p, Attempt>, &'p Check)> {
    let attempt = page.index.attempts.iter().find(|a| a.n == episode.first)?;
    let sut = &page.scenario.clients.get(&attempt.client)?.sut;
    Some((attempt, page.index.check_of(attempt, sut)?))
}
