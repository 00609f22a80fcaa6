//! A matrix as Markdown, for an issue or the summary of a CI job.

use super::rows::{DIFFER, Shown, UNLIKE, rows, summary};
use super::{Matrix, links};
use crate::report::markdown::cell as safe;

/// It is GitHub's dialect, which GitLab has too.
pub fn render(matrix: &Matrix) -> String {
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let mut head = vec!["scenario".to_owned()];
    head.extend(matrix.suts.iter().map(|sut| safe(sut)));
    let rule = head.iter().map(|_| "---".to_owned()).collect();
    let mut lines = vec![safe(&summary(matrix)), String::new(), line(head), line(rule)];
    for row in rows(matrix) {
        let mut cells = vec![safe(&row.name)];
        if row.differ {
            cells[0].push_str(&format!("<br>*{DIFFER}*"));
        }
        cells.extend(row.cells.iter().map(|it| it.as_ref().map_or_else(String::new, text)));
        lines.push(line(cells));
    }
    lines.extend([String::new(), "Each alone:".to_owned(), String::new(), "```sh".to_owned()]);
    lines.extend(matrix.cells.iter().map(|cell| cell.command.replace('\n', " ")));
    lines.push("```".to_owned());
    lines.join("\n") + "\n"
}

fn text(it: &Shown<'_>) -> String {
    let mut all: Vec<String> = it.alarm.iter().map(|why| format!("🔴 **{}**", safe(why))).collect();
    all.extend(it.lines.iter().map(|line| safe(line)));
    all.extend(it.unlike_model.then(|| format!("*{UNLIKE}*")));
    all.extend(links::to(it.cell, "trace.jsonl").map(|link| format!("[trace](<{link}>)")));
    all.join("<br>")
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_cell_links_to_its_trace_and_nothing_breaks_out_of_it() {
        let text = render(&sample::matrix());
        assert!(
            text.contains("[trace](<./s_server/matrix/transport/down/web/trace.jsonl>)"),
            "{text}"
        );
        assert!(text.contains("\\| here"), "{text}");
        assert!(text.contains("--variant down --sut s_server\n"), "{text}");
    }
}
