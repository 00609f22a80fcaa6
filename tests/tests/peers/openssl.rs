//! OpenSSL: lists from files and by itself over HTTP, deltas, and OCSP by POST.

use std::path::PathBuf;

use revlab_lab::http::Method;
use revlab_pki::KeyAlgorithm;
use revlab_tests::live_ca::LiveCa;
use revlab_tests::program::{Said, program, run};

/// OpenSSL beside a CA.
struct Peer {
    openssl: PathBuf,
    ca: LiveCa,
}

impl Peer {
    fn new(kind: KeyAlgorithm) -> Option<Peer> {
        Some(Peer { openssl: program("openssl")?, ca: LiveCa::start(kind) })
    }

    fn says(&self, line: &str) -> Said {
        run(&self.openssl, self.ca.path(), line)
    }

    fn accepts(&self, line: &str, name: &str) {
        let said = self.says(&format!("{line} {name}.pem"));
        assert!(said.ok && said.text.contains(&format!("{name}.pem: OK")), "{}", said.text);
    }

    fn refuses(&self, line: &str, name: &str, why: &str) {
        let said = self.says(&format!("{line} {name}.pem"));
        assert!(!said.ok && said.text.contains(why), "{}", said.text);
    }
}

const REVOKED: &str = "error 23 at 0 depth lookup: certificate revoked";

const FILES: &str = "verify -CAfile root.pem -untrusted issuing.pem -CRLfile root.crl.pem \
                     -CRLfile base.crl.pem -crl_check_all -extended_crl";

#[test]
fn openssl_verifies_every_list() {
    for (_, kind) in KeyAlgorithm::NAMES {
        let Some(peer) = Peer::new(kind) else { return };
        for (list, issuer) in [("root", "root"), ("base", "issuing"), ("delta", "issuing")] {
            let line =
                format!("crl -verify -inform DER -in {list}.crl -CAfile {issuer}.pem -noout");
            let said = peer.says(&line);
            assert!(said.ok && said.text.contains("verify OK"), "{list}: {}", said.text);
        }
        let said = peer.says("crl -verify -inform DER -in base.crl -CAfile root.pem -noout");
        assert!(said.text.contains("Error getting CRL issuer certificate"), "{}", said.text);
    }
}

#[test]
fn openssl_knows_the_revoked_from_the_base_and_the_late_from_the_delta() {
    for (_, kind) in KeyAlgorithm::NAMES {
        let Some(peer) = Peer::new(kind) else { return };
        for name in ["good", "server", "late"] {
            peer.accepts(FILES, name);
        }
        for name in ["revoked", "held"] {
            peer.refuses(FILES, name, REVOKED);
        }
        let deltas = format!("{FILES} -use_deltas -CRLfile delta.crl.pem");
        peer.accepts(&deltas, "good");
        for name in ["revoked", "held", "late"] {
            peer.refuses(&deltas, name, REVOKED);
        }
        let none = "verify -CAfile root.pem -untrusted issuing.pem -crl_check";
        peer.refuses(none, "good", "unable to get certificate CRL");
    }
}

#[test]
fn openssl_takes_crls_of_a_signer_of_their_own_once_it_has_its_certificate() {
    let Some(openssl) = program("openssl") else { return };
    for signer in ["", "name = \"CRL issuer\"", "key = \"rsa2048\""] {
        let ca = LiveCa::start_with(
            KeyAlgorithm::EcdsaP256,
            &format!("crl.signer = {{ {signer} }}\nresponder = {{}}"),
        );
        let peer = Peer { openssl: openssl.clone(), ca };
        let purpose = peer.says("x509 -in crl-signer.pem -noout -text").text;
        assert!(purpose.contains("CRL Sign") && !purpose.contains("CA:TRUE"), "{purpose}");
        let check = "verify -CAfile root.pem -untrusted issuing.pem -CRLfile base.crl.pem -crl_check \
                     -extended_crl";
        let with_signer = format!("{check} -untrusted crl-signer.pem");
        peer.accepts(&with_signer, "good");
        for name in ["revoked", "held"] {
            peer.refuses(&with_signer, name, REVOKED);
        }
        let deltas = format!("{with_signer} -use_deltas -CRLfile delta.crl.pem");
        peer.accepts(&deltas, "good");
        peer.refuses(&deltas, "late", REVOKED);
        let said = peer.says(&format!("{check} good.pem"));
        assert!(!said.ok && said.text.contains("lookup: unable to get"), "{}", said.text);
        let alone = with_signer.replace(" -extended_crl", "");
        assert!(!peer.says(&format!("{alone} good.pem")).ok);
    }
}

#[test]
fn openssl_downloads_the_base_from_the_distribution_point() {
    for (_, kind) in KeyAlgorithm::NAMES {
        let Some(peer) = Peer::new(kind) else { return };
        let base = (Method::Get, "/CertEnroll/Issuing.crl".to_owned());
        let line = "verify -CAfile root.pem -untrusted issuing.pem -crl_check -crl_download";
        peer.accepts(line, "good");
        assert_eq!(peer.ca.asked(), std::slice::from_ref(&base));
        peer.refuses(line, "revoked", REVOKED);
        assert_eq!(peer.ca.asked(), std::slice::from_ref(&base));
    }
}

/// OpenSSL looks for the delta's location in the certificate, not in the base.
#[test]
fn openssl_downloads_the_delta_that_a_certificate_names() {
    for (_, kind) in KeyAlgorithm::NAMES {
        let Some(peer) = Peer::new(kind) else { return };
        let lists = ["/CertEnroll/Issuing.crl", "/CertEnroll/Issuing+.crl"];
        let [base, delta] = lists.map(|path| peer.ca.url(path));
        for name in ["good", "late"] {
            peer.ca.twin(name, &format!("{name}-with-delta"), &[&base], &[&delta], &[]);
        }
        let line =
            "verify -CAfile root.pem -untrusted issuing.pem -crl_check -crl_download -use_deltas";
        peer.accepts(line, "good-with-delta");
        assert_eq!(peer.ca.asked(), lists.map(|path| (Method::Get, path.to_owned())));
        peer.refuses(line, "late-with-delta", REVOKED);
        peer.accepts(line, "late");
    }
}

#[test]
fn openssl_asks_the_responder_by_post() {
    for (_, kind) in KeyAlgorithm::NAMES {
        let Some(peer) = Peer::new(kind) else { return };
        ask(&peer);
    }
}

#[test]
fn openssl_trusts_a_delegated_signer_and_its_nonce() {
    let Some(openssl) = program("openssl") else { return };
    let lines = r#"responder = { signer = "delegated", responder_id = "by_name", nonce = "echo" }"#;
    let peer = Peer { openssl, ca: LiveCa::start_with(KeyAlgorithm::EcdsaP256, lines) };
    ask(&peer);
    let said = peer.says(&about(&peer, "good"));
    assert!(!said.text.contains("no nonce in response"), "{}", said.text);
}

fn about(peer: &Peer, name: &str) -> String {
    let url = peer.ca.url("/ocsp");
    format!("ocsp -issuer issuing.pem -cert {name}.pem -url {url} -CAfile root.pem")
}

fn ask(peer: &Peer) {
    let reasons =
        [("revoked", "keyCompromise"), ("held", "certificateHold"), ("late", "superseded")];
    let said = peer.says(&about(peer, "good"));
    assert!(said.ok && said.text.contains("Response verify OK"), "{}", said.text);
    assert!(said.text.contains("good.pem: good"), "{}", said.text);
    assert_eq!(peer.ca.asked(), [(Method::Post, "/ocsp".to_owned())]);
    for (name, reason) in reasons {
        let said = peer.says(&about(peer, name));
        assert!(said.text.contains("Response verify OK"), "{}", said.text);
        assert!(said.text.contains(&format!("{name}.pem: revoked")), "{}", said.text);
        assert!(said.text.contains(&format!("Reason: {reason}")), "{}", said.text);
    }
    // Of a CA that the responder does not speak for it has nothing to say (RFC 5019 §2.2.3).
    let line = about(peer, "good").replace("-issuer issuing.pem", "-issuer root.pem");
    let said = peer.says(&line);
    assert!(said.text.contains("unauthorized"), "{}", said.text);
}
