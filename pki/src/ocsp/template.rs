//! OCSP responses as they are written (RFC 6960 §4.2): right ones, and every wrong one.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc6960::{ID_PKIX_OCSP_ARCHIVE_CUTOFF, ID_PKIX_OCSP_BASIC, ID_PKIX_OCSP_NONCE};
use revlab_lab::Instant;

use super::{CertStatus, OcspAnswer};
use crate::encode::{self, tag};
use crate::signed::seal;
use crate::{Certificate, DistinguishedName, KeyPair, WeakDigest, extension, time, weak};

/// A successful OCSP response before it is signed. Nothing about it is checked, so that wrong
/// responses can be made on purpose.
///
/// ```
/// use revlab_lab::{Instant, Seed};
/// use revlab_pki::{KeyAlgorithm, KeyPair, OcspResponse, OcspTemplate, ResponderName};
/// let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "responder");
/// let template = OcspTemplate {
///     responder: ResponderName::Key(vec![7; 20]),
///     produced_at: Instant::from_millis(0),
///     answers: Vec::new(),
///     extensions: Vec::new(),
///     certificates: Vec::new(),
///     fraction: false,
/// };
/// assert!(OcspResponse::parse(&template.sign(&key)).is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct OcspTemplate {
    /// responderID: who signs.
    pub responder: ResponderName,
    /// producedAt: when the response was signed.
    pub produced_at: Instant,
    /// responses: one for each certificate.
    pub answers: Vec<SingleTemplate>,
    /// responseExtensions; none: the element is left out.
    pub extensions: Vec<OcspExtension>,
    /// certs: what helps to verify the signature; none: the element is left out.
    pub certificates: Vec<Certificate>,
    /// Writes all times with a fraction of a second, `…00.5Z`, which RFC 5280 §4.1.2.5.2 forbids
    /// and some responders do.
    pub fraction: bool,
}

/// responderID (RFC 6960 §4.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponderName {
    /// byName: the subject of the signer's certificate.
    Name(DistinguishedName),
    /// byKey: SHA-1 of the signer's public key, 20 octets where it is right.
    Key(Vec<u8>),
}

/// SingleResponse: an answer with its extensions.
#[derive(Clone, Debug)]
pub struct SingleTemplate {
    /// The answer; its [`OcspAnswer::produced_at`] is not looked at.
    pub answer: OcspAnswer,
    /// singleExtensions; none: the element is left out.
    pub extensions: Vec<OcspExtension>,
}

/// An extension of a response or of one of its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcspExtension {
    /// Its OID.
    pub oid: ObjectIdentifier,
    /// Whether who does not know it must refuse the response.
    pub critical: bool,
    /// extnValue, the octets in the OCTET STRING.
    pub value: Vec<u8>,
}

impl ResponderName {
    /// byKey, of this certificate's key.
    pub fn key_of(signer: &Certificate) -> ResponderName {
        ResponderName::Key(signer.public_key_hash().map(Vec::from).unwrap_or_default())
    }

    /// byName, this certificate's subject.
    pub fn name_of(signer: &Certificate) -> ResponderName {
        ResponderName::Name(signer.subject().clone())
    }

    fn write(&self) -> Vec<u8> {
        match self {
            ResponderName::Name(name) => encode::constructed(1, name.as_der()),
            ResponderName::Key(hash) => encode::constructed(2, &encode::octet_string(hash)),
        }
    }
}

impl OcspExtension {
    /// The nonce of a request given back (RFC 9654 §2.1); `value` as [`super::OcspRequest::nonce`]
    /// has it.
    pub fn nonce(value: Vec<u8>) -> OcspExtension {
        OcspExtension { oid: ID_PKIX_OCSP_NONCE, critical: false, value }
    }

    /// archiveCutoff (RFC 6960 §4.4.4): from when on the responder still knows about certificates
    /// that have expired.
    pub fn archive_cutoff(since: Instant) -> OcspExtension {
        let value = time::generalized(since);
        OcspExtension { oid: ID_PKIX_OCSP_ARCHIVE_CUTOFF, critical: false, value }
    }
}

impl OcspTemplate {
    /// Signs it. That the key is the responder's is not checked: another key makes a response
    /// whose signature does not verify.
    pub fn sign(&self, key: &KeyPair) -> Vec<u8> {
        let (tbs, certificates) = self.parts();
        wrap(&seal(&tbs, key, &certificates))
    }

    /// The same with a hash function that nobody should take any more. RSA signs PKCS #1 v1.5 by
    /// both, P-256 by SHA-1; a signature by another key does not verify.
    pub fn sign_weakly(&self, key: &KeyPair, by: WeakDigest) -> Vec<u8> {
        let (tbs, certificates) = self.parts();
        wrap(&weak::seal(&tbs, key, by, &certificates))
    }

    /// What is signed, and the certificates behind the signature.
    fn parts(&self) -> (Vec<u8>, Vec<u8>) {
        let answers: Vec<u8> = self.answers.iter().flat_map(|a| self.single(a)).collect();
        let tbs = encode::sequence(&[
            &self.responder.write(),
            &self.time(self.produced_at),
            &encode::sequence(&[&answers]),
            &extensions(&self.extensions),
        ]);
        let certificates = if self.certificates.is_empty() {
            Vec::new()
        } else {
            let all: Vec<u8> = self.certificates.iter().flat_map(|c| c.der().to_vec()).collect();
            encode::constructed(0, &encode::sequence(&[&all]))
        };
        (tbs, certificates)
    }

    fn single(&self, single: &SingleTemplate) -> Vec<u8> {
        let answer = &single.answer;
        let status = match answer.status {
            CertStatus::Good => encode::primitive(0, &[]),
            CertStatus::Revoked { at, reason } => {
                let reason = reason.map(|code| encode::constructed(0, &status_octet(code)));
                encode::constructed(1, &[self.time(at), reason.unwrap_or_default()].concat())
            }
            CertStatus::Unknown => encode::primitive(2, &[]),
        };
        let next_update = answer.next_update.map(|at| encode::constructed(0, &self.time(at)));
        encode::sequence(&[
            &answer.id.write(),
            &status,
            &self.time(answer.this_update),
            &next_update.unwrap_or_default(),
            &extensions(&single.extensions),
        ])
    }

    fn time(&self, at: Instant) -> Vec<u8> {
        let whole = time::generalized(at);
        if !self.fraction {
            return whole;
        }
        let digits = whole.get(2..whole.len().saturating_sub(1)).unwrap_or_default();
        encode::tlv(tag::GENERALIZED_TIME, &[digits, b".5Z"].concat())
    }
}

/// A successful OCSPResponse around a BasicOCSPResponse (RFC 6960 §4.2.1).
fn wrap(basic: &[u8]) -> Vec<u8> {
    let bytes = encode::sequence(&[&encode::oid(ID_PKIX_OCSP_BASIC), &encode::octet_string(basic)]);
    encode::sequence(&[&status_octet(0), &encode::constructed(0, &bytes)])
}

/// responseExtensions and singleExtensions are both `[1]`.
fn extensions(list: &[OcspExtension]) -> Vec<u8> {
    if list.is_empty() {
        return Vec::new();
    }
    let all: Vec<u8> =
        list.iter().flat_map(|e| extension::write(e.oid, e.critical, &e.value)).collect();
    encode::constructed(1, &encode::sequence(&[&all]))
}

/// An ENUMERATED of one octet.
pub(super) fn status_octet(value: u8) -> Vec<u8> {
    encode::tlv(tag::ENUMERATED, &[value & 0x7f])
}
