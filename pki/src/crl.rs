//! Certificate revocation lists (RFC 5280 §5), base and delta.

mod entries;
mod entry;
mod extension;
mod flaws;
mod index;
mod read;
mod scope;
mod stream;
mod usual;
mod write;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use revlab_lab::Instant;
use revlab_lab::http::Url;

pub use extension::CrlExtension;
pub use flaws::{CrlFlaws, NumberFlaw};
pub use scope::{CrlScope, CrlSubjects};
pub use stream::{Written, stream};
pub use write::CrlTemplate;

use crate::signature::SignatureAlgorithm;
use crate::{DistinguishedName, Malformed, PointNameRead, WeakDigest, digest, pem};

/// One revoked certificate of a CRL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CrlEntry {
    /// Serial number, big-endian, without leading zeros; zero is one zero octet. Of a negative one,
    /// which no sound CRL has, its two's complement as it is read.
    pub serial: Vec<u8>,
    /// revocationDate.
    pub revoked_at: Instant,
    /// reasonCode (RFC 5280 §5.3.1), where there is one. 8, removeFromCRL, takes an entry of the
    /// base back and occurs in deltas alone.
    pub reason: Option<u8>,
    /// Further extensions in the CRL's order. A CRL with critical ones is not read, but for the
    /// certificate issuer (RFC 5280 §5.3.3).
    pub extensions: Vec<CrlExtension>,
}

/// A CRL. Cloning shares it; two are equal when their bytes are.
#[derive(Clone)]
pub struct Crl(Arc<Inner>);

/// What [`read`] fills.
struct Inner {
    der: Box<[u8]>,
    tbs: Range<usize>,
    signature: Range<usize>,
    /// As in a certificate.
    signed_with: Option<SignatureAlgorithm>,
    /// The weak digest that it is signed with, if it is one.
    weak: Option<WeakDigest>,
    /// As people count.
    version: u64,
    issuer: DistinguishedName,
    this_update: Instant,
    next_update: Option<Instant>,
    extensions: Extensions,
    entries: entries::Entries,
}

#[derive(Default)]
struct Extensions {
    authority_key_id: Option<Vec<u8>>,
    number: Option<u64>,
    base_number: Option<u64>,
    virtual_base: Option<u64>,
    next_publish: Option<Instant>,
    ca_version: Option<(u16, u16)>,
    freshest_crl_urls: Vec<Url>,
    signer_urls: Vec<Url>,
    published_locations: Vec<Url>,
    scope: Option<CrlScope>,
    point: Option<PointNameRead>,
    scope_der: Vec<u8>,
}

impl Crl {
    /// Reads a DER CRL, version 1 or 2. The signature is not verified: see [`crate::Verifier`].
    ///
    /// # Errors
    ///
    /// Not a CRL in DER, bytes left over, an extension twice, an extension or an entry without its
    /// structure. Also a critical extension that is not understood, of the CRL or of an entry
    /// (RFC 5280 §5.2, §5.3). The issuing distribution point is understood: whoever uses the CRL
    /// has to look at its [`Crl::scope`]. So is the certificate issuer, in indirect CRLs.
    pub fn parse(der: &[u8]) -> Result<Crl, Malformed> {
        Crl::from_der(der.to_vec())
    }

    /// The same of bytes that are given away: a large CRL is then in memory once, with some twelve
    /// octets more for each entry.
    ///
    /// # Errors
    ///
    /// As [`Crl::parse`].
    pub fn from_der(der: Vec<u8>) -> Result<Crl, Malformed> {
        Ok(Crl(Arc::new(read::crl(der.into()).map_err(|e| e.within("a CRL"))?)))
    }

    /// The whole CRL.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// Who signed it.
    pub fn issuer(&self) -> &DistinguishedName {
        &self.0.issuer
    }

    /// Authority key identifier's keyIdentifier (RFC 5280 §5.2.1).
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        self.0.extensions.authority_key_id.as_deref()
    }

    /// thisUpdate.
    pub fn this_update(&self) -> Instant {
        self.0.this_update
    }

    /// nextUpdate.
    pub fn next_update(&self) -> Option<Instant> {
        self.0.next_update
    }

    /// Microsoft's Next CRL Publish (fact sheet §4.3).
    pub fn next_publish(&self) -> Option<Instant> {
        self.0.extensions.next_publish
    }

    /// CRL number (RFC 5280 §5.2.3).
    pub fn number(&self) -> Option<u64> {
        self.0.extensions.number
    }

    /// Delta CRL indicator (RFC 5280 §5.2.4): the number of the base that this delta starts from.
    /// `None`: a base CRL.
    pub fn base_number(&self) -> Option<u64> {
        self.0.extensions.base_number
    }

    /// Microsoft's virtual base, 1.3.6.1.4.1.311.21.3 (fact sheet §4.3): the number of the base
    /// before, in deltas, where it is rare. What a client does with it is not known.
    pub fn virtual_base(&self) -> Option<u64> {
        self.0.extensions.virtual_base
    }

    /// Microsoft's CA version: certificate index and key index (fact sheet §4.3).
    pub fn ca_version(&self) -> Option<(u16, u16)> {
        self.0.extensions.ca_version
    }

    /// URLs of the freshestCRL extension (RFC 5280 §5.2.6). Only those that are URLs with a host.
    pub fn freshest_crl_urls(&self) -> &[Url] {
        &self.0.extensions.freshest_crl_urls
    }

    /// URLs of caIssuers in the authority information access: where the certificate of whoever has
    /// signed the CRL is (RFC 5280 §5.2.7). Only those that are URLs with a host; none where the
    /// extension, which must not be critical and decides nothing, cannot be read.
    pub fn signer_urls(&self) -> &[Url] {
        &self.0.extensions.signer_urls
    }

    /// Microsoft's Published CRL Locations (fact sheet §4.3). Only those that are URLs with a host.
    pub fn published_locations(&self) -> &[Url] {
        &self.0.extensions.published_locations
    }

    /// Issuing distribution point (RFC 5280 §5.2.5), critical or not. `None`: the CRL is about all
    /// certificates of its issuer, for all reasons.
    pub fn scope(&self) -> Option<&CrlScope> {
        self.0.extensions.scope.as_ref()
    }

    /// distributionPoint of the issuing distribution point, names of every kind.
    pub fn point_name(&self) -> Option<&PointNameRead> {
        self.0.extensions.point.as_ref()
    }

    /// The body of the issuing distribution point as it stands there; empty without one. A delta
    /// goes with a base of the same (RFC 5280 §6.3.3 (c)(2)).
    pub fn scope_der(&self) -> &[u8] {
        &self.0.extensions.scope_der
    }

    /// The version as people count: 1 or 2, or a number that does not exist (RFC 5280 §5.1.2.1).
    pub fn version(&self) -> u64 {
        self.0.version
    }

    /// MD5 or SHA-1, where it is signed with one of them.
    pub fn weak_digest(&self) -> Option<WeakDigest> {
        self.0.weak
    }

    /// The entry for a serial number of the CRL's own issuer (big-endian, leading zeros do not
    /// matter). Where a number is listed twice, the first.
    pub fn find(&self, serial: &[u8]) -> Option<CrlEntry> {
        self.find_of(self.issuer(), serial)
    }

    /// The same of another issuer, for indirect CRLs (RFC 5280 §5.3.3).
    pub fn find_of(&self, issuer: &DistinguishedName, serial: &[u8]) -> Option<CrlEntry> {
        self.find_where(serial, |name| name == issuer)
    }

    fn find_where(
        &self,
        serial: &[u8],
        is_issuer: impl Fn(&DistinguishedName) -> bool,
    ) -> Option<CrlEntry> {
        let wanted = crate::decode::canonical(serial);
        self.0.entries.find(self.der(), self.issuer(), wanted, is_issuer)
    }

    /// The same, with issuers compared by RFC 5280 §7.1.
    pub fn find_matching(&self, issuer: &DistinguishedName, serial: &[u8]) -> Option<CrlEntry> {
        self.find_where(serial, |name| name.matches(issuer))
    }

    /// All entries, by serial number.
    pub fn entries(&self) -> impl Iterator<Item = CrlEntry> + '_ {
        self.entries_of().map(|(_, entry)| entry)
    }

    /// All entries with the issuer of their certificate, by serial number; those of one number in
    /// the CRL's order.
    pub fn entries_of(&self) -> impl Iterator<Item = (&DistinguishedName, CrlEntry)> + '_ {
        self.0.entries.all(self.der(), self.issuer()).into_iter()
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.0.entries.len()
    }

    /// Whether it lists nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As PEM, `-----BEGIN X509 CRL-----` (RFC 7468 §6).
    pub fn pem(&self) -> String {
        to_pem(self.der())
    }

    /// SHA-1 of the whole CRL in lower-case hex.
    pub fn sha1(&self) -> String {
        digest::hex(&digest::sha1(self.der()))
    }

    /// The signed part, as it stands there.
    pub fn tbs(&self) -> &[u8] {
        self.slice(&self.0.tbs)
    }

    /// The signature's octets.
    pub fn signature(&self) -> &[u8] {
        self.slice(&self.0.signature)
    }

    pub(crate) fn signed_with(&self) -> Option<SignatureAlgorithm> {
        self.0.signed_with
    }

    fn slice(&self, place: &Range<usize>) -> &[u8] {
        self.0.der.get(place.clone()).unwrap_or_default()
    }
}

/// DER bytes of a CRL as PEM, `-----BEGIN X509 CRL-----` (RFC 7468 §6); what they are is not looked
/// at.
pub fn to_pem(der: &[u8]) -> String {
    pem::encode("X509 CRL", der)
}

impl PartialEq for Crl {
    fn eq(&self, other: &Crl) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.der() == other.der()
    }
}

impl Eq for Crl {}

/// Issuer, numbers, times and size.
impl fmt::Debug for Crl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crl")
            .field("issuer", self.issuer())
            .field("number", &self.number())
            .field("base_number", &self.base_number())
            .field("this_update", &self.this_update())
            .field("next_update", &self.next_update())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
