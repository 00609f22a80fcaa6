//! Keys of the lab.

mod digesting;
mod import;
mod p256;
mod pool;
mod private;
mod pss;
mod public;

use std::fmt;
use std::sync::Arc;

use revlab_lab::Seed;

pub(crate) use digesting::DigestSigner;
pub use import::KeyError;
use private::PrivateKey;
pub(crate) use public::{PublicKey, PublicKind};

use crate::{digest, pem};

/// Kind of key, and with it how it signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyAlgorithm {
    /// RSA with 2048 bits, PKCS #1 v1.5 signatures with SHA-256 (RFC 4055 §5).
    Rsa2048,
    /// The same with 3072 bits.
    Rsa3072,
    /// The same with 4096 bits.
    Rsa4096,
    /// RSA with 2048 bits, RSASSA-PSS signatures with SHA-256, MGF1 by SHA-256 and a salt of 32
    /// octets (RFC 4055 §3). The public key says rsaEncryption, not id-RSASSA-PSS: so AD CS does
    /// it with AlternateSignatureAlgorithm, and TLS stacks take the key.
    RsaPss,
    /// ECDSA on P-256 with SHA-256 (RFC 5758 §3.2).
    EcdsaP256,
    /// ECDSA on P-384 with SHA-384 (RFC 5758 §3.2).
    EcdsaP384,
    /// Ed25519 (RFC 8410).
    Ed25519,
}

impl KeyAlgorithm {
    /// All kinds with their names in scenarios.
    pub const NAMES: [(&str, KeyAlgorithm); 7] = [
        ("p256", KeyAlgorithm::EcdsaP256),
        ("p384", KeyAlgorithm::EcdsaP384),
        ("ed25519", KeyAlgorithm::Ed25519),
        ("rsa2048", KeyAlgorithm::Rsa2048),
        ("rsa3072", KeyAlgorithm::Rsa3072),
        ("rsa4096", KeyAlgorithm::Rsa4096),
        ("rsa-pss", KeyAlgorithm::RsaPss),
    ];
}

/// A private key with its public part. Cloning shares it.
#[derive(Clone)]
pub struct KeyPair(Arc<Pair>);

struct Pair {
    algorithm: KeyAlgorithm,
    private: PrivateKey,
    public_key_info: Vec<u8>,
    pkcs8: Vec<u8>,
}

impl KeyPair {
    /// The key called `name` in the run with this seed: the same for ever.
    ///
    /// Elliptic curve keys are drawn from the stream `keys/<name>`. An RSA key is picked by that
    /// stream from committed test keys, twelve of 2048 bits and four of each other size, so two
    /// names may share one.
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
        KeyPair::of(private::draw(algorithm, &mut stream))
    }

    fn of(pair: Pair) -> KeyPair {
        KeyPair(Arc::new(pair))
    }

    /// What kind of key it is.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.0.algorithm
    }

    /// The public part as a DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    pub fn public_key_info(&self) -> &[u8] {
        &self.0.public_key_info
    }

    /// Signs `bytes` as [`KeyAlgorithm`] says; the same bytes give the same signature.
    ///
    /// ECDSA gives an ECDSA-Sig-Value in DER with the nonce of RFC 6979. The salt of RSASSA-PSS is
    /// drawn from key and message.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.private.sign(bytes)
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

/// Two are equal when their public parts are and they sign alike.
impl PartialEq for KeyPair {
    fn eq(&self, other: &KeyPair) -> bool {
        self.algorithm() == other.algorithm() && self.public_key_info() == other.public_key_info()
    }
}

impl Eq for KeyPair {}

/// Shows the kind of key and the SHA-1 of its public part, no secret.
impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = digest::hex(&digest::sha1(self.public_key_info()));
        write!(f, "KeyPair({:?}, {id})", self.algorithm())
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature as aws;
    use aws_lc_rs::signature::KeyPair as _;

    use super::*;
    use crate::Verifier;

    #[test]
    fn a_key_depends_on_kind_seed_and_name_alone() {
        use KeyAlgorithm::{EcdsaP256, EcdsaP384, Ed25519};
        for algorithm in [EcdsaP256, EcdsaP384, Ed25519] {
            let key = |seed, name| KeyPair::seeded(algorithm, Seed(seed), name);
            assert_eq!(key(1, "a").pkcs8(), key(1, "a").pkcs8());
            assert_ne!(key(1, "a").pkcs8(), key(1, "b").pkcs8());
            assert_ne!(key(1, "a").pkcs8(), key(2, "a").pkcs8());
        }
    }

    #[test]
    fn every_kind_signs_the_same_bytes_alike_and_other_bytes_differently() {
        for (name, algorithm) in KeyAlgorithm::NAMES {
            let key = KeyPair::seeded(algorithm, Seed(1), "a");
            assert_eq!(key.algorithm(), algorithm);
            assert_eq!(key.sign(b"bytes"), key.sign(b"bytes"), "{name}");
            assert_ne!(key.sign(b"bytes"), key.sign(b"other"), "{name}");
        }
    }

    #[test]
    fn every_key_of_the_pool_signs_what_its_public_part_verifies() {
        for algorithm in [KeyAlgorithm::Rsa2048, KeyAlgorithm::Rsa3072, KeyAlgorithm::Rsa4096] {
            for text in pool::of(algorithm) {
                let pkcs8 = pem::decode(text).unwrap();
                let key = KeyPair::of(private::rsa_of(algorithm, pkcs8).unwrap());
                let signature = key.sign(b"bytes");
                assert!(Verifier::new().verify(key.public_key_info(), b"bytes", &signature));
                let octets = match algorithm {
                    KeyAlgorithm::Rsa2048 => 256,
                    KeyAlgorithm::Rsa3072 => 384,
                    _ => 512,
                };
                assert_eq!(signature.len(), octets);
            }
        }
    }

    #[test]
    fn names_rarely_share_an_rsa_key() {
        for algorithm in [KeyAlgorithm::Rsa2048, KeyAlgorithm::RsaPss, KeyAlgorithm::Rsa4096] {
            let mut picked: Vec<_> = (0..100)
                .map(|i| KeyPair::seeded(algorithm, Seed(1), &format!("client-{i}")))
                .map(|key| key.public_key_info().to_vec())
                .collect();
            picked.sort();
            picked.dedup();
            assert_eq!(picked.len(), pool::of(algorithm).len());
        }
    }

    /// The oracle: the public key that the TLS stack makes of the PKCS #8 form.
    fn loaded(key: &KeyPair) -> Vec<u8> {
        let pkcs8 = key.pkcs8();
        let ecdsa = |by| aws::EcdsaKeyPair::from_pkcs8(by, pkcs8).unwrap();
        match key.algorithm() {
            KeyAlgorithm::EcdsaP256 => {
                ecdsa(&aws::ECDSA_P256_SHA256_ASN1_SIGNING).public_key().as_ref().to_vec()
            }
            KeyAlgorithm::EcdsaP384 => {
                ecdsa(&aws::ECDSA_P384_SHA384_ASN1_SIGNING).public_key().as_ref().to_vec()
            }
            KeyAlgorithm::Ed25519 => {
                let key = aws::Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).unwrap();
                key.public_key().as_ref().to_vec()
            }
            _ => aws::RsaKeyPair::from_pkcs8(pkcs8).unwrap().public_key().as_ref().to_vec(),
        }
    }

    #[test]
    fn every_kind_loads_into_the_tls_stack_with_the_same_public_part() {
        for (name, algorithm) in KeyAlgorithm::NAMES {
            let key = KeyPair::seeded(algorithm, Seed(1), "web");
            assert!(key.public_key_info().ends_with(&loaded(&key)), "{name}");
        }
    }

    #[test]
    fn debug_prints_no_secret() {
        for (_, algorithm) in KeyAlgorithm::NAMES {
            let key = KeyPair::seeded(algorithm, Seed(1), "a");
            let text = format!("{key:?}");
            assert!(text.starts_with(&format!("KeyPair({algorithm:?}, ")));
            assert!(text.len() < 70, "{text}");
        }
    }
}
