//! The episodes in which clients were not admitted, in one table.

use comfy_table::{CellAlignment, Table, presets};
use revlab_lab::{Instant, Outcome};

use super::paint::Tone;
use super::wrap::cut;
use super::{Page, WIDTH};
use crate::judge::{Episode, about, counted, result_words};
use crate::report::facts;

/// More episodes than this are only counted.
const MOST: usize = 20;

/// The episodes other than admitted, in their order.
pub(super) fn refused<'p>(page: &Page<'p>) -> Vec<&'p Episode> {
    page.judgement.episodes.iter().filter(|e| e.outcome != Outcome::Admitted).collect()
}

pub(super) fn section(page: &Page<'_>) -> Vec<String> {
    let found = refused(page);
    let total = page.index.attempts.len();
    if total == 0 {
        return vec![page.paint.text(Tone::Doubt, "No attempt was made.")];
    }
    if found.is_empty() {
        let text = format!("All {} were admitted.", counted(total, "attempt"));
        return vec![page.paint.text(Tone::Good, &text)];
    }
    let attempts: u64 = found.iter().map(|e| e.attempts).sum();
    let heading = format!(
        "{attempts} of {} were not admitted, in {}:",
        counted(total, "attempt"),
        counted(found.len(), "episode")
    );
    let mut lines = vec![page.paint.text(Tone::Bad, &heading)];
    lines.extend(table(page, &found));
    if found.len() > MOST {
        lines.push(format!("and {} more", counted(found.len() - MOST, "episode")));
    }
    lines
}

fn table(page: &Page<'_>, found: &[&Episode]) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["", "from", "length", "attempts", "client", "outcome", "ended"]);
    for (i, episode) in found.iter().take(MOST).enumerate() {
        let clients: Vec<&str> = episode.clients.iter().map(|c| &**c).collect();
        table.add_row([
            (i + 1).to_string(),
            moment(episode.begin),
            about(episode.length()).to_string(),
            episode.attempts.to_string(),
            cut(&clients.join(", "), 10),
            cut(&short(episode), 26),
            facts::ended(page.index, episode),
        ]);
    }
    for column in [0, 2, 3] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| cut(line.trim_end(), WIDTH)).collect()
}

/// Lab time without the year, which the head of the report has.
pub(super) fn moment(t: Instant) -> String {
    let (_, month, day, hour, minute, second, _) = t.civil();
    format!("{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// Without the symbol of the code, which the details have.
fn short(episode: &Episode) -> String {
    let words = result_words(episode.outcome, episode.status, episode.substatus, episode.code);
    let symbol = episode.code.and_then(|c| c.symbol()).unwrap_or_default();
    let words = words.replace(" with ", " ").replace(symbol, "");
    let words = words.replace(',', "").trim_end().to_owned();
    match &episode.alert {
        // An alert is a refusal, and the column is narrow.
        Some(alert) => format!("alert {alert}"),
        None => words,
    }
}
