//! A comparison as Markdown, for an issue or the summary of a CI job.

use super::Comparison;
use super::sections::{self, Section};
use crate::report::markdown::cell;

/// It is GitHub's dialect, which GitLab has too; `worse` as [`super::rules::worse`] gives it.
pub fn render(it: &Comparison, worse: &[String]) -> String {
    let sign = if worse.is_empty() { "✅" } else { "❌" };
    let mut lines = vec![
        format!("### {sign} {}", cell(&sections::verdict(worse))),
        String::new(),
        format!("* A: {}", cell(&sections::side(&it.a))),
        format!("* B: {}", cell(&sections::side(&it.b))),
    ];
    lines.extend(sections::sections(it).iter().flat_map(section));
    lines.join("\n") + "\n"
}

fn section(it: &Section) -> Vec<String> {
    let mut lines = vec![String::new(), format!("**{}**", it.heading)];
    for line in &it.lines {
        lines.extend([String::new(), cell(line)]);
    }
    if let Some(table) = &it.table {
        let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
        lines.push(String::new());
        lines.push(row(table.head.iter().map(|head| cell(head.trim())).collect()));
        let rule = |head: &&str| if head.starts_with(' ') { "---:" } else { "---" }.to_owned();
        lines.push(row(table.head.iter().map(rule).collect()));
        lines.extend(table.rows.iter().map(|r| row(r.iter().map(|text| cell(text)).collect())));
    }
    lines
}
