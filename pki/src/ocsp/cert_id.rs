//! CertID: which certificate an OCSP request asks about (RFC 6960 §4.1.1).

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{ID_SHA_1, ID_SHA_256, ID_SHA_384, ID_SHA_512};
use der::SliceReader;

use super::octets;
use crate::decode::{hash_algorithm, sequence, serial};
use crate::{Certificate, Malformed, encode};

/// Which certificate is asked about (RFC 6960 §4.1.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CertId {
    /// What the two hashes are made with.
    pub hash: CertIdHash,
    /// Hash of the issuer's name in DER.
    pub issuer_name_hash: Vec<u8>,
    /// Hash of the bits of the issuer's public key.
    pub issuer_key_hash: Vec<u8>,
    /// Serial number, big-endian, without leading zeros; zero is one zero octet.
    pub serial: Vec<u8>,
}

/// The hash function of a CertID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum CertIdHash {
    /// SHA-1, the one of RFC 5019 §2.1.1, which Windows sends.
    #[default]
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl CertIdHash {
    /// All of them.
    pub const ALL: [CertIdHash; 4] =
        [CertIdHash::Sha1, CertIdHash::Sha256, CertIdHash::Sha384, CertIdHash::Sha512];

    /// The hash of `bytes`.
    pub fn of(self, bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            CertIdHash::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
            CertIdHash::Sha256 => &SHA256,
            CertIdHash::Sha384 => &SHA384,
            CertIdHash::Sha512 => &SHA512,
        };
        digest::digest(algorithm, bytes).as_ref().to_vec()
    }

    fn oid(self) -> ObjectIdentifier {
        match self {
            CertIdHash::Sha1 => ID_SHA_1,
            CertIdHash::Sha256 => ID_SHA_256,
            CertIdHash::Sha384 => ID_SHA_384,
            CertIdHash::Sha512 => ID_SHA_512,
        }
    }
}

impl CertId {
    /// The identifier of `certificate`, which `issuer` has issued, by SHA-1. The name is the one
    /// that the certificate bears, the key that of the issuer's certificate (RFC 6960 §4.1.1).
    pub fn new(certificate: &Certificate, issuer: &Certificate) -> CertId {
        CertId::by(CertIdHash::Sha1, certificate, issuer)
    }

    /// The same by another hash function.
    pub fn by(hash: CertIdHash, certificate: &Certificate, issuer: &Certificate) -> CertId {
        CertId {
            hash,
            issuer_name_hash: hash.of(certificate.issuer().as_der()),
            // A key without structure has no hash: the identifier then matches no issuer.
            issuer_key_hash: key_hash(hash, issuer).unwrap_or_default(),
            serial: certificate.serial().to_vec(),
        }
    }

    /// Whether the certificate asked about is one of this issuer's.
    pub fn matches_issuer(&self, issuer: &Certificate) -> bool {
        self.issuer_name_hash == self.hash.of(issuer.subject().as_der())
            && key_hash(self.hash, issuer).is_some_and(|hash| hash == self.issuer_key_hash)
    }

    pub(super) fn write(&self) -> Vec<u8> {
        encode::sequence(&[
            &encode::sequence(&[&encode::oid(self.hash.oid()), &encode::null()]),
            &encode::octet_string(&self.issuer_name_hash),
            &encode::octet_string(&self.issuer_key_hash),
            &encode::unsigned(&self.serial),
        ])
    }

    /// Reads the next CertID; the error for another hash function leaves the reader behind it.
    pub(super) fn read(reader: &mut SliceReader<'_>) -> Result<CertId, Malformed> {
        let (oid, name, key, serial) = sequence(reader, |r| {
            Ok((hash_algorithm(r)?, octets(r)?, octets(r)?, serial(r)?.to_vec()))
        })?;
        let hash = CertIdHash::ALL.into_iter().find(|hash| hash.oid() == oid);
        let hash = hash.ok_or_else(|| Malformed::HashAlgorithm { oid: oid.to_string() })?;
        let length = hash.of(&[]).len();
        if name.len() != length || key.len() != length {
            return Err(der::Error::from(der::Tag::OctetString.length_error()).into());
        }
        let (issuer_name_hash, issuer_key_hash) = (name.to_vec(), key.to_vec());
        Ok(CertId { hash, issuer_name_hash, issuer_key_hash, serial })
    }
}

fn key_hash(hash: CertIdHash, issuer: &Certificate) -> Option<Vec<u8>> {
    issuer.public_key_bits().map(|bits| hash.of(bits))
}
