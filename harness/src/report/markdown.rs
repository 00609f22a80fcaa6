//! A run in short, as Markdown: for an issue, a pull request, or the summary of a CI job.

use revlab_lab::Outcome;
use revlab_lab::trace::Trace;

use super::facts;
use crate::judge::index::Index;
use crate::judge::{
    Episode, Finding, Judgement, Status, about, at, by_alert, counted, result_words,
};
use crate::scenario::Scenario;

/// More episodes than this are only counted.
const MOST: usize = 20;

/// The report of one run, ending in a line feed. It is GitHub's dialect, which GitLab has too.
pub fn render(scenario: &Scenario, trace: &Trace, judgement: &Judgement) -> String {
    let index = Index::new(scenario, trace);
    let status = judgement.status();
    let mut lines = vec![
        format!("### {} {}: {}", sign(status), status.as_str(), cell(&scenario.title)),
        String::new(),
        format!(
            "`{}`, {}. {}.",
            facts::run_name(scenario),
            facts::run_words(scenario, &index),
            cell(&facts::summary(judgement))
        ),
        String::new(),
    ];
    for (system, hypothesis) in facts::systems(&index) {
        let hypothesis = hypothesis.map(|words| format!("; {words}")).unwrap_or_default();
        lines.push(format!("* {}", cell(&format!("{system}{hypothesis}"))));
    }
    let clocks = facts::clocks(&index);
    if !clocks.is_empty() {
        lines.push(format!("* clocks: {}", cell(&clocks)));
    }
    lines.extend(expectations(&judgement.findings));
    lines.extend(episodes(&index, judgement));
    lines.push(String::new());
    lines.push(format!("Again: `{}`", facts::command(scenario, &index)));
    lines.join("\n") + "\n"
}

/// Readable where colours are not.
fn sign(status: Status) -> &'static str {
    match status {
        Status::Held => "✅",
        Status::Failed | Status::Cured => "❌",
        Status::Inconclusive | Status::Known => "⚠️",
    }
}

fn expectations(findings: &[Finding]) -> Vec<String> {
    if findings.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![
        String::new(),
        "| | expectation | expected | seen |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    lines.extend(findings.iter().map(|f| {
        let known = f.known.as_ref().map(|t| format!(" ({t})")).unwrap_or_default();
        format!(
            "| {} {} | {} | {} | {} |",
            sign(f.verdict),
            f.verdict.as_str(),
            cell(&format!("{}{known}", f.name)),
            cell(&f.expected),
            cell(&f.seen)
        )
    }));
    lines
}

fn episodes(index: &Index<'_>, judgement: &Judgement) -> Vec<String> {
    let total = index.attempts.len();
    let found: Vec<&Episode> =
        judgement.episodes.iter().filter(|e| e.outcome != Outcome::Admitted).collect();
    if total == 0 {
        return vec![String::new(), "No attempt was made.".to_owned()];
    }
    if found.is_empty() {
        let all = counted(total, "attempt");
        return vec![String::new(), format!("All {all} were admitted.")];
    }
    let attempts: u64 = found.iter().map(|e| e.attempts).sum();
    let mut lines = vec![
        String::new(),
        format!(
            "<details><summary>{attempts} of {} were not admitted, in {}</summary>",
            counted(total, "attempt"),
            counted(found.len(), "episode")
        ),
        String::new(),
        "| from (UTC) | length | attempts | client | outcome | ended |".to_owned(),
        "|---|---:|---:|---|---|---|".to_owned(),
    ];
    lines.extend(found.iter().take(MOST).map(|episode| row(index, episode)));
    if found.len() > MOST {
        lines.push(String::new());
        lines.push(format!("and {} more", counted(found.len() - MOST, "episode")));
    }
    lines.extend([String::new(), "</details>".to_owned()]);
    lines
}

fn row(index: &Index<'_>, episode: &Episode) -> String {
    let clients: Vec<&str> = episode.clients.iter().map(|c| &**c).collect();
    let came = result_words(episode.outcome, episode.status, episode.substatus, episode.code);
    format!(
        "| {} | {} | {} | {} | {} | {} |",
        at(episode.begin),
        about(episode.length()),
        episode.attempts,
        cell(&clients.join(", ")),
        cell(&by_alert(came, episode.alert.as_ref())),
        cell(&facts::ended(index, episode))
    )
}

/// A text that stays within its line and its cell, and in which nothing is markup.
pub(crate) fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\\' | '|' | '`' | '*' | '[' | ']' | '#' | '~' => safe.extend(['\\', c]),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::judge;
    use crate::judge::sample::Lab;
    use crate::report::sample::{healthy, outage};

    fn text(lab: &Lab) -> String {
        let (scenario, trace) = (lab.scenario(), lab.trace());
        render(&scenario, &trace, &judge(&scenario, &trace))
    }

    #[test]
    fn an_outage_in_short() {
        insta::assert_snapshot!(text(&outage()));
    }

    #[test]
    fn a_healthy_run_and_an_empty_trace() {
        assert!(text(&healthy()).contains("All 144 attempts were admitted."));
        let scenario = outage().scenario();
        let judgement = judge(&scenario, &Trace::default());
        let text = render(&scenario, &Trace::default(), &judgement);
        assert!(text.contains("No attempt was made."), "{text}");
    }

    #[test]
    fn names_cannot_break_out_of_their_cells() {
        let mut lab = outage();
        lab.scenario.title = "a | b\n# <script>".to_owned();
        let text = text(&lab);
        assert!(text.contains("a \\| b \\# &lt;script&gt;"), "{text}");
    }
}
