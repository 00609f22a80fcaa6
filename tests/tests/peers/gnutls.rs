//! GnuTLS: `certtool` for chains and lists, `ocsptool` for the responder.

use revlab_lab::http::Method;
use revlab_pki::KeyAlgorithm;
use revlab_tests::live_ca::LiveCa;
use revlab_tests::program::{program, run};

const TRUSTED: &str = "The certificate is trusted.";
const REVOKED: &str = "The certificate is NOT trusted. The certificate chain is revoked.";

#[test]
fn certtool_verifies_every_list_and_chain() {
    let Some(certtool) = program("certtool") else { return };
    for (_, kind) in KeyAlgorithm::NAMES {
        let ca = LiveCa::start(kind);
        let says = |line: &str| run(&certtool, ca.path(), line).text;
        for (list, issuer) in [("root", "root"), ("base", "issuing"), ("delta", "issuing")] {
            let text = says(&format!(
                "--verify-crl --load-ca-certificate {issuer}.pem --infile {list}.crl.pem"
            ));
            assert!(text.contains(TRUSTED), "{text}");
        }
        let text = says("--verify-crl --load-ca-certificate root.pem --infile base.crl.pem");
        assert!(text.contains("The certificate issuer is unknown"), "{text}");
        for name in ["good", "server"] {
            chain(&ca, name);
            let text = says(&format!("--verify-chain --infile {name}.chain.pem"));
            assert!(text.contains(&format!("Chain verification output: Verified. {TRUSTED}")));
        }
    }
}

/// GnuTLS takes the list with the highest number for the whole truth: it does not know deltas, and
/// with one it forgets what the base says.
#[test]
fn certtool_knows_the_revoked_from_the_base_and_takes_a_delta_for_a_base() {
    let Some(certtool) = program("certtool") else { return };
    for (_, kind) in KeyAlgorithm::NAMES {
        let ca = LiveCa::start(kind);
        let verdict = |lists: &str, name: &str| {
            chain(&ca, name);
            let line = "--verify --load-ca-certificate root.pem";
            let line = format!("{line} --infile {name}.chain.pem --load-crl {lists}");
            let text = run(&certtool, ca.path(), &line).text;
            assert!(text.contains("Checked against CRL["), "{text}");
            let revoked =
                text.contains(&format!("Chain verification output: Not verified. {REVOKED}"));
            let trusted = text.contains(&format!("Chain verification output: Verified. {TRUSTED}"));
            assert!(revoked != trusted, "{text}");
            revoked
        };
        let revoked = |lists| ["good", "revoked", "held", "late"].map(|name| verdict(lists, name));
        assert_eq!(revoked("base.crl.pem"), [false, true, true, false]);
        let both = ["base.crl.pem", "delta.crl.pem"].map(|file| ca.read(file)).concat();
        ca.write("both.pem", both);
        assert_eq!(revoked("both.pem"), [false, false, false, true]);
    }
}

#[test]
fn ocsptool_asks_the_responder_for_every_client() {
    let Some(ocsptool) = program("ocsptool") else { return };
    let delegated = r#"responder = { signer = "delegated", nonce = "echo" }"#;
    let cas = [
        LiveCa::start(KeyAlgorithm::EcdsaP256),
        LiveCa::start(KeyAlgorithm::Rsa2048),
        LiveCa::start_with(KeyAlgorithm::EcdsaP256, delegated),
    ];
    for ca in &cas {
        for name in ["good", "revoked", "held", "late"] {
            chain(ca, name);
            let line = format!("--ask --load-chain {name}.chain.pem");
            let said = run(&ocsptool, ca.path(), &line);
            assert!(said.ok && said.text.contains("Verifying OCSP Response: Success."));
            let status = if name == "good" { "good" } else { "revoked" };
            assert!(said.text.contains(&format!("Certificate Status: {status}")), "{}", said.text);
        }
        assert_eq!(ca.asked().first(), Some(&(Method::Post, "/ocsp".to_owned())));
    }
}

/// Client and issuing CA in one file.
fn chain(ca: &LiveCa, name: &str) {
    let both = [ca.read(&format!("{name}.pem")), ca.read("issuing.pem")].concat();
    ca.write(&format!("{name}.chain.pem"), both);
}
