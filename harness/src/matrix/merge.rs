//! The shards of a matrix, put together.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{Cell, Matrix};

/// What was wrong with the shards, in words; the matrix is made of the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// All cells that are known, in the order of the plan.
    pub matrix: Matrix,
    /// Cells that no shard has.
    pub missing: Vec<String>,
    /// Cells that several shards have: the first counts.
    pub duplicate: Vec<String>,
}

/// Puts shards of one matrix together; none: there is no shard.
///
/// # Errors
///
/// The shards are of different matrices.
pub fn merge(shards: Vec<Matrix>) -> Result<Option<Merged>, String> {
    let Some(first) = shards.first().cloned() else { return Ok(None) };
    if shards.iter().any(|s| s.planned != first.planned || s.suts != first.suts) {
        return Err("the shards are of different matrices: they plan different cells".to_owned());
    }
    if let Some(other) = shards.iter().find(|s| s.revlab != first.revlab) {
        let (one, two) = (&first.revlab, &other.revlab);
        return Err(format!("the shards are by different versions of revlab: {one} and {two}"));
    }
    let mut known: BTreeMap<String, Cell> = BTreeMap::new();
    let mut duplicate = Vec::new();
    for cell in shards.into_iter().flat_map(|shard| shard.cells) {
        let name = cell.name();
        match known.entry(name) {
            Entry::Occupied(there) => duplicate.push(there.key().clone()),
            Entry::Vacant(free) => {
                free.insert(cell);
            }
        }
    }
    let missing = first.planned.iter().filter(|name| !known.contains_key(*name)).cloned().collect();
    let cells = first.planned.iter().filter_map(|name| known.remove(name)).collect();
    Ok(Some(Merged { matrix: Matrix { cells, ..first }, missing, duplicate }))
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn shards_give_the_whole_in_its_order() {
        let whole = sample::matrix();
        let part = |keep: fn(usize) -> bool| {
            let cells = whole.cells.iter().enumerate().filter(|(i, _)| keep(*i));
            Matrix { cells: cells.map(|(_, c)| c.clone()).collect(), ..whole.clone() }
        };
        let (even, odd) = (part(|i| i % 2 == 0), part(|i| i % 2 == 1));
        let merged = merge(vec![odd.clone(), even.clone()]).unwrap().unwrap();
        assert_eq!(merged.matrix, whole);
        assert!(merged.missing.is_empty() && merged.duplicate.is_empty());
        let half = merge(vec![odd.clone(), odd.clone()]).unwrap().unwrap();
        assert_eq!(half.missing.len(), even.cells.len());
        assert_eq!(half.duplicate.len(), odd.cells.len());
    }

    #[test]
    fn shards_of_different_matrices_are_refused() {
        let mut other = sample::matrix();
        other.planned.pop();
        assert!(merge(vec![sample::matrix(), other]).unwrap_err().contains("different cells"));
        let other = Matrix { revlab: "0.0.0".to_owned(), ..sample::matrix() };
        assert!(merge(vec![sample::matrix(), other]).unwrap_err().contains("versions of revlab"));
        assert_eq!(merge(Vec::new()), Ok(None));
    }
}
