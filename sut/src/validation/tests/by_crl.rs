//! RFC 5280 §6.3.3.

use revlab_pki::crl::CrlSubjects;
use revlab_pki::{
    CrlExtension, CrlFlaws, CrlScope, DistributionPoint, GeneralName, ObjectIdentifier, PointName,
    ReasonFlags, WeakDigest,
};

use super::*;
use crate::validation::policy::{ExpiredDelta, Failure, Scope};

fn scoped(scope: &CrlScope, serials: &[u8]) -> CrlTemplate {
    CrlTemplate { extensions: vec![scope.extension()], ..list(5, serials) }
}

fn delta(base: u64, number: u64, serials: &[u8]) -> CrlTemplate {
    CrlTemplate { base_number: Some(base), ..list(number, serials) }
}

#[test]
fn a_listed_certificate_is_revoked_and_another_is_good() {
    let chain = chain();
    let crl = |serials: &[u8]| chain.issuing.crl(&list(5, serials));
    assert_eq!(strict(&chain.with_crls(&[crl(&[7])])), (Status::Revoked, "listed"));
    assert_eq!(strict(&chain.with_crls(&[crl(&[8])])), (Status::Good, "not_revoked"));
    assert_eq!(strict(&chain.with_crls(&[])), (Status::Undetermined, "nothing_found"));
}

#[test]
fn a_revoked_ca_revokes_what_it_has_issued() {
    let chain = chain();
    let mut evidence = chain.bare();
    evidence.crls = vec![chain.root.crl(&list(1, &[2])), chain.issuing.crl(&list(1, &[]))];
    let finding = judged(&evidence, &Policy::strict());
    assert_eq!((finding.status, finding.code), (Status::Revoked, "listed"));
    assert_eq!(finding.failing_subject.unwrap().to_string(), "CN=Issuing");
    let leaf = Policy { scope: Scope::Leaf, ..Policy::strict() };
    assert_eq!(judged(&evidence, &leaf).status, Status::Good);
}

#[test]
fn a_crl_is_current_from_this_update_to_next_update() {
    let chain = chain();
    let code = |this: i64, next: Option<i64>| {
        let template =
            CrlTemplate { this_update: hour(this), next_update: next.map(hour), ..list(5, &[7]) };
        strict(&chain.with_crls(&[chain.issuing.crl(&template)])).1
    };
    assert_eq!(code(1, Some(1)), "listed");
    assert_eq!(code(2, Some(3)), "crl_not_yet_valid");
    assert_eq!(code(-2, Some(0)), "crl_expired");
    assert_eq!(code(0, None), "crl_without_next_update");
}

#[test]
fn soft_fail_lets_through_what_is_not_known_and_never_what_is_revoked() {
    let chain = chain();
    let soft = Policy { failure: Failure::Soft, ..Policy::strict() };
    assert_eq!(judged(&chain.bare(), &soft).code, "soft_fail");
    let evidence = chain.with_crls(&[chain.issuing.crl(&list(5, &[7]))]);
    assert_eq!(judged(&evidence, &soft).status, Status::Revoked);
}

#[test]
fn a_scope_that_does_not_cover_the_certificate_says_nothing_of_it() {
    let chain = chain();
    let only = |only| CrlScope { only: Some(only), ..CrlScope::default() };
    let code =
        |scope: &CrlScope| strict(&chain.with_crls(&[chain.issuing.crl(&scoped(scope, &[7]))])).1;
    assert_eq!(code(&only(CrlSubjects::Users)), "listed");
    assert_eq!(code(&only(CrlSubjects::Authorities)), "crl_only_authorities");
    assert_eq!(code(&only(CrlSubjects::Attributes)), "crl_only_attributes");
    let at = |url: &str| CrlScope { urls: vec![url.parse().unwrap()], ..CrlScope::default() };
    assert_eq!(code(&at("http://pki.example/a.crl")), "listed");
    assert_eq!(code(&at("http://pki.example/b.crl")), "nothing_found");
}

#[test]
fn some_reasons_do_not_make_a_good_certificate_and_all_together_do() {
    let chain = chain();
    let some = |reasons: &[u8], serials: &[u8]| {
        let scope = CrlScope { reasons: Some(reasons.to_vec()), ..CrlScope::default() };
        chain.issuing.crl(&scoped(&scope, serials))
    };
    let (first, rest) = ([1, 2], [3, 4, 5, 6, 9, 10]);
    let evidence = chain.with_crls(&[some(&first, &[])]);
    assert_eq!(strict(&evidence), (Status::Undetermined, "reasons_missing"));
    let evidence = chain.with_crls(&[some(&first, &[]), some(&rest, &[])]);
    assert_eq!(strict(&evidence), (Status::Good, "not_revoked"));
    let evidence = chain.with_crls(&[some(&first, &[]), some(&rest, &[7])]);
    assert_eq!(strict(&evidence), (Status::Revoked, "listed"));
}

#[test]
fn a_delta_adds_to_its_base_and_takes_back() {
    let chain = chain();
    let crls = |base: &[u8], delta: &CrlTemplate| {
        let crls = [chain.issuing.crl(&list(5, base)), chain.issuing.crl(delta)];
        strict(&chain.with_crls(&crls))
    };
    assert_eq!(crls(&[], &delta(5, 6, &[7])), (Status::Revoked, "listed"));
    assert_eq!(crls(&[], &delta(4, 6, &[7])), (Status::Revoked, "listed"));
    // It starts from a later base, or does not follow this one (RFC 5280 §5.2.4 (c), (d)).
    assert_eq!(crls(&[], &delta(4, 5, &[7])), (Status::Good, "not_revoked"));
    assert_eq!(crls(&[], &delta(6, 7, &[7])), (Status::Good, "not_revoked"));
    assert_eq!(crls(&[], &delta(3, 4, &[7])), (Status::Good, "not_revoked"));
    let mut removing = delta(5, 6, &[7]);
    removing.entries[0].reason = Some(8);
    assert_eq!(crls(&[7], &removing), (Status::Good, "not_revoked"));
    let without = Policy { deltas: false, ..Policy::strict() };
    let both = [chain.issuing.crl(&list(5, &[])), chain.issuing.crl(&delta(5, 6, &[7]))];
    assert_eq!(judged(&chain.with_crls(&both), &without).status, Status::Good);
}

#[test]
fn a_delta_that_is_not_current_is_ignored_or_fatal() {
    let chain = chain();
    let base = CrlTemplate {
        freshest_crl_urls: vec!["http://pki.example/a+.crl".parse().unwrap()],
        ..list(5, &[])
    };
    let old = CrlTemplate { next_update: Some(hour(0)), ..delta(5, 6, &[]) };
    let evidence = chain.with_crls(&[chain.issuing.crl(&base), chain.issuing.crl(&old)]);
    assert_eq!(strict(&evidence), (Status::Good, "not_revoked"));
    let fatal = Policy { expired_delta: ExpiredDelta::Fatal, ..Policy::strict() };
    assert_eq!(judged(&evidence, &fatal).code, "delta_fatal");
}

#[test]
fn a_current_delta_brings_an_expired_base_up_to_date() {
    let chain = chain();
    let base = |serials: &[u8]| CrlTemplate { next_update: Some(hour(0)), ..list(5, serials) };
    let crls = |base: &CrlTemplate, delta: &CrlTemplate| {
        chain.with_crls(&[chain.issuing.crl(base), chain.issuing.crl(delta)])
    };
    assert_eq!(strict(&crls(&base(&[]), &delta(5, 6, &[]))), (Status::Good, "not_revoked"));
    assert_eq!(strict(&crls(&base(&[7]), &delta(5, 6, &[]))), (Status::Revoked, "listed"));
    assert_eq!(strict(&crls(&base(&[]), &delta(5, 6, &[7]))), (Status::Revoked, "listed"));
    // One that does not go with it, or is not current itself, does not.
    let other = crls(&base(&[]), &delta(6, 7, &[]));
    assert_eq!(strict(&other).0, Status::Undetermined);
    let old = CrlTemplate { next_update: Some(hour(0)), ..delta(5, 6, &[]) };
    assert_eq!(strict(&crls(&base(&[]), &old)), (Status::Undetermined, "crl_expired"));
    // Another policy wants the base current too.
    let both = Policy { delta_renews_base: false, ..Policy::strict() };
    let evidence = crls(&base(&[]), &delta(5, 6, &[]));
    assert_eq!(judged(&evidence, &both).code, "crl_expired");
}

#[test]
fn a_point_relative_to_the_issuer_is_found_in_both_forms() {
    let chain = chain();
    let part = DistinguishedName::common_name("CRL1");
    let point = |name| CertificateExtras {
        crl_points: vec![DistributionPoint { name: Some(name), ..DistributionPoint::default() }],
        ..CertificateExtras::default()
    };
    // [0] { [1] { CN=CRL1 } }: nameRelativeToCRLIssuer of the issuing distribution point.
    let body =
        [b"\x30\x11\xa0\x0f\xa1\x0d\x30\x0b\x06\x03\x55\x04\x03\x0c\x04".as_slice(), b"CRL1"];
    let relative = CrlExtension {
        oid: ObjectIdentifier::new_unwrap("2.5.29.28"),
        critical: true,
        value: body.concat(),
    };
    let crl = CrlTemplate { extensions: vec![relative], ..list(5, &[7]) };
    let code = |name| {
        let no_url =
            CertificateTemplate { crl_urls: Vec::new(), ..template("client", 7, Usage::Client) };
        let client = chain.issuing.issue_with(&no_url, &point(name), "client");
        let mut evidence = chain.with_crls(&[chain.issuing.crl(&crl)]);
        evidence.target = client.certificate;
        strict(&evidence).1
    };
    assert_eq!(code(PointName::RelativeToIssuer(part)), "listed");
    let other = DistinguishedName::common_name("CRL2");
    assert_eq!(code(PointName::RelativeToIssuer(other)), "nothing_found");
    let below = chain.issuing.certificate.subject().clone();
    let full = |name| PointName::Full(vec![GeneralName::Directory(name)]);
    assert_eq!(code(full(below)), "nothing_found");
}

#[test]
fn a_dedicated_signer_of_the_same_name_is_followed_to_the_same_anchor() {
    let chain = chain();
    let plain = CertificateExtras::default();
    let dedicated = template("Issuing", 30, Usage::CrlSigner);
    let signer = chain.root.issue_with(&dedicated, &plain, "lists");
    let crl = signer.crl(&list(5, &[7]));
    let mut evidence = chain.with_crls(&[crl]);
    assert_eq!(strict(&evidence).1, "crl_signature_bad");
    evidence.certificates.push(signer.certificate.clone());
    assert_eq!(strict(&evidence), (Status::Revoked, "listed"));
    let windows = Policy { other_crl_signer: false, ..Policy::strict() };
    assert_eq!(judged(&evidence, &windows).code, "crl_signer_other");
    // Below another anchor the same name is worth nothing.
    let stranger = Party::root("Other").issue_with(&dedicated, &plain, "lists");
    let crl = stranger.crl(&list(5, &[7]));
    let mut evidence = chain.with_crls(&[crl]);
    evidence.certificates.push(stranger.certificate);
    assert_eq!(strict(&evidence).1, "crl_signer_path");
}

#[test]
fn a_signer_without_crl_sign_or_revoked_is_refused() {
    let chain = chain();
    let plain = CertificateExtras::default();
    let signer = chain.root.issue_with(&template("Issuing", 30, Usage::Client), &plain, "lists");
    let mut evidence = chain.with_crls(&[signer.crl(&list(5, &[7]))]);
    evidence.certificates.push(signer.certificate);
    assert_eq!(strict(&evidence).1, "crl_sign_missing");
    let signer = chain.root.issue_with(&template("Issuing", 30, Usage::CrlSigner), &plain, "lists");
    let mut evidence = chain.bare();
    evidence.crls = vec![chain.root.crl(&list(2, &[30])), signer.crl(&list(5, &[]))];
    evidence.certificates.push(signer.certificate);
    assert_eq!(strict(&evidence), (Status::Undetermined, "crl_signer_revoked"));
}

/// A client whose CRLs are another's business.
fn indirect(name: Option<PointName>) -> (Chain, Party) {
    let mut chain = chain();
    let lists = chain.root.issue("Lists", 40, Usage::CrlSigner);
    let point = DistributionPoint {
        name,
        reasons: None,
        crl_issuer: Some(lists.certificate.subject().clone()),
    };
    let extras = CertificateExtras { crl_points: vec![point], ..CertificateExtras::default() };
    let template =
        CertificateTemplate { crl_urls: Vec::new(), ..template("client", 7, Usage::Client) };
    chain.client = chain.issuing.issue_with(&template, &extras, "client");
    (chain, lists)
}

#[test]
fn an_indirect_crl_revokes_for_the_issuer_that_its_entry_names() {
    let (chain, lists) = indirect(None);
    let code = |scope: &CrlScope, issuer: &DistinguishedName| {
        let mut template = scoped(scope, &[7]);
        template.entries[0].extensions = vec![CrlExtension::certificate_issuer(issuer)];
        let mut evidence = chain.with_crls(&[lists.crl(&template)]);
        evidence.certificates.push(lists.certificate.clone());
        strict(&evidence)
    };
    let scope = CrlScope { indirect: true, ..CrlScope::default() };
    let issuing = chain.issuing.certificate.subject();
    assert_eq!(code(&scope, issuing), (Status::Revoked, "listed"));
    let capitals = DistinguishedName::common_name("ISSUING");
    assert_eq!(code(&scope, &capitals), (Status::Revoked, "listed"));
    assert_eq!(code(&scope, chain.root.certificate.subject()), (Status::Good, "not_revoked"));
    let mut evidence = chain.with_crls(&[lists.crl(&list(5, &[]))]);
    evidence.certificates.push(lists.certificate.clone());
    assert_eq!(strict(&evidence).1, "crl_not_indirect");
}

#[test]
fn reasons_of_a_point_limit_what_its_crl_says() {
    let mut chain = chain();
    let point = DistributionPoint {
        reasons: Some(ReasonFlags::of([1])),
        ..DistributionPoint::at(["http://pki.example/a.crl"])
    };
    let extras = CertificateExtras { crl_points: vec![point], ..CertificateExtras::default() };
    let template =
        CertificateTemplate { crl_urls: Vec::new(), ..template("client", 7, Usage::Client) };
    chain.client = chain.issuing.issue_with(&template, &extras, "client");
    let scope =
        CrlScope { urls: vec!["http://pki.example/a.crl".parse().unwrap()], ..CrlScope::default() };
    let evidence = chain.with_crls(&[chain.issuing.crl(&scoped(&scope, &[]))]);
    assert_eq!(strict(&evidence), (Status::Undetermined, "reasons_missing"));
    // A CRL without a point is found by the issuer's name, for all reasons.
    let evidence = chain.with_crls(&[chain.issuing.crl(&list(5, &[]))]);
    assert_eq!(strict(&evidence), (Status::Good, "not_revoked"));
}

#[test]
fn a_weak_signature_counts_where_the_policy_says_so() {
    let chain = chain();
    let flaws = CrlFlaws { digest: Some(WeakDigest::Sha1), ..CrlFlaws::default() };
    let issuing = &chain.issuing;
    let der = list(5, &[7]).sign_flawed(&issuing.certificate, &issuing.key, &flaws);
    let evidence = chain.with_crls(&[Crl::parse(&der).unwrap()]);
    assert_eq!(strict(&evidence), (Status::Undetermined, "signature_weak"));
    let lax = Policy { weak_signatures: true, ..Policy::strict() };
    assert_eq!(judged(&evidence, &lax).status, Status::Revoked);
}

#[test]
fn a_newer_list_counts_before_an_older_one() {
    let chain = chain();
    let old = chain.issuing.crl(&list(5, &[]));
    let new = CrlTemplate { this_update: hour(1), ..list(6, &[7]) };
    let crls = [old, chain.issuing.crl(&new)];
    assert_eq!(strict(&chain.with_crls(&crls)), (Status::Revoked, "listed"));
}

#[test]
fn what_a_verifier_remembers_changes_no_finding() {
    let chain = chain();
    let evidence = chain.with_crls(&[chain.issuing.crl(&list(5, &[]))]);
    let mut verifier = Verifier::new();
    let first = verify(hour(1), &evidence, &Policy::strict(), &mut verifier);
    assert_eq!(first, verify(hour(1), &evidence, &Policy::strict(), &mut verifier));
}
