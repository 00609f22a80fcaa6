//! OCSP responses (RFC 6960 §4.2).

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use const_oid::db::rfc6960::ID_PKIX_OCSP_BASIC;
use der::{Reader, SliceReader};
use revlab_lab::Instant;

use super::template::status_octet;
use super::{CertId, CertStatus, OcspAnswer, OcspTemplate, ResponderName, SingleTemplate, nonce};
use super::{octets, oid};
use crate::decode::{
    constructed, content, enumerated, number, optional, place, primitive, sequence, sequence_of,
    whole,
};
use crate::encode;
use crate::signature::SignatureAlgorithm;
use crate::signed::Signed;
use crate::{
    Certificate, DistinguishedName, KeyPair, Malformed, WeakDigest, extension, time, weak,
};

/// An OCSP response as it came from a responder. Cloning shares it.
#[derive(Clone)]
pub struct OcspResponse(Arc<Inner>);

#[derive(Default)]
struct Inner {
    der: Box<[u8]>,
    status: u8,
    basic: Option<Basic>,
}

/// BasicOCSPResponse.
struct Basic {
    tbs: Range<usize>,
    signature: Range<usize>,
    signed_with: Option<SignatureAlgorithm>,
    weak: Option<WeakDigest>,
    data: Data,
    certificates: Vec<Certificate>,
}

/// ResponseData.
struct Data {
    responder: ResponderName,
    answers: Vec<OcspAnswer>,
    nonce: Option<Vec<u8>>,
}

impl OcspAnswer {
    /// Signs a successful response with this one answer. The responder is named by its key;
    /// `include_certificate` puts its certificate into the response, as a delegated responder
    /// must (RFC 6960 §4.2.2.2). That the key is the responder's is not checked: another key
    /// makes a response whose signature does not verify.
    pub fn sign(
        &self,
        responder: &Certificate,
        key: &KeyPair,
        include_certificate: bool,
    ) -> Vec<u8> {
        let (answer, extensions) = (self.clone(), Vec::new());
        let template = OcspTemplate {
            responder: ResponderName::key_of(responder),
            produced_at: self.produced_at,
            answers: vec![SingleTemplate { answer, extensions }],
            extensions: Vec::new(),
            certificates: include_certificate.then(|| responder.clone()).into_iter().collect(),
            fraction: false,
        };
        template.sign(key)
    }
}

impl OcspResponse {
    /// An error response (RFC 6960 §4.2.1): 1 malformedRequest, 2 internalError, 3 tryLater,
    /// 5 sigRequired, 6 unauthorized. Statuses from 128 on become 2.
    pub fn error(status: u8) -> Vec<u8> {
        encode::sequence(&[&status_octet(if status < 0x80 { status } else { 2 })])
    }

    /// Reads a DER response. The signature is not verified: see [`crate::Verifier`]. Answers by
    /// an unknown hash function are passed over.
    ///
    /// # Errors
    ///
    /// Not an OCSP response in DER, a successful one without an answer of the basic type, or a
    /// critical extension.
    pub fn parse(der: &[u8]) -> Result<OcspResponse, Malformed> {
        let mut inner = response(der).map_err(|e| e.within("an OCSP response"))?;
        inner.der = der.into();
        Ok(OcspResponse(Arc::new(inner)))
    }

    /// The whole response.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// responseStatus: 0 successful, otherwise an error.
    pub fn status(&self) -> u8 {
        self.0.status
    }

    /// All answers, in order, but those by a hash function that [`CertIdHash`](super::CertIdHash)
    /// does not have.
    pub fn answers(&self) -> &[OcspAnswer] {
        self.0.basic.as_ref().map_or(&[], |basic| &basic.data.answers)
    }

    /// The nonce, as [`super::OcspRequest::nonce`] has it, where the response bears one.
    pub fn nonce(&self) -> Option<&[u8]> {
        self.0.basic.as_ref().and_then(|basic| basic.data.nonce.as_deref())
    }

    /// The first answer about one certificate.
    pub fn find(&self, id: &CertId) -> Option<OcspAnswer> {
        self.answers().iter().find(|answer| answer.id == *id).cloned()
    }

    /// The certificates that came with it.
    pub fn certificates(&self) -> &[Certificate] {
        self.0.basic.as_ref().map_or(&[], |basic| &basic.certificates)
    }

    /// The signed part, as it stands there; empty in an error response.
    pub fn tbs(&self) -> &[u8] {
        self.slice(|basic| &basic.tbs)
    }

    /// The signature's octets; empty in an error response.
    pub fn signature(&self) -> &[u8] {
        self.slice(|basic| &basic.signature)
    }

    pub(crate) fn signed_with(&self) -> Option<SignatureAlgorithm> {
        self.0.basic.as_ref().and_then(|basic| basic.signed_with)
    }

    /// MD5 or SHA-1, where it is signed with one of them.
    pub fn weak_digest(&self) -> Option<WeakDigest> {
        self.0.basic.as_ref().and_then(|basic| basic.weak)
    }

    /// responderID; `None` in an error response.
    pub fn responder(&self) -> Option<&ResponderName> {
        self.0.basic.as_ref().map(|basic| &basic.data.responder)
    }

    /// Whether the response says that this certificate's key has signed it.
    pub fn names_responder(&self, certificate: &Certificate) -> bool {
        match self.0.basic.as_ref().map(|basic| &basic.data.responder) {
            Some(ResponderName::Name(name)) => name.matches(certificate.subject()),
            Some(ResponderName::Key(hash)) => {
                certificate.public_key_hash().is_some_and(|own| own.as_slice() == hash)
            }
            None => false,
        }
    }

    fn slice(&self, place: impl Fn(&Basic) -> &Range<usize>) -> &[u8] {
        let range = self.0.basic.as_ref().map(|basic| place(basic).clone());
        range.and_then(|range| self.0.der.get(range)).unwrap_or_default()
    }
}

/// Status and answers.
impl fmt::Debug for OcspResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OcspResponse")
            .field("status", &self.status())
            .field("answers", &self.0.basic.as_ref().map(|basic| &basic.data.answers))
            .finish_non_exhaustive()
    }
}

fn response(der: &[u8]) -> Result<Inner, Malformed> {
    let (status, bytes) =
        whole(der, |r| sequence(r, |r| Ok((enumerated(r)?, optional(r, constructed(0))?))))?;
    let basic = match (status, bytes) {
        (0, bytes) => Some(basic(response_bytes(bytes.unwrap_or_default())?, der)?),
        _ => None,
    };
    Ok(Inner { status, basic, ..Inner::default() })
}

/// ResponseBytes: the content of a basic response.
fn response_bytes(bytes: &[u8]) -> Result<&[u8], Malformed> {
    let (kind, content) = whole(bytes, |r| sequence(r, |r| Ok((oid(r)?, octets(r)?))))?;
    if kind == ID_PKIX_OCSP_BASIC {
        Ok(content)
    } else {
        Err(Malformed::ResponseType { oid: kind.to_string() })
    }
}

fn basic(bytes: &[u8], der: &[u8]) -> Result<Basic, Malformed> {
    let mut certificates = Vec::new();
    let signed = whole(bytes, |r| {
        sequence(r, |r| {
            let signed = Signed::read(r)?;
            if let Some(wrapped) = optional(r, constructed(0))? {
                whole(wrapped, |r| {
                    sequence_of(r, |r| {
                        certificates.push(Certificate::parse(r.tlv_bytes()?)?);
                        Ok(())
                    })
                })?;
            }
            Ok(signed)
        })
    })?;
    let data = whole(signed.tbs, |r| sequence(r, response_data))?;
    Ok(Basic {
        tbs: place(der, signed.tbs),
        signature: place(der, signed.signature),
        signed_with: SignatureAlgorithm::read(signed.algorithm),
        weak: weak::read(signed.algorithm),
        data,
        certificates,
    })
}

fn response_data(r: &mut SliceReader<'_>) -> Result<Data, Malformed> {
    if let Some(version) = optional(r, constructed(0))? {
        whole(version, |r| number(r, "the OCSP response's version"))?;
    }
    let responder = match optional(r, constructed(1))? {
        Some(name) => ResponderName::Name(whole(name, DistinguishedName::read)?),
        None => {
            ResponderName::Key(whole(content(r, constructed(2))?, |r| Ok(octets(r)?.to_vec()))?)
        }
    };
    let produced_at = time::read(r)?;
    let mut answers = Vec::new();
    sequence_of(r, |r| {
        answers.extend(sequence(r, |r| single(r, produced_at))?);
        Ok(())
    })?;
    let nonce = optional(r, constructed(1))?.map_or(Ok(None), nonce)?;
    Ok(Data { responder, answers, nonce })
}

/// SingleResponse; `None` where its CertID is by an unknown hash function.
fn single(r: &mut SliceReader<'_>, produced_at: Instant) -> Result<Option<OcspAnswer>, Malformed> {
    let id = match CertId::read(r) {
        Ok(id) => Some(id),
        Err(Malformed::HashAlgorithm { .. }) => None,
        Err(other) => return Err(other),
    };
    let status = cert_status(r)?;
    let this_update = time::read(r)?;
    let next_update =
        optional(r, constructed(0))?.map(|wrapped| whole(wrapped, time::read)).transpose()?;
    optional(r, constructed(1))?.map_or(Ok(()), extension::read_ignored)?;
    Ok(id.map(|id| OcspAnswer { id, status, this_update, next_update, produced_at }))
}

fn cert_status(r: &mut SliceReader<'_>) -> Result<CertStatus, Malformed> {
    if optional(r, primitive(0))?.is_some() {
        return Ok(CertStatus::Good);
    }
    if let Some(info) = optional(r, constructed(1))? {
        return whole(info, |r| {
            let at = time::read(r)?;
            let reason = optional(r, constructed(0))?.map(|code| whole(code, enumerated));
            Ok(CertStatus::Revoked { at, reason: reason.transpose()? })
        });
    }
    content(r, primitive(2)).map(|_| CertStatus::Unknown)
}
