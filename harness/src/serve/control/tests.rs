use proptest::prelude::*;
use serde_json::json;

use super::*;

fn status(method: &str, target: &str, body: &str) -> u16 {
    route(method, target, body.as_bytes()).map_or_else(|problem| problem.status, |_| 200)
}

#[test]
fn a_path_without_that_method_names_those_it_has() {
    let problem = route("PUT", "/faults/slow", b"").unwrap_err();
    assert_eq!(problem.status, 405);
    assert_eq!(problem.allow.as_deref(), Some("DELETE, GET, PATCH, POST"));
    for path in ["/", "", "/fault", "/faults/", "/faults/a/b", "/faults/%ff", "//healthz"] {
        assert_eq!(status("GET", path, ""), 404, "{path}");
    }
}

#[test]
fn a_name_in_a_path_is_decoded() {
    assert_eq!(route("GET", "/faults/a%2Db", b""), Ok(Command::Fault("a-b".into())));
}

#[test]
fn only_health_needs_no_token() {
    let open: Vec<_> = routes().filter(|(method, path)| is_open(method, path)).collect();
    assert_eq!(open, [("GET", "/healthz")]);
}

#[test]
fn a_certificate_is_named_in_one_way() {
    let which = |body: Json| match route("POST", "/revoke", body.to_string().as_bytes()) {
        Ok(Command::Revoke { which, reason }) => Ok((which, reason)),
        Ok(other) => panic!("{other:?}"),
        Err(problem) => Err(problem.status),
    };
    let by_name = Which::Identity("users-1".into());
    assert_eq!(which(json!({ "identity": "users-1", "reason": 1 })), Ok((by_name, Some(1))));
    let by_serial = Which::Serial { ca: None, serial: "0a".into() };
    assert_eq!(which(json!({ "serial": "0a" })), Ok((by_serial, None)));
    for wrong in [
        json!({}),
        json!({ "ca": "issuing" }),
        json!({ "identity": "users-1", "serial": "0a" }),
        json!({ "identity": "users-1", "reason": 7 }),
        json!({ "identity": "users-1", "raeson": 1 }),
        json!([]),
    ] {
        assert_eq!(which(wrong.clone()), Err(400), "{wrong}");
    }
    assert_eq!(status("POST", "/hold", r#"{"identity":"users-1","reason":1}"#), 400);
}

#[test]
fn what_is_too_large_or_runs_backwards_is_refused() {
    assert_eq!(status("POST", "/populate", &" ".repeat(BODY_MOST + 1)), 413);
    for by in ["-1m", "0s", "11000d", "soon"] {
        assert_eq!(status("POST", "/clock", &json!({ "by": by }).to_string()), 400, "{by}");
    }
    assert_eq!(
        route("POST", "/clock", br#"{"by":"3h"}"#),
        Ok(Command::Clock { ca: None, by: Span::from_hours(3) })
    );
    let back = Command::Clock { ca: Some("issuing".into()), by: Span::from_mins(-5) };
    assert_eq!(route("POST", "/clock", br#"{"ca":"issuing","by":"-5m"}"#), Ok(back));
    for by in ["0s", "-0s", "11000d", "-11000d", "--5m", "- 5m"] {
        let body = json!({ "ca": "issuing", "by": by }).to_string();
        assert_eq!(status("POST", "/clock", &body), 400, "{by}");
    }
    assert_eq!(route("GET", "/journal?limit=3", b""), Ok(Command::Journal { limit: 3 }));
    assert_eq!(status("GET", "/journal?limit=-3", ""), 400);
    assert_eq!(status("GET", "/journal?x", ""), 400);
}

#[test]
fn without_a_body_the_usual_is_meant() {
    assert_eq!(route("POST", "/publish", b""), Ok(Command::Publish { ca: None, base: true }));
    assert_eq!(route("POST", "/heal", b"{}"), Ok(Command::Heal));
    assert_eq!(status("POST", "/heal", "[1]"), 400);
}

proptest! {
    #[test]
    fn no_request_makes_it_panic(
        method in "[A-Z]{1,7}",
        target in "(/[a-z%0-9.]{0,12}){0,3}(\\?.{0,10})?",
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = route(&method, &target, &body);
    }

    #[test]
    fn every_answer_is_a_command_or_a_problem_with_its_status(
        index in 0usize..ROUTES.len(),
        body in "\\{.{0,60}\\}",
    ) {
        let (method, path, _) = ROUTES[index];
        if let Err(problem) = route(method, &path.replace("{name}", "x"), body.as_bytes()) {
            prop_assert!(matches!(problem.status, 400 | 413), "{:?}", problem);
        }
    }
}
