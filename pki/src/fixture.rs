//! A small authority for tests: the names and times of the incident, keys of seed 1.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;
use revlab_lab::http::Url;
use revlab_lab::{Instant, Seed, Span};

use crate::{
    Certificate, CertificateTemplate, CrlTemplate, DistinguishedName, Issuer, KeyAlgorithm,
    KeyPair, Usage,
};

/// 2014-04-16T00:00:00Z.
pub(crate) const START: Instant = Instant::from_millis(1_397_606_400_000);

#[derive(Clone)]
pub(crate) struct Authority {
    pub(crate) key: KeyPair,
    pub(crate) certificate: Certificate,
}

/// The authority XXX-CA, made once for all cases of a property.
pub(crate) fn authority(algorithm: KeyAlgorithm) -> Authority {
    static ALL: [LazyLock<Authority>; KeyAlgorithm::NAMES.len()] = [
        LazyLock::new(|| nth_authority(0)),
        LazyLock::new(|| nth_authority(1)),
        LazyLock::new(|| nth_authority(2)),
        LazyLock::new(|| nth_authority(3)),
        LazyLock::new(|| nth_authority(4)),
        LazyLock::new(|| nth_authority(5)),
        LazyLock::new(|| nth_authority(6)),
    ];
    let nth = KeyAlgorithm::NAMES.iter().position(|(_, kind)| *kind == algorithm).unwrap();
    ALL[nth].clone()
}

fn nth_authority(nth: usize) -> Authority {
    named_authority(KeyAlgorithm::NAMES[nth].1, "XXX-CA")
}

pub(crate) fn named_authority(algorithm: KeyAlgorithm, name: &str) -> Authority {
    let key = KeyPair::seeded(algorithm, Seed(1), name);
    let template = CertificateTemplate {
        not_after: START + Span::from_days(3650),
        crl_urls: Vec::new(),
        freshest_crl_urls: Vec::new(),
        ocsp_urls: Vec::new(),
        issuer_urls: Vec::new(),
        ca_version: Some((1, 1)),
        ..template(name, &[1], Usage::Authority)
    };
    let certificate = template.issue(key.public_key_info(), &Issuer::Itself(&key)).unwrap();
    Authority { key, certificate }
}

pub(crate) fn template(name: &str, serial: &[u8], usage: Usage) -> CertificateTemplate {
    CertificateTemplate {
        subject: DistinguishedName::common_name(name),
        serial: serial.to_vec(),
        not_before: START,
        not_after: START + Span::from_days(365),
        usage,
        crl_urls: vec![url("http://host/XXX-CA(1).crl"), url("http://spare/XXX-CA(1).crl")],
        freshest_crl_urls: vec![url("http://host/XXX-CA(1)+.crl")],
        ocsp_urls: vec![url("http://host/ocsp")],
        issuer_urls: vec![url("http://host/host_XXX-CA(1).crt")],
        dns_names: Vec::new(),
        ca_version: None,
    }
}

impl Authority {
    /// A certificate with a P-256 key of its own, and that key.
    pub(crate) fn issue(&self, template: &CertificateTemplate) -> (Certificate, KeyPair) {
        let name = template.subject.to_string();
        let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), &name);
        let issuer = Issuer::Certificate(&self.certificate, &self.key);
        (template.issue(key.public_key_info(), &issuer).unwrap(), key)
    }
}

/// A base CRL as AD CS publishes it, with nothing revoked.
pub(crate) fn base() -> CrlTemplate {
    CrlTemplate {
        number: 7,
        base_number: None,
        virtual_base: None,
        this_update: START,
        next_update: Some(START + Span::from_mins(90)),
        next_publish: Some(START + Span::from_hours(1)),
        ca_version: Some((1, 1)),
        freshest_crl_urls: vec![url("http://host/XXX-CA(1)+.crl")],
        published_locations: vec![url("http://host/XXX-CA(1).crl")],
        extensions: Vec::new(),
        entries: Vec::new(),
    }
}

pub(crate) fn url(text: &str) -> Url {
    text.parse().unwrap()
}

/// Serial numbers without leading zeros.
pub(crate) fn serials() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..=20).prop_filter("positive", |s| s[0] != 0)
}

/// Instants on a whole second that X.509 can write.
pub(crate) fn seconds() -> impl Strategy<Value = Instant> {
    (-62_167_219_200i64..253_402_300_800).prop_map(|s| Instant::from_millis(s * 1000))
}

/// Ways to spoil bytes: cut at a place, or replace one octet by another.
pub(crate) fn spoiling() -> impl Strategy<Value = (Index, Option<u8>)> {
    (any::<Index>(), prop::option::weighted(0.8, 1u8..))
}

/// `bytes` spoilt that way: never the same bytes.
pub(crate) fn spoil(bytes: &[u8], (at, change): (Index, Option<u8>)) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let at = at.index(out.len());
    match change {
        Some(change) => out[at] ^= change,
        None => out.truncate(at),
    }
    out
}
