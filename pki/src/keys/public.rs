//! SubjectPublicKeyInfo: an algorithm and the key's bits (RFC 5280 §4.1.2.7).

use der::Reader;

use super::KeyAlgorithm;
use crate::decode::{bits, sequence, whole};
use crate::{Malformed, digest, encode};

/// A public key taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PublicKey<'a> {
    /// The kind; `None` for keys that the lab does not use.
    pub(crate) kind: Option<PublicKind>,
    /// The subjectPublicKey's octets.
    pub(crate) bits: &'a [u8],
}

/// What the key's own AlgorithmIdentifier says: neither an RSA key's size nor its padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PublicKind {
    Rsa,
    EcdsaP256,
    EcdsaP384,
    Ed25519,
}

impl<'a> PublicKey<'a> {
    /// Reads a DER SubjectPublicKeyInfo.
    pub(crate) fn read(public_key_info: &'a [u8]) -> Result<PublicKey<'a>, Malformed> {
        let (algorithm, bits) =
            whole(public_key_info, |r| sequence(r, |r| Ok((r.tlv_bytes()?, bits(r)?))))
                .map_err(|e| e.within("a SubjectPublicKeyInfo"))?;
        let kind = match algorithm {
            RSA => Some(PublicKind::Rsa),
            P256 => Some(PublicKind::EcdsaP256),
            P384 => Some(PublicKind::EcdsaP384),
            ED25519 => Some(PublicKind::Ed25519),
            _ => None,
        };
        Ok(PublicKey { kind, bits })
    }

    /// SHA-1 of the key's bits: key identifier by method 1 of RFC 5280 §4.2.1.2, and the
    /// issuerKeyHash and byKey of OCSP.
    pub(crate) fn id(&self) -> [u8; 20] {
        digest::sha1(self.bits)
    }
}

/// A SubjectPublicKeyInfo of this kind.
pub(super) fn write(kind: KeyAlgorithm, key: &[u8]) -> Vec<u8> {
    let algorithm = match kind {
        KeyAlgorithm::EcdsaP256 => P256,
        KeyAlgorithm::EcdsaP384 => P384,
        KeyAlgorithm::Ed25519 => ED25519,
        KeyAlgorithm::Rsa2048
        | KeyAlgorithm::Rsa3072
        | KeyAlgorithm::Rsa4096
        | KeyAlgorithm::RsaPss => RSA,
    };
    encode::sequence(&[algorithm, &encode::bit_string(key)])
}

/// id-ecPublicKey with the curve secp256r1 (RFC 5480 §2.1.1).
pub(super) const P256: &[u8] = &[
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
    0xce, 0x3d, 0x03, 0x01, 0x07,
];

/// id-ecPublicKey with the curve secp384r1 (RFC 5480 §2.1.1).
const P384: &[u8] = &[
    0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04,
    0x00, 0x22,
];

/// id-Ed25519, without parameters (RFC 8410 §3).
const ED25519: &[u8] = &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];

/// rsaEncryption with NULL (RFC 3279 §2.3.1).
const RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
