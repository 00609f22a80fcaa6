use proptest::prelude::*;
use revlab_lab::Span;

use super::*;
use crate::fixture::*;
use crate::{Certificate, KeyAlgorithm, Usage, Verifier, encode};

fn client(ca: &Authority) -> Certificate {
    ca.issue(&template("jmeter-1", &[0x4d, 2], Usage::Client)).0
}

fn answer(id: CertId, status: CertStatus) -> OcspAnswer {
    OcspAnswer {
        id,
        status,
        this_update: START,
        next_update: Some(START + Span::from_hours(1)),
        produced_at: START + Span::from_mins(1),
    }
}

#[test]
fn a_cert_id_matches_its_issuer_alone() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let same_name = Authority {
        key: ca.key.clone(),
        certificate: named_authority(KeyAlgorithm::Rsa2048, "XXX-CA").certificate,
    };
    let other = named_authority(KeyAlgorithm::EcdsaP256, "OTHER-CA");
    let id = CertId::new(&client(&ca), &ca.certificate);
    assert!(id.matches_issuer(&ca.certificate));
    assert!(!id.matches_issuer(&same_name.certificate));
    assert!(!id.matches_issuer(&other.certificate));
}

#[test]
fn the_url_of_a_get_is_the_base_and_the_request() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let request = OcspRequest::of(CertId::new(&client(&ca), &ca.certificate));
    let direct = request.url(&url("http://host/CertEnroll/host_XXX-CA.crt")).unwrap();
    insta::assert_snapshot!(direct, @"http://host/CertEnroll/host_XXX-CA.crt/MEMwQTA%2FMD0wOzAJBgUrDgMCGgUABBRPx%2Be1HZ16teq1wcv9anwz%2FCYL3wQUFr3FbsUzEy3E5swt540lOYXohHECAk0C");
    let with_slash = request.url(&url("http://host/CertEnroll/host_XXX-CA.crt/")).unwrap();
    assert_eq!(direct, with_slash);
}

#[test]
fn requests_are_read_from_paths_as_clients_write_them() {
    // 20 octets of 0xfb, 0xff … put `+` and `/` into the base64 form.
    let id = CertId {
        hash: CertIdHash::Sha1,
        issuer_name_hash: vec![0xfb; 20],
        issuer_key_hash: vec![0xff; 20],
        serial: vec![0x7f, 0xef],
    };
    let request = OcspRequest::of(id);
    let url = request.url(&url("http://host")).unwrap();
    let encoded = url.path().strip_prefix('/').unwrap();
    assert!(encoded.contains("%2B") && encoded.contains("%2F"));
    let raw = encoded.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    let lower = encoded.replace("%2B", "%2b").replace("%2F", "%2f");
    let unpadded = raw.trim_end_matches('=').to_owned();
    for path in [encoded, &raw, &lower, &unpadded, url.path()] {
        assert_eq!(OcspRequest::from_path(path), Ok(request.clone()), "{path}");
    }
    assert_eq!(OcspRequest::from_path("no base64!"), Err(Malformed::Base64));
    assert!(matches!(OcspRequest::from_path("AAAA"), Err(Malformed::Der { .. })));
}

/// The request about one CertID whose hashes say they are by `oid`.
fn request_by(oid: &str, hash: &[u8]) -> Vec<u8> {
    let oid = ObjectIdentifier::new_unwrap(oid);
    let id = encode::sequence(&[
        &encode::sequence(&[&encode::oid(oid), &encode::null()]),
        &encode::octet_string(hash),
        &encode::octet_string(hash),
        &encode::unsigned(&[5]),
    ]);
    encode::sequence(&[&encode::sequence(&[&encode::sequence(&[&encode::sequence(&[&id])])])])
}

#[test]
fn an_unknown_hash_function_is_said() {
    let refused = OcspRequest::parse(&request_by("1.2.840.113549.2.5", &[1; 16])).unwrap_err();
    insta::assert_snapshot!(refused, @"CertID with hash algorithm 1.2.840.113549.2.5: only SHA-1, SHA-256, SHA-384 and SHA-512 are read");
}

#[test]
fn hashes_have_the_length_of_their_function() {
    let sha256 = "2.16.840.1.101.3.4.2.1";
    assert!(OcspRequest::parse(&request_by(sha256, &[1; 32])).is_ok());
    assert!(OcspRequest::parse(&request_by(sha256, &[1; 20])).is_err());
}

#[test]
fn cert_ids_by_every_hash_match_their_issuer_and_are_read_back() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let other = named_authority(KeyAlgorithm::EcdsaP256, "OTHER-CA");
    for hash in CertIdHash::ALL {
        let id = CertId::by(hash, &client(&ca), &ca.certificate);
        assert!(id.matches_issuer(&ca.certificate) && !id.matches_issuer(&other.certificate));
        let request = OcspRequest::of(id.clone());
        assert_eq!(OcspRequest::parse(&request.der()), Ok(request));
        let der = answer(id.clone(), CertStatus::Good).sign(&ca.certificate, &ca.key, false);
        assert!(OcspResponse::parse(&der).unwrap().find(&id).is_some());
    }
}

#[test]
fn a_nonce_is_read_as_it_stands_there_and_given_back() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let id = CertId::new(&client(&ca), &ca.certificate);
    for (value, octets) in [(vec![4, 2, 7, 8], Some(2)), (vec![4, 0], Some(0)), (vec![9], None)] {
        let request = OcspRequest { nonce: Some(value.clone()), ..OcspRequest::of(id.clone()) };
        let read = OcspRequest::parse(&request.der()).unwrap();
        assert_eq!((read.nonce_octets(), &read), (octets, &request));
        let template = OcspTemplate {
            extensions: vec![OcspExtension::nonce(value.clone())],
            ..template_of(&ca, answer(id.clone(), CertStatus::Good))
        };
        let response = OcspResponse::parse(&template.sign(&ca.key)).unwrap();
        assert_eq!(response.nonce(), Some(&*value));
        assert!(Verifier::new().verify_ocsp(&response, &ca.certificate));
    }
}

#[test]
fn a_critical_extension_that_nobody_knows_spoils_the_response_wherever_it_is() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let id = CertId::new(&client(&ca), &ca.certificate);
    let good = template_of(&ca, answer(id, CertStatus::Good));
    let odd = |critical| OcspExtension {
        oid: ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1"),
        critical,
        value: vec![5, 0],
    };
    for (critical, is_read) in [(false, true), (true, false)] {
        let mut inner = good.clone();
        inner.answers[0].extensions.push(odd(critical));
        let outer = OcspTemplate { extensions: vec![odd(critical)], ..good.clone() };
        for template in [inner, outer] {
            assert_eq!(OcspResponse::parse(&template.sign(&ca.key)).is_ok(), is_read);
        }
    }
}

#[test]
fn a_response_may_name_its_signer_by_name() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let id = CertId::new(&client(&ca), &ca.certificate);
    let mut template = template_of(&ca, answer(id, CertStatus::Good));
    let verified = |template: &OcspTemplate| {
        let response = OcspResponse::parse(&template.sign(&ca.key)).unwrap();
        Verifier::new().verify_ocsp(&response, &ca.certificate)
    };
    template.responder = ResponderName::name_of(&ca.certificate);
    assert!(verified(&template));
    template.responder = ResponderName::Key(vec![0; 20]);
    assert!(!verified(&template));
}

#[test]
fn fractions_of_a_second_are_refused_as_rfc_5280_has_it() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let id = CertId::new(&client(&ca), &ca.certificate);
    let good = template_of(&ca, answer(id, CertStatus::Good));
    let template = OcspTemplate { fraction: true, ..good };
    let refused = OcspResponse::parse(&template.sign(&ca.key)).unwrap_err();
    assert!(matches!(refused, Malformed::Time { .. }), "{refused}");
}

fn template_of(ca: &Authority, answer: OcspAnswer) -> OcspTemplate {
    OcspTemplate {
        responder: ResponderName::key_of(&ca.certificate),
        produced_at: answer.produced_at,
        answers: vec![SingleTemplate { answer, extensions: Vec::new() }],
        extensions: Vec::new(),
        certificates: Vec::new(),
        fraction: false,
    }
}

#[test]
fn an_answer_of_the_issuer_itself_is_authorized() {
    for kind in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::Rsa2048] {
        let ca = authority(kind);
        let id = CertId::new(&client(&ca), &ca.certificate);
        let given = answer(id.clone(), CertStatus::Good);
        for include in [false, true] {
            let der = given.sign(&ca.certificate, &ca.key, include);
            let response = OcspResponse::parse(&der).unwrap();
            assert_eq!(response.find(&id).as_ref(), Some(&given));
            assert_eq!(response.certificates().len(), usize::from(include));
            assert!(Verifier::new().verify_ocsp(&response, &ca.certificate));
        }
    }
}

#[test]
fn a_delegated_answer_needs_the_right_certificate_inside() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let other = named_authority(KeyAlgorithm::EcdsaP256, "OTHER-CA");
    let id = CertId::new(&client(&ca), &ca.certificate);
    let given = answer(id, CertStatus::Good);
    let authorized = |issuer: &Authority, usage, include| {
        let (responder, key) = issuer.issue(&template("responder", &[9], usage));
        let response = OcspResponse::parse(&given.sign(&responder, &key, include)).unwrap();
        Verifier::new().verify_ocsp(&response, &ca.certificate)
    };
    assert!(authorized(&ca, Usage::OcspSigner, true));
    assert!(!authorized(&ca, Usage::OcspSigner, false), "certificate missing");
    assert!(!authorized(&ca, Usage::Server, true), "without id-kp-OCSPSigning");
    assert!(!authorized(&other, Usage::OcspSigner, true), "issued by another CA");
}

#[test]
fn an_answer_signed_with_another_key_than_it_names_is_not_authorized() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let other = named_authority(KeyAlgorithm::EcdsaP256, "OTHER-CA");
    let given = answer(CertId::new(&client(&ca), &ca.certificate), CertStatus::Good);
    for der in [
        given.sign(&ca.certificate, &other.key, false),
        given.sign(&other.certificate, &ca.key, true),
    ] {
        let response = OcspResponse::parse(&der).unwrap();
        assert!(!Verifier::new().verify_ocsp(&response, &ca.certificate));
    }
}

#[test]
fn an_error_response_has_a_status_and_nothing_else() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let response = OcspResponse::parse(&OcspResponse::error(6)).unwrap();
    assert_eq!(response.der(), [0x30, 3, 0x0a, 1, 6]);
    assert_eq!(response.status(), 6);
    assert!(response.tbs().is_empty() && response.certificates().is_empty());
    assert!(!Verifier::new().verify_ocsp(&response, &ca.certificate));
}

#[test]
fn a_successful_response_without_an_answer_is_malformed() {
    assert!(OcspResponse::parse(&OcspResponse::error(0)).is_err());
}

fn ids() -> impl Strategy<Value = CertId> {
    (any::<[u8; 20]>(), any::<[u8; 20]>(), serials()).prop_map(|(name, key, serial)| CertId {
        hash: CertIdHash::Sha1,
        issuer_name_hash: name.to_vec(),
        issuer_key_hash: key.to_vec(),
        serial,
    })
}

fn statuses() -> impl Strategy<Value = CertStatus> {
    prop_oneof![
        Just(CertStatus::Good),
        Just(CertStatus::Unknown),
        (seconds(), prop::option::of(0u8..=10))
            .prop_map(|(at, reason)| CertStatus::Revoked { at, reason }),
    ]
}

proptest! {
    #[test]
    fn a_request_survives_the_url_of_a_get(ids in prop::collection::vec(ids(), 0..4)) {
        let request = OcspRequest { ids, nonce: None };
        let got = request.url(&url("http://host/ocsp/")).unwrap();
        let path = got.path().strip_prefix("/ocsp/").unwrap();
        prop_assert!(!path.contains(['+', '/', '=']));
        prop_assert_eq!(OcspRequest::from_path(path).unwrap(), request.clone());
        prop_assert_eq!(OcspRequest::parse(&request.der()).unwrap(), request);
    }

    #[test]
    fn any_path_can_be_read_without_panic(path: String) {
        prop_assert!(OcspRequest::from_path(&path).is_err());
    }

    #[test]
    fn spoilt_requests_and_responses_do_not_panic(id in ids(), spoiling in spoiling()) {
        let ca = authority(KeyAlgorithm::EcdsaP256);
        let request = OcspRequest::of(id.clone());
        let read = OcspRequest::parse(&spoil(&request.der(), spoiling));
        prop_assert_ne!(read, Ok(request));
        let der = answer(id, CertStatus::Good).sign(&ca.certificate, &ca.key, false);
        if let Ok(response) = OcspResponse::parse(&spoil(&der, spoiling)) {
            prop_assert!(!Verifier::new().verify_ocsp(&response, &ca.certificate));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn an_answer_survives_the_round_trip(
        id in ids(),
        other in ids(),
        status in statuses(),
        times in (seconds(), prop::option::of(seconds()), seconds()),
    ) {
        let ca = authority(KeyAlgorithm::EcdsaP256);
        let (this_update, next_update, produced_at) = times;
        let given = OcspAnswer { id: id.clone(), status, this_update, next_update, produced_at };
        let der = given.sign(&ca.certificate, &ca.key, false);
        let response = OcspResponse::parse(&der).unwrap();
        prop_assert_eq!(response.status(), 0);
        prop_assert_eq!(response.find(&id), Some(given));
        prop_assert_eq!(response.find(&other), None);
        prop_assert!(Verifier::new().verify_ocsp(&response, &ca.certificate));
    }
}
