//! Signatures by hash functions that nobody should accept any more, for artefacts that are weak on
//! purpose.

use std::fmt;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
use md5::{Digest as _, Md5};
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier as _};
use p256::pkcs8::DecodePrivateKey as _;
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::signature::SignatureEncoding as _;

use crate::keys::{PublicKey, PublicKind};
use crate::{KeyAlgorithm, KeyPair, digest, encode};

/// A hash function that is broken where signatures are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WeakDigest {
    /// MD5 (RFC 1321); no longer to be used in signatures (RFC 6151 §2).
    Md5,
    /// SHA-1; no longer to be used in signatures (RFC 9155, for TLS).
    Sha1,
}

impl fmt::Display for WeakDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            WeakDigest::Md5 => "MD5",
            WeakDigest::Sha1 => "SHA-1",
        })
    }
}

/// The AlgorithmIdentifier as DER. RSA signs PKCS #1 v1.5 by both, and P-256 by SHA-1. No other
/// combination exists: the identifier is then that of RSA, which fits no such key.
pub(crate) fn identifier(key: KeyAlgorithm, by: WeakDigest) -> &'static [u8] {
    match (key, by) {
        (KeyAlgorithm::EcdsaP256, WeakDigest::Sha1) => ECDSA_WITH_SHA1,
        (_, WeakDigest::Sha1) => SHA1_WITH_RSA,
        (_, WeakDigest::Md5) => MD5_WITH_RSA,
    }
}

/// The weak digest of a DER AlgorithmIdentifier, if it is one of these.
pub(crate) fn read(identifier: &[u8]) -> Option<WeakDigest> {
    match identifier {
        ECDSA_WITH_SHA1 | SHA1_WITH_RSA => Some(WeakDigest::Sha1),
        MD5_WITH_RSA => Some(WeakDigest::Md5),
        _ => None,
    }
}

/// Whether `signature` over `bytes` is that key's, made with this digest by RSA (PKCS #1 v1.5, 2048
/// bits and more) or, with SHA-1, on P-256.
pub(crate) fn verify(key: &PublicKey<'_>, by: WeakDigest, bytes: &[u8], signature: &[u8]) -> bool {
    let verified = match (key.kind, by) {
        (Some(PublicKind::Rsa), WeakDigest::Sha1) => {
            let by = &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY;
            UnparsedPublicKey::new(by, key.bits).verify(bytes, signature).ok()
        }
        (Some(PublicKind::Rsa), WeakDigest::Md5) => verify_md5(key.bits, bytes, signature),
        (Some(PublicKind::EcdsaP256), WeakDigest::Sha1) => verify_p256(key.bits, bytes, signature),
        _ => None,
    };
    verified.is_some()
}

fn verify_md5(key: &[u8], bytes: &[u8], signature: &[u8]) -> Option<()> {
    let public = rsa::PublicKey::from_pkcs1_der(key).ok()?;
    let signature = rsa::pkcs1v15::Signature::try_from(signature).ok()?;
    let verifier = rsa::pkcs1v15::VerifyingKey::<Md5>::new_unprefixed(public);
    verifier.verify_prehash(&[MD5_INFO, &Md5::digest(bytes)].concat(), &signature).ok()
}

fn verify_p256(key: &[u8], bytes: &[u8], signature: &[u8]) -> Option<()> {
    let public = p256::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?;
    let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
    let padded = [&[0; 12][..], &digest::sha1(bytes)].concat();
    public.verify_prehash(&padded, &signature).ok()
}

/// Signs `bytes` by [`identifier`]'s algorithm; where that does not fit the key, as the key always
/// signs. The same bytes give the same signature.
pub(crate) fn sign(key: &KeyPair, by: WeakDigest, bytes: &[u8]) -> Vec<u8> {
    let signed = match (key.algorithm(), by) {
        (KeyAlgorithm::EcdsaP256, WeakDigest::Sha1) => ecdsa(key, &digest::sha1(bytes)),
        (_, WeakDigest::Sha1) => pkcs1(key, &[SHA1_INFO, &digest::sha1(bytes)].concat()),
        (_, WeakDigest::Md5) => pkcs1(key, &[MD5_INFO, &Md5::digest(bytes)].concat()),
    };
    signed.unwrap_or_else(|| key.sign(bytes))
}

/// RSASSA-PKCS1-v1_5 over a DigestInfo (RFC 8017 §8.2); `None` for other keys.
fn pkcs1(key: &KeyPair, digest_info: &[u8]) -> Option<Vec<u8>> {
    let private = rsa::PrivateKey::from_pkcs8_der(key.pkcs8()).ok()?;
    let signer = rsa::pkcs1v15::SigningKey::<Md5>::new_unprefixed(private);
    let signature: rsa::pkcs1v15::Signature = signer.sign_prehash(digest_info).ok()?;
    Some(signature.to_vec())
}

/// ECDSA-Sig-Value on P-256 with the nonce of RFC 6979; `None` for other keys. A digest shorter
/// than the curve's order counts as the number that it is (FIPS 186-5 §6.4.1), so that leading
/// zeros do not change it.
fn ecdsa(key: &KeyPair, digest: &[u8; 20]) -> Option<Vec<u8>> {
    let private = p256::ecdsa::SigningKey::from_pkcs8_der(key.pkcs8()).ok()?;
    let padded = [&[0; 12][..], digest].concat();
    let signature: p256::ecdsa::Signature = private.sign_prehash(&padded).ok()?;
    Some(signature.to_der().as_bytes().to_vec())
}

/// Wraps `tbs` up, signed weakly; `behind` is what follows the signature.
pub(crate) fn seal(tbs: &[u8], key: &KeyPair, by: WeakDigest, behind: &[u8]) -> Vec<u8> {
    let signature = encode::bit_string(&sign(key, by, tbs));
    encode::sequence(&[tbs, identifier(key.algorithm(), by), &signature, behind])
}

/// 1.2.840.10045.4.1, without parameters (RFC 3279 §2.2.3).
const ECDSA_WITH_SHA1: &[u8] = &[0x30, 0x09, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];

/// 1.2.840.113549.1.1.5 with NULL (RFC 3279 §2.2.1).
const SHA1_WITH_RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05, 0x05, 0x00];

/// 1.2.840.113549.1.1.4 with NULL (RFC 3279 §2.2.1).
const MD5_WITH_RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04, 0x05, 0x00];

/// DigestInfo of SHA-1 up to the digest (RFC 8017 §9.2, note 1).
const SHA1_INFO: &[u8] =
    &[0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14];

/// DigestInfo of MD5 up to the digest (RFC 8017 §9.2, note 1).
const MD5_INFO: &[u8] = &[
    0x30, 0x20, 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05, 0x05, 0x00,
    0x04, 0x10,
];

#[cfg(test)]
mod tests {
    use revlab_lab::Seed;

    use super::*;

    #[test]
    fn a_sha1_signature_by_rsa_is_what_the_tls_stack_takes_for_one() {
        let key = KeyPair::seeded(KeyAlgorithm::Rsa2048, Seed(1), "a");
        let signature = sign(&key, WeakDigest::Sha1, b"bytes");
        let public = PublicKey::read(key.public_key_info()).unwrap();
        let by = &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY;
        let verify = |bytes| UnparsedPublicKey::new(by, public.bits).verify(bytes, &signature);
        assert!(verify(b"bytes").is_ok());
        assert!(verify(b"other").is_err());
    }

    #[test]
    fn what_is_signed_weakly_is_verified_as_that_and_nothing_else_is() {
        use KeyAlgorithm::*;
        for (kind, by) in
            [(Rsa2048, WeakDigest::Sha1), (Rsa2048, WeakDigest::Md5), (EcdsaP256, WeakDigest::Sha1)]
        {
            let key = KeyPair::seeded(kind, Seed(1), "a");
            let signature = sign(&key, by, b"bytes");
            let public = PublicKey::read(key.public_key_info()).unwrap();
            assert_eq!(read(identifier(kind, by)), Some(by));
            assert!(verify(&public, by, b"bytes", &signature), "{kind:?} {by}");
            assert!(!verify(&public, by, b"other", &signature), "{kind:?} {by}");
        }
    }

    #[test]
    fn a_weak_signature_is_none_of_the_usual_ones() {
        for kind in [KeyAlgorithm::Rsa2048, KeyAlgorithm::EcdsaP256] {
            let key = KeyPair::seeded(kind, Seed(1), "a");
            let weak = sign(&key, WeakDigest::Sha1, b"bytes");
            assert_eq!(weak, sign(&key, WeakDigest::Sha1, b"bytes"));
            assert_ne!(weak, key.sign(b"bytes"));
        }
    }
}
