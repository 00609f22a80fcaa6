//! Private keys that were made elsewhere.

use aws_lc_rs::signature::{Ed25519KeyPair, RsaKeyPair};
use p384::pkcs8::DecodePrivateKey;

use super::{KeyAlgorithm, KeyPair, Pair, private};
use crate::{encode, pem};

/// Why a text gives no private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No PEM block that holds a private key.
    #[error("there is no private key in PEM in it")]
    Missing,
    /// It is under a password.
    #[error("its private key is encrypted; `openssl pkey -in FILE -out PLAIN` takes that off")]
    Encrypted,
    /// Not a kind that the lab signs with, or not the structure that the label promises.
    #[error(
        "its private key is of no kind that can be used: RSA with 2048, 3072 or 4096 bits, P-256, \
         P-384 or Ed25519"
    )]
    Unusable,
}

impl KeyPair {
    /// The first private key in a PEM text: `PRIVATE KEY` (PKCS #8, RFC 5958), `EC PRIVATE KEY`
    /// (SEC 1, RFC 5915) or `RSA PRIVATE KEY` (PKCS #1, RFC 8017 §A.1.2). An RSA key signs with
    /// PKCS #1 v1.5.
    ///
    /// # Errors
    ///
    /// There is none, it is encrypted, or the lab has no use for its kind.
    pub fn from_pem(text: &str) -> Result<KeyPair, KeyError> {
        let blocks = pem::blocks(text);
        let key = blocks.iter().find(|(label, _)| label.ends_with("PRIVATE KEY"));
        let (label, der) = key.ok_or(KeyError::Missing)?;
        // The older form of encryption keeps the label and adds header fields.
        if *label == "ENCRYPTED PRIVATE KEY" || text.contains("Proc-Type: 4,ENCRYPTED") {
            return Err(KeyError::Encrypted);
        }
        let der = der.as_deref().ok_or(KeyError::Unusable)?;
        let pair = match *label {
            "EC PRIVATE KEY" => sec1(der),
            "RSA PRIVATE KEY" => rsa(&pkcs8_of_pkcs1(der)),
            _ => pkcs8(der),
        };
        pair.map(KeyPair::of).ok_or(KeyError::Unusable)
    }
}

impl KeyPair {
    /// A private key in PKCS #8 (RFC 5958), DER.
    ///
    /// # Errors
    ///
    /// It is no such structure, or of a kind that the lab has no use for.
    pub fn from_pkcs8(der: &[u8]) -> Result<KeyPair, KeyError> {
        pkcs8(der).map(KeyPair::of).ok_or(KeyError::Unusable)
    }
}

fn pkcs8(der: &[u8]) -> Option<Pair> {
    let p256 = || p256::SecretKey::from_pkcs8_der(der).ok().map(private::p256_of);
    let p384 = || p384::SecretKey::from_pkcs8_der(der).ok().map(|secret| private::p384_of(&secret));
    let ed25519 = || {
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok()?;
        Some(private::ed25519_of(key))
    };
    p256().or_else(p384).or_else(ed25519).or_else(|| rsa(der))
}

fn sec1(der: &[u8]) -> Option<Pair> {
    let p256 = p256::SecretKey::from_sec1_der(der).ok().map(private::p256_of);
    let p384 = || p384::SecretKey::from_sec1_der(der).ok();
    p256.or_else(|| p384().map(|secret| private::p384_of(&secret)))
}

fn rsa(pkcs8: &[u8]) -> Option<Pair> {
    let algorithm = match RsaKeyPair::from_pkcs8(pkcs8).ok()?.public_modulus_len() {
        256 => KeyAlgorithm::Rsa2048,
        384 => KeyAlgorithm::Rsa3072,
        512 => KeyAlgorithm::Rsa4096,
        _ => return None,
    };
    private::rsa_of(algorithm, pkcs8.to_vec())
}

/// PrivateKeyInfo around an RSAPrivateKey.
fn pkcs8_of_pkcs1(der: &[u8]) -> Vec<u8> {
    let algorithm =
        encode::sequence(&[&encode::oid(const_oid::db::rfc5912::RSA_ENCRYPTION), &encode::null()]);
    encode::sequence(&[&encode::number(0), &algorithm, &encode::octet_string(der)])
}

#[cfg(test)]
mod tests {
    use revlab_lab::Seed;

    use super::*;

    #[test]
    fn every_kind_is_read_back_from_its_own_pem() {
        for (name, algorithm) in KeyAlgorithm::NAMES {
            let key = KeyPair::seeded(algorithm, Seed(1), "a");
            // Comments and other blocks before it, as OpenSSL writes them, do not count.
            let text = format!("Bag Attributes\n{}{}", pem::encode("X", b"x"), key.pkcs8_pem());
            let back = KeyPair::from_pem(&text).unwrap();
            assert_eq!(back.public_key_info(), key.public_key_info(), "{name}");
            if algorithm != KeyAlgorithm::RsaPss {
                assert_eq!(back.sign(b"bytes"), key.sign(b"bytes"), "{name}");
            }
        }
    }

    #[test]
    fn what_is_no_key_is_told_apart() {
        let error = |text: &str| KeyPair::from_pem(text).unwrap_err();
        assert_eq!(error(""), KeyError::Missing);
        assert_eq!(error(&pem::encode("CERTIFICATE", b"x")), KeyError::Missing);
        assert_eq!(error(&pem::encode("ENCRYPTED PRIVATE KEY", b"x")), KeyError::Encrypted);
        assert_eq!(error(&pem::encode("EC PRIVATE KEY", b"x")), KeyError::Unusable);
        assert_eq!(error(&pem::encode("PRIVATE KEY", b"x")), KeyError::Unusable);
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n\
                   -----END RSA PRIVATE KEY-----\n";
        assert_eq!(error(old), KeyError::Encrypted);
    }
}
