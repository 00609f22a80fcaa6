//! The control API: every path and method of its description, as a program would use it.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::client::{Answer, Served, ask, get};

/// Asks, and remembers what has been asked for.
struct Api {
    served: Served,
    asked: RefCell<BTreeSet<(String, String)>>,
}

impl Api {
    fn new() -> Api {
        Api { served: Served::new(), asked: RefCell::default() }
    }

    /// `template` as the description has it; `x` stands for `{name}`.
    fn ask(&self, method: &str, template: &str, name: &str, body: &Json) -> Answer {
        self.asked.borrow_mut().insert((method.to_owned(), template.to_owned()));
        self.served.api(method, &template.replace("{name}", name), body)
    }

    fn must(&self, status: u16, method: &str, template: &str, body: &Json) -> Json {
        let answer = self.ask(method, template, "slow", body);
        assert_eq!(answer.status, status, "{method} {template}: {}", answer.text());
        if answer.body.is_empty() { Json::Null } else { answer.json() }
    }
}

const NONE: &Json = &Json::Null;

#[test]
fn every_path_and_method_of_the_description_does_what_it_says() {
    let api = Api::new();
    assert_eq!(api.must(200, "GET", "/healthz", NONE), json!({ "status": "ok" }));

    // Faults come, change, go.
    let slow = json!({ "on": "issuing.crl", "latency": { "latency": "1ms" } });
    let made = api.must(201, "POST", "/faults/{name}", &slow);
    assert_eq!((&made["on"], &made["latency"]["latency"]), (&json!("issuing.crl"), &json!("1ms")));
    assert!(made["from"].as_str().is_some_and(|from| from.ends_with('Z')), "{made}");
    assert_eq!(api.must(200, "GET", "/faults/{name}", NONE), made);
    api.must(409, "POST", "/faults/{name}", &slow);
    assert_eq!(get(&api.served.url("base")).expect("a CRL").status, 200);
    let change = json!({ "latency": null, "status": { "status": 503 } });
    let changed = api.must(200, "PATCH", "/faults/{name}", &change);
    assert_eq!((&changed["status"]["status"], &changed["latency"]), (&json!(503), NONE));
    assert_eq!(get(&api.served.url("base")).expect("a page").status, 503);
    api.must(204, "DELETE", "/faults/{name}", NONE);
    api.must(404, "GET", "/faults/{name}", NONE);
    api.must(404, "PATCH", "/faults/{name}", &json!({}));
    assert_eq!(get(&api.served.url("base")).expect("a CRL").status, 200);

    // A file of faults, as toxiproxy's users know it.
    let file = json!({
        "slow": { "on": "issuing.ocsp", "latency": { "latency": "1ms" } },
        "gone": { "on": "issuing.delta", "status": { "status": 404 } },
    });
    let all = api.must(201, "POST", "/populate", &file);
    assert_eq!(all.as_object().map(serde_json::Map::len), Some(2));
    let other = json!({ "gone": { "on": "issuing.delta", "reset_peer": {} } });
    let all = api.must(201, "POST", "/populate", &other);
    assert!(all["gone"]["status"].is_null() && all["slow"]["on"] == "issuing.ocsp", "{all}");
    assert_eq!(api.must(200, "GET", "/faults", NONE), all);
    assert!(get(&api.served.url("delta")).is_err(), "reset");
    let state = api.must(200, "GET", "/state", NONE);
    assert_eq!(state["active_faults"], json!(["gone", "slow"]));
    assert_eq!(api.must(200, "POST", "/heal", NONE), json!({ "healed": ["slow", "gone"] }));
    assert_eq!(api.must(200, "DELETE", "/faults", NONE), json!({ "healed": [] }));
    assert_eq!(get(&api.served.url("delta")).expect("a delta").status, 200);

    // Certificates.
    let revoked = api.must(200, "POST", "/revoke", &json!({ "identity": "users-1", "reason": 1 }));
    assert_eq!((&revoked["status"], &revoked["reason"]), (&json!("revoked"), &json!(1)));
    api.must(409, "POST", "/revoke", &json!({ "identity": "users-1" }));
    api.must(404, "POST", "/revoke", &json!({ "identity": "nobody" }));
    let held = api.must(200, "POST", "/hold", &json!({ "serial": serial(&api, "users-2") }));
    assert_eq!((&held["name"], &held["reason"]), (&json!("users-2"), &json!(6)));

    let released = api.must(200, "POST", "/release", &json!({ "identity": "users-2" }));
    assert_eq!((&released["status"], &released["reason"]), (&json!("good"), NONE));
    api.must(409, "POST", "/release", &json!({ "identity": "users-2" }));
    api.must(200, "POST", "/hold", &json!({ "identity": "users-2" }));

    // Publication and time.
    let before = api.must(200, "GET", "/state", NONE);
    let before = &before["cas"]["issuing"]["published"]["base"];
    let published = api.must(200, "POST", "/publish", &json!({ "ca": "issuing" }));
    assert_eq!(before["entries"], 0);
    assert_eq!(published["base"]["entries"], 2);
    assert!(published["base"]["number"].as_u64() > before["number"].as_u64());
    api.must(404, "POST", "/publish", &json!({ "ca": "isuing" }));
    let number = published["base"]["number"].as_u64();
    assert_eq!(api.must(200, "POST", "/clock", &json!({ "by": "2h" }))["ahead"], "2h");
    let later = api.must(200, "GET", "/state", NONE);
    assert!(later["cas"]["issuing"]["published"]["base"]["number"].as_u64() > number);

    let number = later["cas"]["issuing"]["published"]["base"]["number"].as_u64();
    api.must(200, "POST", "/skip", &json!({ "base": true }));
    api.must(200, "POST", "/skip", &json!({ "base": false }));
    api.must(200, "POST", "/postpone", &json!({ "by": "1h" }));
    api.must(400, "POST", "/postpone", &json!({ "by": "-1h" }));
    api.must(200, "POST", "/clock", &json!({ "by": "1h 10m" }));
    let state = api.must(200, "GET", "/state", NONE);
    assert_eq!(state["cas"]["issuing"]["published"]["base"]["number"].as_u64(), number, "skipped");
    api.must(200, "POST", "/publish", NONE);
    api.must(200, "POST", "/restore", &json!({ "back": 1 }));

    // What has been asked.
    let journal = api.must(200, "GET", "/journal", NONE);
    let entries = journal["entries"].as_array().expect("entries");
    let met = entries.iter().find(|entry| entry["status"] == 503).expect("the page");
    assert_eq!((&met["faults"], &met["purpose"]), (&json!(["slow"]), &json!("base")));
    assert!(
        entries
            .iter()
            .any(|entry| entry["outcome"] == "reset" && entry["faults"] == json!(["gone"]))
    );
    let metrics = api.ask("GET", "/metrics", "", NONE);
    assert!(
        metrics.field("content-type").is_some_and(|t| t.starts_with("text/plain; version=0.0.4"))
    );
    let text = metrics.text();
    for line in [
        "revlab_requests_total{ca=\"issuing\",purpose=\"base\",status=\"503\"} 1",
        "revlab_requests_total{ca=\"issuing\",purpose=\"delta\",status=\"reset\"} 1",
        "revlab_faults_met_total{fault=\"gone\"} 1",
        "# TYPE revlab_publications_total counter",
    ] {
        assert!(text.lines().any(|there| there == line), "{line}\n{text}");
    }
    api.must(204, "DELETE", "/journal", NONE);
    let journal = api.must(200, "GET", "/journal", NONE);
    assert_eq!((&journal["entries"], &journal["dropped"]), (&json!([]), &json!(0)));
    assert!(journal["start"].as_str().is_some_and(|at| at.ends_with(".000Z")), "{journal}");

    // Back to the beginning.
    let state = api.must(200, "POST", "/reset", NONE);
    assert_eq!((&state["ahead"], &state["faults"]), (&json!("0s"), &json!([])));
    let all = api.must(200, "GET", "/certificates", NONE);
    let all = all.as_array().expect("a list");
    assert!(all.iter().all(|certificate| certificate["status"] == "good"), "{all:?}");

    // Nothing of the description has been left out.
    let description = api.must(200, "GET", "/openapi.json", NONE);
    let mut described = BTreeSet::new();
    for (path, methods) in description["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys().filter(|m| *m != "parameters") {
            described.insert((method.to_ascii_uppercase(), path.clone()));
        }
    }
    assert_eq!(*api.asked.borrow(), described);
}

fn serial(api: &Api, name: &str) -> String {
    let all = api.must(200, "GET", "/certificates", NONE);
    let of = all.as_array().expect("a list").iter().find(|c| c["name"] == name);
    of.expect("issued")["serial"].as_str().expect("hex").to_ascii_uppercase()
}

#[test]
fn without_the_token_nothing_is_learnt() {
    let api = Api::new();
    let description = api.must(200, "GET", "/openapi.json", NONE);
    let wrong = format!("Bearer {}", "0".repeat(64));
    for (path, methods) in description["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys().filter(|m| *m != "parameters") {
            let url = format!("{}{}", api.served.control(), path.replace("{name}", "x"));
            let method = method.to_ascii_uppercase();
            for fields in [&[][..], &[("Authorization", wrong.as_str())]] {
                let answer = ask(&method, &url, fields, b"").expect("an answer");
                if path == "/healthz" {
                    assert_eq!(answer.status, 200);
                    continue;
                }
                assert_eq!(answer.status, 401, "{method} {path}");
                assert_eq!(answer.field("www-authenticate"), Some("Bearer realm=\"revlab\""));
                assert_eq!(answer.json()["status"], 401);
            }
        }
    }
    let unknown = get(&format!("{}/nothing-here", api.served.control())).expect("an answer");
    assert_eq!(unknown.status, 401, "not even what is not there");
}

#[test]
fn mistakes_in_a_fault_are_told_as_those_of_a_scenario() {
    let served = Served::new();
    let answer = served.api("POST", "/faults/bad", &json!({ "on": "isuing.crl", "donw": {} }));
    assert_eq!(answer.status, 422);
    assert_eq!(answer.field("content-type"), Some("application/problem+json"));
    let problem = answer.json();
    let mistakes = problem["mistakes"].as_array().expect("mistakes");
    let has =
        |text: &str| mistakes.iter().any(|m| m["message"].as_str().unwrap_or("").contains(text));
    assert!(has("there is no CA `isuing`") && has("donw"), "{problem}");
    assert_eq!(served.must(200, "GET", "/faults", NONE), json!({}), "nothing has changed");
    for (method, path, body, status) in [
        ("POST", "/faults/bad", "{", 400),
        ("POST", "/faults/bad", "[]", 400),
        ("POST", "/faults/a%20b", "{\"on\":\"issuing\",\"down\":{}}", 422),
        ("PUT", "/faults/bad", "{}", 405),
        ("GET", "/nothing", "", 404),
        ("POST", "/clock", "{\"by\":\"-1h\"}", 400),
    ] {
        let bearer = format!("Bearer {}", served.token());
        let url = format!("{}{path}", served.control());
        let answer = ask(method, &url, &[("Authorization", &bearer)], body.as_bytes());
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, status, "{method} {path} {body}: {}", answer.text());
        assert_eq!(answer.json()["status"], status);
        assert_eq!(answer.field("allow").is_some(), status == 405);
    }
}
