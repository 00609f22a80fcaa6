//! pkilint, a linter of certificates, CRLs and OCSP answers from PyPI: every artefact without a
//! scripted fault keeps the profiles of RFC 5280 and RFC 6960. `.ci/run` installs it.

use std::path::{Path, PathBuf};
use std::process::Command;

use revlab::scenario::{self, Scenario};
use revlab_fake_ca::config::CaOperation;
use revlab_fake_ca::{CaAction, CaEvent, Defects, FakeCa};
use revlab_lab::http::{Method, Request, Url};
use revlab_lab::{Core, Item, Name, Out, Span};
use revlab_pki::{
    CertId, Certificate, Crl, KeyAlgorithm, KeyPair, OcspRequest, OcspResponse, Usage,
};
use revlab_tests::program::{finish, skipped};
use tempfile::TempDir;

/// Findings that are meant, by code, with the reason.
const ACCEPTED: [(&str, &str); 1] = [(
    "pkix.invalid_uri_syntax",
    "AD CS names computers of an intranet, `http://win-msprl0t325o/…`; the linter wants a dot",
)];

/// The linter's own Python, where it is installed.
fn python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/pkilint/bin/python");
    if python.is_file() { Some(python) } else { skipped("pkilint is not installed: see .ci/run") }
}

/// Artefacts as files, and as arguments of `lint.py`.
struct Shelf {
    folder: TempDir,
    arguments: Vec<String>,
}

impl Shelf {
    fn new() -> Shelf {
        Shelf { folder: TempDir::new().expect("a folder"), arguments: Vec::new() }
    }

    fn write(&self, name: &str, der: &[u8]) {
        std::fs::write(self.folder.path().join(name), der).expect("a file");
    }

    fn add(&mut self, kind: &str, of: &str, der: &[u8]) {
        let name = format!("{}-{kind}-{of}", self.arguments.len());
        self.write(&name, der);
        self.arguments.push(format!("{kind}:{name}"));
    }

    /// A certificate, alone and below its issuer. Not so a root, which needs no authority key
    /// identifier (RFC 5280 §4.2.1.1), nor RSA-PSS: the linter takes it for PKCS #1 there.
    fn add_certificate(
        &mut self,
        of: &str,
        certificate: &Certificate,
        issuer: Option<&Certificate>,
    ) {
        self.add("certificate", of, certificate.der());
        let Some(issuer) = issuer else { return };
        let [above, below] =
            ["issuer", "subject"].map(|part| format!("{}-{part}-{of}", self.arguments.len()));
        self.write(&above, issuer.der());
        self.write(&below, certificate.der());
        self.arguments.push(format!("chain:{above}:{below}"));
    }

    /// What the linter finds, a line for each finding that is not accepted.
    fn lint(&self, python: &Path) -> Vec<String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/lint.py");
        let mut command = Command::new(python);
        command.arg(script).args(&self.arguments).current_dir(self.folder.path());
        let said = finish(command);
        let (findings, count) = said.text.trim_end().rsplit_once('\n').unwrap_or(("", &said.text));
        assert_eq!(count.trim(), format!("linted {}", self.arguments.len()), "{}", said.text);
        let accepted = |line: &str| ACCEPTED.iter().any(|(code, _)| line.ends_with(code));
        findings.lines().filter(|line| !accepted(line)).map(str::to_owned).collect()
    }
}

/// The CAs of a scenario, each with a client, a server and a revoked client, half an hour after the
/// start: everything that they publish and answer.
fn shelve(scenario: &Scenario, shelf: &mut Shelf) {
    let configs = scenario.cas.values().cloned().collect();
    let mut ca = FakeCa::new(configs, Vec::new(), scenario.seed, scenario.start)
        .unwrap_or_else(|e| panic!("{}: {e}", scenario.name));
    ca.decide(scenario.start, CaEvent::Wake, &mut Out::new());
    for name in scenario.cas.keys() {
        let [client, revoked] =
            ["client", "revoked"].map(|who| issue(&mut ca, name, who, Usage::Client, scenario));
        let server = issue(&mut ca, name, "server", Usage::Server, scenario);
        let at = scenario.start + Span::from_mins(30);
        let serial = revoked.serial().to_vec();
        for operation in [
            CaOperation::Revoke { serial, reason: Some(1), extensions: Vec::new() },
            CaOperation::Publish { base: true },
        ] {
            let event = CaEvent::Operation { ca: name.clone(), operation };
            ca.decide(at, event, &mut Out::new());
        }
        let chain = ca.chain(name);
        let own = chain.first().expect("its own certificate").clone();
        let verified = scenario.cas.values().all(|config| config.key != KeyAlgorithm::RsaPss);
        shelf.add_certificate(name, &own, chain.get(1).filter(|_| verified));
        for (who, certificate) in [("client", &client), ("server", &server)] {
            shelf.add_certificate(who, certificate, Some(&own).filter(|_| verified));
        }
        let mut get = |request: Request| {
            let mut out = Out::new();
            ca.decide(
                at,
                CaEvent::Request { fetch: 0, request, defects: Defects::default() },
                &mut out,
            );
            let reply = out.drain().find_map(|item| match item {
                Item::Do(CaAction::Reply { reply, .. }) => Some(reply),
                Item::Trace(_) => None,
            });
            let reply = reply.expect("an answer to every request");
            (reply.status == 200).then(|| reply.body.to_vec())
        };
        for url in client.crl_urls() {
            let Some(base) = get(Request::get(url.clone())) else { continue };
            shelf.add("crl", name, &base);
            for url in Crl::parse(&base).expect("a CRL").freshest_crl_urls() {
                shelf.add("crl", name, &get(Request::get(url.clone())).expect("a delta"));
            }
        }
        for url in client.ocsp_urls() {
            for certificate in [&client, &revoked] {
                if let Some(answer) = get(ask(url, &CertId::new(certificate, &own))) {
                    shelf.add("ocsp", name, &answer);
                    let answer = OcspResponse::parse(&answer).expect("an OCSP answer");
                    for signer in answer.certificates() {
                        shelf.add_certificate("signer", signer, Some(&own).filter(|_| verified));
                    }
                }
            }
        }
    }
}

fn issue(ca: &mut FakeCa, at: &Name, who: &str, usage: Usage, of: &Scenario) -> Certificate {
    let kind = of.cas.get(at).map_or(KeyAlgorithm::EcdsaP256, |config| config.key);
    let key = KeyPair::seeded(kind, of.seed, who);
    let names = if usage == Usage::Server { vec!["web.lab.example".to_owned()] } else { vec![] };
    ca.issue(at, who, usage, &key, &names).unwrap_or_else(|e| panic!("{e}"))
}

fn ask(url: &Url, id: &CertId) -> Request {
    let headers = vec![("Content-Type".to_owned(), "application/ocsp-request".to_owned())];
    let body = OcspRequest::of(id.clone()).der();
    Request { method: Method::Post, url: url.clone(), headers, body }
}

/// A root and an issuing CA with everything that a scenario can ask for.
fn with_everything(key: &str, responder: &str) -> Scenario {
    let text = format!(
        r#"
        format = 1
        title = "A root and an issuing CA"
        start = "2024-03-01T00:00:00Z"
        duration = "1d"

        [ca.root]
        name = "Root"
        host = "root.example"
        key = "{key}"
        age = "60d"
        crl = {{ period = "90d", delta_period = "none" }}

        [ca.issuing]
        name = "Issuing CA"
        host = "pki.example"
        parent = "root"
        key = "{key}"
        key_index = 1
        published_locations = ["http://pki.example/CertEnroll/Issuing%20CA(1).crl"]
        aia = {{ ocsp = ["http://pki.example/ocsp"] }}
        responder = {responder}

        [sut.web]

        [clients.users]
        sut = "web"
        every = "1h"
        "#
    );
    let scenarios = scenario::from_text("everything", &text);
    scenarios.unwrap_or_else(|e| panic!("{}", e.render(false))).remove(0)
}

#[test]
fn pkilint_finds_nothing_wrong_with_any_kind_of_key() {
    let Some(python) = python() else { return };
    let mut shelf = Shelf::new();
    for (key, _) in KeyAlgorithm::NAMES {
        shelve(&with_everything(key, "{}"), &mut shelf);
    }
    let delegated = r#"{ signer = "delegated", responder_id = "by_name", nonce = "echo" }"#;
    shelve(&with_everything("p256", delegated), &mut shelf);
    assert_eq!(shelf.lint(&python), [""; 0]);
}

#[test]
fn pkilint_finds_nothing_wrong_with_the_cas_of_the_library() {
    let Some(python) = python() else { return };
    let mut shelf = Shelf::new();
    for file in ["kb2666300/lab.toml", "basics/healthy.toml", "basics/ocsp-endpoint.toml"] {
        shelve(&revlab_tests::load(file).remove(0), &mut shelf);
    }
    assert_eq!(shelf.lint(&python), [""; 0]);
}

/// A linter that finds nothing proves nothing, unless it finds what is there.
#[test]
fn pkilint_finds_what_is_wrong() {
    let Some(python) = python() else { return };
    let mut good = Shelf::new();
    shelve(&with_everything("p256", "{}"), &mut good);
    let of = |kind: &str| {
        let found = good.arguments.iter().find_map(|argument| argument.strip_prefix(kind));
        std::fs::read(good.folder.path().join(found.expect("one of the kind"))).unwrap()
    };
    let mut shelf = Shelf::new();
    for kind in ["certificate:", "crl:", "ocsp:"] {
        let mut der = of(kind);
        shelf.add(kind.trim_end_matches(':'), "whole", &der);
        der.pop();
        shelf.add(kind.trim_end_matches(':'), "cut", &der);
    }
    let found = shelf.lint(&python);
    let wrong = ["1-certificate-cut FATAL", "3-crl-cut FATAL", "5-ocsp-cut FATAL"];
    assert_eq!(found.len(), wrong.len(), "{found:#?}");
    for (line, wrong) in found.iter().zip(wrong) {
        assert!(line.starts_with(wrong), "{line}");
    }
}
