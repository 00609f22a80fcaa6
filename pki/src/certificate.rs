//! Certificates (RFC 5280 §4).

mod constraints;
mod cross_points;
mod extras;
mod issue;
mod read;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use revlab_lab::Instant;
use revlab_lab::http::Url;

pub use constraints::{Basic, Constraints, KeyUsage, NameLimits};
pub use cross_points::CrossPoints;
pub use extras::{
    AccessDescription, AccessMethod, CertificateExtension, CertificateExtras, NameConstraints,
};
pub use issue::{CertificateTemplate, IssueError, Issuer, Usage};

use crate::keys::PublicKey;
use crate::signature::SignatureAlgorithm;
use crate::{DistinguishedName, Malformed, WeakDigest, cms, digest, pem};

/// A certificate with everything read from it that revocation needs. Cloning shares it; two are
/// equal when their bytes are.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

/// What [`read`] fills.
struct Inner {
    der: Box<[u8]>,
    tbs: Range<usize>,
    signature: Range<usize>,
    /// How it is signed, where the algorithm is known and the same inside and
    /// outside of the signed part (RFC 5280 §4.1.1.2).
    signed_with: Option<SignatureAlgorithm>,
    serial: Vec<u8>,
    issuer: DistinguishedName,
    subject: DistinguishedName,
    not_before: Instant,
    not_after: Instant,
    public_key_info: Range<usize>,
    extensions: Extensions,
    /// Read when they are first asked for: most checks do not.
    constraints: OnceLock<Result<Constraints, Malformed>>,
    /// The weak digest that it is signed with, if it is one.
    weak: Option<WeakDigest>,
}

#[derive(Default)]
struct Extensions {
    subject_key_id: Option<Vec<u8>>,
    authority_key_id: Option<Vec<u8>>,
    is_ca: bool,
    extended_usage: Option<ExtendedUsage>,
    crl_urls: Vec<Url>,
    freshest_crl_urls: Vec<Url>,
    ocsp_urls: Vec<Url>,
    issuer_urls: Vec<Url>,
    ca_version: Option<(u16, u16)>,
    /// Boxed: hardly any has it.
    cross_points: Option<Box<CrossPoints>>,
    unknown_critical: Option<String>,
}

#[derive(Clone, Copy, Default)]
struct ExtendedUsage {
    client_auth: bool,
    ocsp_signing: bool,
}

impl Certificate {
    /// Reads a DER certificate. The signature is not verified: see [`crate::Verifier`].
    ///
    /// # Errors
    ///
    /// Not a certificate in DER, bytes left over, an extension twice, or an extension body that
    /// does not have its structure. An unknown critical extension is no error here: see
    /// [`unknown_critical`](Certificate::unknown_critical).
    pub fn parse(der: &[u8]) -> Result<Certificate, Malformed> {
        let inner = read::certificate(der).map_err(|e| e.within("a certificate"))?;
        Ok(Certificate(Arc::new(inner)))
    }

    /// Reads all certificates of a PEM text, in order; blocks of other kinds are passed over.
    ///
    /// # Errors
    ///
    /// One of them is not a certificate: see [`Certificate::parse`].
    pub fn parse_pem(text: &str) -> Result<Vec<Certificate>, Malformed> {
        let blocks = pem::blocks(text).into_iter();
        let certificates = blocks.filter(|(label, _)| *label == "CERTIFICATE");
        certificates.map(|(_, der)| Certificate::parse(&der.unwrap_or_default())).collect()
    }

    /// The certificates in what a URL of caIssuers names: one in DER, or a "certs-only" CMS message with
    /// any number (RFC 5280 §4.2.2.1). Either in PEM is taken too: the RFC does not want that, and it
    /// is out there.
    ///
    /// # Errors
    ///
    /// It is none of these.
    pub fn parse_issuers(file: &[u8]) -> Result<Vec<Certificate>, Malformed> {
        let text = std::str::from_utf8(file).unwrap_or_default();
        let labels = ["CERTIFICATE", "PKCS7", "CMS"];
        let block = pem::blocks(text).into_iter().find(|(label, _)| labels.contains(label));
        let unwrapped = block.and_then(|(_, der)| der);
        let der = unwrapped.as_deref().unwrap_or(file);
        let one = Certificate::parse(der).map(|one| vec![one]);
        one.or_else(|why| cms::certificates(der).map_err(|_| why))
    }

    /// Whether an authority key identifier allows that this is the signer's certificate: where there is
    /// none, or none here, nothing speaks against it (RFC 5280 §4.2.1.1, §5.2.1).
    pub fn fits_key_id(&self, authority_key_id: Option<&[u8]>) -> bool {
        authority_key_id.zip(self.subject_key_id()).is_none_or(|(named, own)| named == own)
    }

    /// The whole certificate.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// Whose key it certifies.
    pub fn subject(&self) -> &DistinguishedName {
        &self.0.subject
    }

    /// Who signed it.
    pub fn issuer(&self) -> &DistinguishedName {
        &self.0.issuer
    }

    /// Serial number, big-endian, without leading zeros; zero is one zero octet.
    pub fn serial(&self) -> &[u8] {
        &self.0.serial
    }

    /// First second of its validity.
    pub fn not_before(&self) -> Instant {
        self.0.not_before
    }

    /// Last second of its validity.
    pub fn not_after(&self) -> Instant {
        self.0.not_after
    }

    /// The certified key as a DER SubjectPublicKeyInfo.
    pub fn public_key_info(&self) -> &[u8] {
        self.slice(&self.0.public_key_info)
    }

    /// Subject key identifier (RFC 5280 §4.2.1.2).
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        self.0.extensions.subject_key_id.as_deref()
    }

    /// Authority key identifier's keyIdentifier (RFC 5280 §4.2.1.1).
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        self.0.extensions.authority_key_id.as_deref()
    }

    /// Whether basic constraints say that it is a CA's (RFC 5280 §4.2.1.9).
    pub fn is_ca(&self) -> bool {
        self.0.extensions.is_ca
    }

    /// Whether a TLS client may present it: no extended key usage, or one with clientAuth or
    /// anyExtendedKeyUsage (RFC 5280 §4.2.1.12).
    pub fn allows_client_auth(&self) -> bool {
        self.0.extensions.extended_usage.is_none_or(|usage| usage.client_auth)
    }

    /// Whether the CA delegated OCSP signing to it: extended key usage with id-kp-OCSPSigning
    /// itself (RFC 6960 §4.2.2.2).
    pub fn allows_ocsp_signing(&self) -> bool {
        self.0.extensions.extended_usage.is_some_and(|usage| usage.ocsp_signing)
    }

    /// URLs of the CRL distribution points, in order. Only those that are URLs with a host, and AD's
    /// `ldap:///…`: `file:////server/…` is left out, here and in the other lists.
    pub fn crl_urls(&self) -> &[Url] {
        &self.0.extensions.crl_urls
    }

    /// URLs of the freshestCRL extension, where delta CRLs are (RFC 5280 §4.2.1.15).
    pub fn freshest_crl_urls(&self) -> &[Url] {
        &self.0.extensions.freshest_crl_urls
    }

    /// URLs of the access method id-ad-ocsp (RFC 5280 §4.2.2.1).
    pub fn ocsp_urls(&self) -> &[Url] {
        &self.0.extensions.ocsp_urls
    }

    /// URLs of the access method id-ad-caIssuers (RFC 5280 §4.2.2.1).
    pub fn issuer_urls(&self) -> &[Url] {
        &self.0.extensions.issuer_urls
    }

    /// Where this CA's certificates by other CAs are (Microsoft's 1.3.6.1.4.1.311.10.9.1).
    pub fn cross_points(&self) -> Option<&CrossPoints> {
        self.0.extensions.cross_points.as_deref()
    }

    /// Microsoft's CA version: certificate index and key index (fact sheet §4.3).
    pub fn ca_version(&self) -> Option<(u16, u16)> {
        self.0.extensions.ca_version
    }

    /// OID of the first critical extension that this crate does not read, if any: path validation
    /// must refuse such a certificate (RFC 5280 §6.1.4, §6.1.5).
    pub fn unknown_critical(&self) -> Option<&str> {
        self.0.extensions.unknown_critical.as_deref()
    }

    /// What path validation asks for (RFC 5280 §6.1).
    ///
    /// # Errors
    ///
    /// One of those extensions has not its structure.
    pub fn constraints(&self) -> Result<&Constraints, &Malformed> {
        let read = || Constraints::read(self.tbs()).map_err(|e| e.within("a certificate"));
        self.0.constraints.get_or_init(read).as_ref()
    }

    /// MD5 or SHA-1, where it is signed with one of them.
    pub fn weak_digest(&self) -> Option<WeakDigest> {
        self.0.weak
    }

    /// The signed part, as it stands there.
    pub fn tbs(&self) -> &[u8] {
        self.slice(&self.0.tbs)
    }

    /// The signature's octets.
    pub fn signature(&self) -> &[u8] {
        self.slice(&self.0.signature)
    }

    /// How it is signed; see the field.
    pub(crate) fn signed_with(&self) -> Option<SignatureAlgorithm> {
        self.0.signed_with
    }

    /// The identifier that artefacts signed by this certificate's key refer to: its subject key
    /// identifier, or what it would be (RFC 5280 §4.2.1.2 method 1).
    pub(crate) fn key_id(&self) -> Vec<u8> {
        match self.subject_key_id() {
            Some(id) => id.to_vec(),
            None => self.public_key_hash().map(Vec::from).unwrap_or_default(),
        }
    }

    /// The certified key's bits, subjectPublicKey without its algorithm: what OCSP hashes
    /// (RFC 6960 §4.1.1); `None` where the key's structure cannot be read.
    pub fn public_key_bits(&self) -> Option<&[u8]> {
        PublicKey::read(self.public_key_info()).ok().map(|key| key.bits)
    }

    /// SHA-1 of the certified key's bits; `None` where the key's structure cannot be read.
    pub(crate) fn public_key_hash(&self) -> Option<[u8; 20]> {
        PublicKey::read(self.public_key_info()).ok().map(|key| key.id())
    }

    /// As PEM, `-----BEGIN CERTIFICATE-----`.
    pub fn pem(&self) -> String {
        pem::encode("CERTIFICATE", self.der())
    }

    /// SHA-1 of the whole certificate in lower-case hex: the thumbprint that Windows shows.
    pub fn sha1(&self) -> String {
        digest::hex(&digest::sha1(self.der()))
    }

    /// Whether subject and issuer are the same name (RFC 5280 §6.1).
    pub fn is_self_issued(&self) -> bool {
        self.subject() == self.issuer()
    }

    fn slice(&self, place: &Range<usize>) -> &[u8] {
        self.0.der.get(place.clone()).unwrap_or_default()
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Certificate) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.der() == other.der()
    }
}

impl Eq for Certificate {}

/// Names, serial number and thumbprint.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", self.subject())
            .field("issuer", self.issuer())
            .field("serial", &digest::hex(self.serial()))
            .field("sha1", &self.sha1())
            .finish()
    }
}

#[cfg(test)]
mod tests;
