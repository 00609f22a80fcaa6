//! A root, an issuing CA and a client, with everything that can be wrong about them.

mod by_crl;
mod by_ocsp;
mod mutated;
mod paths;
mod wanted;

use std::sync::LazyLock;

use revlab_lab::http::Url;
use revlab_lab::{Instant, Seed, Span};
use revlab_pki::{
    Certificate, CertificateExtras, CertificateTemplate, Crl, CrlEntry, CrlTemplate,
    DistinguishedName, Issuer, KeyAlgorithm, KeyPair, OcspAnswer, OcspResponse, Usage, Verifier,
};

use super::policy::Policy;
use super::{Evidence, Finding, Status, verify};

/// 2024-03-01T00:00:00Z; validations are an hour later.
pub(super) const START: Instant = Instant::from_millis(1_709_251_200_000);

pub(super) fn hour(n: i64) -> Instant {
    START + Span::from_hours(n)
}

/// A certificate with its key.
#[derive(Clone)]
pub(super) struct Party {
    pub(super) certificate: Certificate,
    pub(super) key: KeyPair,
}

pub(super) fn key(name: &str) -> KeyPair {
    KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), name)
}

pub(super) fn template(name: &str, serial: u8, usage: Usage) -> CertificateTemplate {
    let url = |text: &str| -> Vec<Url> { text.parse().into_iter().collect() };
    CertificateTemplate {
        subject: DistinguishedName::common_name(name),
        serial: vec![serial],
        not_before: START,
        not_after: START + Span::from_days(365),
        usage,
        crl_urls: url("http://pki.example/a.crl"),
        freshest_crl_urls: Vec::new(),
        ocsp_urls: url("http://pki.example/ocsp"),
        issuer_urls: Vec::new(),
        dns_names: Vec::new(),
        ca_version: None,
    }
}

impl Party {
    pub(super) fn root(name: &str) -> Party {
        let key = key(name);
        let template = template(name, 1, Usage::Authority);
        let certificate = template.issue(key.public_key_info(), &Issuer::Itself(&key)).unwrap();
        Party { certificate, key }
    }

    pub(super) fn issue(&self, name: &str, serial: u8, usage: Usage) -> Party {
        self.issue_with(&template(name, serial, usage), &CertificateExtras::default(), name)
    }

    pub(super) fn issue_with(
        &self,
        template: &CertificateTemplate,
        extras: &CertificateExtras,
        key_name: &str,
    ) -> Party {
        let key = key(key_name);
        let issuer = Issuer::Certificate(&self.certificate, &self.key);
        let certificate = template.issue_with(extras, key.public_key_info(), &issuer).unwrap();
        Party { certificate, key }
    }

    pub(super) fn crl(&self, template: &CrlTemplate) -> Crl {
        Crl::parse(&template.sign(&self.certificate, &self.key)).unwrap()
    }

    pub(super) fn answer(&self, answer: &OcspAnswer, include: bool) -> OcspResponse {
        OcspResponse::parse(&answer.sign(&self.certificate, &self.key, include)).unwrap()
    }
}

pub(super) fn list(number: u64, serials: &[u8]) -> CrlTemplate {
    let entry = |serial: &u8| CrlEntry {
        serial: vec![*serial],
        revoked_at: START,
        reason: Some(1),
        extensions: Vec::new(),
    };
    CrlTemplate {
        number,
        base_number: None,
        virtual_base: None,
        this_update: START,
        next_update: Some(hour(24)),
        next_publish: None,
        ca_version: None,
        freshest_crl_urls: Vec::new(),
        published_locations: Vec::new(),
        extensions: Vec::new(),
        entries: serials.iter().map(entry).collect(),
    }
}

/// The usual three.
#[derive(Clone)]
pub(super) struct Chain {
    pub(super) root: Party,
    pub(super) issuing: Party,
    pub(super) client: Party,
}

pub(super) fn chain() -> Chain {
    static CHAIN: LazyLock<Chain> = LazyLock::new(|| {
        let root = Party::root("Root");
        let issuing = root.issue("Issuing", 2, Usage::Authority);
        let client = issuing.issue("client", 7, Usage::Client);
        Chain { root, issuing, client }
    });
    CHAIN.clone()
}

impl Chain {
    /// Everything but CRLs and responses.
    pub(super) fn bare(&self) -> Evidence {
        let anchors = vec![self.root.certificate.clone()];
        let mut evidence = Evidence::of(self.client.certificate.clone(), anchors);
        evidence.certificates = vec![self.issuing.certificate.clone()];
        evidence
    }

    /// With the root's CRL, so that only the client is in question.
    pub(super) fn with_root_crl(&self) -> Evidence {
        let mut evidence = self.bare();
        evidence.crls.push(self.root.crl(&list(1, &[])));
        evidence
    }

    /// With CRLs of the issuing CA too.
    pub(super) fn with_crls(&self, crls: &[Crl]) -> Evidence {
        let mut evidence = self.with_root_crl();
        evidence.crls.extend_from_slice(crls);
        evidence
    }
}

pub(super) fn judged(evidence: &Evidence, policy: &Policy) -> Finding {
    verify(hour(1), evidence, policy, &mut Verifier::new())
}

/// Status and code of the strict policy.
pub(super) fn strict(evidence: &Evidence) -> (Status, &'static str) {
    let finding = judged(evidence, &Policy::strict());
    (finding.status, finding.code)
}

/// Status and code of the path alone.
pub(super) fn path_only(evidence: &Evidence) -> (Status, &'static str) {
    let policy = Policy { scope: super::policy::Scope::Nothing, ..Policy::strict() };
    let finding = judged(evidence, &policy);
    (finding.status, finding.code)
}
