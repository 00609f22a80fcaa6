use revlab_lab::Seed;

use super::*;
use crate::fixture::*;
use crate::{KeyAlgorithm, KeyPair, Usage};

#[test]
fn a_result_is_the_same_the_second_time() {
    let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "a");
    let signature = key.sign(b"bytes");
    let mut verifier = Verifier::new();
    for _ in 0..2 {
        assert!(verifier.verify(key.public_key_info(), b"bytes", &signature));
        assert!(!verifier.verify(key.public_key_info(), b"other", &signature));
    }
    assert_eq!(verifier.results.len(), 2);
}

#[test]
fn the_oldest_results_are_dropped_first() {
    let mut verifier = Verifier::with_capacity(3);
    for n in 0..5u8 {
        verifier.verify(b"no key", &[n], b"");
    }
    assert_eq!(verifier.results.len(), 3);
    let held = verifier.by_age.clone();
    verifier.verify(b"no key", &[4], b"");
    assert_eq!(verifier.by_age, held, "the newest was still held");
    verifier.verify(b"no key", &[0], b"");
    assert_ne!(verifier.by_age, held, "the oldest was not");
}

#[test]
fn no_capacity_remembers_nothing_and_still_answers() {
    let key = KeyPair::seeded(KeyAlgorithm::Rsa2048, Seed(1), "a");
    let mut verifier = Verifier::with_capacity(0);
    assert!(verifier.verify(key.public_key_info(), b"bytes", &key.sign(b"bytes")));
    assert!(verifier.results.is_empty());
}

#[test]
fn parts_that_join_to_the_same_bytes_are_told_apart() {
    let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "a");
    let signature = key.sign(b"bytes");
    let mut verifier = Verifier::new();
    assert!(verifier.verify(key.public_key_info(), b"bytes", &signature));
    let shifted = [b"s".as_slice(), &signature].concat();
    assert!(!verifier.verify(key.public_key_info(), b"byte", &shifted));
}

/// The certificate with this identifier in place of its own, inside and outside.
fn relabelled(
    certificate: &Certificate,
    from: SignatureAlgorithm,
    to: SignatureAlgorithm,
) -> Vec<u8> {
    let (from, to) = (from.identifier(), to.identifier());
    assert_eq!(from.len(), to.len(), "lengths around it must stay right");
    let mut der = certificate.der().to_vec();
    while let Some(at) = der.windows(from.len()).position(|window| window == from) {
        der[at..at + to.len()].copy_from_slice(to);
    }
    der
}

#[test]
fn a_signature_counts_only_by_the_algorithm_that_it_names() {
    use SignatureAlgorithm::*;
    for (kind, own, other) in [
        (KeyAlgorithm::EcdsaP256, EcdsaSha256, EcdsaSha384),
        (KeyAlgorithm::EcdsaP384, EcdsaSha384, EcdsaSha512),
        (KeyAlgorithm::Rsa3072, RsaSha256, RsaSha512),
    ] {
        let ca = authority(kind).certificate;
        let relabelled = Certificate::parse(&relabelled(&ca, own, other)).unwrap();
        assert!(!Verifier::new().verify_certificate(&relabelled, &ca), "{kind:?}");
    }
    let pss = authority(KeyAlgorithm::RsaPss);
    let mut verifier = Verifier::new();
    let (key, bytes) = (pss.key.public_key_info(), b"bytes");
    let signature = pss.key.sign(bytes);
    assert!(verifier.verify_by(Some(RsaPssSha256), key, bytes, &signature));
    assert!(!verifier.verify_by(Some(RsaSha256), key, bytes, &signature));
    assert!(!verifier.verify_by(None, key, bytes, &signature));
}

#[test]
fn a_certificate_is_verified_by_its_issuer_alone() {
    let mut verifier = Verifier::new();
    for (_, kind) in KeyAlgorithm::NAMES {
        let ca = authority(kind);
        let other = named_authority(KeyAlgorithm::EcdsaP256, "OTHER-CA");
        let (client, _) = ca.issue(&template("subject", &[2], Usage::Client));
        assert!(verifier.verify_certificate(&client, &ca.certificate));
        assert!(verifier.verify_certificate(&ca.certificate, &ca.certificate));
        assert!(!verifier.verify_certificate(&client, &other.certificate));
        assert!(!verifier.verify_certificate(&client, &client));
    }
}
