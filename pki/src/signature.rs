//! Signature algorithms: their identifiers, and verifying by them.

use aws_lc_rs::signature::{self as aws, UnparsedPublicKey, VerificationAlgorithm};

use crate::KeyAlgorithm;
use crate::keys::{PublicKey, PublicKind};
use SignatureAlgorithm::*;

/// How a signature is made, as its AlgorithmIdentifier says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureAlgorithm {
    /// PKCS #1 v1.5.
    RsaSha256,
    RsaSha384,
    RsaSha512,
    /// With MGF1 by SHA-256 and a salt of 32 octets.
    RsaPssSha256,
    EcdsaSha256,
    EcdsaSha384,
    EcdsaSha512,
    Ed25519,
}

impl SignatureAlgorithm {
    /// The algorithm by which such a key signs in the lab.
    pub(crate) fn of(key: KeyAlgorithm) -> SignatureAlgorithm {
        match key {
            KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => RsaSha256,
            KeyAlgorithm::RsaPss => RsaPssSha256,
            KeyAlgorithm::EcdsaP256 => EcdsaSha256,
            KeyAlgorithm::EcdsaP384 => EcdsaSha384,
            KeyAlgorithm::Ed25519 => Ed25519,
        }
    }

    /// The algorithm of a DER AlgorithmIdentifier; `None` for those that the lab does not verify.
    pub(crate) fn read(identifier: &[u8]) -> Option<SignatureAlgorithm> {
        ALL.into_iter().find(|algorithm| algorithm.identifier() == identifier)
    }

    /// The AlgorithmIdentifier as DER.
    pub(crate) fn identifier(self) -> &'static [u8] {
        match self {
            RsaSha256 => const { &rsa(0x0b) },
            RsaSha384 => const { &rsa(0x0c) },
            RsaSha512 => const { &rsa(0x0d) },
            RsaPssSha256 => RSA_PSS_SHA256,
            EcdsaSha256 => const { &ecdsa(0x02) },
            EcdsaSha384 => const { &ecdsa(0x03) },
            EcdsaSha512 => const { &ecdsa(0x04) },
            Ed25519 => &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70],
        }
    }

    /// Whether `signature` over `tbs` is that key's. False for a key of another kind, and for RSA
    /// keys outside 2048 to 8192 bits.
    pub(crate) fn verify(self, key: &PublicKey<'_>, tbs: &[u8], signature: &[u8]) -> bool {
        let algorithm = key.kind.and_then(|kind| self.verification(kind));
        algorithm
            .is_some_and(|by| UnparsedPublicKey::new(by, key.bits).verify(tbs, signature).is_ok())
    }

    /// How a signature by this kind of key is verified; `None`: such a key makes none.
    fn verification(self, key: PublicKind) -> Option<&'static dyn VerificationAlgorithm> {
        use PublicKind as Key;
        Some(match (self, key) {
            (RsaSha256, Key::Rsa) => &aws::RSA_PKCS1_2048_8192_SHA256,
            (RsaSha384, Key::Rsa) => &aws::RSA_PKCS1_2048_8192_SHA384,
            (RsaSha512, Key::Rsa) => &aws::RSA_PKCS1_2048_8192_SHA512,
            (RsaPssSha256, Key::Rsa) => &aws::RSA_PSS_2048_8192_SHA256,
            (EcdsaSha256, Key::EcdsaP256) => &aws::ECDSA_P256_SHA256_ASN1,
            (EcdsaSha384, Key::EcdsaP256) => &aws::ECDSA_P256_SHA384_ASN1,
            (EcdsaSha512, Key::EcdsaP256) => &aws::ECDSA_P256_SHA512_ASN1,
            (EcdsaSha256, Key::EcdsaP384) => &aws::ECDSA_P384_SHA256_ASN1,
            (EcdsaSha384, Key::EcdsaP384) => &aws::ECDSA_P384_SHA384_ASN1,
            (EcdsaSha512, Key::EcdsaP384) => &aws::ECDSA_P384_SHA512_ASN1,
            (Ed25519, Key::Ed25519) => &aws::ED25519,
            _ => return None,
        })
    }

    /// How a key of this kind signs where nothing says otherwise.
    pub(crate) fn usual(key: PublicKind) -> SignatureAlgorithm {
        match key {
            PublicKind::Rsa => RsaSha256,
            PublicKind::EcdsaP256 => EcdsaSha256,
            PublicKind::EcdsaP384 => EcdsaSha384,
            PublicKind::Ed25519 => Ed25519,
        }
    }
}

const ALL: [SignatureAlgorithm; 8] =
    [EcdsaSha256, RsaSha256, EcdsaSha384, RsaSha384, Ed25519, RsaPssSha256, EcdsaSha512, RsaSha512];

/// 1.2.840.113549.1.1.`last` with NULL (RFC 4055 §5).
const fn rsa(last: u8) -> [u8; 15] {
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last, 0x05, 0x00]
}

/// 1.2.840.10045.4.3.`last`, without parameters (RFC 5758 §3.2).
const fn ecdsa(last: u8) -> [u8; 12] {
    [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, last]
}

/// id-RSASSA-PSS with SHA-256, MGF1 by SHA-256 and a salt of 32 octets; the trailer field has its
/// default and is left out (RFC 4055 §3.1).
const RSA_PSS_SHA256: &[u8] = &[
    0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
    0x0a, // id-RSASSA-PSS
    0x30, 0x34, 0xa0, 0x0f, // [0] hashAlgorithm
    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa1,
    0x1c, 0x30, 0x1a, 0x06, 0x09, // [1] maskGenAlgorithm: id-mgf1
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, //
    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa2,
    0x03, 0x02, 0x01, 0x20, // [2] saltLength
];
