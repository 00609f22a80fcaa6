//! `revlab verify --fetch` against a `revlab serve`: what is missing comes over real HTTP.

use std::process::Command;

use serde_json::{Value, json};

use crate::client::{SCENARIO, Served};

/// A root above the served CA.
fn scenario() -> String {
    let root =
        "parent = \"root\"\n[ca.root]\nname = \"ROOT-CA\"\nhost = \"root.lab.example\"\n[sut.web]";
    SCENARIO.replace("[sut.web]", root)
}

/// Exit status, and the finding with its retrievals as `purpose method file status: what`.
fn says(served: &Served, line: &str) -> (Option<i32>, Value, Vec<String>) {
    let output = Command::new(env!("CARGO_BIN_EXE_revlab-as-tested"))
        .args(["verify", "--fetch", "--format", "json"])
        .args(line.split_whitespace())
        .current_dir(served.run_folder())
        .output()
        .expect("started");
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    let finding: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {error}"));
    let word = |of: &Value| of.as_str().unwrap_or_default().to_owned();
    let told = |one: &Value| {
        let file = word(&one["url"]).rsplit('/').next().unwrap_or_default().to_owned();
        let arrived = word(&one["arrived"]);
        // Numbers and times differ from run to run.
        let arrived = arrived.split(", number").next().unwrap_or_default();
        let (error, status) = (word(&one["error"]), &one["status"]);
        assert!(one["ms"].is_u64() && one["bytes"].is_u64(), "{one}");
        let (purpose, method) = (word(&one["purpose"]), word(&one["method"]));
        format!("{purpose} {method} {file} {status}: {arrived}{error}")
    };
    let retrievals = finding["retrievals"].as_array().expect("a list").iter().map(told).collect();
    (output.status.code(), finding, retrievals)
}

const USUAL: &str = "--chain client.pem intermediates.pem --anchor roots.pem";

#[test]
fn what_is_missing_is_fetched_and_listed() {
    let served = Served::with(&scenario(), &[]);
    let (status, finding, retrievals) = says(&served, USUAL);
    assert_eq!((status, &finding["status"]), (Some(0), &json!("good")), "{finding:#}");
    assert_eq!(
        retrievals,
        [
            "ocsp GET ocsp 200: OCSP response: good",
            "base GET LAB-CA.crl 200: CRL of CN=LAB-CA",
            "delta GET LAB-CA+.crl 200: delta CRL of CN=LAB-CA",
            "base GET ROOT-CA.crl 200: CRL of CN=ROOT-CA",
            "delta GET ROOT-CA+.crl 200: delta CRL of CN=ROOT-CA",
        ]
    );
    // Of CRLs at hand nothing is asked for again, and a policy of CRLs alone asks no responder.
    let (_, _, retrievals) = says(&served, &format!("{USUAL} --profile crl-only"));
    assert_eq!(retrievals.len(), 4, "{retrievals:?}");
}

#[test]
fn a_revocation_is_seen_once_it_is_published() {
    let served = Served::with(&scenario(), &[]);
    served.must(200, "POST", "/revoke", &json!({ "identity": "users-1", "reason": 1 }));
    served.must(200, "POST", "/publish", &json!({ "ca": "issuing" }));
    let (status, finding, _) = says(&served, USUAL);
    assert_eq!((status, &finding["status"]), (Some(1), &json!("revoked")), "{finding:#}");
}

#[test]
fn a_missing_intermediate_comes_from_where_the_certificate_says() {
    let served = Served::with(&scenario(), &[]);
    // The file for servers has the intermediate behind the client.
    let both = std::fs::read_to_string(served.file("client.pem")).expect("read");
    let end = "-----END CERTIFICATE-----\n";
    let one = both.split_inclusive(end).next().expect("a certificate");
    std::fs::write(served.file("leaf.pem"), one).expect("written");
    let (status, finding, retrievals) = says(&served, "--chain leaf.pem --anchor roots.pem");
    assert_eq!(status, Some(0), "{finding:#}");
    assert_eq!(retrievals[0], "issuer GET PKI_LAB-CA.crt 200: certificate of CN=LAB-CA");
    assert_eq!(retrievals.len(), 6, "{retrievals:?}");
}

#[test]
fn a_crl_that_is_not_there_leaves_the_status_open() {
    let served = Served::with(&scenario(), &[]);
    let fault = json!({ "on": "issuing.crl", "status": { "status": 404 } });
    served.must(201, "POST", "/faults/gone", &fault);
    let (status, finding, retrievals) = says(&served, &format!("{USUAL} --profile crl-only"));
    assert_eq!((status, &finding["code"]), (Some(3), &json!("nothing_found")), "{finding:#}");
    assert_eq!(retrievals[0], "base GET LAB-CA.crl 404: no object");
    // By OCSP it is still good, and the missing CRL is listed all the same.
    let (status, finding, retrievals) = says(&served, USUAL);
    assert_eq!(status, Some(0), "{finding:#}");
    assert!(retrievals.contains(&"base GET LAB-CA.crl 404: no object".to_owned()));
}

#[test]
fn a_responder_that_is_the_ca_certificate_is_told_as_what_it_is() {
    let pointed = "aia.ocsp = [\"http://pki.lab.example/CertEnroll/PKI_LAB-CA.crt\"]";
    let own = "aia.ocsp = [\"http://pki.lab.example/ocsp\"]";
    let scenario =
        scenario().replace(own, pointed).replace("responder = { validity = \"1h\" }", "");
    let served = Served::with(&scenario, &[]);
    let (status, finding, retrievals) = says(&served, &format!("{USUAL} --profile ocsp-only"));
    assert_eq!(status, Some(3), "{finding:#}");
    let ocsp: Vec<&String> = retrievals.iter().filter(|one| one.starts_with("ocsp")).collect();
    // The path of a GET lies below the certificate's; a POST to it may be answered with anything.
    let [get, post] = ocsp.as_slice() else { panic!("{retrievals:?}") };
    assert!(get.starts_with("ocsp GET PKI_LAB-CA.crt 404: no object"), "{get}");
    assert!(
        post.starts_with("ocsp POST PKI_LAB-CA.crt ") && !post.contains("response: "),
        "{post}"
    );
    assert_eq!(says(&served, USUAL).0, Some(0), "the CRLs are there");
}

#[test]
fn hosts_are_found_where_resolve_says() {
    let served = Served::with(&scenario(), &["--keep-names"]);
    let at =
        |ca: usize| served.ready["cas"][ca]["listens"].as_str().expect("an address").to_owned();
    let hosts: String = [("pki.lab.example", 0), ("root.lab.example", 1)]
        .map(|(host, ca)| format!(" --resolve {host}={}", at(ca)))
        .concat();
    let (status, finding, retrievals) = says(&served, &format!("{USUAL}{hosts}"));
    assert_eq!(status, Some(0), "{finding:#}");
    let first = finding["retrievals"][0]["url"].as_str().expect("a URL");
    assert!(first.starts_with("http://pki.lab.example"), "{first}");
    assert_eq!(retrievals.len(), 5, "{retrievals:?}");
    // A port at which nobody listens.
    let nobody = " --resolve pki.lab.example=127.0.0.1:9 --resolve root.lab.example=127.0.0.1:9";
    let (status, _, retrievals) = says(&served, &format!("{USUAL}{nobody}"));
    assert_eq!(status, Some(3));
    assert_eq!(retrievals[0], "ocsp GET ocsp null: connection refused");
}

#[test]
fn the_signer_of_an_indirect_crl_is_fetched_by_the_crl() {
    let signed = "delta_period = \"30m\", signer = { name = \"LAB CRL issuer\" }";
    let served = Served::with(&scenario().replace("delta_period = \"30m\"", signed), &[]);
    let (status, finding, retrievals) = says(&served, &format!("{USUAL} --profile crl-only"));
    assert_eq!(status, Some(0), "{finding:#}");
    let issuers: Vec<&String> = retrievals.iter().filter(|r| r.starts_with("issuer")).collect();
    let [issuer] = issuers.as_slice() else { panic!("{retrievals:?}") };
    assert!(issuer.ends_with("200: certificate of CN=LAB CRL issuer"), "{issuer}");
    // Where nobody but the issuer may sign, its certificate would be of no use.
    let (_, _, retrievals) = says(&served, &format!("{USUAL} --profile windows-2008r2"));
    assert!(!retrievals.iter().any(|r| r.starts_with("issuer")), "{retrievals:?}");
}
