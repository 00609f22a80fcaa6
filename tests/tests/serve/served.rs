//! What is served, and what is left behind.

use std::io::ErrorKind;

use revlab_lab::Instant;
use revlab_pki::{CertStatus, Certificate, Crl};
use serde_json::{Value as Json, json};

use crate::client::{SCENARIO, Served, apart, get, is_private};

fn certificate(served: &Served, name: &str) -> Certificate {
    let answer = get(&served.url("certificate")).expect("the CA's certificate");
    assert_eq!(answer.status, 200, "{name}");
    Certificate::parse(&answer.body).expect("a certificate")
}

#[test]
fn urls_in_certificates_and_crls_lead_to_what_is_served() {
    let served = Served::new();
    let base = Crl::parse(&get(&served.url("base")).expect("a base").body).expect("a base CRL");
    let delta = Crl::parse(&get(&served.url("delta")).expect("a delta").body).expect("a delta");
    assert_eq!(base.freshest_crl_urls().len(), 1);
    assert_eq!(base.freshest_crl_urls()[0].to_string(), served.url("delta"));
    assert!(delta.base_number().is_some());
    let issuer = certificate(&served, "issuing");
    assert_eq!(base.issuer(), issuer.subject());
    for url in ["base", "delta", "certificate", "ocsp"] {
        let url = served.url(url);
        let (authority, _) = apart(&url);
        assert_eq!(authority, served.ready["cas"][0]["listens"], "{url}");
        assert!(authority.starts_with("127.0.0.1:"), "{url}");
    }
}

#[test]
fn what_is_served_is_valid_now() {
    let served = Served::new();
    let state = served.must(200, "GET", "/state", &Json::Null);
    let at = |json: &Json| json.as_str().and_then(|t| t.parse::<Instant>().ok()).expect("a time");
    let (start, now) = (at(&state["start"]), at(&state["now"]));
    let wall = std::time::UNIX_EPOCH;
    #[expect(clippy::disallowed_methods, reason = "served is what real programs find valid")]
    let wall = std::time::SystemTime::now().duration_since(wall).expect("after 1970");
    let wall = Instant::from_millis(wall.as_millis() as i64);
    assert!(start <= now && now <= wall, "{start} {now} {wall}");
    assert!((wall - start).as_secs() < 600, "{start} {wall}");
    let issuer = certificate(&served, "issuing");
    assert!(issuer.not_before() <= start && wall < issuer.not_after());
    let base = &state["cas"]["issuing"]["published"]["base"];
    assert!(at(&base["this_update"]) <= now && now < at(&base["next_update"]), "{base}");
}

/// Keys are fresh unless they are asked for; then the same bytes come at the same time.
#[test]
fn at_another_time_the_same_keys_give_the_same_bytes() {
    let fresh = ["--at", "2024-03-01T00:00:00Z", "--keep-names"];
    let same = [&fresh[..], &["--reproducible-keys"]].concat();
    let bytes = |options: &[&str]| {
        let served = Served::with(SCENARIO, options);
        let warned = served.ready["warnings"].to_string().contains("--reproducible-keys");
        assert_eq!(warned, options.contains(&"--reproducible-keys"));
        let listens = served.url("listens");
        let path = apart(&served.url("base")).1.to_owned();
        assert_eq!(served.url("base"), format!("http://pki.lab.example{path}"));
        get(&format!("http://{listens}{path}")).expect("a CRL").body
    };
    let [one, two] = [&same, &same].map(|options| bytes(options));
    assert!(one == two);
    let [other, another] = [bytes(&fresh), bytes(&fresh)];
    let authority = |der: &[u8]| Crl::parse(der).expect("a CRL").authority_key_id().map(Vec::from);
    assert_ne!(authority(&one), authority(&other));
    assert_ne!(authority(&other), authority(&another));
    assert!(Crl::parse(&one).is_ok());
}

#[test]
fn secrets_are_in_the_runs_folder_and_nobody_elses_to_read() {
    let served = Served::new();
    let mut names: Vec<String> = std::fs::read_dir(served.run_folder())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    for name in [
        "ca-issuing.pem",
        "client.key",
        "client.pem",
        "roots.pem",
        "server.key",
        "server.pem",
        "token",
    ] {
        assert!(names.iter().any(|there| there == name), "{name}: {names:?}");
    }
    for name in ["token", "client.key", "client.p12", "server.key", "server.p12"] {
        assert!(is_private(&served.file(name)), "{name}");
    }
    assert!(!served.ready.to_string().contains(&served.token()), "the token is not printed");
}

#[test]
fn no_path_leads_out_of_what_is_served() {
    let served = Served::new();
    let listens = format!("http://{}", served.url("listens"));
    let token = served.token();
    for path in [
        "/../../../../../../etc/passwd",
        "/CertEnroll/../../../../etc/passwd",
        "/CertEnroll/..%2f..%2f..%2fetc%2fpasswd",
        "/CertEnroll/%2e%2e/%2e%2e/token",
        "//etc/passwd",
        "/token",
        "/run/token",
        "/client.key",
        "/CertEnroll/",
        "/",
    ] {
        for base in [listens.as_str(), served.control()] {
            let answer = get(&format!("{base}{path}")).expect("an answer");
            assert!(matches!(answer.status, 400 | 401 | 404), "{path}: {answer:?}");
            let text = answer.text();
            assert!(!text.contains("root:") && !text.contains(&token), "{path}");
        }
    }
}

#[test]
fn a_site_that_is_down_refuses_connections_until_it_is_healed() {
    let served = Served::new();
    let base = served.url("base");
    served.must(201, "POST", "/faults/gone", &json!({ "on": "issuing", "down": {} }));
    let refused = get(&base).expect_err("nobody listens");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    served.must(200, "POST", "/heal", &Json::Null);
    assert_eq!(get(&base).expect("an answer").status, 200);
}

#[test]
fn operations_of_the_scenario_are_done_at_their_time() {
    let revoked = format!(
        "{SCENARIO}[operation.stolen]\non = \"issuing\"\nat = \"10m\"\n\
         revoke = {{ identity = \"users-2\", reason = 1 }}\n"
    );
    let served = Served::with(&revoked, &[]);
    let status = || {
        let all = served.must(200, "GET", "/certificates", &Json::Null);
        let of = all.as_array().expect("a list").iter().find(|c| c["name"] == "users-2");
        of.expect("users-2")["status"].clone()
    };
    assert_eq!(status(), "good");
    served.must(200, "POST", "/clock", &json!({ "by": "11m" }));
    assert_eq!(status(), "revoked");
}

#[test]
fn a_signal_ends_it_without_a_fuss() {
    for signal in ["-INT", "-TERM"] {
        let mut served = Served::new();
        let base = served.url("base");
        let ended = served.signal(signal);
        assert_eq!(ended.code(), Some(0), "{signal}");
        assert_eq!(get(&base).expect_err("closed").kind(), ErrorKind::ConnectionRefused);
        assert!(served.file("client.pem").exists(), "what was asked for is kept");
    }
}

#[test]
fn an_ocsp_answer_knows_of_a_revocation_at_once() {
    let served = Served::new();
    let pem = std::fs::read_to_string(served.file("client.pem")).expect("a credential");
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"));
    let all = served.must(200, "GET", "/certificates", &Json::Null);
    let serial = all.as_array().expect("a list").iter().find(|c| c["name"] == "users-1");
    let serial = serial.expect("users-1")["serial"].as_str().expect("hex").to_owned();
    let issuer = certificate(&served, "issuing");
    let octets = |text: &str| -> Vec<u8> {
        (0..text.len() / 2)
            .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hex"))
            .collect()
    };
    let hash = revlab_pki::CertIdHash::Sha1;
    let id = revlab_pki::CertId {
        hash,
        issuer_name_hash: hash.of(issuer.subject().as_der()),
        issuer_key_hash: hash.of(issuer.public_key_bits().expect("a key")),
        serial: octets(&serial),
    };
    let request = revlab_pki::OcspRequest::of(id.clone());
    let url = request.url(&served.url("ocsp").parse().expect("a URL")).expect("a URL");
    let status = || {
        let answer = get(url.as_str()).expect("an answer");
        let response = revlab_pki::OcspResponse::parse(&answer.body).expect("an OCSP response");
        response.find(&id).expect("about this one").status
    };
    assert_eq!(status(), CertStatus::Good);
    served.must(200, "POST", "/revoke", &json!({ "serial": serial, "reason": 4 }));
    assert!(matches!(status(), CertStatus::Revoked { reason: Some(4), .. }));

    let journal = served.must(200, "GET", "/journal", &Json::Null);
    let entries = journal["entries"].as_array().expect("entries");
    let last = entries.last().expect("one");
    assert_eq!(last["purpose"], "ocsp");
    assert_eq!(last["ocsp"][0]["certificate"], "users-1");
    assert_eq!(last["ocsp"][0]["serial"], serial.as_str());
    assert_eq!(last["ocsp"][0]["ca"], "issuing");
}
