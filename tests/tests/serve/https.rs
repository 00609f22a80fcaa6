//! `--https`: sites with certificates that nobody should trust.

use serde_json::{Value as Json, json};

use crate::client::{SCENARIO, Served};
use crate::peers::{is_there, said, shell};

#[test]
fn curl_refuses_each_certificate_and_gets_the_crl_where_it_looks_away() {
    if !is_there("curl", "--version", "curl") {
        return;
    }
    let served = Served::with(SCENARIO, &["--https"]);
    let (at, listens) = (served.url("https"), served.url("listens"));
    let url = served.url("base").replace(&format!("http://{listens}"), &format!("https://{at}"));
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let curl = |more: &str| {
        let line = format!("curl -sS {more} -o fetched.crl --cacert roots.pem '{url}'");
        let output = shell(&served, &line);
        (output.status.code(), said(&output))
    };
    assert_eq!(curl("").0, Some(7), "closed until a fault opens it");
    for (wrong, words) in [
        ("self_signed", "self-signed certificate"),
        ("expired", "certificate has expired"),
        ("other_name", "127.0.0.1"),
        ("untrusted", "unable to get local issuer certificate"),
    ] {
        let fault = json!({ "on": "issuing", "https": { "certificate": wrong } });
        served.must(201, "POST", "/faults/f", &fault);
        let (code, text) = curl("");
        assert_eq!(code, Some(60), "{wrong}: {text}");
        assert!(text.contains(words), "{wrong}: {text}");
        let _ = std::fs::remove_file(served.file("fetched.crl"));
        assert_eq!(curl("-kf").0, Some(0), "{wrong}");
        let crl = std::fs::read(served.file("fetched.crl")).expect("fetched");
        assert!(revlab_pki::Crl::parse(&crl).is_ok(), "{wrong}");
        served.must(204, "DELETE", "/faults/f", &Json::Null);
        assert_eq!(curl("-k").0, Some(7), "closed again");
    }
}

#[test]
fn https_urls_of_the_scenario_name_the_port_with_tls() {
    let text = SCENARIO.replace("http://pki.lab.example/ocsp", "https://pki.lab.example/ocsp");
    let served = Served::with(&text, &["--https"]);
    assert_eq!(served.url("ocsp"), format!("https://{}/ocsp", served.url("https")));
    let without = Served::with(&text, &[]);
    assert_eq!(without.url("ocsp"), "https://pki.lab.example/ocsp", "it leads nowhere");
    assert_eq!(without.ready["cas"][0]["https"], Json::Null);
}
