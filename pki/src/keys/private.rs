//! Private keys: how each kind is drawn, loaded and signs.

use aws_lc_rs::digest::Digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use p384::ecdsa::signature::Signer;
use p384::ecdsa::signature::hazmat::PrehashSigner;
use p384::pkcs8::EncodePrivateKey;
use revlab_lab::rng::Stream;
use rsa::pkcs8::DecodePrivateKey;

use super::{KeyAlgorithm, Pair, p256, pool, pss, public};
use crate::pem;

/// What signs.
pub(super) enum PrivateKey {
    EcdsaP256(::p256::SecretKey),
    EcdsaP384(p384::ecdsa::SigningKey),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
    RsaPss(pss::SigningKey),
}

impl PrivateKey {
    pub(super) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        match self {
            PrivateKey::EcdsaP256(key) => p256::sign(key, bytes),
            PrivateKey::EcdsaP384(key) => {
                let signature: p384::ecdsa::Signature = key.sign(bytes);
                signature.to_der().as_bytes().to_vec()
            }
            PrivateKey::Ed25519(key) => key.sign(bytes).as_ref().to_vec(),
            PrivateKey::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                // The random source only blinds the computation; the signature has none in it.
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), bytes, &mut signature)
                    .expect("an RSA key that was loaded signs a digest of any bytes");
                signature
            }
            PrivateKey::RsaPss(key) => key.sign(bytes),
        }
    }

    /// The same, given the digest of the bytes: by SHA-384 for P-384, otherwise SHA-256. Ed25519
    /// signs no digests: it takes this one for the message.
    pub(super) fn sign_digest(&self, digest: &Digest) -> Vec<u8> {
        let signature = match self {
            PrivateKey::EcdsaP256(key) => p256::sign_digest(key, digest.as_ref()),
            PrivateKey::EcdsaP384(key) => {
                let signed: Result<p384::ecdsa::Signature, _> = key.sign_prehash(digest.as_ref());
                signed.ok().map(|signature| signature.to_der().as_bytes().to_vec())
            }
            PrivateKey::Ed25519(key) => Some(key.sign(digest.as_ref()).as_ref().to_vec()),
            PrivateKey::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign_digest(&RSA_PKCS1_SHA256, digest, &mut signature).ok().map(|()| signature)
            }
            PrivateKey::RsaPss(key) => Some(key.sign_digest(digest.as_ref())),
        };
        signature.expect("a key that was loaded signs a digest of its own hash function")
    }
}

/// The key of this kind that the stream draws, or picks from the pool.
pub(super) fn draw(algorithm: KeyAlgorithm, stream: &mut Stream) -> Pair {
    match algorithm {
        KeyAlgorithm::EcdsaP256 => p256_pair(stream),
        KeyAlgorithm::EcdsaP384 => p384_pair(stream),
        KeyAlgorithm::Ed25519 => ed25519_pair(stream),
        KeyAlgorithm::Rsa2048
        | KeyAlgorithm::Rsa3072
        | KeyAlgorithm::Rsa4096
        | KeyAlgorithm::RsaPss => {
            let pool = pool::of(algorithm);
            let number = usize::try_from(stream.below(pool.len() as u64)).unwrap_or_default();
            let pkcs8 = pool.get(number).and_then(|text| pem::decode(text));
            let pair = pkcs8.and_then(|pkcs8| rsa_of(algorithm, pkcs8));
            pair.expect("the pool holds RSA keys, PKCS #8 in PEM")
        }
    }
}

fn p256_pair(stream: &mut Stream) -> Pair {
    let secret: ::p256::SecretKey =
        scalar::<32, _>(stream, |octets| ::p256::SecretKey::from_slice(octets).ok());
    p256_of(secret)
}

pub(super) fn p256_of(secret: ::p256::SecretKey) -> Pair {
    let point = p256::public_point(&secret);
    let algorithm = KeyAlgorithm::EcdsaP256;
    Pair {
        algorithm,
        public_key_info: public::write(algorithm, &point),
        pkcs8: p256::pkcs8(&secret, &point),
        private: PrivateKey::EcdsaP256(secret),
    }
}

fn p384_pair(stream: &mut Stream) -> Pair {
    let secret: p384::SecretKey =
        scalar::<48, _>(stream, |octets| p384::SecretKey::from_slice(octets).ok());
    p384_of(&secret)
}

pub(super) fn p384_of(secret: &p384::SecretKey) -> Pair {
    let signer = p384::ecdsa::SigningKey::from(secret);
    let point = signer.verifying_key().to_sec1_point(false);
    let pkcs8 = secret.to_pkcs8_der().expect("a P-384 key has a PKCS #8 form");
    let algorithm = KeyAlgorithm::EcdsaP384;
    Pair {
        algorithm,
        public_key_info: public::write(algorithm, point.as_bytes()),
        pkcs8: pkcs8.as_bytes().to_vec(),
        private: PrivateKey::EcdsaP384(signer),
    }
}

fn ed25519_pair(stream: &mut Stream) -> Pair {
    let mut seed = [0; 32];
    stream.fill(&mut seed);
    let key = Ed25519KeyPair::from_seed_unchecked(&seed).expect("any 32 octets are a seed");
    ed25519_of(key)
}

pub(super) fn ed25519_of(key: Ed25519KeyPair) -> Pair {
    let pkcs8 = key.to_pkcs8v1().expect("an Ed25519 key has a PKCS #8 form");
    let algorithm = KeyAlgorithm::Ed25519;
    Pair {
        algorithm,
        public_key_info: public::write(algorithm, key.public_key().as_ref()),
        pkcs8: pkcs8.as_ref().to_vec(),
        private: PrivateKey::Ed25519(key),
    }
}

/// `None`: it is no RSA key in PKCS #8, or one that is not used, as shorter ones are.
pub(super) fn rsa_of(algorithm: KeyAlgorithm, pkcs8: Vec<u8>) -> Option<Pair> {
    let key = RsaKeyPair::from_pkcs8(&pkcs8).ok()?;
    let public_key_info = public::write(algorithm, key.public_key().as_ref());
    let private = match algorithm {
        KeyAlgorithm::RsaPss => {
            let key = rsa::PrivateKey::from_pkcs8_der(&pkcs8).ok()?;
            PrivateKey::RsaPss(pss::SigningKey::new(key))
        }
        _ => PrivateKey::Rsa(key),
    };
    Some(Pair { algorithm, public_key_info, pkcs8, private })
}

/// Draws until the number is a scalar; all but 2⁻³² of them are.
fn scalar<const N: usize, T>(stream: &mut Stream, read: impl Fn(&[u8]) -> Option<T>) -> T {
    let mut octets = [0; N];
    loop {
        stream.fill(&mut octets);
        if let Some(secret) = read(&octets) {
            return secret;
        }
    }
}
