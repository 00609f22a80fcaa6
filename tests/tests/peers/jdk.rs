//! The JDK's PKIX implementation, by one Java file that the `java` command compiles as it runs it.

use std::path::{Path, PathBuf};
use std::process::Command;

use revlab_lab::http::Method;
use revlab_pki::KeyAlgorithm;
use revlab_tests::live_ca::LiveCa;
use revlab_tests::program::{finish, program};

const KINDS: [KeyAlgorithm; 2] = [KeyAlgorithm::EcdsaP256, KeyAlgorithm::Rsa2048];

/// `java`, where the compiler is there as well: a source file is not run without it.
fn java() -> Option<PathBuf> {
    program("javac")?;
    program("java")
}

/// What the JDK says of each client, a line for each.
fn verdicts(java: &Path, ca: &LiveCa, way: &str) -> Vec<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/Pkix.java");
    let mut command = Command::new(java);
    command.args(["-Xshare:auto", "-XX:TieredStopAtLevel=1"]).arg(source).arg(way);
    command
        .args(["root", "issuing", "good", "revoked", "held", "late"].map(|f| format!("{f}.pem")));
    let said = finish({
        command.current_dir(ca.path());
        command
    });
    assert!(said.ok, "{}", said.text);
    said.text
        .lines()
        .map(|line| line.split(", revocation date").next().unwrap_or(line).to_owned())
        .collect()
}

#[test]
fn the_jdk_asks_the_responder_about_the_whole_chain() {
    let Some(java) = java() else { return };
    for kind in KINDS {
        let ca = LiveCa::start(kind);
        assert_eq!(
            verdicts(&java, &ca, "ocsp"),
            [
                "good.pem: accepted",
                "revoked.pem: REVOKED: Certificate has been revoked, reason: KEY_COMPROMISE",
                "held.pem: REVOKED: Certificate has been revoked, reason: CERTIFICATE_HOLD",
                "late.pem: REVOKED: Certificate has been revoked, reason: SUPERSEDED",
            ]
        );
        let asked = ca.asked();
        let at = |url: &str| asked.iter().filter(|(_, path)| path.starts_with(url)).count();
        assert!(at("/ocsp") >= 4 && at("/root/ocsp") >= 4, "{asked:?}");
        assert_eq!(at("/CertEnroll"), 0);
    }
}

/// The JDK does not know deltas: `late` is good to it.
#[test]
fn the_jdk_downloads_the_base_lists_of_the_whole_chain() {
    let Some(java) = java() else { return };
    for kind in KINDS {
        let ca = LiveCa::start(kind);
        assert_eq!(
            verdicts(&java, &ca, "crl"),
            [
                "good.pem: accepted",
                "revoked.pem: REVOKED: Certificate has been revoked, reason: KEY_COMPROMISE",
                "held.pem: REVOKED: Certificate has been revoked, reason: CERTIFICATE_HOLD",
                "late.pem: accepted",
            ]
        );
        let mut asked = ca.asked();
        asked.sort();
        let lists = ["/CertEnroll/Issuing.crl", "/CertEnroll/Root.crl"];
        assert_eq!(asked, lists.map(|path| (Method::Get, path.to_owned())));
    }
}
