//! OCSP (RFC 6960, RFC 5019, nonces by RFC 9654).

mod cert_id;
mod request;
mod response;
mod template;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc6960::ID_PKIX_OCSP_NONCE;
use der::{Decode, SliceReader};
use revlab_lab::Instant;

pub use cert_id::{CertId, CertIdHash};
pub use request::OcspRequest;
pub use response::OcspResponse;
pub use template::{OcspExtension, OcspTemplate, ResponderName, SingleTemplate};

use crate::{Malformed, extension};

/// What is known of one certificate, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcspAnswer {
    /// Of which certificate.
    pub id: CertId,
    /// What is known.
    pub status: CertStatus,
    /// thisUpdate: when the status was known to be right.
    pub this_update: Instant,
    /// nextUpdate: when newer information will be there.
    pub next_update: Option<Instant>,
    /// producedAt: when the response was signed.
    pub produced_at: Instant,
}

/// CertStatus of RFC 6960 §2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertStatus {
    /// Not revoked.
    Good,
    /// Revoked.
    Revoked {
        /// revocationTime.
        at: Instant,
        /// revocationReason (RFC 5280 §5.3.1), where there is one.
        reason: Option<u8>,
    },
    /// The responder does not know the certificate.
    Unknown,
}

/// Reads the extensions of a request or a response: the nonce (RFC 9654 §2.1) is known, and nothing
/// else may be critical.
fn nonce(list: &[u8]) -> Result<Option<Vec<u8>>, Malformed> {
    let mut found = None;
    for extension in extension::read_wrapped(list)? {
        if extension.oid == ID_PKIX_OCSP_NONCE {
            found = Some(extension.body.to_vec());
        } else if extension.critical {
            return Err(extension.not_understood());
        }
    }
    Ok(found)
}

fn octets<'a>(reader: &mut SliceReader<'a>) -> Result<&'a [u8], Malformed> {
    crate::decode::content(reader, der::Tag::OctetString)
}

fn oid(reader: &mut SliceReader<'_>) -> Result<ObjectIdentifier, Malformed> {
    Ok(ObjectIdentifier::decode(reader)?)
}

#[cfg(test)]
mod tests;
