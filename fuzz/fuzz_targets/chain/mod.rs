//! A sound chain, beside which one artefact at a time is replaced.

use std::sync::LazyLock;

use revlab_lab::{Instant, Seed, Span};
use revlab_pki::{
    Certificate, CertificateTemplate, DistinguishedName, Issuer, KeyAlgorithm, KeyPair, Usage,
    Verifier,
};
use revlab_sut::profile::Sheet;
use revlab_sut::validation::policy::Policy;
use revlab_sut::validation::{Evidence, Finding, verify};

/// 2024-03-01T00:00:00Z.
const START: Instant = Instant::from_millis(1_709_251_200_000);

fn template(name: &str, serial: u8, usage: Usage) -> CertificateTemplate {
    CertificateTemplate {
        subject: DistinguishedName::common_name(name),
        serial: vec![serial],
        not_before: START,
        not_after: START + Span::from_days(30),
        usage,
        crl_urls: Vec::new(),
        freshest_crl_urls: Vec::new(),
        ocsp_urls: Vec::new(),
        issuer_urls: Vec::new(),
        dns_names: Vec::new(),
        ca_version: None,
    }
}

/// The anchor and a client below it.
pub fn evidence() -> Evidence {
    static CHAIN: LazyLock<(Certificate, Certificate)> = LazyLock::new(|| {
        let key = |name| KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), name);
        let (root, client) = (key("Root"), key("client"));
        let anchor = template("Root", 1, Usage::Authority)
            .issue(root.public_key_info(), &Issuer::Itself(&root))
            .expect("a root");
        let leaf = template("client", 7, Usage::Client)
            .issue(client.public_key_info(), &Issuer::Certificate(&anchor, &root))
            .expect("a client");
        (anchor, leaf)
    });
    let (anchor, leaf) = CHAIN.clone();
    Evidence::of(leaf, vec![anchor])
}

/// A verdict by every built-in profile; each has a reason.
pub fn judge(evidence: &Evidence) -> Vec<Finding> {
    let at = START + Span::from_hours(1);
    let mut verifier = Verifier::new();
    let policies = Sheet::library().iter().map(|sheet| Policy::of(sheet.parameters()));
    let findings: Vec<Finding> =
        policies.map(|policy| verify(at, evidence, &policy, &mut verifier)).collect();
    assert!(findings.iter().all(|finding| !finding.reason.is_empty()));
    findings
}
