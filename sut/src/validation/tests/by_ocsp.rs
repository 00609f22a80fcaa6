//! RFC 6960 §3.2, §4.2.2.2.

use revlab_pki::{
    CertId, CertIdHash, CertStatus, CertificateExtension, ObjectIdentifier, OcspExtension,
    OcspTemplate, ResponderName, SingleTemplate,
};

use super::*;
use crate::validation::policy::{Scope, Source};

fn answer(chain: &Chain, status: CertStatus) -> OcspAnswer {
    OcspAnswer {
        id: CertId::new(&chain.client.certificate, &chain.issuing.certificate),
        status,
        this_update: START,
        next_update: Some(hour(12)),
        produced_at: START,
    }
}

const REVOKED: CertStatus = CertStatus::Revoked { at: START, reason: Some(1) };

fn with(chain: &Chain, responses: Vec<OcspResponse>) -> Evidence {
    let mut evidence = chain.with_root_crl();
    evidence.ocsp = responses;
    evidence
}

#[test]
fn the_issuer_answers_good_revoked_or_unknown() {
    let chain = chain();
    let judge = |status| {
        let response = chain.issuing.answer(&answer(&chain, status), false);
        strict(&with(&chain, vec![response]))
    };
    assert_eq!(judge(CertStatus::Good), (Status::Good, "not_revoked"));
    assert_eq!(judge(REVOKED), (Status::Revoked, "ocsp_revoked"));
    assert_eq!(judge(CertStatus::Unknown), (Status::Undetermined, "ocsp_unknown"));
}

#[test]
fn every_hash_of_a_cert_id_is_understood() {
    let chain = chain();
    for hash in CertIdHash::ALL {
        let id = CertId::by(hash, &chain.client.certificate, &chain.issuing.certificate);
        let response = chain.issuing.answer(&OcspAnswer { id, ..answer(&chain, REVOKED) }, false);
        assert_eq!(strict(&with(&chain, vec![response])).1, "ocsp_revoked");
    }
}

#[test]
fn an_answer_about_another_certificate_says_nothing() {
    let chain = chain();
    let other = chain.issuing.issue("other", 8, Usage::Client);
    let id = CertId::new(&other.certificate, &chain.issuing.certificate);
    let response = chain.issuing.answer(&OcspAnswer { id, ..answer(&chain, REVOKED) }, false);
    assert_eq!(strict(&with(&chain, vec![response])).1, "nothing_found");
}

#[test]
fn a_delegate_answers_with_a_certificate_of_the_ca_for_that_purpose() {
    let chain = chain();
    let judge = |signer: &Party| {
        let response = signer.answer(&answer(&chain, REVOKED), true);
        strict(&with(&chain, vec![response]))
    };
    let signer = chain.issuing.issue("Responder", 20, Usage::OcspSigner);
    assert_eq!(judge(&signer), (Status::Revoked, "ocsp_revoked"));
    let wrong_purpose = chain.issuing.issue("Responder", 20, Usage::Client);
    assert_eq!(judge(&wrong_purpose), (Status::Undetermined, "ocsp_unauthorized"));
    let of_another_ca = chain.root.issue("Responder", 20, Usage::OcspSigner);
    assert_eq!(judge(&of_another_ca), (Status::Undetermined, "ocsp_unauthorized"));
    let expired =
        CertificateTemplate { not_after: START, ..template("Responder", 20, Usage::OcspSigner) };
    let expired = chain.issuing.issue_with(&expired, &CertificateExtras::default(), "Responder");
    assert_eq!(judge(&expired), (Status::Undetermined, "ocsp_unauthorized"));
    let response = signer.answer(&answer(&chain, REVOKED), false);
    assert_eq!(strict(&with(&chain, vec![response])).1, "ocsp_unauthorized");
}

#[test]
fn a_delegate_without_nocheck_must_be_proven_not_revoked() {
    let chain = chain();
    // An OCSP signer of the lab bears id-pkix-ocsp-nocheck, so the purpose is given by hand.
    let purpose = CertificateExtension {
        oid: ObjectIdentifier::new_unwrap("2.5.29.37"),
        critical: false,
        value: b"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x09".to_vec(),
    };
    let extras = CertificateExtras { extensions: vec![purpose], ..CertificateExtras::default() };
    let template = template("Responder", 20, Usage::Client);
    let signer = chain.issuing.issue_with(&template, &extras, "Responder");
    let response = signer.answer(&answer(&chain, CertStatus::Good), true);
    let judge = |policy: &Policy, crls: Vec<Crl>| {
        let mut evidence = with(&chain, vec![response.clone()]);
        evidence.crls.extend(crls);
        let finding = judged(&evidence, policy);
        (finding.status, finding.code)
    };
    // The CRL is asked about the responder alone: a policy of OCSP alone.
    let ocsp = Policy { sources: vec![Source::Ocsp], scope: Scope::Leaf, ..Policy::strict() };
    let crl = |serials: &[u8]| vec![chain.issuing.crl(&list(5, serials))];
    let refused = (Status::Undetermined, "ocsp_unauthorized");
    assert_eq!(judge(&ocsp, Vec::new()), refused);
    assert_eq!(judge(&ocsp, crl(&[20])), refused);
    assert_eq!(judge(&ocsp, crl(&[])), (Status::Good, "not_revoked"));
    let trusting = Policy { responder_checked: false, ..ocsp };
    assert_eq!(judge(&trusting, Vec::new()), (Status::Good, "not_revoked"));
}

#[test]
fn a_response_signed_by_another_key_is_refused() {
    let chain = chain();
    let answer = answer(&chain, CertStatus::Good);
    let der = answer.sign(&chain.issuing.certificate, &chain.client.key, false);
    let evidence = with(&chain, vec![OcspResponse::parse(&der).unwrap()]);
    assert_eq!(strict(&evidence), (Status::Undetermined, "ocsp_signature_bad"));
}

#[test]
fn an_answer_is_current_from_this_update_to_next_update() {
    let chain = chain();
    let code = |this: i64, next: Option<i64>| {
        let answer = OcspAnswer {
            this_update: hour(this),
            next_update: next.map(hour),
            ..answer(&chain, REVOKED)
        };
        strict(&with(&chain, vec![chain.issuing.answer(&answer, false)])).1
    };
    assert_eq!(code(1, Some(1)), "ocsp_revoked");
    assert_eq!(code(2, Some(3)), "ocsp_not_yet_valid");
    assert_eq!(code(-2, Some(0)), "ocsp_expired");
    assert_eq!(code(0, Some(-1)), "ocsp_times_bad");
    assert_eq!(code(0, None), "ocsp_without_next_update");
}

/// RFC 6960 §3.2 (5): what is sufficiently recent is the client's to say.
#[test]
fn an_answer_can_be_too_old_before_its_next_update() {
    let chain = chain();
    let of = |this: i64| {
        let (this_update, next_update) = (hour(this), Some(hour(10)));
        let answer = OcspAnswer { this_update, next_update, ..answer(&chain, CertStatus::Good) };
        with(&chain, vec![chain.issuing.answer(&answer, false)])
    };
    let bounded = Policy { ocsp_max_age: Span::from_hours(4), ..Policy::strict() };
    let status = |this| judged(&of(this), &bounded).status;
    // Judged at the first hour.
    assert_eq!(status(-3), Status::Good);
    assert_eq!(status(-4), Status::Undetermined);
    assert_eq!(strict(&of(-4)).0, Status::Good);
}

#[test]
fn an_error_response_says_nothing() {
    let chain = chain();
    let error = OcspResponse::parse(&OcspResponse::error(3)).unwrap();
    assert_eq!(strict(&with(&chain, vec![error])), (Status::Undetermined, "ocsp_error"));
}

fn template_of(chain: &Chain, singles: &[CertStatus], nonce: Option<Vec<u8>>) -> OcspResponse {
    let single = |status: &CertStatus| SingleTemplate {
        answer: answer(chain, *status),
        extensions: Vec::new(),
    };
    let template = OcspTemplate {
        responder: ResponderName::name_of(&chain.issuing.certificate),
        produced_at: START,
        answers: singles.iter().map(single).collect(),
        extensions: nonce.map(OcspExtension::nonce).into_iter().collect(),
        certificates: Vec::new(),
        fraction: false,
    };
    OcspResponse::parse(&template.sign(&chain.issuing.key)).unwrap()
}

#[test]
fn of_two_answers_the_worse_counts() {
    let chain = chain();
    for singles in [[CertStatus::Good, REVOKED], [REVOKED, CertStatus::Good]] {
        let response = template_of(&chain, &singles, None);
        assert_eq!(strict(&with(&chain, vec![response])).1, "ocsp_revoked");
    }
}

#[test]
fn the_nonce_of_the_request_has_to_come_back() {
    let chain = chain();
    let code = |nonce: Option<Vec<u8>>| {
        let response = template_of(&chain, &[CertStatus::Good], nonce);
        let mut evidence = with(&chain, vec![response]);
        evidence.nonce = Some(vec![4, 1, 9]);
        strict(&evidence).1
    };
    assert_eq!(code(Some(vec![4, 1, 9])), "not_revoked");
    assert_eq!(code(Some(vec![4, 1, 8])), "ocsp_nonce");
    assert_eq!(code(None), "ocsp_nonce");
}

#[test]
fn a_revocation_in_one_source_outweighs_good_in_the_other_unless_the_first_decides() {
    let chain = chain();
    let mut evidence =
        with(&chain, vec![chain.issuing.answer(&answer(&chain, CertStatus::Good), false)]);
    evidence.crls.push(chain.issuing.crl(&list(5, &[7])));
    assert_eq!(strict(&evidence), (Status::Revoked, "listed"));
    let first = Policy { first_source_decides: true, ..Policy::strict() };
    assert_eq!(judged(&evidence, &first).status, Status::Good);
}

#[test]
fn each_signature_is_verified_once() {
    let chain = chain();
    let responder = chain.issuing.issue("Responder", 20, Usage::OcspSigner);
    let mut evidence =
        with(&chain, vec![responder.answer(&answer(&chain, CertStatus::Good), true)]);
    let delta = CrlTemplate { base_number: Some(5), ..list(6, &[]) };
    evidence.crls.extend([chain.issuing.crl(&list(5, &[])), chain.issuing.crl(&delta)]);
    let mut verifier = Verifier::new();
    let judge = |verifier: &mut Verifier| {
        let finding = verify(hour(1), &evidence, &Policy::strict(), verifier);
        assert_eq!(finding.status, Status::Good, "{}", finding.reason);
        verifier.performed()
    };
    // Client, issuing CA, responder; the CRLs of both CAs and the delta; the response. Base and
    // delta are asked about the client and about the responder.
    assert_eq!(judge(&mut verifier), 7);
    assert_eq!(judge(&mut verifier), 7);
}
