//! OpenSSL as the second opinion on what this crate writes. Each test is skipped, and says so,
//! where no `openssl` is on the path.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use revlab_lab::{Instant, Seed, Span};
use revlab_pki::{
    AccessDescription, AccessMethod, CertId, CertStatus, Certificate, CertificateExtension,
    CertificateExtras, CertificateTemplate, CrlEntry, CrlTemplate, DistinguishedName,
    DistributionPoint, GeneralName, Issuer, KeyAlgorithm, KeyPair, NameConstraints, OcspAnswer,
    OcspRequest, PointName, ReasonFlags, Usage,
};

/// 2014-04-16T00:00:00Z.
const START: Instant = Instant::from_millis(1_397_606_400_000);

fn kinds() -> impl Iterator<Item = KeyAlgorithm> {
    KeyAlgorithm::NAMES.into_iter().map(|(_, kind)| kind)
}

/// A folder with a CA and a client, as files that OpenSSL reads.
struct Lab {
    folder: PathBuf,
    ca: Certificate,
    key: KeyPair,
    client: Certificate,
}

impl Lab {
    /// `None`, with a note, where there is no `openssl`.
    fn new(test: &str, kind: KeyAlgorithm) -> Option<Lab> {
        if !Command::new("openssl").arg("version").output().is_ok_and(|o| o.status.success()) {
            skipped(test);
            return None;
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{kind:?}"));
        std::fs::create_dir_all(&folder).unwrap();
        let key = KeyPair::seeded(kind, Seed(1), "issuing");
        let ca = template("XXX-CA", 1, Usage::Authority)
            .issue(key.public_key_info(), &Issuer::Itself(&key))
            .unwrap();
        let client_key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "client");
        let client = template("jmeter-1", 0x8001, Usage::Client)
            .issue(client_key.public_key_info(), &Issuer::Certificate(&ca, &key))
            .unwrap();
        let lab = Lab { folder, ca, key, client };
        lab.write("ca.pem", lab.ca.pem().as_bytes());
        lab.write("client.pem", lab.client.pem().as_bytes());
        Some(lab)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.join(name), bytes).unwrap();
    }

    /// Whether it succeeded, and all that it printed.
    fn openssl(&self, line: &str) -> (bool, String) {
        let output = Command::new("openssl")
            .args(line.split_whitespace())
            .current_dir(&self.folder)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    }

    fn crl(&self, number: u64, base_number: Option<u64>, revoked: bool) -> Vec<u8> {
        let entry = CrlEntry {
            serial: self.client.serial().to_vec(),
            revoked_at: START,
            reason: Some(1),
            extensions: Vec::new(),
        };
        CrlTemplate {
            number,
            base_number,
            virtual_base: base_number,
            this_update: START,
            next_update: Some(START + Span::from_hours(2)),
            next_publish: Some(START + Span::from_hours(1)),
            ca_version: Some((1, 1)),
            freshest_crl_urls: vec!["http://host/XXX-CA(1)+.crl".parse().unwrap()],
            published_locations: vec!["http://host/XXX-CA(1).crl".parse().unwrap()],
            extensions: Vec::new(),
            entries: if revoked { vec![entry] } else { Vec::new() },
        }
        .sign(&self.ca, &self.key)
    }
}

fn template(name: &str, serial: u16, usage: Usage) -> CertificateTemplate {
    CertificateTemplate {
        subject: DistinguishedName::common_name(name),
        serial: serial.to_be_bytes().to_vec(),
        not_before: START,
        not_after: START + Span::from_days(365),
        usage,
        crl_urls: vec!["http://host/XXX-CA(1).crl".parse().unwrap()],
        freshest_crl_urls: vec!["http://host/XXX-CA(1)+.crl".parse().unwrap()],
        ocsp_urls: vec!["http://host/ocsp".parse().unwrap()],
        issuer_urls: vec!["http://host/XXX-CA(1).crt".parse().unwrap()],
        dns_names: Vec::new(),
        ca_version: None,
    }
}

/// Where `REVLAB_NO_SKIPS` is set, as on CI, a missing program is a failure.
/// It is said past the runner, which keeps what passing tests say to itself.
fn skipped(test: &str) {
    assert!(std::env::var_os("REVLAB_NO_SKIPS").is_none(), "{test}: there is no `openssl`");
    let _ = writeln!(std::io::stderr(), "skipped: {test}: there is no `openssl` on the path");
}

#[test]
fn openssl_verifies_our_crls() {
    for kind in kinds() {
        let Some(lab) = Lab::new("crl", kind) else { return };
        for (number, base_number) in [(7, None), (8, Some(7))] {
            lab.write("list.crl", &lab.crl(number, base_number, true));
            let (ok, text) = lab.openssl("crl -inform DER -in list.crl -CAfile ca.pem -noout");
            assert!(ok && text.contains("verify OK"), "{text}");
        }
    }
}

#[test]
fn openssl_combines_our_base_and_delta() {
    for kind in kinds() {
        let Some(lab) = Lab::new("delta", kind) else { return };
        let verdict = |base: Vec<u8>, delta: Vec<u8>| {
            lab.write("base.crl", &base);
            lab.write("delta.crl", &delta);
            for list in ["base", "delta"] {
                let (ok, text) =
                    lab.openssl(&format!("crl -inform DER -in {list}.crl -out {list}.pem"));
                assert!(ok, "{text}");
            }
            let at = START.as_secs() + 3600;
            lab.openssl(&format!(
                "verify -attime {at} -CAfile ca.pem -crl_check -use_deltas -extended_crl \
                 -CRLfile base.pem -CRLfile delta.pem client.pem"
            ))
        };
        let (ok, text) = verdict(lab.crl(7, None, false), lab.crl(8, Some(7), false));
        assert!(ok && text.contains("client.pem: OK"), "{text}");
        let (ok, text) = verdict(lab.crl(7, None, false), lab.crl(8, Some(7), true));
        assert!(!ok && text.contains("certificate revoked"), "{text}");
        let (ok, text) = verdict(lab.crl(7, None, true), lab.crl(8, Some(7), false));
        assert!(!ok && text.contains("certificate revoked"), "{text}");
    }
}

#[test]
fn openssl_finds_our_certificates_in_a_cms_message() {
    let test = "openssl_finds_our_certificates_in_a_cms_message";
    let Some(lab) = Lab::new(test, KeyAlgorithm::EcdsaP256) else { return };
    lab.write("both.p7c", &revlab_pki::cms::certs_only(&[lab.client.clone(), lab.ca.clone()]));
    let (read, printed) = lab.openssl("pkcs7 -inform der -in both.p7c -print_certs");
    assert!(read, "{printed}");
    assert!(printed.contains("jmeter-1") && printed.matches("BEGIN CERTIFICATE").count() == 2);
}

#[test]
fn openssl_writes_the_same_ocsp_request() {
    let Some(lab) = Lab::new("request", KeyAlgorithm::EcdsaP256) else { return };
    let (ok, text) =
        lab.openssl("ocsp -issuer ca.pem -cert client.pem -no_nonce -reqout request.der");
    assert!(ok, "{text}");
    let theirs = std::fs::read(lab.folder.join("request.der")).unwrap();
    let ours = OcspRequest::of(CertId::new(&lab.client, &lab.ca));
    assert_eq!(ours.der(), theirs);
    assert_eq!(OcspRequest::parse(&theirs), Ok(ours));
}

#[test]
fn openssl_accepts_our_ocsp_answers() {
    for kind in kinds() {
        let Some(lab) = Lab::new("response", kind) else { return };
        let signer_key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "responder");
        let signer = template("responder", 9, Usage::OcspSigner)
            .issue(signer_key.public_key_info(), &Issuer::Certificate(&lab.ca, &lab.key))
            .unwrap();
        let revoked = CertStatus::Revoked { at: START, reason: Some(1) };
        for (status, word) in [(CertStatus::Good, "good"), (revoked, "revoked")] {
            for (responder, key) in [(&lab.ca, &lab.key), (&signer, &signer_key)] {
                let answer = OcspAnswer {
                    id: CertId::new(&lab.client, &lab.ca),
                    status,
                    this_update: START,
                    // OpenSSL compares it with the machine's clock, so there is none.
                    next_update: None,
                    produced_at: START,
                };
                lab.write("response.der", &answer.sign(responder, key, true));
                let at = START.as_secs() + 3600;
                let (ok, text) = lab.openssl(&format!(
                    "ocsp -respin response.der -issuer ca.pem -cert client.pem -CAfile ca.pem \
                     -attime {at}"
                ));
                assert!(ok && text.contains("Response verify OK"), "{text}");
                assert!(text.contains(&format!("client.pem: {word}")), "{text}");
            }
        }
    }
}

#[test]
fn openssl_reads_every_extra_that_a_certificate_can_bear() {
    let Some(lab) = Lab::new("extras", KeyAlgorithm::EcdsaP256) else { return };
    let name = |text| DistinguishedName::parse(text).unwrap();
    let relative = PointName::RelativeToIssuer(DistinguishedName::common_name("CRL7"));
    let ldap = "ldap:///CN=XXX-CA,CN=CDP?certificateRevocationList?base";
    let access = |method, uri: &str| AccessDescription { method, uri: uri.to_owned() };
    let extras = CertificateExtras {
        crl_points: vec![
            DistributionPoint::at([ldap, "file://///server/share/XXX-CA.crl"]),
            DistributionPoint {
                name: Some(relative),
                reasons: Some(ReasonFlags::of([1, 10])),
                crl_issuer: Some(name("CN=CRL-ISSUER,O=lab")),
            },
        ],
        freshest_crl_points: vec![DistributionPoint::at(["http://host/second+.crl"])],
        access: vec![
            access(AccessMethod::Ocsp, "http://dead/ocsp"),
            access(AccessMethod::Issuer, "ldap:///CN=XXX-CA?cACertificate"),
            access(AccessMethod::Ocsp, "http://dead/ocsp"),
        ],
        must_staple: true,
        ocsp_no_check: true,
        name_constraints: Some(NameConstraints {
            permitted: vec![GeneralName::Dns("corp.example".into())],
            excluded: vec![GeneralName::Network("10.0.0.0".parse().unwrap(), 8)],
        }),
        extensions: vec![CertificateExtension {
            oid: "1.2.3.4".parse().unwrap(),
            critical: true,
            value: vec![0x0c, 2, b'h', b'i'],
        }],
    };
    let certificate = template("sub-ca", 3, Usage::Authority)
        .issue_with(&extras, lab.key.public_key_info(), &Issuer::Certificate(&lab.ca, &lab.key))
        .unwrap();
    lab.write("extras.pem", certificate.pem().as_bytes());
    let (ok, text) = lab.openssl("x509 -in extras.pem -noout -text");
    assert!(ok, "{text}");
    let from = text.find("X509v3 CRL Distribution Points").unwrap();
    let to = text.find("Signature Algorithm: ecdsa-with-SHA256\n    Signature Value").unwrap();
    let trimmed: Vec<_> =
        text[from..to].lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    // Releases of OpenSSL differ in blanks around `=`.
    let text = trimmed.join("\n").replace(" = ", "=");
    insta::assert_snapshot!(text, @r"
    X509v3 CRL Distribution Points:
    Full Name:
    URI:http://host/XXX-CA(1).crl
    Full Name:
    URI:ldap:///CN=XXX-CA,CN=CDP?certificateRevocationList?base
    URI:file://///server/share/XXX-CA.crl
    Relative Name:
    CN=CRL7
    Reasons:
    Key Compromise, AA Compromise
    CRL Issuer:
    DirName:O=lab, CN=CRL-ISSUER
    X509v3 Freshest CRL:
    Full Name:
    URI:http://host/XXX-CA(1)+.crl
    Full Name:
    URI:http://host/second+.crl
    Authority Information Access:
    CA Issuers - URI:http://host/XXX-CA(1).crt
    OCSP - URI:http://host/ocsp
    OCSP - URI:http://dead/ocsp
    CA Issuers - URI:ldap:///CN=XXX-CA?cACertificate
    OCSP - URI:http://dead/ocsp
    TLS Feature:
    status_request
    OCSP No Check:
    X509v3 Name Constraints: critical
    Permitted:
    DNS:corp.example
    Excluded:
    IP:10.0.0.0/255.0.0.0
    1.2.3.4: critical
    ..hi
    ");
}
