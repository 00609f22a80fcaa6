//! Scenarios × crossings × systems under test as a table: what each server did in each phase.
//!
//! A [`Cell`] is a pure function of the scenario and the trace of one run. Nothing in it is judged
//! by the scenario's expectations alone: what a server does is recorded, held against the model and
//! against a baseline.
//!
//! * [`phases`]: before, during and after what goes wrong; [`cell`]: the facts of one run;
//! * [`across`]: crossings, as generated overlays on a scenario;
//! * [`merge`]: the shards of a matrix put together; [`baseline`]: what is known and accepted;
//! * [`links`]: where the runs lie;
//! * [`findings`]: what users of a server would not expect, worst first;
//! * [`terminal`], [`markdown`], [`html`]: for people, all from the same [`rows`].

mod about;
pub mod across;
pub mod baseline;
pub mod cell;
pub mod findings;
pub mod html;
pub mod links;
pub mod markdown;
pub mod merge;
pub mod phases;
pub mod rows;
#[cfg(test)]
mod sample;
mod switches;
pub mod terminal;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Version of the format of `matrix.json`.
pub const FORMAT: u32 = 1;

/// The name of the built-in model among systems under test.
pub const MODEL: &str = "model";

/// A matrix or a shard of one. `docs/src/reference/matrix.md` describes it as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// [`FORMAT`].
    pub format: u32,
    /// Version of revlab that wrote it.
    pub revlab: String,
    /// The columns, in their order.
    pub suts: Vec<String>,
    /// Names of all cells, those of other shards too, in their order.
    pub planned: Vec<String>,
    /// Whether only some of what the scenarios have was planned.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub chosen: bool,
    /// What is known of them, in that order.
    pub cells: Vec<Cell>,
}

/// What became of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It was run.
    Ran,
    /// It proves nothing, for `reason`.
    Inconclusive,
    /// The server is not there, for `reason`.
    Skipped,
    /// It cannot be done with this server, or the crossing does not apply to the scenario.
    Refused,
}

/// One scenario, variant and crossing on one system under test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// The scenario's name.
    pub scenario: String,
    /// Its variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The crossing, such as `tls=1.3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crossing: Option<String>,
    /// As behind `--sut`.
    pub sut: String,
    /// What became of it.
    pub state: State,
    /// Why it did not run or proves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Program and version, as the trace has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What the run came to by the scenario's own expectations: `held`, `failed` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Attempts by phase.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<Mix>,
    /// Number of fetches by purpose.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fetches: BTreeMap<String, u64>,
    /// How refusals looked to the clients, and how many of each: `alert certificate_revoked`, `status 400`,
    /// `status 403.13`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused_by: BTreeMap<String, u64>,
    /// How long a revoked certificate was still admitted, at the longest, in milliseconds; none: no
    /// certificate was revoked that was admitted before and tried after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure_ms: Option<i64>,
    /// The longest attempt, in milliseconds of lab time.
    #[serde(default)]
    pub slowest_ms: i64,
    /// Clients were admitted without anything valid to go by, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fail_open: Vec<String>,
    /// Good clients were turned away although the server had something valid to go by, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lock_out: Vec<String>,
    /// The server ended by itself in the middle, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died: Option<String>,
    /// The folder of the run, relative to the matrix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// The command that runs this cell alone.
    pub command: String,
}

/// What the attempts of one phase came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mix {
    /// `before`, `during`, `after` …
    pub phase: String,
    /// Of certificates that were not revoked when the attempt was due: how many of each outcome.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub good: BTreeMap<String, u64>,
    /// The same of revoked ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub revoked: BTreeMap<String, u64>,
}

impl Mix {
    /// `good admitted, revoked refused`; with numbers `good admitted 5, …`.
    pub fn words(&self, numbers: bool) -> String {
        let side = |name: &str, all: &BTreeMap<String, u64>| {
            let each = all.iter().map(|(outcome, n)| match numbers {
                true => format!("{outcome} {n}"),
                false => outcome.clone(),
            });
            (!all.is_empty()).then(|| format!("{name} {}", each.collect::<Vec<_>>().join(" + ")))
        };
        let both = [side("good", &self.good), side("revoked", &self.revoked)];
        both.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

impl Cell {
    /// Without the system under test: what is one row of the table.
    pub fn row(&self) -> String {
        let mut row = self.scenario.clone();
        if let Some(variant) = &self.variant {
            row.push_str(&format!(", {variant}"));
        }
        if let Some(crossing) = &self.crossing {
            row.push_str(&format!(" [{crossing}]"));
        }
        row
    }

    /// What tells it from every other cell: row and system under test.
    pub fn name(&self) -> String {
        format!("{} @ {}", self.row(), self.sut)
    }

    /// What the server did, without numbers: two runs that say the same did the same.
    pub fn behaviour(&self) -> String {
        let mut parts: Vec<String> =
            self.phases.iter().map(|mix| format!("{}: {}", mix.phase, mix.words(false))).collect();
        if !self.fail_open.is_empty() {
            parts.push("fail-open".to_owned());
        }
        if !self.lock_out.is_empty() {
            parts.push("lock-out".to_owned());
        }
        if self.died.is_some() {
            parts.push("died".to_owned());
        }
        parts.join("; ")
    }
}

impl Matrix {
    /// As the text of `matrix.json`.
    pub fn text(&self) -> String {
        // Only maps with keys that are not text can make this fail.
        format!("{:#}\n", serde_json::to_value(self).unwrap_or_default())
    }

    /// The model's cell of the same row.
    pub fn model_of(&self, cell: &Cell) -> Option<&Cell> {
        let row = cell.row();
        self.cells.iter().find(|it| it.sut == MODEL && it.state == State::Ran && it.row() == row)
    }

    /// How many cells are in a state.
    pub fn count(&self, state: State) -> usize {
        self.cells.iter().filter(|cell| cell.state == state).count()
    }
}
