//! When each machine wants to be asked again; a validator can have thousands of them.

use std::collections::BTreeSet;

use revlab_lab::Instant;

/// The machines by when they are due.
#[derive(Debug, Default)]
pub(super) struct Wakeups {
    of: Vec<Option<Instant>>,
    order: BTreeSet<(Instant, usize)>,
}

impl Wakeups {
    /// Takes down when a machine wants to be asked.
    pub(super) fn set(&mut self, machine: usize, due: Option<Instant>) {
        if self.of.len() <= machine {
            self.of.resize(machine + 1, None);
        }
        let Some(before) = self.of.get_mut(machine) else { return };
        if *before == due {
            return;
        }
        if let Some(at) = std::mem::replace(before, due) {
            self.order.remove(&(at, machine));
        }
        if let Some(at) = due {
            self.order.insert((at, machine));
        }
    }

    /// Who is due first; of several at one instant the one that comes first among the machines.
    pub(super) fn first(&self) -> Option<(Instant, usize)> {
        self.order.first().copied()
    }
}
