//! The envelope of everything that is signed: content, algorithm, signature (RFC 5280 §4.1.1).

use der::{Reader, SliceReader};

use crate::decode::{bits, sequence};
use crate::encode;
use crate::{KeyAlgorithm, KeyPair, Malformed};

/// A signed object taken apart, without re-encoding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed<'a> {
    /// The signed bytes, tag and length included.
    pub(crate) tbs: &'a [u8],
    /// The signatureAlgorithm outside the signed part, as DER.
    pub(crate) algorithm: &'a [u8],
    /// The signature's octets.
    pub(crate) signature: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Reads the three parts; the caller has opened the SEQUENCE.
    pub(crate) fn read(reader: &mut SliceReader<'a>) -> Result<Signed<'a>, Malformed> {
        let tbs = reader.tlv_bytes()?;
        let algorithm = reader.tlv_bytes()?;
        Ok(Signed { tbs, algorithm, signature: bits(reader)? })
    }

    /// Reads a whole object that is nothing but the envelope.
    pub(crate) fn read_whole(der: &'a [u8]) -> Result<Signed<'a>, Malformed> {
        crate::decode::whole(der, |r| sequence(r, Signed::read))
    }
}

/// The kind of key that makes signatures of this AlgorithmIdentifier (given as DER); `None` for
/// algorithms that the lab does not verify.
pub(crate) fn key_kind(algorithm: &[u8]) -> Option<KeyAlgorithm> {
    match algorithm {
        ECDSA_WITH_SHA256 => Some(KeyAlgorithm::EcdsaP256),
        SHA256_WITH_RSA => Some(KeyAlgorithm::Rsa2048),
        _ => None,
    }
}

/// The AlgorithmIdentifier of the signatures that such a key makes, as DER.
pub(crate) fn algorithm_identifier(key: KeyAlgorithm) -> &'static [u8] {
    match key {
        KeyAlgorithm::EcdsaP256 => ECDSA_WITH_SHA256,
        KeyAlgorithm::Rsa2048 => SHA256_WITH_RSA,
    }
}

/// Signs `tbs` and wraps it up; `further` are elements after the signature, as OCSP has them.
pub(crate) fn seal(tbs: &[u8], key: &KeyPair, further: &[u8]) -> Vec<u8> {
    let signature = encode::bit_string(&key.sign(tbs));
    encode::sequence(&[tbs, algorithm_identifier(key.algorithm()), &signature, further])
}

/// 1.2.840.10045.4.3.2, without parameters (RFC 5758 §3.2).
const ECDSA_WITH_SHA256: &[u8] =
    &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// 1.2.840.113549.1.1.11 with NULL (RFC 4055 §5).
const SHA256_WITH_RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00];
