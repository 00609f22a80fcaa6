//! What is fetched next.

use revlab_lab::http::{Method, Request};
use revlab_lab::trace::Purpose;
use revlab_pki::{CertId, CertStatus, CrlExtension};

use super::*;
use crate::validation::policy::{Scope, Source};
use crate::validation::wanted::{Wanted, next};

fn url(text: &str) -> Vec<Url> {
    vec![text.parse().unwrap()]
}

/// The chain with pointers of all kinds: the root's list at `r.crl`, the issuing CA's at `i.crl`.
fn pointing() -> Chain {
    let root = Party::root("Root");
    let issuing = CertificateTemplate {
        crl_urls: url("http://pki.example/r.crl"),
        ocsp_urls: Vec::new(),
        issuer_urls: url("http://pki.example/root.crt"),
        ..template("Issuing", 2, Usage::Authority)
    };
    let client = CertificateTemplate {
        crl_urls: [url("ldap://dc.example/i"), url("http://pki.example/i.crl")].concat(),
        ocsp_urls: url("http://pki.example/ocsp"),
        issuer_urls: url("http://pki.example/issuing.crt"),
        ..template("client", 7, Usage::Client)
    };
    let plain = CertificateExtras::default();
    let issuing = root.issue_with(&issuing, &plain, "Issuing");
    let client = issuing.issue_with(&client, &plain, "client");
    Chain { root, issuing, client }
}

fn words(wanted: &Wanted) -> String {
    let (method, url) = (wanted.request.method.as_str(), &wanted.url);
    format!("{} of {}: {method} {url}", wanted.purpose.as_str(), wanted.subject)
}

/// Everything that is asked for where nothing is ever brought.
fn in_vain(evidence: &Evidence, policy: &Policy) -> Vec<String> {
    let (mut tried, mut said) = (Vec::<Request>::new(), Vec::new());
    while let Some(wanted) = next(hour(1), evidence, policy, &tried) {
        said.push(words(&wanted));
        tried.push(wanted.request);
        assert!(tried.len() < 100);
    }
    said
}

#[test]
fn everything_that_is_not_at_hand_is_asked_for_at_every_url_once() {
    let chain = pointing();
    let policy = Policy::strict();
    assert_eq!(
        in_vain(&chain.bare(), &policy),
        [
            "ocsp of CN=client: GET http://pki.example/ocsp",
            "ocsp of CN=client: POST http://pki.example/ocsp",
            "base of CN=client: GET ldap://dc.example/i",
            "base of CN=client: GET http://pki.example/i.crl",
            "base of CN=Issuing: GET http://pki.example/r.crl",
        ]
    );
    let mut alone = chain.bare();
    alone.certificates.clear();
    let said = in_vain(&alone, &policy);
    assert_eq!(said[0], "issuer of CN=client: GET http://pki.example/issuing.crt");
    let crl_only = Policy { sources: vec![Source::Crl], ..policy };
    assert_eq!(in_vain(&chain.bare(), &crl_only).len(), 3);
    assert!(in_vain(&chain.bare(), &Policy { scope: Scope::Nothing, ..crl_only }).is_empty());
}

#[test]
fn what_is_at_hand_and_current_is_not_asked_for() {
    let chain = pointing();
    let mut evidence = chain.with_root_crl();
    let freshest =
        CrlTemplate { freshest_crl_urls: url("http://pki.example/i+.crl"), ..list(5, &[]) };
    evidence.crls.push(chain.issuing.crl(&freshest));
    let answer = OcspAnswer {
        id: CertId::new(&chain.client.certificate, &chain.issuing.certificate),
        status: CertStatus::Good,
        this_update: START,
        next_update: Some(hour(12)),
        produced_at: START,
    };
    evidence.ocsp.push(chain.issuing.answer(&answer, false));
    let strict = Policy::strict();
    let delta = "delta of CN=client: GET http://pki.example/i+.crl";
    assert_eq!(in_vain(&evidence, &strict), [delta]);
    assert!(in_vain(&evidence, &Policy { deltas: false, ..strict.clone() }).is_empty());
    let template = CrlTemplate { base_number: Some(5), ..list(6, &[]) };
    evidence.crls.push(chain.issuing.crl(&template));
    assert!(in_vain(&evidence, &strict).is_empty());
    // A day later everything has expired.
    let later = next(hour(49), &evidence, &strict, &[]).unwrap();
    assert_eq!(words(&later), "ocsp of CN=client: GET http://pki.example/ocsp");
}

#[test]
fn a_policy_by_which_the_first_source_decides_wants_no_second() {
    let chain = pointing();
    let first = Policy { first_source_decides: true, ..Policy::strict() };
    let answer = OcspAnswer {
        id: CertId::new(&chain.client.certificate, &chain.issuing.certificate),
        status: CertStatus::Good,
        this_update: START,
        next_update: Some(hour(12)),
        produced_at: START,
    };
    let mut evidence = chain.with_root_crl();
    evidence.ocsp.push(chain.issuing.answer(&answer, false));
    assert!(in_vain(&evidence, &first).is_empty());
}

#[test]
fn an_issuer_with_another_key_identifier_is_not_the_one() {
    let chain = pointing();
    let mut evidence = chain.bare();
    let plain = CertificateExtras::default();
    let other = template("Issuing", 8, Usage::Authority);
    evidence.certificates = vec![chain.root.issue_with(&other, &plain, "other").certificate];
    let wanted = next(hour(1), &evidence, &Policy::strict(), &[]).unwrap();
    assert_eq!((wanted.purpose, wanted.request.method), (Purpose::Issuer, Method::Get));
}

/// CRLs that somebody else signs, whose own issuer is off the path too: who says where they are.
#[test]
fn the_signer_of_a_crl_comes_from_where_the_crl_says_and_brings_its_own_chain() {
    let chain = pointing();
    let plain = CertificateExtras::default();
    let deep = chain.root.issue("Deep", 20, Usage::Authority);
    let lists = CertificateTemplate {
        crl_urls: url("http://pki.example/d.crl"),
        issuer_urls: url("http://pki.example/deep.crt"),
        ..template("Issuing", 30, Usage::CrlSigner)
    };
    let lists = deep.issue_with(&lists, &plain, "lists");
    let at = url("http://pki.example/lists.crt");
    let signed = CrlTemplate { extensions: vec![CrlExtension::signer_at(&at[0])], ..list(5, &[]) };
    let policy = Policy { sources: vec![Source::Crl], ..Policy::strict() };
    let mut evidence = chain.with_crls(&[lists.crl(&signed)]);
    assert_eq!(
        in_vain(&evidence, &policy),
        ["issuer of CN=Issuing: GET http://pki.example/lists.crt"]
    );
    // Whoever hears the issuer alone needs no other certificate.
    let windows = Policy { other_crl_signer: false, ..policy.clone() };
    assert!(in_vain(&evidence, &windows).is_empty());
    evidence.certificates.push(lists.certificate);
    assert_eq!(
        in_vain(&evidence, &policy),
        [
            "issuer of CN=Issuing: GET http://pki.example/deep.crt",
            "base of CN=Issuing: GET http://pki.example/d.crl",
        ]
    );
    evidence.certificates.push(deep.certificate.clone());
    evidence.crls.push(deep.crl(&list(1, &[])));
    assert!(in_vain(&evidence, &policy).is_empty());
    assert_eq!(strict(&evidence).0, Status::Good);
}
