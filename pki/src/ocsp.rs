//! OCSP (RFC 6960) in the profile of RFC 5019: CertIDs by SHA-1, no nonce.

mod request;
mod response;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::ID_SHA_1;
use der::{Decode, SliceReader};
use revlab_lab::Instant;

pub use request::OcspRequest;
pub use response::OcspResponse;

use crate::decode::{hash_algorithm, sequence, serial};
use crate::{Certificate, Malformed, digest, encode};

/// Which certificate is asked about (RFC 6960 §4.1.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CertId {
    /// SHA-1 of the issuer's name in DER.
    pub issuer_name_hash: [u8; 20],
    /// SHA-1 of the bits of the issuer's public key.
    pub issuer_key_hash: [u8; 20],
    /// Serial number, big-endian, without leading zeros; zero is one zero octet.
    pub serial: Vec<u8>,
}

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

impl CertId {
    /// The identifier of `certificate`, which `issuer` has issued. The name is the one that the
    /// certificate bears, the key that of the issuer's certificate (RFC 6960 §4.1.1).
    pub fn new(certificate: &Certificate, issuer: &Certificate) -> CertId {
        CertId {
            issuer_name_hash: digest::sha1(certificate.issuer().as_der()),
            // A key without structure has no hash: the identifier then matches no issuer.
            issuer_key_hash: issuer.public_key_hash().unwrap_or_default(),
            serial: certificate.serial().to_vec(),
        }
    }

    /// Whether the certificate asked about is one of this issuer's.
    pub fn matches_issuer(&self, issuer: &Certificate) -> bool {
        self.issuer_name_hash == digest::sha1(issuer.subject().as_der())
            && Some(self.issuer_key_hash) == issuer.public_key_hash()
    }

    fn write(&self) -> Vec<u8> {
        encode::sequence(&[
            &encode::sequence(&[&encode::oid(ID_SHA_1), &encode::null()]),
            &encode::octet_string(&self.issuer_name_hash),
            &encode::octet_string(&self.issuer_key_hash),
            &encode::unsigned(&self.serial),
        ])
    }

    /// Reads the next CertID; the error for another hash than SHA-1 leaves the reader behind it.
    fn read(reader: &mut SliceReader<'_>) -> Result<CertId, Malformed> {
        let (hash, name, key, serial) = sequence(reader, |r| {
            Ok((hash_algorithm(r)?, octets(r)?, octets(r)?, serial(r)?.to_vec()))
        })?;
        if hash != ID_SHA_1 {
            return Err(Malformed::HashAlgorithm { oid: hash.to_string() });
        }
        Ok(CertId {
            issuer_name_hash: sha1_octets(name)?,
            issuer_key_hash: sha1_octets(key)?,
            serial,
        })
    }
}

fn sha1_octets(octets: &[u8]) -> Result<[u8; 20], Malformed> {
    octets.try_into().map_err(|_| der::Error::from(der::Tag::OctetString.length_error()).into())
}

fn octets<'a>(reader: &mut SliceReader<'a>) -> Result<&'a [u8], Malformed> {
    crate::decode::content(reader, der::Tag::OctetString)
}

fn oid(reader: &mut SliceReader<'_>) -> Result<ObjectIdentifier, Malformed> {
    Ok(ObjectIdentifier::decode(reader)?)
}

#[cfg(test)]
mod tests;
