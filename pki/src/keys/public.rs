//! SubjectPublicKeyInfo: an algorithm and the key's bits (RFC 5280 §4.1.2.7).

use der::Reader;

use super::KeyAlgorithm;
use crate::decode::{bits, sequence, whole};
use crate::{Malformed, digest, encode};

/// A public key taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PublicKey<'a> {
    /// The kind; `None` for keys that the lab does not use. Any RSA size counts as RSA.
    pub(crate) kind: Option<KeyAlgorithm>,
    /// The subjectPublicKey's octets.
    pub(crate) bits: &'a [u8],
}

impl<'a> PublicKey<'a> {
    /// Reads a DER SubjectPublicKeyInfo.
    pub(crate) fn read(public_key_info: &'a [u8]) -> Result<PublicKey<'a>, Malformed> {
        let (algorithm, bits) =
            whole(public_key_info, |r| sequence(r, |r| Ok((r.tlv_bytes()?, bits(r)?))))
                .map_err(|e| e.within("a SubjectPublicKeyInfo"))?;
        let kind = match algorithm {
            P256 => Some(KeyAlgorithm::EcdsaP256),
            RSA => Some(KeyAlgorithm::Rsa2048),
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
        KeyAlgorithm::Rsa2048 => RSA,
    };
    encode::sequence(&[algorithm, &encode::bit_string(key)])
}

/// id-ecPublicKey with the curve secp256r1 (RFC 5480 §2.1.1).
const P256: &[u8] = &[
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
    0xce, 0x3d, 0x03, 0x01, 0x07,
];

/// rsaEncryption with NULL (RFC 3279 §2.3.1).
const RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
