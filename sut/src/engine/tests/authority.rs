//! A CA for tests: certificates, CRLs and OCSP answers with keys of seed 1.

use std::sync::LazyLock;

use revlab_lab::http::Url;
use revlab_lab::{Instant, Seed, Span};
use revlab_pki::{
    CertId, CertStatus, Certificate, CertificateExtras, CertificateTemplate, CrlEntry, CrlTemplate,
    DistinguishedName, Issuer, KeyAlgorithm, KeyPair, OcspAnswer, Usage,
};

/// 2014-04-16T00:00:00Z.
pub(super) const START: Instant = Instant::from_millis(1_397_606_400_000);
pub(super) const BASE: &str = "http://ca/base.crl";
pub(super) const DELTA: &str = "http://ca/delta.crl";
pub(super) const OCSP: &str = "http://ca/ocsp";

/// A CA with its key.
#[derive(Clone)]
pub(super) struct Authority {
    pub(super) certificate: Certificate,
    pub(super) key: KeyPair,
}

pub(super) fn url(text: &str) -> Url {
    text.parse().unwrap()
}

pub(super) fn urls(texts: &[&str]) -> Vec<Url> {
    texts.iter().map(|text| url(text)).collect()
}

fn template(name: &str, serial: u8, usage: Usage) -> CertificateTemplate {
    CertificateTemplate {
        subject: DistinguishedName::common_name(name),
        serial: vec![serial],
        not_before: START - Span::from_days(1),
        not_after: START + Span::from_days(365),
        usage,
        crl_urls: Vec::new(),
        freshest_crl_urls: Vec::new(),
        ocsp_urls: Vec::new(),
        issuer_urls: Vec::new(),
        dns_names: Vec::new(),
        ca_version: None,
    }
}

impl Authority {
    /// The CA whose own certificate is the root, as in the incident. Made once.
    pub(super) fn root() -> Authority {
        static ROOT: LazyLock<Authority> = LazyLock::new(|| Authority::self_issued("XXX-CA"));
        ROOT.clone()
    }

    pub(super) fn self_issued(name: &str) -> Authority {
        Authority::self_issued_with(name, &CertificateExtras::default())
    }

    pub(super) fn self_issued_with(name: &str, extras: &CertificateExtras) -> Authority {
        let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), name);
        let template = template(name, 1, Usage::Authority);
        let issuer = Issuer::Itself(&key);
        let certificate = template.issue_with(extras, key.public_key_info(), &issuer).unwrap();
        Authority { certificate, key }
    }

    /// A CA below this one, with distribution points for itself.
    pub(super) fn subordinate(&self, name: &str, crl_urls: &[&str]) -> Authority {
        let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), name);
        let mut template = template(name, 2, Usage::Authority);
        template.crl_urls = urls(crl_urls);
        let issuer = Issuer::Certificate(&self.certificate, &self.key);
        let certificate = template.issue(key.public_key_info(), &issuer).unwrap();
        Authority { certificate, key }
    }

    /// Whatever else this CA issues.
    pub(super) fn issue(
        &self,
        name: &str,
        serial: u8,
        usage: Usage,
        extras: &CertificateExtras,
        change: impl FnOnce(&mut CertificateTemplate),
    ) -> Authority {
        let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), name);
        let mut template = template(name, serial, usage);
        change(&mut template);
        let issuer = Issuer::Certificate(&self.certificate, &self.key);
        let certificate = template.issue_with(extras, key.public_key_info(), &issuer).unwrap();
        Authority { certificate, key }
    }

    /// A client certificate whose CRL is at [`BASE`], changed as the test wants it. The subject is
    /// `CN=name`.
    pub(super) fn client(
        &self,
        name: &str,
        serial: u8,
        change: impl FnOnce(&mut CertificateTemplate),
    ) -> Certificate {
        static KEY: LazyLock<KeyPair> =
            LazyLock::new(|| KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "clients"));
        let mut template = template(name, serial, Usage::Client);
        template.crl_urls = urls(&[BASE]);
        change(&mut template);
        let issuer = Issuer::Certificate(&self.certificate, &self.key);
        template.issue(KEY.public_key_info(), &issuer).unwrap()
    }

    /// A client certificate with an OCSP URL as well, as in the incident.
    pub(super) fn client_with_ocsp(&self, name: &str, serial: u8) -> Certificate {
        self.client(name, serial, |t| t.ocsp_urls = urls(&[OCSP]))
    }

    pub(super) fn sign(&self, template: &CrlTemplate) -> Vec<u8> {
        template.sign(&self.certificate, &self.key)
    }

    /// An OCSP answer about a certificate of this CA, from `from` on for `life`.
    pub(super) fn ocsp(
        &self,
        certificate: &Certificate,
        status: CertStatus,
        from: Instant,
        life: Span,
    ) -> Vec<u8> {
        let answer = OcspAnswer {
            id: CertId::new(certificate, &self.certificate),
            status,
            this_update: from,
            next_update: Some(from + life),
            produced_at: from,
        };
        answer.sign(&self.certificate, &self.key, false)
    }
}

/// A base CRL that points at no delta and lists nothing.
pub(super) fn base(number: u64, from: Instant, life: Span) -> CrlTemplate {
    CrlTemplate {
        number,
        base_number: None,
        virtual_base: None,
        this_update: from,
        next_update: Some(from + life),
        next_publish: None,
        ca_version: None,
        freshest_crl_urls: Vec::new(),
        published_locations: Vec::new(),
        extensions: Vec::new(),
        entries: Vec::new(),
    }
}

/// A base CRL whose freshestCRL points at [`DELTA`].
pub(super) fn base_with_delta(number: u64, from: Instant, life: Span) -> CrlTemplate {
    CrlTemplate { freshest_crl_urls: urls(&[DELTA]), ..base(number, from, life) }
}

/// A delta CRL with this indicator that lists nothing.
pub(super) fn delta(number: u64, indicator: u64, from: Instant, life: Span) -> CrlTemplate {
    CrlTemplate { base_number: Some(indicator), ..base(number, from, life) }
}

/// An entry of a CRL.
pub(super) fn entry(certificate: &Certificate, reason: Option<u8>) -> CrlEntry {
    CrlEntry {
        serial: certificate.serial().to_vec(),
        revoked_at: START,
        reason,
        extensions: Vec::new(),
    }
}
