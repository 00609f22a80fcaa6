//! The JDK's PKIX implementation, by one Java file that the `java` command compiles as it runs it.

use std::path::{Path, PathBuf};
use std::process::Command;

use revlab_lab::http::Method;
use revlab_pki::KeyAlgorithm;
use revlab_tests::live_ca::LiveCa;
use revlab_tests::program::{finish, program};

/// `java`, where the compiler is there as well: a source file is not run without it.
pub(crate) fn java() -> Option<PathBuf> {
    program("javac")?;
    program("java")
}

/// What the JDK says of certificates, given as file names without `.pem`: a line for each, and by
/// one JVM for all, since starting one takes a second.
pub(crate) fn verdicts(java: &Path, way: &str, of: &[(&LiveCa, &[&str])]) -> Vec<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/Pkix.java");
    let mut command = Command::new(java);
    command.args(["-Xshare:auto", "-XX:TieredStopAtLevel=1"]).arg(source).arg(way);
    for (n, (ca, names)) in of.iter().enumerate() {
        command.args((n > 0).then_some("--"));
        let files = ["root", "issuing"].iter().chain(*names);
        command.args(files.map(|name| ca.path().join(format!("{name}.pem"))));
    }
    let said = finish(command);
    assert!(said.ok, "{}", said.text);
    // The folder of a line's file, and the time of a revocation, differ from run to run.
    let line = |line: &str| {
        let line = line.rsplit_once(".pem: ").map_or(line.to_owned(), |(path, verdict)| {
            let name = path.rsplit('/').next().unwrap_or(path);
            format!("{name}: {verdict}")
        });
        line.split(", revocation date").next().unwrap_or_default().to_owned()
    };
    said.text.lines().map(line).collect()
}

/// A CA for each kind of key, and the JDK's verdicts on the clients of each.
fn all_kinds(java: &Path, way: &str, expected: [&str; 4]) -> Vec<LiveCa> {
    let cas: Vec<_> = KeyAlgorithm::NAMES.iter().map(|(_, kind)| LiveCa::start(*kind)).collect();
    let names: &[&str] = &["good", "revoked", "held", "late"];
    let said = verdicts(java, way, &cas.iter().map(|ca| (ca, names)).collect::<Vec<_>>());
    for (of_one, (kind, _)) in said.chunks(names.len()).zip(KeyAlgorithm::NAMES) {
        assert_eq!(of_one, expected, "{kind}");
    }
    assert_eq!(said.len(), names.len() * cas.len());
    cas
}

#[test]
fn the_jdk_asks_the_responder_about_the_whole_chain() {
    let Some(java) = java() else { return };
    let expected = [
        "good: accepted",
        "revoked: REVOKED: Certificate has been revoked, reason: KEY_COMPROMISE",
        "held: REVOKED: Certificate has been revoked, reason: CERTIFICATE_HOLD",
        "late: REVOKED: Certificate has been revoked, reason: SUPERSEDED",
    ];
    for ca in all_kinds(&java, "ocsp", expected) {
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
    let expected = [
        "good: accepted",
        "revoked: REVOKED: Certificate has been revoked, reason: KEY_COMPROMISE",
        "held: REVOKED: Certificate has been revoked, reason: CERTIFICATE_HOLD",
        "late: accepted",
    ];
    for ca in all_kinds(&java, "crl", expected) {
        let mut asked = ca.asked();
        asked.sort();
        let lists = ["/CertEnroll/Issuing.crl", "/CertEnroll/Root.crl"];
        assert_eq!(asked, lists.map(|path| (Method::Get, path.to_owned())));
    }
}
