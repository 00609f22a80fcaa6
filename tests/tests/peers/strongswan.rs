//! strongSwan's `pki --verify --online`: OCSP where there is an address, otherwise the CRL and the
//! delta that it names. Its status cannot tell "not checked" from "checked", so its words count.

use revlab_lab::http::Method;
use revlab_pki::KeyAlgorithm;
use revlab_tests::live_ca::LiveCa;
use revlab_tests::program::{program, run};

const REASONS: [(&str, &str); 3] =
    [("revoked", "key compromise"), ("held", "certificate hold"), ("late", "superseded")];

/// What it says of a certificate.
fn verify(ca: &LiveCa, file: &str) -> Option<(bool, String)> {
    let line = format!("--verify --online --in {file}.pem --cacert issuing.pem --cacert root.pem");
    let said = run(&program("pki")?, ca.path(), &line);
    Some((said.ok, said.text))
}

#[test]
fn strongswan_asks_the_responder() {
    for (_, kind) in KeyAlgorithm::NAMES {
        let ca = LiveCa::start(kind);
        let Some((ok, text)) = verify(&ca, "good") else { return };
        assert!(ok && text.contains("lifetimes valid, certificate not revoked"), "{text}");
        assert!(text.contains("ocsp response correctly signed by \"CN=Issuing\""), "{text}");
        let responders = ["/ocsp", "/root/ocsp"].map(|path| (Method::Post, path.to_owned()));
        assert_eq!(ca.asked(), responders);
        for (name, reason) in REASONS {
            let Some((ok, text)) = verify(&ca, name) else { return };
            assert!(!ok && text.contains(&format!("reason: {reason}")), "{text}");
        }
    }
}

#[test]
fn strongswan_downloads_the_base_and_the_delta_that_it_names() {
    for (_, kind) in KeyAlgorithm::NAMES {
        let ca = LiveCa::start(kind);
        let base = ca.url("/CertEnroll/Issuing.crl");
        for name in ["good", "revoked", "held", "late"] {
            ca.twin(name, &format!("{name}-crl"), &[&base], &[], &[]);
        }
        let Some((ok, text)) = verify(&ca, "good-crl") else { return };
        assert!(ok && text.contains("lifetimes valid, certificate not revoked"), "{text}");
        let lists = ["/CertEnroll/Issuing.crl", "/CertEnroll/Issuing+.crl"];
        let asked = ca.asked();
        assert_eq!(asked.get(..2).unwrap_or(&asked), lists.map(|p| (Method::Get, p.to_owned())));
        for (name, reason) in REASONS {
            let Some((ok, text)) = verify(&ca, &format!("{name}-crl")) else { return };
            assert!(!ok && text.contains(&format!("reason: {reason}")), "{text}");
        }
    }
}
