//! Certificates that are issued for one attempt each.

use revlab_clients::{Choice, Send};
use revlab_lab::Name;

use super::World;
use crate::exec::setup;
use crate::exec::wire::Wire;

impl<W: Wire> World<'_, W> {
    /// Has the certificate of an attempt issued where each has its own; its name.
    pub(super) fn mint(&mut self, send: &Send) -> Option<Name> {
        let plan = self.scenario.clients.get(&send.client)?;
        if plan.choice != Choice::Minted {
            return None;
        }
        let name = &send.identity;
        // The first of them, like all others, was issued in the set-up: so this succeeds too.
        let identity = setup::issued(self.scenario, &self.cast, &mut self.ca, plan, name).ok()?;
        self.wire.add_identity(name, &identity);
        Some(name.clone())
    }
}
