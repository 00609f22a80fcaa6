//! Hour by hour, where a run is short enough for that: how many attempts came to what, and what
//! was fetched. Hours in which nothing went wrong are drawn together.

use comfy_table::{CellAlignment, Table, presets};
use revlab_lab::trace::Purpose;
use revlab_lab::{Instant, Outcome, Span};

use super::paint::Tone;
use super::{Page, episodes};

/// Longer runs are shown by what is around each episode alone.
const LONGEST: Span = Span::from_days(2);

/// What happened from `from` to `to`.
#[derive(Clone, Debug, Default, PartialEq)]
struct Stretch {
    from: Instant,
    to: Instant,
    admitted: u64,
    others: u64,
    /// OCSP, base, delta: fetched, in vain.
    fetched: [(u64, u64); 3],
}

pub(super) fn section(page: &Page<'_>) -> Vec<String> {
    if page.scenario.duration > LONGEST || episodes::refused(page).is_empty() {
        return Vec::new();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["from", "to", "admitted", "not", "", "OCSP", "base CRL", "delta CRL"]);
    for stretch in drawn_together(hours(page)) {
        let [ocsp, base, delta] = stretch.fetched;
        table.add_row([
            clock(stretch.from),
            clock(stretch.to),
            number(stretch.admitted),
            number(stretch.others),
            bar(&stretch),
            fetch_words(ocsp),
            fetch_words(base),
            fetch_words(delta),
        ]);
    }
    for column in [2, 3] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut lines = vec![page.paint.text(Tone::Heading, "Hour by hour")];
    lines.extend(table.lines());
    lines
}

/// One stretch for each hour of the run that is not empty.
fn hours(page: &Page<'_>) -> Vec<Stretch> {
    let (start, end) = (page.index.start, page.index.planned_end);
    let hour = Span::from_hours(1);
    let mut found: Vec<Stretch> = Vec::new();
    let mut from = start;
    while from < end {
        let to = (from + hour).min(end);
        found.push(Stretch { from, to, ..Stretch::default() });
        from = to;
    }
    let at = |t: Instant| usize::try_from((t - start).as_millis() / hour.as_millis()).ok();
    for attempt in &page.index.attempts {
        if let Some(stretch) = at(attempt.due).and_then(|i| found.get_mut(i)) {
            match attempt.outcome {
                Outcome::Admitted => stretch.admitted += 1,
                _ => stretch.others += 1,
            }
        }
    }
    for fetch in &page.index.fetches {
        let slot = match fetch.purpose {
            Purpose::Ocsp => 0,
            Purpose::Base => 1,
            Purpose::Delta => 2,
            Purpose::Issuer => continue,
        };
        let stretch = at(fetch.began).and_then(|i| found.get_mut(i));
        if let Some((fetched, in_vain)) = stretch.and_then(|s| s.fetched.get_mut(slot)) {
            *if fetch.succeeded() { fetched } else { in_vain } += 1;
        }
    }
    found
}

/// Consecutive hours in which every attempt was admitted become one stretch.
fn drawn_together(hours: Vec<Stretch>) -> Vec<Stretch> {
    let mut found: Vec<Stretch> = Vec::new();
    for hour in hours {
        match found.last_mut() {
            Some(last) if last.others == 0 && hour.others == 0 => {
                last.to = hour.to;
                last.admitted += hour.admitted;
                for (sum, more) in last.fetched.iter_mut().zip(hour.fetched) {
                    *sum = (sum.0 + more.0, sum.1 + more.1);
                }
            }
            _ => found.push(hour),
        }
    }
    found
}

/// Ten cells: how much of the stretch clients were not admitted.
fn bar(stretch: &Stretch) -> String {
    let total = stretch.admitted + stretch.others;
    if total == 0 {
        return String::new();
    }
    // Rounded up: one refused attempt is to be seen.
    let dark = (stretch.others * 10).div_ceil(total) as usize;
    format!("{}{}", "█".repeat(dark), ".".repeat(10 - dark.min(10)))
}

fn clock(t: Instant) -> String {
    let (_, month, day, hour, minute, ..) = t.civil();
    format!("{month:02}-{day:02} {hour:02}:{minute:02}")
}

fn number(n: u64) -> String {
    if n == 0 { "-".to_owned() } else { n.to_string() }
}

fn fetch_words((fetched, in_vain): (u64, u64)) -> String {
    match (fetched, in_vain) {
        (0, 0) => "-".to_owned(),
        (n, 0) => n.to_string(),
        (0, n) => format!("{n} in vain"),
        (n, m) => format!("{n}, {m} in vain"),
    }
}
