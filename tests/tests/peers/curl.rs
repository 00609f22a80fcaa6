//! curl fetches every form of URL that a certificate can lead to.

use std::path::Path;

use revlab_lab::http::Url;
use revlab_pki::{CertId, CertStatus, Crl, KeyAlgorithm, OcspRequest, OcspResponse};
use revlab_tests::live_ca::LiveCa;
use revlab_tests::program::{program, run};

/// What curl gets at a URL.
fn fetch(curl: &Path, ca: &LiveCa, path: &str) -> Vec<u8> {
    let line = format!("--silent --show-error --fail --globoff --output got {}", ca.url(path));
    let said = run(curl, ca.path(), &line);
    assert!(said.ok, "{path}: {}", said.text);
    std::fs::read(ca.path().join("got")).expect("what curl wrote")
}

#[test]
fn curl_gets_lists_and_certificates_however_their_path_is_written() {
    let Some(curl) = program("curl") else { return };
    let ca = LiveCa::start(KeyAlgorithm::EcdsaP256);
    let base = std::fs::read(ca.path().join("base.crl")).unwrap();
    let delta = std::fs::read(ca.path().join("delta.crl")).unwrap();
    for path in ["/CertEnroll/Issuing.crl", "/certenroll/ISSUING.CRL", "/CertEnroll/%49ssuing.crl"]
    {
        assert!(fetch(&curl, &ca, path) == base, "{path}");
    }
    for path in ["/CertEnroll/Issuing+.crl", "/CertEnroll/Issuing%2B.crl"] {
        assert!(fetch(&curl, &ca, path) == delta, "{path}");
    }
    assert!(Crl::parse(&base).unwrap().base_number().is_none());
    assert!(Crl::parse(&delta).unwrap().base_number().is_some());
    let crt = fetch(&curl, &ca, "/CertEnroll/issuing_Issuing.crt");
    assert_eq!(crt, ca.authority("issuing").0.der());
}

#[test]
fn curl_gets_an_ocsp_answer_by_get_in_every_spelling() {
    let Some(curl) = program("curl") else { return };
    let ca = LiveCa::start(KeyAlgorithm::EcdsaP256);
    let issuer = ca.authority("issuing").0;
    let responder: Url = ca.url("/ocsp").parse().unwrap();
    for (name, good) in [("good", true), ("revoked", false)] {
        let request = OcspRequest::of(CertId::new(&ca.identity(name).0, &issuer));
        let url = request.url(&responder).unwrap();
        let escaped = url.path().to_owned();
        let plain = escaped.replace("%2F", "/").replace("%2B", "+").replace("%3D", "=");
        assert_ne!(escaped, plain);
        for path in [escaped, plain.clone(), plain.replacen("/ocsp/", "/OCSP/", 1)] {
            let answer = OcspResponse::parse(&fetch(&curl, &ca, &path)).unwrap();
            let single = answer.answers().first().expect("one answer");
            assert_eq!(matches!(single.status, CertStatus::Good), good, "{path}");
        }
    }
}

#[test]
fn curl_is_told_404_where_there_is_nothing() {
    let Some(curl) = program("curl") else { return };
    let ca = LiveCa::start(KeyAlgorithm::EcdsaP256);
    let line = format!("--silent --write-out %{{http_code}} --output got {}", ca.url("/nothing"));
    assert_eq!(run(&curl, ca.path(), &line).text, "404");
}
