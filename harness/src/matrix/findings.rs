//! What each server did that its users would not expect, worst first, as a page of the book.

use super::{Cell, MODEL, Matrix, State};
use crate::report::markdown::cell as safe;

/// From when on an attempt is slow: longer than people wait for a page. Far from 5 and 10 s, which servers
/// have as time-outs: what they come to must not depend on the speed of the machine.
const SLOW_MS: i64 = 7_000;

/// How bad it is; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    FailOpen,
    Died,
    LockOut,
    Slow,
}

impl Rank {
    fn heading(self) -> &'static str {
        match self {
            Rank::FailOpen => "Let in without proof",
            Rank::Died => "Died",
            Rank::LockOut => "Locked out although the answer was there",
            Rank::Slow => "Kept waiting",
        }
    }
}

/// A page in Markdown. Servers alone are told of, never the model.
pub fn render(matrix: &Matrix) -> String {
    let mut all: Vec<(Rank, &Cell, String)> = Vec::new();
    for cell in matrix.cells.iter().filter(|c| c.sut != MODEL && c.state == State::Ran) {
        all.extend(cell.fail_open.iter().map(|why| (Rank::FailOpen, cell, uncounted(why))));
        all.extend(cell.lock_out.iter().map(|why| (Rank::LockOut, cell, uncounted(why))));
        all.extend(cell.died.iter().map(|how| (Rank::Died, cell, format!("the server {how}"))));
        if cell.slowest_ms >= SLOW_MS {
            let seconds = SLOW_MS / 1000;
            all.push((Rank::Slow, cell, format!("an attempt took longer than {seconds} s")));
        }
    }
    // Within a rank by server and by what was found, then in the order of the matrix.
    all.sort_by(|a, b| (a.0, &a.1.sut, &a.2).cmp(&(b.0, &b.1.sut, &b.2)));
    let mut lines = vec![
        "# Findings".to_owned(),
        String::new(),
        "What servers did that their users would not expect, worst first. Written by `revlab matrix --findings`; \
         what counts is said in the reference of the matrix. Each command is that of the first scenario that is \
         named; `--variant` has the others."
            .to_owned(),
    ];
    if all.is_empty() {
        lines.extend([String::new(), "Nothing was found.".to_owned()]);
    }
    let mut heading = None;
    for group in all.chunk_by(|a, b| (a.0, &a.1.sut, &a.2) == (b.0, &b.1.sut, &b.2)) {
        let Some((rank, first, why)) = group.first() else { continue };
        if heading.replace(*rank) != Some(*rank) {
            lines.extend([String::new(), format!("## {}", rank.heading()), String::new()]);
        }
        let version = first.version.as_deref().unwrap_or("unknown version");
        lines.push(format!("- **{}** ({}): {}.", safe(&first.sut), safe(version), safe(why)));
        lines.push(format!("  `{}`", first.command.replace('`', "'")));
        for of_scenario in group.chunk_by(|a, b| a.1.scenario == b.1.scenario) {
            lines.push(format!("  - {}", scenario(of_scenario.iter().map(|(_, cell, _)| *cell))));
        }
    }
    lines.join("\n") + "\n"
}

/// What was found without how often: that differs from one scenario to another.
fn uncounted(why: &str) -> String {
    why.split_once(" × ").map_or(why, |(_, what)| what).to_owned()
}

/// Cells of one scenario, its name first.
fn scenario<'a>(cells: impl Iterator<Item = &'a Cell>) -> String {
    let mut name = "";
    let mut variants = Vec::new();
    for cell in cells {
        name = &cell.scenario;
        let row = cell.row();
        let rest = row.strip_prefix(name).unwrap_or(&row).trim_start_matches([',', ' ']);
        variants.extend((!rest.is_empty()).then(|| safe(rest)));
    }
    match variants.is_empty() {
        true => safe(name),
        false => format!("{}: {}", safe(name), variants.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_worst_comes_first_and_the_model_is_left_out() {
        let mut matrix = sample::matrix();
        for cell in &mut matrix.cells {
            cell.slowest_ms = 12_000;
            cell.lock_out = vec!["3 × good, turned away".to_owned()];
            cell.died = Some("ended with status 1".to_owned());
            cell.fail_open = vec!["2 × revoked, admitted".to_owned()];
        }
        let page = render(&matrix);
        let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}: {page}"));
        assert!(at("Let in without proof") < at("the server ended with status 1"));
        assert!(at("the server ended with status 1") < at("Locked out"));
        assert!(at("Locked out") < at("an attempt took longer than 7 s"));
        assert!(!page.contains("**model**"), "{page}");
        assert!(page.contains("--sut s_server"), "{page}");
    }

    #[test]
    fn what_a_server_did_in_several_scenarios_is_said_once() {
        let mut matrix = sample::matrix();
        let mut other = sample::cell("s_server", "refused");
        other.variant = Some("reset-peer".to_owned());
        matrix.cells.push(other);
        for cell in matrix.cells.iter_mut().filter(|cell| cell.sut == "s_server") {
            let times = if cell.variant.as_deref() == Some("down") { 2 } else { 3 };
            cell.fail_open = vec![format!("{times} × revoked, admitted")];
        }
        let page = render(&matrix);
        assert_eq!(page.matches("revoked, admitted").count(), 1, "{page}");
        assert_eq!(page.matches("`revlab run ").count(), 1, "{page}");
        assert!(page.contains("  - matrix/transport: down, reset-peer\n"), "{page}");
    }

    #[test]
    fn nothing_is_said_where_nothing_was_found() {
        assert!(render(&sample::matrix()).contains("Nothing was found."));
    }
}
