//! Signing a CRL.

use const_oid::db::rfc5280::{
    ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_CRL_NUMBER, ID_CE_CRL_REASONS, ID_CE_DELTA_CRL_INDICATOR,
    ID_CE_FRESHEST_CRL,
};
use revlab_lab::Instant;
use revlab_lab::http::Url;

use super::CrlEntry;
use crate::encode::{self, constructed, number, tag};
use crate::extension::{self, distribution_point, write};
use crate::signed::{algorithm_identifier, seal};
use crate::{Certificate, KeyPair, time};

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
    /// What is revoked, written in this order.
    pub entries: Vec<CrlEntry>,
}

impl CrlTemplate {
    /// Signs a version 2 CRL in this issuer's name.
    ///
    /// Extensions in this order: authority key identifier, CA version, CRL number, delta CRL
    /// indicator, virtual base, next publish, freshestCRL, published locations. The order of AD CS
    /// is not known (fact sheet §4.3). That the key is the issuer's is not checked: another key
    /// makes a CRL whose signature does not verify.
    pub fn sign(&self, issuer: &Certificate, key: &KeyPair) -> Vec<u8> {
        let next_update = self.next_update.map(time::time).unwrap_or_default();
        // An empty list must be absent (RFC 5280 §5.1.2.6).
        let revoked = match self.entries.as_slice() {
            [] => Vec::new(),
            entries => encode::tlv(tag::SEQUENCE, &write_entries(entries)),
        };
        let tbs = encode::sequence(&[
            &number(1),
            algorithm_identifier(key.algorithm()),
            issuer.subject().as_der(),
            &time::time(self.this_update),
            &next_update,
            &revoked,
            &constructed(0, &encode::sequence(&[&self.extensions(issuer)])),
        ]);
        seal(&tbs, key, &[])
    }

    fn extensions(&self, issuer: &Certificate) -> Vec<u8> {
        let id = extension::authority_key_id(&issuer.key_id());
        let mut out = write(ID_CE_AUTHORITY_KEY_IDENTIFIER, false, &id);
        if let Some(version) = self.ca_version {
            out.extend(write(extension::CA_VERSION, false, &extension::ca_version(version)));
        }
        out.extend(write(ID_CE_CRL_NUMBER, false, &number(self.number)));
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
        out
    }
}

/// All entries one after the other, through one scratch buffer: CRLs may be large.
fn write_entries(entries: &[CrlEntry]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() * 56);
    let mut scratch = Vec::with_capacity(64);
    for entry in entries {
        scratch.clear();
        encode::push_unsigned(&mut scratch, &entry.serial);
        scratch.extend(time::time(entry.revoked_at));
        if let Some(reason) = entry.reason {
            scratch.extend(encode::sequence(&[&reason_code(reason)]));
        }
        encode::push(&mut out, tag::SEQUENCE, &[&scratch]);
    }
    out
}

/// The reasonCode extension. Reasons end at 10; what has no place in one octet becomes 0.
fn reason_code(reason: u8) -> Vec<u8> {
    let reason = if reason < 0x80 { reason } else { 0 };
    write(ID_CE_CRL_REASONS, false, &encode::tlv(tag::ENUMERATED, &[reason]))
}
