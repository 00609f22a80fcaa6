//! What every table of a matrix says, in words.

use revlab_lab::Span;

use super::{Cell, MODEL, Matrix, State};

/// One row: a scenario, variant and crossing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Its name.
    pub name: String,
    /// Whether servers other than the model did different things.
    pub differ: bool,
    /// A cell for each column; none: it is of another shard.
    pub cells: Vec<Option<Shown<'a>>>,
}

/// A cell as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown<'a> {
    /// Which.
    pub cell: &'a Cell,
    /// Line by line, without what is open.
    pub lines: Vec<String>,
    /// Fail-open, to be shown in red.
    pub alarm: Vec<String>,
    /// Whether the model did something else.
    pub unlike_model: bool,
}

/// All rows in the order of the plan.
pub fn rows(matrix: &Matrix) -> Vec<Row<'_>> {
    let mut names: Vec<String> = Vec::new();
    for cell in &matrix.cells {
        let name = cell.row();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.into_iter().map(|name| row(matrix, name)).collect()
}

fn row(matrix: &Matrix, name: String) -> Row<'_> {
    let of = |sut: &String| matrix.cells.iter().find(|c| c.sut == *sut && c.row() == name);
    let cells: Vec<_> = matrix.suts.iter().map(|sut| of(sut).map(|c| shown(matrix, c))).collect();
    let mut seen: Vec<String> = cells
        .iter()
        .flatten()
        .filter(|s| s.cell.state == State::Ran && s.cell.sut != MODEL)
        .map(|s| s.cell.behaviour())
        .collect();
    seen.sort();
    seen.dedup();
    Row { name, differ: seen.len() > 1, cells }
}

fn shown<'a>(matrix: &'a Matrix, cell: &'a Cell) -> Shown<'a> {
    let mut lines = Vec::new();
    let reason = cell.reason.as_deref().unwrap_or("no reason is known");
    match cell.state {
        State::Ran => {}
        State::Inconclusive => lines.push(format!("inconclusive: {reason}")),
        State::Skipped => lines.push(format!("skipped: {reason}")),
        State::Refused => lines.push(format!("refused: {reason}")),
    }
    lines.extend(cell.phases.iter().map(|mix| format!("{}: {}", mix.phase, mix.words(true))));
    for (what, counts) in [("refused by", &cell.refused_by), ("fetches", &cell.fetches)] {
        if !counts.is_empty() {
            let each: Vec<String> = counts.iter().map(|(what, n)| format!("{what} {n}")).collect();
            lines.push(format!("{what}: {}", each.join(", ")));
        }
    }
    if let Some(exposure) = cell.exposure_ms {
        lines.push(format!("exposure: {}", Span::from_millis(exposure)));
    }
    lines.extend(cell.died.iter().map(|how| format!("died: the server {how}")));
    lines.extend(cell.lock_out.iter().map(|why| format!("lock-out: {why}")));
    let model = matrix.model_of(cell);
    let unlike_model = cell.state == State::Ran
        && model.is_some_and(|model| model.behaviour() != cell.behaviour());
    Shown {
        cell,
        lines,
        alarm: cell.fail_open.iter().map(|why| format!("fail-open: {why}")).collect(),
        unlike_model,
    }
}

/// How many cells came to what.
pub fn summary(matrix: &Matrix) -> String {
    let open = matrix.cells.iter().filter(|c| !c.fail_open.is_empty()).count();
    format!(
        "{} of {} cells: {} ran, {} inconclusive, {} skipped, {} refused; {open} fail-open",
        matrix.cells.len(),
        matrix.planned.len(),
        matrix.count(State::Ran),
        matrix.count(State::Inconclusive),
        matrix.count(State::Skipped),
        matrix.count(State::Refused)
    )
}

/// What is put where the model did something else.
pub const UNLIKE: &str = "≠ model";
/// What is put to a row in which servers did different things.
pub const DIFFER: &str = "servers differ";
