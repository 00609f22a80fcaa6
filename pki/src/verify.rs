//! Verifying signatures, each only once.

use std::collections::{BTreeMap, VecDeque};

use crate::digest::sha256;
use crate::keys::PublicKey;
use crate::signature::SignatureAlgorithm;
use crate::{Certificate, Crl, OcspResponse, WeakDigest, weak};

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
    performed: u64,
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
        Verifier { results: BTreeMap::new(), by_age: VecDeque::new(), capacity, performed: 0 }
    }

    /// How many signatures it has verified itself, those that it remembered not counted.
    pub fn performed(&self) -> u64 {
        self.performed
    }

    /// Whether `signature` over `tbs` is that key's (a DER SubjectPublicKeyInfo), made in the usual
    /// way: PKCS #1 v1.5 with SHA-256 for an RSA key of 2048 to 8192 bits, ECDSA with SHA-256 for
    /// P-256 and with SHA-384 for P-384, Ed25519. False for any other key.
    pub fn verify(&mut self, public_key_info: &[u8], tbs: &[u8], signature: &[u8]) -> bool {
        let key = PublicKey::read(public_key_info);
        let usual = key.ok().and_then(|key| key.kind).map(SignatureAlgorithm::usual);
        self.verify_by(usual, public_key_info, tbs, signature)
    }

    /// The same for a signature by this algorithm; false without one, and where the key is not one
    /// that goes with it.
    fn verify_by(
        &mut self,
        algorithm: Option<SignatureAlgorithm>,
        public_key_info: &[u8],
        tbs: &[u8],
        signature: &[u8],
    ) -> bool {
        let identifier = algorithm.map(SignatureAlgorithm::identifier).unwrap_or_default();
        // Digests of the parts, so that no two different sets of them read the same.
        let parts = [identifier, public_key_info, tbs, signature].map(sha256);
        let key = sha256(parts.as_flattened());
        if let Some(result) = self.results.get(&key) {
            return *result;
        }
        let public = PublicKey::read(public_key_info);
        let result = algorithm.is_some_and(|algorithm| {
            public.is_ok_and(|public| algorithm.verify(&public, tbs, signature))
        });
        self.remember(key, result);
        result
    }

    /// Whether `issuer`'s key has signed the certificate, by an algorithm that agrees with the
    /// key. Names and validity are not looked at.
    pub fn verify_certificate(&mut self, certificate: &Certificate, issuer: &Certificate) -> bool {
        let (by, tbs) = (certificate.signed_with(), certificate.tbs());
        self.verify_by(by, issuer.public_key_info(), tbs, certificate.signature())
    }

    /// Whether `issuer`'s key has signed the CRL, by an algorithm that agrees with the key. Names
    /// and times are not looked at.
    pub fn verify_crl(&mut self, crl: &Crl, issuer: &Certificate) -> bool {
        self.verify_by(crl.signed_with(), issuer.public_key_info(), crl.tbs(), crl.signature())
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
            let (by, key) = (response.signed_with(), responder.public_key_info());
            if authorized
                && response.names_responder(responder)
                && self.verify_by(by, key, response.tbs(), response.signature())
            {
                return true;
            }
        }
        false
    }

    /// Whether this key has signed the response; who may is not looked at.
    pub fn verify_response(&mut self, response: &OcspResponse, signer: &Certificate) -> bool {
        let (by, key) = (response.signed_with(), signer.public_key_info());
        self.verify_by(by, key, response.tbs(), response.signature())
    }

    /// Whether `issuer`'s key has made this signature with a weak digest: for what bears one
    /// ([`Certificate::weak_digest`] and the like) the other functions say no.
    pub fn verify_weak(
        &mut self,
        by: WeakDigest,
        issuer: &Certificate,
        tbs: &[u8],
        signature: &[u8],
    ) -> bool {
        let info = issuer.public_key_info();
        let name: &[u8] = match by {
            WeakDigest::Md5 => b"MD5",
            WeakDigest::Sha1 => b"SHA-1",
        };
        let parts = [name, info, tbs, signature].map(sha256);
        let key = sha256(parts.as_flattened());
        if let Some(result) = self.results.get(&key) {
            return *result;
        }
        let result =
            PublicKey::read(info).is_ok_and(|public| weak::verify(&public, by, tbs, signature));
        self.remember(key, result);
        result
    }

    fn remember(&mut self, key: Key, result: bool) {
        self.performed += 1;
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

#[cfg(test)]
mod tests;
