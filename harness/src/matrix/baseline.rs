//! A baseline: what servers are known to do, as a file that is read in reviews.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Matrix, State};

/// Version of the format.
const FORMAT: u32 = 1;

/// Known behaviour by the name of the cell. Sorted, one line for each thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    format: u32,
    /// Versions by system under test.
    versions: BTreeMap<String, String>,
    /// Behaviour by cell.
    cells: BTreeMap<String, String>,
}

/// What differs from a baseline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Differences {
    /// Cells that it does not have, with their behaviour.
    pub new: Vec<(String, String)>,
    /// Cells that did something else: name, then, now.
    pub changed: Vec<(String, String, String)>,
    /// Cells that it has and that are not planned any more.
    pub vanished: Vec<String>,
    /// Servers of another version: name, then, now. They alone are no difference.
    pub versions: Vec<(String, String, String)>,
    /// How many cells did as they are known to.
    pub known: usize,
    /// How many cells it has that were not run this time.
    pub not_run: usize,
}

impl Differences {
    /// Whether nothing is new, changed or vanished.
    pub fn is_none(&self) -> bool {
        self.new.is_empty() && self.changed.is_empty() && self.vanished.is_empty()
    }

    /// For people, a line for each.
    pub fn words(&self) -> String {
        let mut lines = vec![format!(
            "baseline: {} known, {} new, {} changed, {} vanished, {} not run",
            self.known,
            self.new.len(),
            self.changed.len(),
            self.vanished.len(),
            self.not_run
        )];
        let versions = self.versions.iter();
        lines.extend(versions.map(|(sut, old, new)| format!("  version of {sut}: {old} → {new}")));
        lines.extend(self.new.iter().map(|(name, now)| format!("  new: {name}: {now}")));
        for (name, old, now) in &self.changed {
            lines.push(format!("  changed: {name}"));
            lines.extend([format!("    known: {old}"), format!("    now:   {now}")]);
        }
        lines.extend(self.vanished.iter().map(|name| format!("  vanished: {name}")));
        lines.join("\n") + "\n"
    }
}

impl Baseline {
    /// What a matrix shows, accepted as it is. Cells that were not run or prove nothing are left out.
    pub fn of(matrix: &Matrix) -> Baseline {
        let ran = || matrix.cells.iter().filter(|cell| cell.state == State::Ran);
        Baseline {
            format: FORMAT,
            versions: versions(matrix),
            cells: ran().map(|cell| (cell.name(), cell.behaviour())).collect(),
        }
    }

    /// From the text of a file.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with line and column.
    pub fn read(text: &str) -> Result<Baseline, String> {
        let read: Baseline = serde_json::from_str(text)
            .map_err(|e| format!("no baseline, such as `--write-baseline` writes: {e}"))?;
        match read.format {
            FORMAT => Ok(read),
            other => Err(format!("a baseline of format {other}: this revlab reads {FORMAT}")),
        }
    }

    /// As the text of a file.
    pub fn text(&self) -> String {
        format!("{:#}\n", serde_json::to_value(self).unwrap_or_default())
    }

    /// What a matrix shows otherwise. Only cells of its systems under test can have vanished, and
    /// none that is planned: what was skipped, proves nothing or was left to another shard is `not_run`. So is
    /// what is not planned where only some of the scenarios were chosen. What is refused though it is known
    /// to have run has changed.
    pub fn against(&self, matrix: &Matrix) -> Differences {
        let mut found = Differences::default();
        for cell in &matrix.cells {
            let (name, now) = (cell.name(), cell.behaviour());
            let now = match cell.state {
                State::Ran => now,
                State::Refused => {
                    format!("refused: {}", cell.reason.as_deref().unwrap_or_default())
                }
                State::Skipped | State::Inconclusive => continue,
            };
            match self.cells.get(&name) {
                None if cell.state == State::Refused => {}
                None => found.new.push((name, now)),
                Some(known) if *known == now => found.known += 1,
                Some(known) => found.changed.push((name, known.clone(), now)),
            }
        }
        let planned: BTreeSet<&String> = matrix.planned.iter().collect();
        let ours = |name: &str| {
            name.rsplit_once(" @ ").is_some_and(|(_, sut)| matrix.suts.iter().any(|s| s == sut))
        };
        let mine = || self.cells.keys().filter(|name| ours(name));
        if !matrix.chosen {
            found.vanished = mine().filter(|name| !planned.contains(name)).cloned().collect();
        }
        let done = found.known + found.changed.len() + found.vanished.len();
        found.not_run = mine().count().saturating_sub(done);
        let old = |(sut, now): (String, String)| Some((self.versions.get(&sut)?.clone(), sut, now));
        let versions = versions(matrix).into_iter().filter_map(old);
        let other = versions.filter(|(old, _, now)| old != now);
        found.versions = other.map(|(old, sut, now)| (sut, old, now)).collect();
        found
    }
}

fn versions(matrix: &Matrix) -> BTreeMap<String, String> {
    let told =
        matrix.cells.iter().filter_map(|cell| Some((cell.sut.clone(), cell.version.clone()?)));
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn what_is_known_is_no_difference_and_the_file_reads_back() {
        let matrix = sample::matrix();
        let baseline = Baseline::of(&matrix);
        assert_eq!(Baseline::read(&baseline.text()), Ok(baseline.clone()));
        let same = baseline.against(&matrix);
        assert!(same.is_none() && same.known == 2, "{same:?}");
    }

    #[test]
    fn new_changed_and_vanished_are_told_and_skipped_is_none_of_them() {
        let matrix = sample::matrix();
        let mut baseline = Baseline::of(&matrix);
        let names: Vec<String> = baseline.cells.keys().cloned().collect();
        baseline.cells.remove(&names[0]);
        baseline.cells.insert(names[1].clone(), "something else".to_owned());
        baseline.cells.insert("gone @ model".to_owned(), "x".to_owned());
        baseline.cells.insert("gone @ not-asked".to_owned(), "x".to_owned());
        baseline.cells.insert(sample::skipped().name(), "x".to_owned());
        baseline.versions.insert("s_server".to_owned(), "OpenSSL 1".to_owned());
        let found = baseline.against(&matrix);
        assert_eq!((found.new.len(), found.changed.len(), found.not_run), (1, 1, 1), "{found:?}");
        assert_eq!(found.vanished, ["gone @ model"]);
        assert_eq!(found.versions.len(), 1);
        assert!(found.words().contains("0 known, 1 new, 1 changed, 1 vanished, 1 not run"));
    }

    #[test]
    fn what_is_refused_has_changed_where_it_is_known_to_have_run() {
        let mut matrix = sample::matrix();
        let baseline = Baseline::of(&matrix);
        for cell in &mut matrix.cells {
            (cell.state, cell.reason) = (State::Refused, Some("it never asks".to_owned()));
        }
        let found = baseline.against(&matrix);
        assert_eq!((found.changed.len(), found.new.len()), (2, 0), "{found:?}");
        assert_eq!(found.changed[0].2, "refused: it never asks");
    }

    #[test]
    fn nothing_has_vanished_where_only_some_was_chosen() {
        let mut baseline = Baseline::of(&sample::matrix());
        baseline.cells.insert("another @ model".to_owned(), "x".to_owned());
        let whole = sample::matrix();
        assert_eq!(baseline.against(&whole).vanished, ["another @ model"]);
        let some = baseline.against(&Matrix { chosen: true, ..whole });
        assert!(some.is_none() && some.not_run == 1, "{some:?}");
    }

    #[test]
    fn what_is_no_baseline_is_said_with_its_place() {
        assert!(Baseline::read("{").unwrap_err().contains("line 1 column"));
        let other = r#"{"format": 9, "versions": {}, "cells": {}}"#;
        assert!(Baseline::read(other).unwrap_err().contains("format 9"));
    }
}
