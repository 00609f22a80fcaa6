//! Keys of the lab.

mod pool;
mod public;

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use p256::ecdsa::signature::Signer;
use p256::pkcs8::EncodePrivateKey;
use revlab_lab::Seed;

pub(crate) use public::PublicKey;

use crate::{digest, pem};

/// Kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyAlgorithm {
    /// RSA with 2048 bits, PKCS #1 v1.5 signatures with SHA-256.
    Rsa2048,
    /// ECDSA on P-256 with SHA-256.
    EcdsaP256,
}

impl KeyAlgorithm {
    /// All kinds with their names in scenarios.
    pub const NAMES: [(&str, KeyAlgorithm); 2] =
        [("rsa2048", KeyAlgorithm::Rsa2048), ("p256", KeyAlgorithm::EcdsaP256)];
}

/// A private key with its public part. Cloning shares it.
#[derive(Clone)]
pub struct KeyPair(Arc<Inner>);

struct Inner {
    signer: SigningKey,
    public_key_info: Vec<u8>,
    pkcs8: Vec<u8>,
}

enum SigningKey {
    EcdsaP256(p256::ecdsa::SigningKey),
    Rsa2048(RsaKeyPair),
}

impl KeyPair {
    /// The key called `name` in the run with this seed: the same for ever.
    ///
    /// A P-256 key is drawn from the stream `keys/<name>`. An RSA key is picked by that stream
    /// from twelve committed test keys, so two names may share one.
    ///
    /// ```
    /// use revlab_lab::Seed;
    /// use revlab_pki::{KeyAlgorithm, KeyPair};
    /// let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "issuing");
    /// let again = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "issuing");
    /// assert_eq!(key.sign(b"bytes"), again.sign(b"bytes"));
    /// ```
    pub fn seeded(algorithm: KeyAlgorithm, seed: Seed, name: &str) -> KeyPair {
        let mut stream = seed.stream(&format!("keys/{name}"));
        KeyPair(Arc::new(match algorithm {
            KeyAlgorithm::EcdsaP256 => Inner::from_scalar(&draw_scalar(&mut stream)),
            KeyAlgorithm::Rsa2048 => Inner::from_pool(stream.below(pool::KEYS.len() as u64)),
        }))
    }

    /// What kind of key it is.
    pub fn algorithm(&self) -> KeyAlgorithm {
        match self.0.signer {
            SigningKey::EcdsaP256(_) => KeyAlgorithm::EcdsaP256,
            SigningKey::Rsa2048(_) => KeyAlgorithm::Rsa2048,
        }
    }

    /// The public part as a DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    pub fn public_key_info(&self) -> &[u8] {
        &self.0.public_key_info
    }

    /// Signs `bytes`, hashed with SHA-256; the same bytes give the same signature.
    ///
    /// P-256: an ECDSA-Sig-Value in DER with the nonce of RFC 6979. RSA: PKCS #1 v1.5.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        match &self.0.signer {
            SigningKey::EcdsaP256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(bytes);
                signature.to_der().as_bytes().to_vec()
            }
            SigningKey::Rsa2048(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                // The random source only blinds the computation; the signature has none in it.
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), bytes, &mut signature)
                    .expect("an RSA key that was loaded signs a digest of any bytes");
                signature
            }
        }
    }

    /// The private key as a DER PKCS #8 structure (RFC 5208), as TLS stacks load it.
    pub fn pkcs8(&self) -> &[u8] {
        &self.0.pkcs8
    }

    /// The private key as PEM, `-----BEGIN PRIVATE KEY-----`.
    pub fn pkcs8_pem(&self) -> String {
        pem::encode("PRIVATE KEY", self.pkcs8())
    }
}

/// Shows the kind of key and the SHA-1 of its public part, no secret.
impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = digest::hex(&digest::sha1(self.public_key_info()));
        write!(f, "KeyPair({:?}, {id})", self.algorithm())
    }
}

impl Inner {
    fn from_scalar(secret: &p256::SecretKey) -> Inner {
        let signer = p256::ecdsa::SigningKey::from(secret);
        let point = signer.verifying_key().to_sec1_point(false);
        let pkcs8 = secret.to_pkcs8_der().expect("a P-256 key has a PKCS #8 form");
        Inner {
            public_key_info: public::write(KeyAlgorithm::EcdsaP256, point.as_bytes()),
            pkcs8: pkcs8.as_bytes().to_vec(),
            signer: SigningKey::EcdsaP256(signer),
        }
    }

    fn from_pool(number: u64) -> Inner {
        let text = usize::try_from(number).ok().and_then(|n| pool::KEYS.get(n));
        let pkcs8 = text.and_then(|text| pem::decode(text)).expect("the pool holds PEM files");
        let signer = RsaKeyPair::from_pkcs8(&pkcs8).expect("the pool holds PKCS #8 RSA keys");
        let public_key_info = public::write(KeyAlgorithm::Rsa2048, signer.public_key().as_ref());
        Inner { signer: SigningKey::Rsa2048(signer), public_key_info, pkcs8 }
    }
}

/// Draws until the number is a scalar; all but 2⁻³² of them are.
fn draw_scalar(stream: &mut revlab_lab::rng::Stream) -> p256::SecretKey {
    let mut octets = [0; 32];
    loop {
        stream.fill(&mut octets);
        if let Ok(secret) = p256::SecretKey::from_slice(&octets) {
            return secret;
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};

    use super::*;
    use crate::Verifier;

    #[test]
    fn a_key_depends_on_seed_and_name_alone() {
        let key = |seed, name| KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(seed), name);
        assert_eq!(key(1, "a").pkcs8(), key(1, "a").pkcs8());
        assert_ne!(key(1, "a").pkcs8(), key(1, "b").pkcs8());
        assert_ne!(key(1, "a").pkcs8(), key(2, "a").pkcs8());
    }

    #[test]
    fn every_key_of_the_pool_signs_what_its_public_part_verifies() {
        for number in 0..pool::KEYS.len() as u64 {
            let key = KeyPair(Arc::new(Inner::from_pool(number)));
            let signature = key.sign(b"bytes");
            assert_eq!(signature, key.sign(b"bytes"));
            assert!(Verifier::new().verify(key.public_key_info(), b"bytes", &signature));
        }
    }

    #[test]
    fn names_rarely_share_an_rsa_key() {
        let mut picked: Vec<_> = (0..100)
            .map(|i| KeyPair::seeded(KeyAlgorithm::Rsa2048, Seed(1), &format!("client-{i}")))
            .map(|key| key.public_key_info().to_vec())
            .collect();
        picked.sort();
        picked.dedup();
        assert_eq!(picked.len(), pool::KEYS.len());
    }

    #[test]
    fn a_p256_key_loads_into_the_tls_stack_with_the_same_public_part() {
        let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "web");
        let loaded =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.pkcs8()).unwrap();
        assert!(key.public_key_info().ends_with(loaded.public_key().as_ref()));
    }

    #[test]
    fn debug_prints_no_secret() {
        for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::Rsa2048] {
            let key = KeyPair::seeded(algorithm, Seed(1), "a");
            let text = format!("{key:?}");
            assert!(text.starts_with(&format!("KeyPair({algorithm:?}, ")));
            assert!(text.len() < 70, "{text}");
        }
    }
}
