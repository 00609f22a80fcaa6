//! Signing a CRL.

use const_oid::db::rfc5280::{
    ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_CRL_NUMBER, ID_CE_DELTA_CRL_INDICATOR, ID_CE_FRESHEST_CRL,
};
use revlab_lab::Instant;
use revlab_lab::http::Url;

use super::entry::EntryWriter;
use super::flaws::NumberFlaw;
use super::{CrlEntry, CrlExtension, CrlFlaws};
use crate::encode::{self, constructed, number, tag};
use crate::extension::{self, distribution_point, write};
use crate::signed::{algorithm_identifier, seal};
use crate::{Certificate, DistinguishedName, KeyPair, time, weak};

/// What a new CRL shall say. All times are cut to the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlTemplate {
    /// CRL number (RFC 5280 §5.2.3).
    pub number: u64,
    /// Delta CRL indicator, critical (RFC 5280 §5.2.4); `None` makes a base CRL.
    pub base_number: Option<u64>,
    /// Microsoft's virtual base, 1.3.6.1.4.1.311.21.3, not critical: the number of the base before
    /// (fact sheet §4.3). `None`: no such extension, as in every base CRL of AD CS.
    pub virtual_base: Option<u64>,
    /// thisUpdate.
    pub this_update: Instant,
    /// nextUpdate. RFC 5280 §5.1.2.5 wants one; readers differ where it is missing.
    pub next_update: Option<Instant>,
    /// Microsoft's Next CRL Publish (fact sheet §4.3).
    pub next_publish: Option<Instant>,
    /// Microsoft's CA version: certificate index and key index (fact sheet §4.3).
    pub ca_version: Option<(u16, u16)>,
    /// freshestCRL, for a base (RFC 5280 §5.2.6). Empty: no such extension.
    pub freshest_crl_urls: Vec<Url>,
    /// Microsoft's Published CRL Locations, written as distribution points are (fact sheet §4.3).
    /// Empty: no such extension.
    pub published_locations: Vec<Url>,
    /// Further extensions, written behind all others.
    pub extensions: Vec<CrlExtension>,
    /// What is revoked, written in this order.
    pub entries: Vec<CrlEntry>,
}

impl CrlTemplate {
    /// Signs a version 2 CRL in this issuer's name.
    ///
    /// Extensions in this order: authority key identifier, CA version, CRL number, delta CRL
    /// indicator, virtual base, next publish, freshestCRL, published locations, further ones. The
    /// order of AD CS is not known (fact sheet §4.3). That the key is the issuer's is not checked: another key
    /// makes a CRL whose signature does not verify.
    pub fn sign(&self, issuer: &Certificate, key: &KeyPair) -> Vec<u8> {
        self.sign_flawed(issuer, key, &CrlFlaws::default())
    }

    /// As [`CrlTemplate::sign`], wrong in the ways that `flaws` says. The key identifier stays the
    /// issuer's.
    pub fn sign_flawed(&self, issuer: &Certificate, key: &KeyPair, flaws: &CrlFlaws) -> Vec<u8> {
        let algorithm = match flaws.digest {
            Some(by) => weak::identifier(key.algorithm(), by),
            None => algorithm_identifier(key.algorithm()),
        };
        let name = flaws.issuer.as_ref().unwrap_or(issuer.subject());
        let before = self.before_entries(algorithm, name, flaws.version_1);
        let behind = match flaws.version_1 {
            true => Vec::new(),
            false => self.behind_entries(issuer, flaws.number),
        };
        let tbs = encode::sequence(&[&before, &self.revoked(flaws), &behind]);
        match flaws.digest {
            Some(by) => weak::seal(&tbs, key, by, &[]),
            None => seal(&tbs, key, &[]),
        }
    }

    /// version, which 1 does not say, to nextUpdate.
    pub(super) fn before_entries(
        &self,
        algorithm: &[u8],
        issuer: &DistinguishedName,
        version_1: bool,
    ) -> Vec<u8> {
        let version = if version_1 { Vec::new() } else { number(1) };
        let next_update = self.next_update.map(time::time).unwrap_or_default();
        let this_update = time::time(self.this_update);
        [&version, algorithm, issuer.as_der(), &this_update, &next_update].concat()
    }

    /// crlExtensions.
    pub(super) fn behind_entries(&self, issuer: &Certificate, flaw: NumberFlaw) -> Vec<u8> {
        constructed(0, &encode::sequence(&[&self.extensions(issuer, flaw)]))
    }

    /// revokedCertificates; an empty list must be absent (RFC 5280 §5.1.2.6).
    fn revoked(&self, flaws: &CrlFlaws) -> Vec<u8> {
        let negative = &flaws.negative_serials;
        if self.entries.is_empty() && negative.is_empty() {
            return Vec::new();
        }
        let mut entries = Vec::with_capacity(self.entries.len() * 56);
        let mut writer = EntryWriter::default();
        for entry in &self.entries {
            match flaws.version_1 {
                true => {
                    let serial = entry.serial.clone();
                    let bare = CrlEntry { serial, reason: None, extensions: Vec::new(), ..*entry };
                    writer.push(&mut entries, &bare);
                }
                false => writer.push(&mut entries, entry),
            }
        }
        for serial in negative {
            let serial = encode::tlv(tag::INTEGER, &serial.to_be_bytes());
            encode::push(&mut entries, tag::SEQUENCE, &[&serial, &time::time(self.this_update)]);
        }
        encode::tlv(tag::SEQUENCE, &entries)
    }

    fn extensions(&self, issuer: &Certificate, flaw: NumberFlaw) -> Vec<u8> {
        let id = extension::authority_key_id(&issuer.key_id());
        let mut out = write(ID_CE_AUTHORITY_KEY_IDENTIFIER, false, &id);
        if let Some(version) = self.ca_version {
            out.extend(write(extension::CA_VERSION, false, &extension::ca_version(version)));
        }
        if flaw != NumberFlaw::Missing {
            let critical = flaw == NumberFlaw::Critical;
            out.extend(write(ID_CE_CRL_NUMBER, critical, &number(self.number)));
        }
        if let Some(base) = self.base_number {
            out.extend(write(ID_CE_DELTA_CRL_INDICATOR, true, &number(base)));
        }
        if let Some(base) = self.virtual_base {
            out.extend(write(extension::VIRTUAL_BASE, false, &number(base)));
        }
        if let Some(at) = self.next_publish {
            out.extend(write(extension::NEXT_PUBLISH, false, &time::time(at)));
        }
        for (oid, urls) in [
            (ID_CE_FRESHEST_CRL, &self.freshest_crl_urls),
            (extension::PUBLISHED_LOCATIONS, &self.published_locations),
        ] {
            if !urls.is_empty() {
                out.extend(write(oid, false, &distribution_point(urls)));
            }
        }
        out.extend(self.extensions.iter().flat_map(CrlExtension::write));
        out
    }
}
