//! How often what was fetched, and what came of it.

use comfy_table::{CellAlignment, Table, presets};

use super::Page;
use super::paint::Tone;
use super::wrap::cut;
use crate::report::{summary, words};

/// More rows than this are left out.
const MOST: usize = 16;

pub(super) fn section(page: &Page<'_>) -> Vec<String> {
    let counts = summary::fetches(page.index);
    if counts.is_empty() {
        return vec!["Nothing was fetched.".to_owned()];
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for count in counts.iter().take(MOST) {
        let result = match (count.error, count.status) {
            (Some(error), _) => error.as_str().to_owned(),
            (None, Some(status)) => format!("status {status}"),
            (None, None) => "no answer".to_owned(),
        };
        let result = match &count.rejected {
            Some(why) => format!("{result}, not usable: {why}"),
            None => result,
        };
        let process = match count.unsolicited {
            true => format!("{} (unsolicited)", count.process),
            false => count.process.to_string(),
        };
        table.add_row([
            count.count.to_string(),
            words::noun(count.purpose).to_owned(),
            if count.succeeded { "fetched" } else { "in vain" }.to_owned(),
            cut(&result, 32),
            cut(&format!("{} {process}", count.by), 28),
        ]);
    }
    if let Some(column) = table.column_mut(0) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut lines = vec![page.paint.text(Tone::Heading, "Fetches")];
    lines.extend(table.lines());
    if counts.len() > MOST {
        lines.push(format!("and {} kinds more, see report.json", counts.len() - MOST));
    }
    lines
}
