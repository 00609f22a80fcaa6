//! Verifying signatures, each only once.

use std::collections::{BTreeMap, VecDeque};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use crate::digest::sha256;
use crate::keys::PublicKey;
use crate::{Certificate, Crl, KeyAlgorithm, OcspResponse};

/// Verifies signatures and remembers the results: one verification costs as much as hundreds of
/// lab events, and the same CRL is looked at again and again.
///
/// It holds a bounded number of results and drops the oldest first. Whether a result was
/// remembered cannot be told from the answer.
#[derive(Clone, Debug)]
pub struct Verifier {
    results: BTreeMap<Key, bool>,
    by_age: VecDeque<Key>,
    capacity: usize,
}

/// SHA-256 of what was verified.
type Key = [u8; 32];

impl Verifier {
    /// How many results a verifier holds unless told otherwise.
    pub const CAPACITY: usize = 16_384;

    /// A verifier that has verified nothing yet.
    pub fn new() -> Verifier {
        Verifier::with_capacity(Verifier::CAPACITY)
    }

    /// A verifier that holds at most `capacity` results; 0 remembers nothing.
    pub fn with_capacity(capacity: usize) -> Verifier {
        Verifier { results: BTreeMap::new(), by_age: VecDeque::new(), capacity }
    }

    /// Whether `signature` over `tbs` is that key's (a DER SubjectPublicKeyInfo): ECDSA with
    /// SHA-256 for a P-256 key, PKCS #1 v1.5 with SHA-256 for an RSA key of 2048 to 8192 bits.
    /// False for any other key.
    pub fn verify(&mut self, public_key_info: &[u8], tbs: &[u8], signature: &[u8]) -> bool {
        // Digests of the parts, so that no two different triples read the same.
        let parts = [sha256(public_key_info), sha256(tbs), sha256(signature)];
        let key = sha256(parts.as_flattened());
        if let Some(result) = self.results.get(&key) {
            return *result;
        }
        let result = verify(public_key_info, tbs, signature);
        self.remember(key, result);
        result
    }

    /// Whether `issuer`'s key has signed the certificate, by an algorithm that agrees with the
    /// key. Names and validity are not looked at.
    pub fn verify_certificate(&mut self, certificate: &Certificate, issuer: &Certificate) -> bool {
        fits(certificate.signed_with(), issuer)
            && self.verify(issuer.public_key_info(), certificate.tbs(), certificate.signature())
    }

    /// Whether `issuer`'s key has signed the CRL, by an algorithm that agrees with the key. Names
    /// and times are not looked at.
    pub fn verify_crl(&mut self, crl: &Crl, issuer: &Certificate) -> bool {
        fits(crl.signed_with(), issuer)
            && self.verify(issuer.public_key_info(), crl.tbs(), crl.signature())
    }

    /// Whether the response is authorized for certificates of `issuer` (RFC 6960 §4.2.2.2):
    /// signed by the responder that it names, which is the issuer itself or one whose certificate
    /// came with it, bears id-kp-OCSPSigning and was issued and signed by `issuer`. Times, that
    /// certificate's own included, are not looked at. False for an error response.
    pub fn verify_ocsp(&mut self, response: &OcspResponse, issuer: &Certificate) -> bool {
        let delegated = response.certificates().iter().filter(|c| c.allows_ocsp_signing());
        for responder in std::iter::once(issuer).chain(delegated) {
            let authorized = responder == issuer
                || (responder.issuer() == issuer.subject()
                    && self.verify_certificate(responder, issuer));
            let key = responder.public_key_info();
            if authorized
                && response.names_responder(responder)
                && fits(response.signed_with(), responder)
                && self.verify(key, response.tbs(), response.signature())
            {
                return true;
            }
        }
        false
    }

    fn remember(&mut self, key: Key, result: bool) {
        self.results.insert(key, result);
        self.by_age.push_back(key);
        while self.by_age.len() > self.capacity {
            if let Some(oldest) = self.by_age.pop_front() {
                self.results.remove(&oldest);
            }
        }
    }
}

impl Default for Verifier {
    fn default() -> Self {
        Verifier::new()
    }
}

/// Whether a signature that needs this kind of key can be by the signer's.
fn fits(signed_with: Option<KeyAlgorithm>, signer: &Certificate) -> bool {
    let key = PublicKey::read(signer.public_key_info());
    signed_with.is_some() && key.is_ok_and(|key| key.kind == signed_with)
}

fn verify(public_key_info: &[u8], tbs: &[u8], signature: &[u8]) -> bool {
    let Ok(PublicKey { kind: Some(kind), bits }) = PublicKey::read(public_key_info) else {
        return false;
    };
    let verified = match kind {
        KeyAlgorithm::EcdsaP256 => {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, bits).verify(tbs, signature)
        }
        KeyAlgorithm::Rsa2048 => {
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, bits).verify(tbs, signature)
        }
    };
    verified.is_ok()
}

#[cfg(test)]
mod tests;
