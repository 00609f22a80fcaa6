//! OCSP requests (RFC 6960 §4.1), as DER and as the URL of a GET (A.1).

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use const_oid::db::rfc6960::ID_PKIX_OCSP_NONCE;
use der::Reader;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use revlab_lab::http::{Url, UrlError};

use super::CertId;
use crate::decode::{constructed, number, optional, sequence, sequence_of, whole};
use crate::{Malformed, encode, extension};

/// An unsigned OCSP request. An optional signature or requestor name is passed over when reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcspRequest {
    /// The certificates asked about; RFC 5019 §2.1.1 wants exactly one.
    pub ids: Vec<CertId>,
    /// extnValue of the nonce as it stands there; by RFC 9654 §2.1 an OCTET STRING of 1 to 128
    /// octets, from older clients anything.
    pub nonce: Option<Vec<u8>>,
}

impl OcspRequest {
    /// A request about one certificate, as RFC 5019 §2.1 has it.
    pub fn of(id: CertId) -> OcspRequest {
        OcspRequest { ids: vec![id], nonce: None }
    }

    /// The request as DER: the body of a POST.
    pub fn der(&self) -> Vec<u8> {
        let requests: Vec<u8> =
            self.ids.iter().flat_map(|id| encode::sequence(&[&id.write()])).collect();
        let nonce = self.nonce.as_ref().map(|value| {
            let nonce = extension::write(ID_PKIX_OCSP_NONCE, false, value);
            encode::constructed(2, &encode::sequence(&[&nonce]))
        });
        let tbs = [encode::sequence(&[&requests]), nonce.unwrap_or_default()].concat();
        encode::sequence(&[&encode::sequence(&[&tbs])])
    }

    /// How many octets the nonce has; `None` where there is none, or none in the form of RFC 9654
    /// §2.1.
    pub fn nonce_octets(&self) -> Option<usize> {
        let value = self.nonce.as_deref()?;
        whole(value, |r| Ok(super::octets(r)?.len())).ok()
    }

    /// Reads a DER request.
    ///
    /// # Errors
    ///
    /// Not an OCSP request in DER, a CertID by a hash function that
    /// [`CertIdHash`](super::CertIdHash) does not have, or an unknown critical extension.
    pub fn parse(der: &[u8]) -> Result<OcspRequest, Malformed> {
        read(der).map_err(|e| e.within("an OCSP request"))
    }

    /// The URL of the GET that sends this request to the responder at `base`: its base64 form,
    /// percent-encoded, as one more path segment.
    ///
    /// # Errors
    ///
    /// The result is not a URL, because it became too long for one.
    pub fn url(&self, base: &Url) -> Result<Url, UrlError> {
        let text = BASE64.encode(self.der());
        let slash = if base.as_str().ends_with('/') { "" } else { "/" };
        format!("{base}{slash}{}", utf8_percent_encode(&text, RESERVED)).parse()
    }

    /// Reads the last part of a GET's path, which the caller has freed from the responder's own
    /// path. Takes it percent-encoded or raw (`+`, `/` and `=` as they are), since clients do
    /// both, with or without the slash before it.
    ///
    /// # Errors
    ///
    /// Not base64, or not an OCSP request as for [`OcspRequest::parse`].
    pub fn from_path(path: &str) -> Result<OcspRequest, Malformed> {
        let text: Vec<u8> = percent_decode_str(path.strip_prefix('/').unwrap_or(path)).collect();
        OcspRequest::parse(&BASE64.decode(text).map_err(|_| Malformed::Base64)?)
    }
}

/// The standard alphabet; padding is written, and need not be there when reading.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The characters of base64 that mean something else in a path.
const RESERVED: &AsciiSet = &CONTROLS.add(b'+').add(b'/').add(b'=');

fn read(der: &[u8]) -> Result<OcspRequest, Malformed> {
    let tbs = whole(der, |r| {
        sequence(r, |r| {
            let tbs = r.tlv_bytes()?;
            optional(r, constructed(0))?;
            Ok(tbs)
        })
    })?;
    let (mut ids, mut nonce) = (Vec::new(), None);
    whole(tbs, |r| {
        sequence(r, |r| {
            if let Some(version) = optional(r, constructed(0))? {
                whole(version, |r| number(r, "the OCSP request's version"))?;
            }
            optional(r, constructed(1))?;
            sequence_of(r, |r| {
                ids.push(sequence(r, |r| {
                    let id = CertId::read(r)?;
                    optional(r, constructed(0))?.map_or(Ok(()), extension::read_ignored)?;
                    Ok(id)
                })?);
                Ok(())
            })?;
            nonce = optional(r, constructed(2))?.map_or(Ok(None), super::nonce)?;
            Ok(())
        })
    })?;
    Ok(OcspRequest { ids, nonce })
}
