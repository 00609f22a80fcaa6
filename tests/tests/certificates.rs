//! Certificates that say unusual things, through a whole run.

use std::path::Path;

use revlab::exec::Transport;
use revlab::judge::{self, Status};
use revlab::report::terminal;
use revlab::scenario::from_text;
use revlab_lab::trace::Kind;
use revlab_lab::{Instant, Seed, Span};
use revlab_pki::{CertificateTemplate, DistinguishedName, Issuer, KeyAlgorithm, KeyPair, Usage};
use revlab_tests::run;

/// A lab with these lines in the table of its CA, in which all are admitted. Gives the URLs that
/// were fetched, in order, each once.
fn admits(ca: &str, transport: Transport) -> Vec<String> {
    let text = format!(
        r#"
format = 1
title = "certificates"
start = "2024-03-01T00:00:00Z"
duration = "2h"
[sut.web]
updates = ["KB2666300"]
[clients.users]
every = "10m"
[expect.admitted]
attempts = {{ share = "all", outcome = "admitted" }}
[ca.issuing]
name = "LAB-CA"
host = "pki.lab.example"
computer = "PKI"
crl = {{ delta_period = "none" }}
{ca}
"#
    );
    let scenarios =
        from_text("certificates", &text).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let scenario = &scenarios[0];
    let (run, _) = run(scenario, transport);
    let judgement = judge::judge(scenario, &run.trace);
    let report = terminal::render(scenario, &run.trace, &judgement, false);
    assert_eq!(judgement.status(), Status::Held, "{ca}\n{report}");
    let mut fetched = Vec::new();
    for record in run.trace.records() {
        if let Kind::Fetch(fetch) = &record.kind {
            let url = fetch.url.to_string();
            if !fetched.contains(&url) {
                fetched.push(url);
            }
        }
    }
    fetched
}

#[test]
fn urls_that_nobody_can_fetch_are_passed_over_and_those_that_fail_are_tried() {
    for transport in [Transport::Sim, Transport::Live] {
        let fetched = admits(
            r#"
[ca.issuing.issued]
must_staple = true
ocsp_no_check = true
points = [
    { urls = ["ldap:///CN=LAB-CA,CN=CDP?certificateRevocationList", "http://nowhere.example/a.crl"] },
    { urls = ["file://///server/share/LAB-CA.crl", "http://pki.lab.example/CertEnroll/LAB-CA.crl"], reasons = [1, 2] },
    { relative = "CN=CRL1", crl_issuer = "CN=OTHER-CA" },
]
freshest = [{ urls = ["file://///server/share/LAB-CA+.crl"] }]
extensions = [{ oid = "1.3.6.1.4.1.99999.7", value = "0c 02 68 69" }]
"#,
            transport,
        );
        let fetched: Vec<_> = fetched.iter().map(String::as_str).collect();
        let crl = "http://pki.lab.example/CertEnroll/LAB-CA.crl";
        let directory = "ldap:///CN=LAB-CA,CN=CDP?certificateRevocationList";
        assert_eq!(fetched, [directory, "http://nowhere.example/a.crl", crl]);
    }
}

/// A customer's root, as the files that were brought along.
fn customers_files(folder: &Path) {
    let start: Instant = "2024-03-01T00:00:00Z".parse().unwrap();
    let key = KeyPair::seeded(KeyAlgorithm::EcdsaP384, Seed(9), "root");
    let template = CertificateTemplate {
        subject: DistinguishedName::parse("CN=Customer Root,O=Customer").unwrap(),
        serial: vec![1],
        not_before: start - Span::from_days(2000),
        not_after: start + Span::from_days(2000),
        usage: Usage::Authority,
        crl_urls: Vec::new(),
        freshest_crl_urls: Vec::new(),
        ocsp_urls: Vec::new(),
        issuer_urls: Vec::new(),
        dns_names: Vec::new(),
        ca_version: None,
    };
    let root = template.issue(key.public_key_info(), &Issuer::Itself(&key)).unwrap();
    std::fs::write(folder.join("ca.pem"), root.pem()).unwrap();
    std::fs::write(folder.join("ca.key"), key.pkcs8_pem()).unwrap();
}

#[test]
fn clients_of_a_customers_own_ca_are_admitted() {
    let folder = tempfile::tempdir().unwrap();
    customers_files(folder.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (certificate, key) = (file("ca.pem"), file("ca.key"));
    let lines = format!("certificate = '{certificate}'\nprivate_key = '{key}'\nkey = \"p256\"");
    for transport in [Transport::Sim, Transport::Live] {
        let fetched = admits(&lines, transport);
        assert_eq!(fetched, ["http://pki.lab.example/CertEnroll/LAB-CA.crl"]);
    }
}
