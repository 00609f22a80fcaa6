//! RSASSA-PSS (RFC 8017 §8.1) with SHA-256, MGF1 with SHA-256 and a salt of 32 octets.
//!
//! The salt is drawn from a stream that key and message seed, so that the same bytes have the same
//! signature, as RFC 6979 does it for ECDSA. To whoever verifies it looks like any other salt.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use rsa::PrivateKey;
use rsa::signature::SignatureEncoding;
use rsa::signature::hazmat::RandomizedPrehashSigner;
use rsa::traits::PrivateKeyParts;
use sha2::Sha256;

use crate::digest::sha256;

pub(super) struct SigningKey {
    key: rsa::pss::SigningKey<Sha256>,
    /// SHA-256 of the private exponent.
    secret: [u8; 32],
}

impl SigningKey {
    pub(super) fn new(key: PrivateKey) -> SigningKey {
        let secret = sha256(&key.d().to_be_bytes());
        SigningKey { key: rsa::pss::SigningKey::new(key), secret }
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.sign_digest(&sha256(bytes))
    }

    /// The same, given the SHA-256 of the bytes.
    pub(super) fn sign_digest(&self, digest: &[u8]) -> Vec<u8> {
        let seed = sha256(&[&self.secret[..], digest].concat());
        let mut stream = ChaCha20Rng::from_seed(seed);
        let signature = self.key.sign_prehash_with_rng(&mut stream, digest);
        signature.expect("a modulus of 2048 bits has room for digest and salt").to_vec()
    }
}
