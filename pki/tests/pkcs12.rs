//! OpenSSL and Java's keytool load our PKCS #12 files. Each test is skipped, and says so, where
//! its program is not on the path.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use revlab_lab::{Instant, Seed, Span};
use revlab_pki::pkcs12::{self, Encryption, Entry};
use revlab_pki::{
    Certificate, CertificateTemplate, DistinguishedName, Issuer, KeyAlgorithm, KeyPair, Usage,
};

/// 2014-04-16T00:00:00Z.
const START: Instant = Instant::from_millis(1_397_606_400_000);
const PASSWORD: &str = "revlab";

fn template(name: &str, serial: u8, usage: Usage) -> CertificateTemplate {
    CertificateTemplate {
        subject: DistinguishedName::common_name(name),
        serial: vec![serial],
        not_before: START,
        not_after: START + Span::from_days(365),
        usage,
        crl_urls: Vec::new(),
        freshest_crl_urls: Vec::new(),
        ocsp_urls: Vec::new(),
        issuer_urls: Vec::new(),
        dns_names: Vec::new(),
        ca_version: None,
    }
}

/// A key with a chain of two.
fn identity(kind: KeyAlgorithm) -> (KeyPair, Vec<Certificate>) {
    let (ca_key, key) = (KeyPair::seeded(kind, Seed(1), "ca"), KeyPair::seeded(kind, Seed(2), "a"));
    let ca = template("XXX-CA", 1, Usage::Authority)
        .issue(ca_key.public_key_info(), &Issuer::Itself(&ca_key))
        .unwrap();
    let client = template("jmeter-1", 2, Usage::Client)
        .issue(key.public_key_info(), &Issuer::Certificate(&ca, &ca_key))
        .unwrap();
    (key, vec![client, ca])
}

/// A folder for one test.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pkcs12-{test}"));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Whether it succeeded, and all that it printed.
fn run(program: &str, line: &str, folder: &Path) -> (bool, String) {
    let command = Command::new(program).args(line.split_whitespace()).current_dir(folder).output();
    let output = command.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// Whether `program` is there. Where `REVLAB_NO_SKIPS` is set, as on CI, a missing one is a failure.
/// It is said past the runner, which keeps what passing tests say to itself.
fn is_there(test: &str, program: &str, probe: &str) -> bool {
    let there = Command::new(program).arg(probe).output().is_ok();
    if !there {
        assert!(std::env::var_os("REVLAB_NO_SKIPS").is_none(), "{test}: there is no `{program}`");
        let _ = writeln!(std::io::stderr(), "skipped: {test}: there is no `{program}` on the path");
    }
    there
}

#[test]
fn openssl_loads_every_kind_of_key_in_both_encryptions() {
    if !is_there("pkcs12", "openssl", "version") {
        return;
    }
    let folder = folder("openssl");
    for (name, kind) in KeyAlgorithm::NAMES {
        for encryption in [Encryption::Modern, Encryption::Legacy] {
            let (key, chain) = identity(kind);
            let file = pkcs12::export(&key, &chain, PASSWORD, "jmeter-1", encryption);
            std::fs::write(folder.join("a.p12"), file).unwrap();
            let (ok, text) = run(
                "openssl",
                &format!("pkcs12 -in a.p12 -passin pass:{PASSWORD} -nodes"),
                &folder,
            );
            assert!(ok, "{name} {encryption:?}: {text}");
            assert!(text.contains("friendlyName: jmeter-1"), "{text}");
            assert!(text.contains(&chain[0].pem()) && text.contains(&chain[1].pem()), "{text}");
            std::fs::write(folder.join("key.pem"), &text).unwrap();
            let (ok, public) = run("openssl", "pkey -in key.pem -pubout", &folder);
            assert!(ok, "{public}");
            let (_, certified) = run("openssl", "x509 -in key.pem -noout -pubkey", &folder);
            assert_eq!(public, certified, "{name} {encryption:?}");
        }
    }
    let (ok, text) = run("openssl", "pkcs12 -in a.p12 -passin pass:wrong -nodes", &folder);
    assert!(!ok && text.contains("Mac verify error"), "{text}");
}

#[test]
fn keytool_lists_the_entry_with_its_chain() {
    if !is_there("pkcs12", "keytool", "-help") {
        return;
    }
    let folder = folder("keytool");
    for kind in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::Rsa2048] {
        for encryption in [Encryption::Modern, Encryption::Legacy] {
            let (key, chain) = identity(kind);
            let file = pkcs12::export(&key, &chain, PASSWORD, "jmeter-1", encryption);
            std::fs::write(folder.join("a.p12"), file).unwrap();
            let line = format!("-list -v -keystore a.p12 -storetype PKCS12 -storepass {PASSWORD}");
            let (ok, text) = run("keytool", &line, &folder);
            assert!(ok, "{kind:?} {encryption:?}: {text}");
            assert!(text.contains("Alias name: jmeter-1"), "{text}");
            assert!(text.contains("PrivateKeyEntry"), "{text}");
            assert!(text.contains("Certificate chain length: 2"), "{text}");
        }
    }
}

/// Two identities of one CA.
fn two() -> [(&'static str, (KeyPair, Vec<Certificate>)); 2] {
    let kind = KeyAlgorithm::EcdsaP256;
    let ca_key = KeyPair::seeded(kind, Seed(1), "ca");
    let ca = template("XXX-CA", 1, Usage::Authority)
        .issue(ca_key.public_key_info(), &Issuer::Itself(&ca_key))
        .unwrap();
    [("users-1", 2), ("users-2", 3)].map(|(name, serial)| {
        let key = KeyPair::seeded(kind, Seed(2), name);
        let own = template(name, serial, Usage::Client)
            .issue(key.public_key_info(), &Issuer::Certificate(&ca, &ca_key))
            .unwrap();
        (name, (key, vec![own, ca.clone()]))
    })
}

fn both_in_one(encryption: Encryption) -> Vec<u8> {
    let two = two();
    let entries: Vec<Entry<'_>> = two
        .iter()
        .map(|(friendly_name, (key, chain))| Entry { friendly_name, key, chain })
        .collect();
    pkcs12::export_all(&entries, PASSWORD, encryption)
}

#[test]
fn keytool_lists_every_entry_of_one_file_with_its_own_chain() {
    if !is_there("pkcs12", "keytool", "-help") {
        return;
    }
    let folder = folder("keytool-several");
    for encryption in [Encryption::Modern, Encryption::Legacy] {
        std::fs::write(folder.join("a.p12"), both_in_one(encryption)).unwrap();
        let line = format!("-list -v -keystore a.p12 -storetype PKCS12 -storepass {PASSWORD}");
        let (ok, text) = run("keytool", &line, &folder);
        assert!(ok, "{encryption:?}: {text}");
        assert!(text.contains("contains 2 entries"), "{text}");
        for name in ["users-1", "users-2"] {
            let entry = text.split("Alias name: ").find(|e| e.starts_with(name)).unwrap();
            assert!(entry.contains("Certificate chain length: 2"), "{text}");
            assert!(entry.contains(&format!("Owner: CN={name}")), "{text}");
        }
    }
}

#[test]
fn openssl_reads_every_key_of_one_file() {
    if !is_there("pkcs12", "openssl", "version") {
        return;
    }
    let folder = folder("openssl-several");
    std::fs::write(folder.join("a.p12"), both_in_one(Encryption::Modern)).unwrap();
    let line = format!("pkcs12 -in a.p12 -passin pass:{PASSWORD} -nodes");
    let (ok, text) = run("openssl", &line, &folder);
    assert!(ok, "{text}");
    assert_eq!(text.matches("BEGIN PRIVATE KEY").count(), 2);
    // The CA that both share is in it once.
    assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 3);
}
