use proptest::prelude::*;
use revlab_lab::Span;

use super::*;
use crate::fixture::*;
use crate::{Certificate, KeyAlgorithm, Usage, Verifier};

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
    let request = OcspRequest { ids: vec![CertId::new(&client(&ca), &ca.certificate)] };
    let direct = request.url(&url("http://host/CertEnroll/host_XXX-CA.crt")).unwrap();
    insta::assert_snapshot!(direct, @"http://host/CertEnroll/host_XXX-CA.crt/MEMwQTA%2FMD0wOzAJBgUrDgMCGgUABBRPx%2Be1HZ16teq1wcv9anwz%2FCYL3wQUFr3FbsUzEy3E5swt540lOYXohHECAk0C");
    let with_slash = request.url(&url("http://host/CertEnroll/host_XXX-CA.crt/")).unwrap();
    assert_eq!(direct, with_slash);
}

#[test]
fn requests_are_read_from_paths_as_clients_write_them() {
    // 20 octets of 0xfb, 0xff … put `+` and `/` into the base64 form.
    let id = CertId {
        issuer_name_hash: [0xfb; 20],
        issuer_key_hash: [0xff; 20],
        serial: vec![0x7f, 0xef],
    };
    let request = OcspRequest { ids: vec![id] };
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

#[test]
fn another_hash_than_sha1_is_said() {
    let sha256 = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
    let id = encode::sequence(&[
        &encode::sequence(&[&encode::oid(sha256), &encode::null()]),
        &encode::octet_string(&[1; 32]),
        &encode::octet_string(&[2; 32]),
        &encode::unsigned(&[5]),
    ]);
    let request =
        encode::sequence(&[&encode::sequence(&[&encode::sequence(&[&encode::sequence(&[&id])])])]);
    let refused = OcspRequest::parse(&request).unwrap_err();
    insta::assert_snapshot!(refused, @"CertID with hash algorithm 2.16.840.1.101.3.4.2.1: only SHA-1 (1.3.14.3.2.26) is answered");
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
        issuer_name_hash: name,
        issuer_key_hash: key,
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
        let request = OcspRequest { ids };
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
        let request = OcspRequest { ids: vec![id.clone()] };
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
