//! `revlab verify` as a process: verdicts, exit statuses, and what is said of bad input.

use std::path::Path;
use std::process::Command;

use revlab_lab::http::Url;
use revlab_lab::{Instant, Seed, Span};
use revlab_pki::{CertId, CertStatus};
use revlab_pki::{
    Certificate, CertificateTemplate, CrlEntry, CrlExtension, CrlTemplate, DistinguishedName,
    Issuer, KeyAlgorithm, KeyPair, OcspAnswer, OcspResponse, Usage,
};
use serde_json::Value;
use tempfile::TempDir;

/// 2024-03-01T00:00:00Z.
const START: Instant = Instant::from_millis(1_709_251_200_000);

struct Party(Certificate, KeyPair);

fn template(name: &str, serial: u8, usage: Usage) -> CertificateTemplate {
    let url: Vec<Url> = "http://pki.example/a.crl".parse().into_iter().collect();
    CertificateTemplate {
        subject: DistinguishedName::common_name(name),
        serial: vec![serial],
        not_before: START,
        not_after: START + Span::from_days(30),
        usage,
        crl_urls: url,
        freshest_crl_urls: Vec::new(),
        ocsp_urls: Vec::new(),
        issuer_urls: Vec::new(),
        dns_names: Vec::new(),
        ca_version: None,
    }
}

fn issue(by: Option<&Party>, name: &str, serial: u8, usage: Usage) -> Party {
    let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(4), name);
    let issuer = match by {
        Some(Party(certificate, key)) => Issuer::Certificate(certificate, key),
        None => Issuer::Itself(&key),
    };
    let issued = template(name, serial, usage).issue(key.public_key_info(), &issuer);
    Party(issued.expect("issued"), key)
}

fn list(serials: &[u8]) -> CrlTemplate {
    let entry = |serial: &u8| CrlEntry {
        serial: vec![*serial],
        revoked_at: START,
        reason: Some(1),
        extensions: Vec::new(),
    };
    CrlTemplate {
        number: 7,
        base_number: None,
        virtual_base: None,
        this_update: START,
        next_update: Some(START + Span::from_days(1)),
        next_publish: None,
        ca_version: None,
        freshest_crl_urls: Vec::new(),
        published_locations: Vec::new(),
        extensions: Vec::new(),
        entries: serials.iter().map(entry).collect(),
    }
}

/// A folder with a root, an issuing CA and a client, their CRLs and an OCSP response.
struct Case {
    folder: TempDir,
    issuing: Party,
}

impl Case {
    fn new() -> Case {
        let root = issue(None, "Root", 1, Usage::Authority);
        let issuing = issue(Some(&root), "Issuing", 2, Usage::Authority);
        let client = issue(Some(&issuing), "client", 7, Usage::Client);
        let case = Case { folder: tempfile::tempdir().expect("a folder"), issuing };
        case.put("root.der", root.0.der());
        case.put("client.der", client.0.der());
        case.put("both.pem", format!("{}{}", case.issuing.0.pem(), client.0.pem()).as_bytes());
        case.put("root.crl", &list(&[]).sign(&root.0, &root.1));
        case.list("good.crl", &list(&[8]));
        case.list("revoked.crl", &list(&[7]));
        let answer = OcspAnswer {
            id: CertId::new(&client.0, &case.issuing.0),
            status: CertStatus::Good,
            this_update: START,
            next_update: Some(START + Span::from_days(1)),
            produced_at: START,
        };
        case.put("good.ocsp", &answer.sign(&case.issuing.0, &case.issuing.1, false));
        case.put("later.ocsp", &OcspResponse::error(3));
        case
    }

    fn list(&self, name: &str, template: &CrlTemplate) {
        self.put(name, &template.sign(&self.issuing.0, &self.issuing.1));
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.path().join(name), bytes).expect("written");
    }

    /// Exit status, standard output and standard error.
    fn says(&self, line: &str) -> (Option<i32>, String, String) {
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_revlab-as-tested")));
        command.arg("verify").args(line.split_whitespace()).current_dir(self.folder.path());
        let output = command.output().expect("started");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    /// The same of the usual chain, an hour after the start.
    fn usual(&self, line: &str) -> (Option<i32>, String, String) {
        let usual = "--chain both.pem --anchor root.der --at 2024-03-01T01:00:00Z";
        self.says(&format!("{usual} {line}"))
    }
}

#[test]
fn a_good_chain_is_told_in_words_and_a_revoked_one_with_its_crl() {
    let case = Case::new();
    let (status, out, err) = case.usual("--crl root.crl good.crl");
    assert_eq!((status, &*err), (Some(0), ""));
    assert!(out.starts_with("GOOD: CN=client is not revoked\n"), "{out}");
    let (status, out, _) = case.usual("--crl root.crl revoked.crl");
    assert_eq!(status, Some(1));
    let first = "REVOKED: CRL [2] of CN=Issuing, number 7: lists CN=client, revoked at \
                 2024-03-01T00:00:00.000Z (keyCompromise)\n";
    assert!(out.starts_with(first), "{out}");
    assert!(out.contains("  CRL [2]  revoked.crl\n"), "{out}");
    assert!(out.contains("  fails at CN=client\n"), "{out}");
    assert!(out.contains("[RFC 5280 §6.3.3 (i), (j)]\n"), "{out}");
}

#[test]
fn json_has_the_fields_of_a_finding_and_steps_with_words_and_sources() {
    let case = Case::new();
    let (status, out, _) = case.usual("--crl root.crl revoked.crl --format json");
    let json: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(status, Some(1));
    assert_eq!(json["status"], "revoked");
    assert_eq!(json["code"], "listed");
    assert_eq!(json["failing_subject"], "CN=client");
    let last = json["steps"].as_array().and_then(|steps| steps.last()).expect("steps");
    assert_eq!(last["code"], "listed");
    assert_eq!(last["words"], json["reason"]);
    assert_eq!(last["crl"]["place"], 2);
    assert_eq!(last["source"], "RFC 5280 §6.3.3 (i), (j)");
}

#[test]
fn what_is_not_known_is_undetermined_and_soft_fail_lets_it_through() {
    let case = Case::new();
    let (status, out, _) = case.usual("--crl root.crl");
    assert_eq!(status, Some(3));
    assert!(out.starts_with("UNDETERMINED: no CRL and no OCSP response at hand"), "{out}");
    assert_eq!(case.usual("--crl root.crl --profile soft-fail").0, Some(0));
    let own = "title = \"ours\"\nextends = \"rfc5280-strict\"\n[parameters]\n\
               offline_refuses = { value = false, inferred = \"a test\" }\n";
    case.put("own.toml", own.as_bytes());
    assert_eq!(case.usual("--crl root.crl --profile own.toml").0, Some(0));
}

#[test]
fn a_path_that_is_not_valid_is_refused() {
    let case = Case::new();
    let line = "--chain both.pem --anchor root.der --at 2024-05-01T00:00:00Z";
    let (status, out, _) = case.says(line);
    assert_eq!(status, Some(1));
    assert!(out.starts_with("PATH INVALID: CN=Issuing has expired"), "{out}");
    let (status, out, _) =
        case.says("--chain client.der --anchor root.der --at 2024-03-01T01:00:00Z");
    assert_eq!(status, Some(1));
    assert!(out.starts_with("PATH INVALID: no chain leads from CN=client"), "{out}");
}

#[test]
fn ocsp_responses_count_and_errors_among_them_do_not() {
    let case = Case::new();
    assert_eq!(case.usual("--crl root.crl --ocsp later.ocsp good.ocsp").0, Some(0));
    let (status, out, _) = case.usual("--crl root.crl --ocsp later.ocsp");
    assert_eq!(status, Some(3));
    assert!(out.starts_with("UNDETERMINED: OCSP response [1]: an error"), "{out}");
}

#[test]
fn a_crl_with_a_critical_part_that_nobody_knows_is_not_used() {
    let case = Case::new();
    let unknown = CrlTemplate { extensions: vec![CrlExtension::unknown(true)], ..list(&[]) };
    case.list("unknown.crl", &unknown);
    let (status, out, _) = case.usual("--crl root.crl unknown.crl");
    assert_eq!(status, Some(3));
    assert!(out.contains("unknown.crl is not used: extension 1.3.6.1.4.1.99999.1"), "{out}");
}

#[test]
fn unreadable_input_is_told_with_its_file_and_place() {
    let case = Case::new();
    let refused = |line: &str, words: &[&str]| {
        let (status, out, err) = case.usual(line);
        assert_eq!((status, &*out), (Some(2), ""), "{err}");
        assert!(words.iter().all(|words| err.contains(words)), "{err}");
    };
    refused("--crl nowhere.crl", &["nowhere.crl: No such file"]);
    refused("--crl client.der", &["error: client.der: not a CRL in DER"]);
    refused("--crl both.pem", &["both.pem: no CRL", "`X509 CRL` is wanted", "`CERTIFICATE`"]);
    case.put("cut.pem", b"\n\n-----BEGIN X509 CRL-----\nAAAA\n");
    refused("--crl cut.pem", &["cut.pem:3: the block `X509 CRL`"]);
    case.put("bad.pem", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
    refused("--crl bad.pem", &["bad.pem:1: not a CRL in DER"]);
    case.put("own.toml", b"title = \"t\"\nextends = \"crl-only\"\n[parameters]\nofline = { value = true, inferred = \"x\" }\n");
    refused("--profile own.toml", &["there is no parameter `ofline`", "--> own.toml:4:1"]);
    refused("--profile rfc5280", &["no profile `rfc5280`", "did you mean `rfc5280-strict`?"]);
    assert_eq!(case.says("--chain both.pem --anchor root.der --at noon").0, Some(2));
}
