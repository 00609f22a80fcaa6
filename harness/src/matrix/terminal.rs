//! A matrix for a terminal.

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};

use super::Matrix;
use super::rows::{DIFFER, Shown, UNLIKE, rows, summary};

/// Columns of a terminal, at least.
const WIDTH: u16 = 100;
/// Room for one system under test.
const COLUMN: u16 = 36;

/// A table with the summary below it; with `colour` fail-open is red. Where cells were kept, their
/// folders stand in `matrix.md` and `matrix.html`; here the commands of those that are open.
pub fn render(matrix: &Matrix, colour: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    let columns = u16::try_from(matrix.suts.len() + 1).unwrap_or(u16::MAX);
    table.set_width(WIDTH.max(columns.saturating_mul(COLUMN)));
    let head = ["scenario".to_owned()].into_iter().chain(matrix.suts.iter().cloned());
    table.set_header(head);
    for row in rows(matrix) {
        let name = if row.differ { format!("{}\n{DIFFER}", row.name) } else { row.name };
        let cells = row.cells.iter().map(|it| it.as_ref().map_or_else(String::new, text));
        table.add_row([name].into_iter().chain(cells));
    }
    let mut lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    let red = AnsiColor::Red.on_default().bold();
    let style = if colour { red } else { Style::new() };
    for cell in matrix.cells.iter().filter(|cell| !cell.fail_open.is_empty()) {
        let why = cell.fail_open.join("; ");
        lines.push(format!("{style}FAIL-OPEN {}: {why}{style:#}", cell.name()));
        lines.push(format!("  {}", cell.command));
    }
    lines.push(summary(matrix));
    lines.join("\n") + "\n"
}

fn text(it: &Shown<'_>) -> String {
    let alarm = it.alarm.iter().map(|_| "FAIL-OPEN".to_owned()).take(1);
    let unlike = it.unlike_model.then(|| UNLIKE.to_owned());
    let all: Vec<String> = alarm.chain(it.lines.iter().cloned()).chain(unlike).collect();
    all.join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn what_differs_is_marked_and_what_is_open_is_said_below() {
        let mut matrix = sample::matrix();
        matrix.cells[1].fail_open = vec!["2 × revoked, admitted".to_owned()];
        let text = render(&matrix, false);
        for part in
            ["during: good", "≠ model", "skipped:", "FAIL-OPEN matrix/transport, down @ s_server"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(
            text.ends_with(
                "3 of 3 cells: 2 ran, 0 inconclusive, 1 skipped, 0 refused; 1 fail-open\n"
            ),
            "{text}"
        );
        assert!(render(&matrix, true).contains("\u{1b}[1m\u{1b}[31mFAIL-OPEN"));
    }
}
