//! The keys of a CA: the one that it issues with, and those from before it was renewed.
//!
//! Renewal gives a CA a new certificate, with the key that it has or a new one, as AD CS counts them
//! (fact sheet §4.4): the certificate index grows by one, and a new key has the index of its first
//! certificate. Each key keeps its CRLs, signed by itself, as long as it has a certificate that is
//! valid.

use revlab_lab::http::Url;
use revlab_lab::{Instant, Span};
use revlab_pki::{CertId, Certificate, CertificateExtension, IssueError, KeyPair};

use super::{Authority, Commission, another_key, certify, serial};
use crate::publication::{Life, Planned};
use crate::responder::signer::Signer;

/// How long before a renewal certificates were issued with the key from before it.
const BEFORE_RENEWAL: Span = Span::from_days(1);

/// One key, with what is said about it.
#[derive(Clone, Debug)]
pub(crate) struct CaKey {
    /// Key index: the certificate index of its first certificate.
    pub(super) index: u16,
    pub(super) pair: KeyPair,
    /// Its newest certificate, and where that is.
    pub(super) certificate: Certificate,
    pub(super) url: Url,
    /// First second of its first certificate.
    pub(super) from: Instant,
    /// When it became the CA's, in lab time; none: with the set-up.
    pub(super) since: Option<Instant>,
    /// When another took its place, by the CA's clock.
    pub(super) until: Option<Instant>,
    /// What signs CRLs in its place.
    pub(super) signer: Option<Signer>,
}

impl Authority {
    /// The position of the key that issues.
    pub(crate) fn newest_key(&self) -> usize {
        self.keys.len().saturating_sub(1)
    }

    /// The newest certificate of the key at this position, and the key.
    pub(crate) fn key_pair(&self, position: usize) -> (&Certificate, &KeyPair) {
        match self.keys.get(position) {
            Some(key) => (&key.certificate, &key.pair),
            None => (&self.certificate, &self.key),
        }
    }

    /// The position of the key with this index.
    pub(crate) fn key_with_index(&self, index: u16) -> Option<usize> {
        self.keys.iter().position(|key| key.index == index)
    }

    /// The indexes of all its keys, oldest first.
    pub(crate) fn key_indexes(&self) -> impl Iterator<Item = u16> {
        self.keys.iter().map(|key| key.index)
    }

    /// The position of the key that an OCSP request names as the issuer's.
    pub(crate) fn key_of_request(&self, id: &CertId) -> Option<usize> {
        self.keys.iter().rposition(|key| id.matches_issuer(&key.certificate))
    }

    /// The position of the key that was the newest when the CA's clock read `at`.
    pub(super) fn key_at(&self, at: Instant) -> usize {
        self.keys.iter().rposition(|key| key.from <= at).unwrap_or(0)
    }

    /// The CA's certificate above this one, which the CA has issued.
    pub(crate) fn issuer_of(&self, certificate: &Certificate) -> &Certificate {
        let named = certificate.authority_key_id();
        let mut keys = self.keys.iter().rev();
        let key = keys.find(|k| named.is_some() && k.certificate.subject_key_id() == named);
        key.map_or(&self.certificate, |key| &key.certificate)
    }

    /// Its certificates from before the newest one, oldest first.
    pub(crate) fn former(&self) -> &[Certificate] {
        &self.former
    }

    /// The validity of what the key at this position issues without further ado: what an older one
    /// has issued is from shortly before it was replaced.
    pub(crate) fn life_by(&self, position: usize) -> Life {
        let usual = self.usual_life();
        let until = self.keys.get(position).and_then(|key| Some((key, key.until?)));
        let Some((key, until)) = until else { return usual };
        let not_before = (until - BEFORE_RENEWAL).max(key.from);
        Life { not_before, not_after: not_before + self.config.issued_lifetime }
    }

    /// The key that a list is of.
    pub(super) fn key_of_list(&self, list: usize) -> Option<&CaKey> {
        self.keys.get(list / self.config.publishing.lists())
    }

    /// The list that a certificate of this CA's belongs to.
    pub(super) fn list_of(&self, serial: &[u8]) -> Option<usize> {
        let position = self.issued.get(serial)?;
        Some(position * self.config.publishing.lists() + self.locations.partition_of(serial))
    }

    /// The first of the lists of the newest key.
    pub(crate) fn first_list(&self) -> usize {
        self.newest_key() * self.config.publishing.lists()
    }

    /// Whether a list has this issue: its key is there already, and its last certificate has not
    /// expired.
    pub(super) fn is_issued(&self, list: usize, planned: &Planned) -> bool {
        let at = self.config.clock.at(planned.at);
        self.key_of_list(list).is_some_and(|key| {
            key.since.is_none_or(|since| since <= planned.at) && at < key.certificate.not_after()
        })
    }

    /// Gives the CA a new certificate at `at`, from its parent or as the root that it is. One that
    /// was issued outside of the lab, by a CA that is not there, stays as it is.
    ///
    /// # Errors
    ///
    /// The certificate cannot be issued.
    pub(crate) fn renew(
        &mut self,
        at: Instant,
        with_new_key: bool,
        parent: Option<&mut Authority>,
    ) -> Result<(), IssueError> {
        let (index, key_index) = self.version();
        let (Some(index), true) =
            (index.checked_add(1), parent.is_some() || self.certificate.is_self_issued())
        else {
            return Ok(());
        };
        let key_index = if with_new_key { index } else { key_index };
        let pair = match with_new_key {
            true => self.new_key(index, parent.as_deref()),
            false => self.key.clone(),
        };
        let not_before = self.config.clock.at(at).floor_to_second();
        let life = Life { not_before, not_after: not_before + self.config.lifetime };
        let previous = CertificateExtension::previous_certificate(&self.certificate);
        // A root's certificates draw their serial numbers one after another.
        let before = self.former.len() as u64 + 1;
        let commission = Commission {
            config: &self.config,
            subject: Some(self.certificate.subject().clone()),
            version: (index, key_index),
            life,
            serial: serial(self.seed, self.name(), &self.config.common_name, before),
            previous: Some(previous),
        };
        let certificate = certify(&commission, &pair, parent)?;
        // The CA's host makes URLs: its first ones are there.
        if self.locations.renew(&self.config, index, with_new_key).is_ok() {
            self.take(certificate, pair, key_index, with_new_key.then_some(at))?;
        }
        Ok(())
    }

    fn new_key(&self, index: u16, parent: Option<&Authority>) -> KeyPair {
        let own = self.keys.iter().map(|key| &key.pair);
        let taken: Vec<&KeyPair> = own.chain(parent.map(|parent| &parent.key)).collect();
        let name = format!("{}/key-{index}", self.name());
        another_key(self.key.algorithm(), self.seed, &name, &taken)
    }

    /// Takes a certificate of this CA's as its newest; `since` is when its key is new.
    fn take(
        &mut self,
        certificate: Certificate,
        pair: KeyPair,
        index: u16,
        since: Option<Instant>,
    ) -> Result<(), IssueError> {
        let url = self.locations.certificate_url.clone();
        self.former.push(std::mem::replace(&mut self.certificate, certificate.clone()));
        self.key = pair.clone();
        self.timeline.live_until(certificate.not_after());
        if since.is_some() {
            let from = certificate.not_before();
            if let Some(last) = self.keys.last_mut() {
                last.until = Some(from);
            }
            let until = None;
            self.keys.push(CaKey {
                index,
                pair,
                certificate,
                url,
                from,
                since,
                until,
                signer: None,
            });
            self.served.resize(self.locations.lists.len(), super::Served::default());
            return self.appoint_signer();
        }
        if let Some(last) = self.keys.last_mut() {
            (last.certificate, last.url) = (certificate, url);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
