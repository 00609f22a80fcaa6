//! Which certificate a client presents: the newest of its identity, or the one that it remembers.
//!
//! A client that was asked for a certificate once may go on presenting what was chosen then, until its
//! SSL state is cleared (fact sheet §6). It knows of certificates issued later by names of their own.

use std::collections::BTreeMap;

use revlab_clients::Send;
use revlab_lab::Name;

/// The certificates of identities, and what clients remember of them.
#[derive(Debug, Default)]
pub(super) struct Choices {
    /// The newest certificate of each identity for which a second one was issued, by name.
    newest: BTreeMap<Name, (u32, Name)>,
    /// By client, thread and identity: what was chosen.
    remembered: BTreeMap<(Name, u32, Name), Name>,
}

impl Choices {
    /// An identity gets another certificate: the name by which it is known.
    pub(super) fn renewed(&mut self, identity: &Name) -> Name {
        let number = self.newest.get(identity).map_or(2, |(number, _)| number + 1);
        // No identity can be called that: `#` is in no name.
        let name = Name::from(format!("{identity}#{number}"));
        self.newest.insert(identity.clone(), (number, name.clone()));
        name
    }

    /// What a client presents in an attempt.
    pub(super) fn presented(&mut self, send: &Send, remembers: bool) -> Name {
        let newest = self.newest.get(&send.identity).map_or(&send.identity, |(_, name)| name);
        if !remembers {
            return newest.clone();
        }
        let place = (send.client.clone(), send.thread, send.identity.clone());
        self.remembered.entry(place).or_insert_with(|| newest.clone()).clone()
    }

    /// A client's SSL state is cleared.
    pub(super) fn forget(&mut self, client: &Name) {
        self.remembered.retain(|(of, _, _), _| of != client);
    }
}
