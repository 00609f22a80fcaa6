//! The machine's certificate store: CRLs that an administrator has put there by hand (fact sheet
//! §2.1, step 3). Every process looks into it, and nothing but the administrator empties it.

use revlab_lab::trace::{Cache, CacheOp, Kind, Layer, Purpose, State};
use revlab_lab::{Instant, Out};
use revlab_pki::Crl;

use super::Engine;
use super::check::{Check, lookup};
use super::subject::Link;
use crate::event::SutAction;

impl Engine {
    /// `certutil -addstore CA file.crl`. A store holds one base and one delta of an issuer: the newer
    /// one stays. That is inferred.
    pub(super) fn add_to_store(&mut self, crl: Crl, out: &mut Out<SutAction>) {
        let same = |other: &Crl| {
            other.issuer() == crl.issuer()
                && other.authority_key_id() == crl.authority_key_id()
                && other.base_number().is_some() == crl.base_number().is_some()
        };
        if self.store.iter().any(|other| same(other) && other.this_update() > crl.this_update()) {
            return;
        }
        self.store.retain(|other| !same(other));
        out.trace(Kind::Cache(Cache {
            by: self.name.clone(),
            layer: Layer::Store,
            owner: "the machine".into(),
            op: CacheOp::Store,
            object: Some(crl.issuer().to_string()),
        }));
        self.store.push(crl);
    }

    /// Looks for a fresh CRL of the link's issuer in the store.
    pub(super) fn crl_in_store(
        &mut self,
        now: Instant,
        check: &mut Check,
        link: &Link,
        purpose: Purpose,
    ) -> Option<Crl> {
        if self.store.is_empty() || !self.parameters.crl_client {
            return None;
        }
        let stored = self.store.clone();
        let mine =
            stored.into_iter().find(|crl| self.validate_crl(now, crl, link, purpose).is_ok());
        let state = mine
            .as_ref()
            .map_or(State::Absent, |crl| self.state(now, crl.this_update(), crl.next_update()));
        check.steps.push(lookup(purpose, Layer::Store, state, mine.as_ref()));
        mine.filter(|_| state == State::Fresh)
    }
}
