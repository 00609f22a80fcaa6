//! The phases of a run, from the faults and operations in its trace.
//!
//! Where a fault began, `during` lies from the begin of the first to the end of the last (or of the
//! run), `before` and `after` around it. Where there was none, `after` begins with the first operation.
//! Where there was neither, the whole run is one phase.

use revlab_lab::Instant;
use revlab_lab::trace::FaultState;

use crate::judge::index::Index;

/// A stretch of lab time, [from, to).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Its name in tables.
    pub name: &'static str,
    /// Inclusive.
    pub from: Instant,
    /// Exclusive.
    pub to: Instant,
}

impl Phase {
    /// Whether an attempt that was due then belongs to it.
    pub fn contains(&self, due: Instant) -> bool {
        self.from <= due && due < self.to
    }
}

/// The phases of a run in order; none is empty.
pub(crate) fn of(index: &Index<'_>) -> Vec<Phase> {
    let forever = Instant::from_millis(i64::MAX);
    let begins = index.faults.iter().filter(|f| f.state == FaultState::Begin);
    let all = match begins.clone().map(|f| f.t).min() {
        Some(begin) => {
            let end = last_end(index).unwrap_or(forever);
            vec![
                Phase { name: "before", from: index.start, to: begin },
                Phase { name: "during", from: begin, to: end },
                Phase { name: "after", from: end, to: forever },
            ]
        }
        None => match index.operations.first().map(|o| o.t) {
            Some(first) => vec![
                Phase { name: "before", from: index.start, to: first },
                Phase { name: "after", from: first, to: forever },
            ],
            None => vec![Phase { name: "throughout", from: index.start, to: forever }],
        },
    };
    all.into_iter().filter(|phase| phase.from < phase.to).collect()
}

/// When the last fault ended; none: one went on to the end.
fn last_end(index: &Index<'_>) -> Option<Instant> {
    let mut open = std::collections::BTreeSet::new();
    let mut end = None;
    for fault in &index.faults {
        match fault.state {
            FaultState::Begin => {
                open.insert(&fault.it().id);
            }
            FaultState::End => {
                open.remove(&fault.it().id);
                end = Some(fault.t);
            }
        }
    }
    if open.is_empty() { end } else { None }
}
