//! The lines that are printed to try it, as they are printed. Each test is skipped, and says so,
//! where its program is not there.

use std::process::{Command, Output};

use revlab_tests::program::skipped;
use serde_json::{Value as Json, json};

use crate::client::{SCENARIO, Served};

/// Whether a program is there; where it is not, that is said.
pub(crate) fn is_there(program: &str, version: &str, test: &str) -> bool {
    if Command::new(program).arg(version).output().is_ok_and(|o| o.status.success()) {
        return true;
    }
    skipped::<()>(&format!("{test}: there is no `{program}` on the path")).is_some()
}

pub(crate) fn lines(served: &Served, program: &str) -> Vec<String> {
    let all = served.ready["try_it"].as_array().expect("lines");
    let of = all.iter().filter(|line| line["program"] == program);
    of.map(|line| line["line"].as_str().expect("a line").to_owned()).collect()
}

pub(crate) fn shell(served: &Served, line: &str) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(served.run_folder()).output().expect("a shell")
}

pub(crate) fn said(output: &Output) -> String {
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn curls_lines_work_as_printed() {
    if !is_there("curl", "--version", "curl") {
        return;
    }
    let served = Served::new();
    let lines = lines(&served, "curl");
    assert_eq!(lines.len(), 4, "{lines:?}");
    for line in &lines {
        let output = shell(&served, line);
        assert!(output.status.success(), "{line}: {}", said(&output));
    }
    assert!(served.file("base.crl").metadata().expect("fetched").len() > 100);
    let refused = shell(&served, &lines[0]);
    assert!(!refused.status.success() && said(&refused).contains("503"), "{}", said(&refused));
}

#[test]
fn openssl_takes_the_good_and_refuses_the_revoked() {
    if !is_there("openssl", "version", "openssl") {
        return;
    }
    let intermediate = SCENARIO.replace(
        "[sut.web]",
        "parent = \"root\"\n[ca.root]\nname = \"ROOT-CA\"\nhost = \"root.lab.example\"\n[sut.web]",
    );
    for scenario in [SCENARIO, &intermediate] {
        let served = Served::with(scenario, &[]);
        let lines = lines(&served, "openssl");
        let [verify, ocsp] = lines.as_slice() else { panic!("{lines:?}") };
        let good = shell(&served, verify);
        assert!(good.status.success(), "{verify}: {}", said(&good));
        let good = shell(&served, ocsp);
        assert!(said(&good).contains("Response verify OK"), "{ocsp}: {}", said(&good));
        assert!(said(&good).contains("client.pem: good"), "{}", said(&good));

        served.must(200, "POST", "/revoke", &json!({ "identity": "users-1", "reason": 1 }));
        served.must(200, "POST", "/publish", &json!({ "ca": "issuing" }));
        let revoked = shell(&served, verify);
        assert!(!revoked.status.success(), "{}", said(&revoked));
        assert!(said(&revoked).contains("certificate revoked"), "{}", said(&revoked));
        let revoked = shell(&served, ocsp);
        assert!(said(&revoked).contains("client.pem: revoked"), "{}", said(&revoked));
        assert!(said(&revoked).contains("keyCompromise"), "{}", said(&revoked));

        let journal = served.must(200, "GET", "/journal", &Json::Null);
        let asked = journal["entries"].as_array().expect("entries").iter();
        let about = asked.filter(|entry| entry["ocsp"][0]["certificate"] == "users-1").count();
        assert_eq!(about, 2, "{journal}");
    }
}

#[test]
fn openssl_and_the_jdk_read_the_credentials_in_one_file() {
    let served = Served::new();
    for file in ["client.p12", "server.p12"] {
        if is_there("openssl", "version", "openssl") {
            let line = format!("openssl pkcs12 -in {file} -passin pass:revlab -nodes");
            let output = shell(&served, &line);
            let text = said(&output);
            assert!(output.status.success(), "{line}: {text}");
            assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 1, "{text}");
            assert_eq!(text.matches("BEGIN PRIVATE KEY").count(), 1, "{text}");
        }
        if is_there("keytool", "-help", "keytool") {
            let line =
                format!("keytool -list -storetype PKCS12 -keystore {file} -storepass revlab");
            let output = shell(&served, &line);
            let text = said(&output);
            assert!(output.status.success(), "{line}: {text}");
            assert!(text.contains("PrivateKeyEntry"), "{text}");
        }
    }
}

#[test]
fn certutils_line_names_the_certificate_that_was_written() {
    let served = Served::new();
    let [line] = lines(&served, "certutil").try_into().expect("a line");
    let file = line.strip_prefix("certutil -verify -urlfetch \"").expect("the program");
    let file = file.strip_suffix('"').expect("a quoted path");
    assert_eq!(
        std::path::Path::new(file),
        served.file("client.pem").canonicalize().expect("there")
    );
}
