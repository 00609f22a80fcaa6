//! Certificates that are issued for one attempt each, shown on the wire.

use revlab_clients::Send;
use revlab_lab::Name;

use super::World;
use crate::exec::minting::minted;
use crate::exec::wire::Wire;

impl<W: Wire> World<'_, W> {
    /// Has the certificate of an attempt issued where each has its own; its name.
    pub(super) fn mint(&mut self, send: &Send) -> Option<Name> {
        // Like the first of them, which was issued in the set-up, this succeeds.
        let identity = minted(self.scenario, &self.cast, &mut self.ca, send)?.ok()?;
        self.wire.add_identity(&send.identity, &identity);
        Some(send.identity.clone())
    }
}
