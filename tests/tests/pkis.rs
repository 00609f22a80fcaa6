//! PKIs that were renewed or certify one another: in `sim` and `live`, and by OpenSSL.

use std::path::Path;

use revlab::exec::Transport;
use revlab::scenario::from_text;
use revlab_fake_ca::config::CaOperation;
use revlab_fake_ca::{CaEvent, FakeCa};
use revlab_lab::http::Request;
use revlab_lab::{Core, Instant, Out, Seed, Span};
use revlab_pki::{Certificate, KeyAlgorithm, KeyPair, Usage};
use revlab_tests::program::{program, run as run_program};
use revlab_tests::{pem, sim_and_live_agree, variant};

/// The CAs of a scenario with these lines, at its start.
fn cas(lines: &str) -> (FakeCa, Instant) {
    let text = format!(
        r#"
format = 1
title = "PKIs"
start = "2024-03-01T00:00:00Z"
duration = "2h"
[sut.web]
ca = "issuing"
[clients.users]
ca = "issuing"
every = "10m"
{lines}
"#
    );
    let scenarios = from_text("pkis", &text).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let scenario = scenarios.into_iter().next().unwrap();
    let configs = scenario.cas.into_values().collect();
    (FakeCa::new(configs, Vec::new(), Seed(1), scenario.start).unwrap(), scenario.start)
}

fn key(name: &str) -> KeyPair {
    KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), name)
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    std::fs::write(folder.join(name), text).unwrap();
}

/// What is at a URL, as a CRL in PEM.
fn crl(ca: &mut FakeCa, now: Instant, url: &str) -> String {
    let request = Request::get(url.parse().unwrap());
    let reply = ca.reply_with(now, &request, &[], &[]);
    assert_eq!(reply.status, 200, "{url}");
    pem("X509 CRL", &reply.body)
}

fn certificate(ca: &mut FakeCa, now: Instant, url: &str) -> Certificate {
    let request = Request::get(url.parse().unwrap());
    let reply = ca.reply_with(now, &request, &[], &[]);
    assert_eq!(reply.status, 200, "{url}");
    Certificate::parse(&reply.body).unwrap()
}

fn operate(ca: &mut FakeCa, now: Instant, operation: CaOperation) {
    ca.decide(now, CaEvent::Operation { ca: "issuing".into(), operation }, &mut Out::new());
}

const RENEWED: &str = r#"
[ca.root]
name = "Root"
host = "root.lab.example"
[ca.issuing]
name = "LAB-CA"
host = "pki.lab.example"
computer = "PKI"
parent = "root"
crl = { delta_period = "none" }
renewed = [{ ago = "20d", key = "same" }, { ago = "10d", key = "new" }]
"#;

/// OpenSSL finds issuer and CRL by what the certificate itself says, among those of both keys.
#[test]
fn openssl_checks_each_certificate_against_the_crl_of_its_key() {
    let Some(openssl) = program("openssl") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (mut ca, start) = cas(RENEWED);
    for (name, by) in [("old-good", 0), ("old-revoked", 0), ("new-good", 2), ("new-revoked", 2)] {
        let issued = ca.issue_by_key("issuing", name, Usage::Client, &key(name), by).unwrap();
        write(folder.path(), &format!("{name}.pem"), issued.pem());
        if name.ends_with("revoked") {
            let serial = issued.serial().to_vec();
            let revoke = CaOperation::Revoke { serial, reason: Some(1), extensions: Vec::new() };
            operate(&mut ca, start, revoke);
        }
    }
    operate(&mut ca, start, CaOperation::Publish { base: true });
    let at = "http://pki.lab.example/CertEnroll";
    let files = ["PKI_LAB-CA.crt", "PKI_LAB-CA(1).crt", "PKI_LAB-CA(2).crt"];
    let own = files.map(|file| certificate(&mut ca, start, &format!("{at}/{file}")));
    write(folder.path(), "issuing.pem", own.each_ref().map(Certificate::pem).concat());
    write(folder.path(), "root.pem", ca.certificate("root").unwrap().pem());
    for (file, url) in [("old", "LAB-CA.crl"), ("new", "LAB-CA(2).crl")] {
        write(folder.path(), &format!("{file}.crl"), crl(&mut ca, start, &format!("{at}/{url}")));
    }
    let verify = |lists: &str, name: &str| {
        let time = (start + Span::from_hours(1)).as_secs();
        let line = format!(
            "verify -attime {time} -CAfile root.pem -untrusted issuing.pem -crl_check {lists} {name}.pem"
        );
        run_program(&openssl, folder.path(), &line)
    };
    let both = "-CRLfile old.crl -CRLfile new.crl";
    for age in ["old", "new"] {
        let good = verify(both, &format!("{age}-good"));
        assert!(good.ok, "{}", good.text);
        let revoked = verify(both, &format!("{age}-revoked"));
        assert!(revoked.text.contains("certificate revoked"), "{}", revoked.text);
    }
    // The list of the other key says nothing about it, and is not its issuer's.
    for (list, name) in [("new", "old-revoked"), ("old", "new-revoked")] {
        let other = verify(&format!("-CRLfile {list}.crl"), name);
        assert!(!other.ok && !other.text.contains("certificate revoked"), "{}", other.text);
    }
}

const CROSSED: &str = r#"
[ca.first]
name = "First root"
host = "first.lab.example"
computer = "FIRST"
cross = ["second"]
[ca.second]
name = "Second root"
host = "second.lab.example"
[ca.issuing]
name = "LAB-CA"
host = "pki.lab.example"
parent = "first"
"#;

/// From one root's CA to the other root, by what caIssuers of the certificates below it names.
#[test]
fn openssl_finds_a_path_to_each_root_of_a_cross_certified_ca() {
    let Some(openssl) = program("openssl") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (mut ca, start) = cas(CROSSED);
    let client = ca.issue("issuing", "client", Usage::Client, &key("client"), &[]).unwrap();
    write(folder.path(), "client.pem", client.pem());
    let issuing = ca.certificate("issuing").unwrap().clone();
    write(folder.path(), "issuing.pem", issuing.pem());
    for root in ["first", "second"] {
        write(folder.path(), &format!("{root}.pem"), ca.certificate(root).unwrap().pem());
    }
    let [crt, p7c] = issuing.issuer_urls() else { panic!("two URLs of the issuer") };
    assert!(crt.as_str().ends_with("/FIRST_First%20root.crt"), "{crt}");
    let reply = ca.reply_with(start, &Request::get(p7c.clone()), &[], &[]);
    assert_eq!(reply.header("Content-Type"), Some("application/pkcs7-mime"));
    write(folder.path(), "all.p7c", &reply.body);
    let says = |line: &str| run_program(&openssl, folder.path(), line);
    let all = says("pkcs7 -inform der -in all.p7c -print_certs -out all.pem");
    assert!(all.ok, "{}", all.text);
    let verify = |anchor: &str, untrusted: &str| {
        let time = start.as_secs();
        let files = format!("-CAfile {anchor}.pem -untrusted issuing.pem {untrusted}");
        says(&format!("verify -attime {time} {files} client.pem"))
    };
    for anchor in ["first", "second"] {
        let said = verify(anchor, "-untrusted all.pem");
        assert!(said.ok, "{anchor}: {}", said.text);
    }
    assert!(!verify("second", "").ok, "without the cross-certificate there is no path");
    let cross = "http://first.lab.example/CertEnroll/FIRST_First%20root_by_second.crt";
    let cross = certificate(&mut ca, start, cross);
    assert_eq!(cross.issuer(), ca.certificate("second").unwrap().subject());
    assert_eq!(cross.public_key_info(), ca.certificate("first").unwrap().public_key_info());
    let told: Vec<_> = ca.cross_certificates("first").collect();
    assert_eq!(told, [(&"second".into(), &cross)]);
}

#[test]
fn a_renewal_is_the_same_on_both_transports() {
    for name in ["before", "during"] {
        sim_and_live_agree(&variant("crl/renewal.toml", name));
    }
}

/// What is trusted is set before the run: a root with a new key has to be distributed first.
#[test]
fn a_root_that_is_renewed_with_a_new_key_during_the_run_is_not_trusted_yet() {
    let text = r#"
format = 1
title = "a new root"
start = "2024-03-01T00:00:00Z"
duration = "2h"
[ca.issuing]
crl = { delta_period = "none" }
[sut.web]
[clients.users]
every = "10m"
[operation.a]
on = "issuing"
at = "30m"
renew = { key = "KEY" }
[operation.b]
on = "issuing"
at = "1h"
reissue = { ocsp = [] }
[expect.before]
to = "1h"
attempts = { share = "all", outcome = "admitted" }
[expect.after]
from = "1h"
attempts = { share = "all", outcome = "OUTCOME" }
"#;
    for (kind, outcome) in [("new", "refused"), ("same", "admitted")] {
        let text = text.replace("KEY", kind).replace("OUTCOME", outcome);
        let scenarios = from_text("root", &text).unwrap_or_else(|e| panic!("{}", e.render(false)));
        for transport in [Transport::Sim, Transport::Live] {
            let (run, _) = revlab_tests::run(&scenarios[0], transport);
            let judgement = revlab::judge::judge(&scenarios[0], &run.trace);
            let report =
                revlab::report::terminal::render(&scenarios[0], &run.trace, &judgement, false);
            assert_eq!(judgement.status(), revlab::judge::Status::Held, "{kind}\n{report}");
        }
    }
}
