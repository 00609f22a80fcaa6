//! The envelope of everything that is signed: content, algorithm, signature (RFC 5280 §4.1.1).

use der::{Reader, SliceReader};

use crate::decode::{bits, sequence};
use crate::encode;
use crate::signature::SignatureAlgorithm;
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

/// The AlgorithmIdentifier of the signatures that such a key makes, as DER.
pub(crate) fn algorithm_identifier(key: KeyAlgorithm) -> &'static [u8] {
    SignatureAlgorithm::of(key).identifier()
}

/// Signs `tbs` and wraps it up; `further` are elements after the signature, as OCSP has them.
pub(crate) fn seal(tbs: &[u8], key: &KeyPair, further: &[u8]) -> Vec<u8> {
    let signature = encode::bit_string(&key.sign(tbs));
    encode::sequence(&[tbs, algorithm_identifier(key.algorithm()), &signature, further])
}
