//! A comparison for a terminal.

use comfy_table::{CellAlignment, Table, presets};

use super::Comparison;
use super::sections::{self, Section};
use crate::report::wrap::{WIDTH, cut, labelled};

/// At most 100 columns wide, ending in a line feed; `worse` as [`super::rules::worse`] gives it.
pub fn render(it: &Comparison, worse: &[String]) -> String {
    let mut lines = vec!["═".repeat(WIDTH)];
    lines.extend(labelled("", 0, &sections::verdict(worse)));
    lines.extend(labelled("A  ", 3, &sections::side(&it.a)));
    lines.extend(labelled("B  ", 3, &sections::side(&it.b)));
    lines.extend(sections::sections(it).iter().flat_map(section));
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn section(it: &Section) -> Vec<String> {
    let mut lines = vec![String::new(), it.heading.to_owned()];
    lines.extend(it.lines.iter().flat_map(|line| labelled("", 2, line)));
    if let Some(told) = &it.table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(told.head.iter().map(|head| head.trim()));
        for row in &told.rows {
            table.add_row(row.iter().map(|cell| cut(cell, CELL)));
        }
        for (i, head) in told.head.iter().enumerate() {
            if head.starts_with(' ')
                && let Some(column) = table.column_mut(i)
            {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        lines.extend(table.lines().map(|line| cut(line.trim_end(), WIDTH)));
    }
    lines
}

/// A cell is no wider: six of them make a line.
const CELL: usize = 34;
