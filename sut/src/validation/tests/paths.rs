//! RFC 5280 §6.1.

use revlab_pki::{
    CertificateExtension, CertificateExtras, GeneralName, NameConstraints, ObjectIdentifier,
};

use super::*;
use crate::validation::policy::Purpose;

const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");

fn extension(oid: ObjectIdentifier, value: &[u8]) -> CertificateExtras {
    let extension = CertificateExtension { oid, critical: true, value: value.to_vec() };
    CertificateExtras { extensions: vec![extension], ..CertificateExtras::default() }
}

/// The client below an issuing CA with these extras.
fn below(extras: &CertificateExtras) -> Evidence {
    let root = chain().root;
    let issuing = root.issue_with(&template("CA", 3, Usage::Authority), extras, "CA");
    let client = CertificateTemplate {
        dns_names: vec!["www.corp.example".into()],
        ..template("client", 7, Usage::Client)
    };
    let client = issuing.issue_with(&client, &CertificateExtras::default(), "client");
    let mut evidence = Evidence::of(client.certificate, vec![root.certificate]);
    evidence.certificates.push(issuing.certificate);
    evidence
}

#[test]
fn a_sound_chain_is_a_valid_path_in_any_order_of_certificates() {
    let chain = chain();
    let mut evidence = chain.bare();
    assert_eq!(path_only(&evidence), (Status::Good, "path_valid"));
    let other = Party::root("Other").issue("Issuing", 9, Usage::Authority);
    evidence.certificates.insert(0, other.certificate);
    evidence.certificates.insert(0, chain.client.certificate);
    evidence.certificates.push(chain.root.certificate);
    assert_eq!(path_only(&evidence), (Status::Good, "path_valid"));
}

#[test]
fn without_the_issuer_there_is_no_path_and_its_name_is_said() {
    let chain = chain();
    let mut evidence = chain.bare();
    evidence.anchors = vec![Party::root("Other").certificate];
    let finding = judged(&evidence, &Policy::strict());
    assert_eq!((finding.status, finding.code), (Status::PathInvalid, "no_path"));
    assert_eq!(finding.failing_subject.unwrap().to_string(), "CN=Issuing");
}

#[test]
fn a_cross_certificate_leads_to_another_anchor() {
    let chain = chain();
    let other = Party::root("Other");
    let cross = other.issue_with(
        &template("Issuing", 9, Usage::Authority),
        &CertificateExtras::default(),
        "Issuing",
    );
    let mut evidence = chain.bare();
    evidence.anchors = vec![other.certificate];
    evidence.certificates.push(cross.certificate);
    assert_eq!(path_only(&evidence), (Status::Good, "path_valid"));
}

#[test]
fn certificates_that_issue_each_other_are_no_endless_path() {
    let (a, b) = (Party::root("A"), Party::root("B"));
    let mut evidence = chain().bare();
    let plain = CertificateExtras::default();
    let cross = |by: &Party, of| by.issue_with(&template(of, 5, Usage::Authority), &plain, of);
    evidence.certificates = vec![cross(&a, "B").certificate, cross(&b, "A").certificate];
    evidence.target = a.issue("client", 7, Usage::Client).certificate;
    assert_eq!(path_only(&evidence), (Status::PathInvalid, "no_path"));
}

#[test]
fn an_issuer_of_the_same_name_with_another_key_has_not_signed() {
    let mut evidence = chain().bare();
    let root = chain().root;
    let plain = CertificateExtras::default();
    let other = root.issue_with(&template("Issuing", 8, Usage::Authority), &plain, "other key");
    evidence.certificates = vec![other.certificate];
    assert_eq!(path_only(&evidence), (Status::PathInvalid, "signature_bad"));
}

#[test]
fn validity_is_that_of_the_certificate_to_the_second() {
    let chain = chain();
    let evidence = chain.bare();
    let policy = Policy { scope: crate::validation::policy::Scope::Nothing, ..Policy::strict() };
    let code = |at| verify(at, &evidence, &policy, &mut Verifier::new()).code;
    let end = START + Span::from_days(365);
    assert_eq!(code(START), "path_valid");
    assert_eq!(code(START + Span::from_secs(-1)), "not_yet_valid");
    assert_eq!(code(end), "path_valid");
    assert_eq!(code(end + Span::from_millis(999)), "path_valid");
    assert_eq!(code(end + Span::from_secs(1)), "expired");
    let tolerant = Policy { tolerance: Span::from_mins(5), ..policy.clone() };
    let code = |at| verify(at, &evidence, &tolerant, &mut Verifier::new()).code;
    assert_eq!(code(end + Span::from_secs(300)), "path_valid");
    assert_eq!(code(end + Span::from_secs(301)), "expired");
}

#[test]
fn an_issuer_that_is_no_ca_or_may_not_sign_is_refused() {
    assert_eq!(path_only(&below(&CertificateExtras::default())).1, "path_valid");
    let no_ca = extension(BASIC, &[0x30, 0]);
    assert_eq!(path_only(&below(&no_ca)).1, "not_authority");
    let crl_sign_only = extension(KEY_USAGE, &[3, 2, 1, 2]);
    assert_eq!(path_only(&below(&crl_sign_only)).1, "no_certificate_sign");
}

#[test]
fn a_path_length_bounds_the_cas_below_but_not_the_client() {
    let none_below = extension(BASIC, &[0x30, 6, 1, 1, 255, 2, 1, 0]);
    assert_eq!(path_only(&below(&none_below)).1, "path_valid");
    let root = chain().root;
    let upper = root.issue_with(&template("Upper", 3, Usage::Authority), &none_below, "Upper");
    let lower = upper.issue("Lower", 4, Usage::Authority);
    let client = lower.issue("client", 5, Usage::Client);
    let mut evidence = Evidence::of(client.certificate, vec![root.certificate]);
    evidence.certificates = vec![upper.certificate, lower.certificate];
    assert_eq!(path_only(&evidence).1, "path_too_long");
}

#[test]
fn name_constraints_permit_and_exclude() {
    let dns = |name: &str| vec![GeneralName::Dns(name.into())];
    let constrained = |permitted, excluded| CertificateExtras {
        name_constraints: Some(NameConstraints { permitted, excluded }),
        ..CertificateExtras::default()
    };
    let code = |permitted, excluded| path_only(&below(&constrained(permitted, excluded))).1;
    assert_eq!(code(dns("corp.example"), vec![]), "path_valid");
    assert_eq!(code(dns("other.example"), vec![]), "name_not_permitted");
    assert_eq!(code(vec![], dns("www.corp.example")), "name_excluded");
    // The client bears no mail address.
    assert_eq!(code(vec![GeneralName::Email("x.example".into())], vec![]), "path_valid");
    let directory = |name| vec![GeneralName::Directory(DistinguishedName::common_name(name))];
    assert_eq!(code(directory("CLIENT"), vec![]), "path_valid");
    assert_eq!(code(directory("other"), vec![]), "name_not_permitted");
}

#[test]
fn name_constraints_reach_alternative_names_of_every_kind() {
    const NAMES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
    // One name each, which is shorter than 128 octets.
    let named = |tag: u8, name: &[u8]| {
        let list = [&[tag, name.len() as u8], name].concat();
        [&[0x30, list.len() as u8], &list[..]].concat()
    };
    let code = |constraint: &GeneralName, permitted: bool, names: &[u8]| {
        let one = vec![constraint.clone()];
        let constraints = match permitted {
            true => NameConstraints { permitted: one, excluded: Vec::new() },
            false => NameConstraints { permitted: Vec::new(), excluded: one },
        };
        let extras = CertificateExtras {
            name_constraints: Some(constraints),
            ..CertificateExtras::default()
        };
        let root = chain().root;
        let issuing = root.issue_with(&template("CA", 3, Usage::Authority), &extras, "CA");
        let names = CertificateExtension { oid: NAMES, critical: false, value: names.to_vec() };
        let names = CertificateExtras { extensions: vec![names], ..CertificateExtras::default() };
        let client = issuing.issue_with(&template("client", 7, Usage::Client), &names, "client");
        let mut evidence = Evidence::of(client.certificate, vec![root.certificate]);
        evidence.certificates.push(issuing.certificate);
        path_only(&evidence).1
    };
    let network = GeneralName::Network("10.1.0.0".parse().unwrap(), 16);
    for (constraint, inside, outside) in [
        (
            GeneralName::Uri(".corp.example".into()),
            named(0x86, b"http://www.corp.example/a"),
            named(0x86, b"http://www.other.example/a"),
        ),
        (
            GeneralName::Email("corp.example".into()),
            named(0x81, b"user@CORP.example"),
            named(0x81, b"user@other.example"),
        ),
        (network, named(0x87, &[10, 1, 2, 3]), named(0x87, &[10, 2, 2, 3])),
    ] {
        assert_eq!(code(&constraint, true, &inside), "path_valid", "{constraint:?}");
        assert_eq!(code(&constraint, true, &outside), "name_not_permitted", "{constraint:?}");
        assert_eq!(code(&constraint, false, &inside), "name_excluded", "{constraint:?}");
        assert_eq!(code(&constraint, false, &outside), "path_valid", "{constraint:?}");
    }
    // A URI without a host by name cannot be held against one (§4.2.1.10).
    let hosts = GeneralName::Uri("corp.example".into());
    let address = named(0x86, b"http://10.0.0.1/");
    assert_eq!(code(&hosts, true, &address), "name_constraint_unsupported");
}

#[test]
fn an_unknown_critical_extension_and_a_foreign_purpose_are_refused() {
    let unknown = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999.1");
    assert_eq!(path_only(&below(&extension(unknown, &[5, 0]))).1, "unknown_critical");
    let policy = |purpose| Policy { purpose, ..Policy::strict() };
    let evidence = chain().bare();
    assert_eq!(judged(&evidence, &policy(Purpose::Server)).code, "purpose_wrong");
    assert_ne!(judged(&evidence, &policy(Purpose::Client)).code, "purpose_wrong");
}

#[test]
fn a_missing_policy_counts_only_where_one_is_required() {
    let evidence = chain().bare();
    let policy = Policy { explicit_policy: true, ..Policy::strict() };
    assert_eq!(judged(&evidence, &policy).code, "no_policy");
}

#[test]
fn a_path_of_more_certificates_than_the_bound_is_not_followed() {
    let root = chain().root;
    let mut above = root.clone();
    let mut certificates = Vec::new();
    for n in 0..12 {
        above = above.issue(&format!("CA{n}"), n + 10, Usage::Authority);
        certificates.push(above.certificate.clone());
    }
    let client = above.issue("client", 9, Usage::Client);
    let mut evidence = Evidence::of(client.certificate, vec![root.certificate]);
    evidence.certificates = certificates;
    assert_eq!(path_only(&evidence), (Status::PathInvalid, "depth_exceeded"));
}

#[test]
fn an_anchor_needs_no_path() {
    let root = chain().root;
    let evidence = Evidence::of(root.certificate.clone(), vec![root.certificate]);
    assert_eq!(strict(&evidence), (Status::Good, "target_is_anchor"));
}
