//! P-256: the public part of a key, and ECDSA with the nonces of RFC 6979, quickly.
//!
//! The `p256` crate does it in pure Rust, and most of its time goes into one multiplication of the
//! curve's base point. graviola, or where it cannot run aws-lc, does that many times as fast, as one
//! half of a key agreement, and the rest is arithmetic on scalars. The bytes are the same.

use ::p256::ecdsa::signature::Signer;
use ::p256::ecdsa::signature::hazmat::PrehashSigner;
use ::p256::ecdsa::{Signature, SigningKey};
use ::p256::elliptic_curve::ops::{Invert, Reduce};
use ::p256::elliptic_curve::{Curve, PrimeField};
use ::p256::{FieldBytes, NistP256, NonZeroScalar, Scalar, SecretKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use sha2::{Digest, Sha256};

use super::public;
use crate::encode;

/// The public point of a private key, uncompressed.
pub(super) fn public_point(secret: &SecretKey) -> Vec<u8> {
    let quick = multiply_base(&secret.to_bytes());
    quick.unwrap_or_else(|| secret.public_key().to_sec1_bytes().to_vec())
}

/// The key as PKCS #8 (RFC 5208) around an ECPrivateKey with its public point (RFC 5915 §3); the
/// crate would compute that point anew.
pub(super) fn pkcs8(secret: &SecretKey, point: &[u8]) -> Vec<u8> {
    let point = encode::constructed(1, &encode::bit_string(point));
    let key = encode::octet_string(&secret.to_bytes());
    let private = encode::sequence(&[&encode::number(1), &key, &point]);
    encode::sequence(&[&encode::number(0), public::P256, &encode::octet_string(&private)])
}

/// The signature of `bytes`, as a DER ECDSA-Sig-Value.
pub(super) fn sign(secret: &SecretKey, bytes: &[u8]) -> Vec<u8> {
    let hash = Sha256::digest(bytes);
    let signature =
        quick(secret, hash.into()).unwrap_or_else(|| SigningKey::from(secret).sign(bytes));
    signature.to_der().as_bytes().to_vec()
}

/// The same, given the SHA-256 of the bytes; `None` for a digest of another length.
pub(super) fn sign_digest(secret: &SecretKey, digest: &[u8]) -> Option<Vec<u8>> {
    let hash = <[u8; 32]>::try_from(digest).ok()?;
    let slow = || SigningKey::from(secret).sign_prehash(&hash).ok();
    let signature = quick(secret, hash).or_else(slow)?;
    Some(signature.to_der().as_bytes().to_vec())
}

fn quick(secret: &SecretKey, hash: [u8; 32]) -> Option<Signature> {
    let (z, d) = (FieldBytes::from(hash), secret.to_nonzero_scalar());
    let order = NistP256::ORDER.get();
    let mut k = FieldBytes::default();
    rfc6979::KGenerator::<Sha256, _>::new(&d.to_repr(), &z, &[], &order).fill_next_k(&mut k);
    let point = multiply_base(&k)?;
    let x = FieldBytes::try_from(point.get(1..33)?).ok()?;
    let r = <Scalar as Reduce<FieldBytes>>::reduce(&x);
    let k = Option::<NonZeroScalar>::from(NonZeroScalar::from_repr(k))?;
    // In variable time: these are test keys, and anyone can draw them from the seed.
    let inverse = *k.invert_vartime();
    let z = <Scalar as Reduce<FieldBytes>>::reduce(&z);
    let s = inverse * (z + r * *d);
    Signature::from_scalars(r.to_repr(), s.to_repr()).ok()
}

/// 65 octets: 4, x, y.
fn multiply_base(scalar: &[u8]) -> Option<Vec<u8>> {
    multiply_once(scalar).or_else(|| multiply_twice(scalar))
}

fn multiply_twice(scalar: &[u8]) -> Option<Vec<u8>> {
    let key = PrivateKey::from_private_key(&ECDH_P256, scalar).ok()?;
    Some(key.compute_public_key().ok()?.as_ref().to_vec())
}

/// graviola takes a scalar as it is, where aws-lc-rs multiplies once more to check the result.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn multiply_once(scalar: &[u8]) -> Option<Vec<u8>> {
    use graviola::key_agreement::p256::StaticPrivateKey;
    // It panics on processors that lack what it is written for.
    if !graviola::util::is_cpu_supported() {
        return None;
    }
    Some(StaticPrivateKey::from_bytes(scalar).ok()?.public_key_uncompressed().to_vec())
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn multiply_once(_: &[u8]) -> Option<Vec<u8>> {
    None
}

#[cfg(test)]
mod tests {
    use ::p256::pkcs8::EncodePrivateKey;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_bytes_are_those_of_the_p256_crate(key: [u8; 32], message: Vec<u8>) {
            let Ok(secret) = SecretKey::from_slice(&key) else { return Ok(()) };
            let theirs: Signature = SigningKey::from(&secret).sign(&message);
            prop_assert_eq!(quick(&secret, Sha256::digest(&message).into()), Some(theirs));
            let point = secret.public_key().to_sec1_bytes().to_vec();
            prop_assert_eq!(multiply_base(&secret.to_bytes()), Some(point.clone()));
            prop_assert_eq!(multiply_twice(&secret.to_bytes()), Some(point.clone()));
            let theirs = secret.to_pkcs8_der().unwrap();
            prop_assert_eq!(pkcs8(&secret, &point), theirs.as_bytes());
        }
    }
}
