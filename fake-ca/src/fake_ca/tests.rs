//! The CAs as the harness drives them.

use proptest::prelude::*;
use revlab_lab::http::Method;
use revlab_lab::trace::Publish;
use revlab_lab::{Item, Span};
use revlab_pki::{CertId, CertStatus, Crl, KeyAlgorithm, OcspRequest, OcspResponse, Verifier};

use super::*;
use crate::fault::Effect;
use crate::fault::{Caller, Endpoint, Meeting, Ruling, Target};
use crate::sample::{self, START};

const OCSP: &str = "http://ocsp.example/ocsp";
const CRT: &str = "http://win-msprl0t325o/CertEnroll/WIN-MSPRL0T325O_XXX-CA(1).crt";

fn fake_ca(configs: Vec<CaConfig>) -> FakeCa {
    FakeCa::new(configs, Vec::new(), Seed(1), START).unwrap()
}

fn client(ca: &mut FakeCa) -> Certificate {
    let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "client");
    ca.issue("issuing", "client", Usage::Client, &key, &[]).unwrap()
}

/// What one event brings: replies and records.
fn decide(ca: &mut FakeCa, now: Instant, event: CaEvent) -> (Vec<Reply>, Vec<Publish>) {
    let mut out = Out::new();
    ca.decide(now, event, &mut out);
    let (mut replies, mut records) = (Vec::new(), Vec::new());
    for item in out.drain() {
        match item {
            Item::Do(CaAction::Reply { fetch, reply }) => {
                assert_eq!(fetch, 7);
                replies.push(reply);
            }
            Item::Trace(Kind::Publish(publish)) => records.push(publish),
            Item::Trace(other) => panic!("a CA does not trace {other:?}"),
        }
    }
    (replies, records)
}

fn ask(ca: &mut FakeCa, now: Instant, request: Request) -> Reply {
    decide(ca, now, CaEvent::Request { fetch: 7, request, defects: Defects::default() }).0.remove(0)
}

fn get(url: &str) -> Request {
    Request::get(url.parse().unwrap())
}

/// Wakes until `until`; everything that went on record.
fn run(ca: &mut FakeCa, until: Instant) -> Vec<Publish> {
    let mut records = Vec::new();
    while let Some(at) = ca.next_wakeup().filter(|at| *at <= until) {
        records.extend(decide(ca, at, CaEvent::Wake).1);
    }
    records
}

fn operate(ca: &mut FakeCa, now: Instant, operation: CaOperation) -> Vec<Publish> {
    decide(ca, now, CaEvent::Operation { ca: "issuing".into(), operation }).1
}

fn mins(n: i64) -> Instant {
    START + Span::from_mins(n)
}

#[test]
fn the_first_hour_of_the_incidents_ca() {
    let mut ca = fake_ca(vec![sample::issuing()]);
    let records = run(&mut ca, START + Span::from_hours(1));
    let lines: Vec<String> = records
        .iter()
        .map(|p| {
            let number = p.number.unwrap_or(0);
            let since = p.base_number.map(|base| format!(" since {base}")).unwrap_or_default();
            let (from, to) = (p.this_update, p.next_update.unwrap_or(p.this_update));
            format!("{}: {} {number}{since}, {from} to {to}", p.id, p.what.as_str())
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    1: base 5, 2014-04-15T22:55:00.000Z to 2014-04-16T00:30:00.000Z
    2: delta 6 since 5, 2014-04-15T23:25:00.000Z to 2014-04-16T00:30:00.000Z
    3: base 7, 2014-04-15T23:55:00.000Z to 2014-04-16T01:30:00.000Z
    4: delta 7 since 5, 2014-04-15T23:55:00.000Z to 2014-04-16T01:00:00.000Z
    5: delta 8 since 7, 2014-04-16T00:25:00.000Z to 2014-04-16T01:30:00.000Z
    ");
}

#[test]
fn what_is_published_at_the_start_itself_goes_on_record_once() {
    let mut config = sample::issuing();
    (config.crl.phase, config.crl.delta_phase) = (Span::ZERO, Span::ZERO);
    let mut ca = fake_ca(vec![config]);
    let records = run(&mut ca, START);
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|p| p.this_update == START - Span::from_mins(10)));
}

#[test]
fn two_cas_announce_by_name() {
    let mut ca = fake_ca(vec![sample::root(), sample::subordinate()]);
    let records = run(&mut ca, START);
    let order: Vec<_> = records.iter().map(|p| (p.id, &*p.ca, p.what)).collect();
    let expected =
        [(1, "issuing", Purpose::Base), (2, "issuing", Purpose::Delta), (3, "root", Purpose::Base)];
    assert_eq!(order, expected);
    let chain = ca.chain("issuing");
    assert_eq!(chain.len(), 2);
    assert_eq!(chain.first().map(Certificate::issuer), chain.last().map(Certificate::subject));
}

#[test]
fn the_site_serves_what_was_last_published() {
    let mut ca = fake_ca(vec![sample::issuing()]);
    run(&mut ca, START);
    let url = "http://win-msprl0t325o/CertEnroll/XXX-CA(1).crl";
    let number = |reply: Reply| Crl::parse(&reply.body).unwrap().number();
    let before = number(ask(&mut ca, mins(4), get(url)));
    // A request at the instant of a publication comes after it, even before the wake-up.
    let after = number(ask(&mut ca, mins(5), get(url)));
    assert_eq!(after, before.map(|n| n + 2));
}

#[test]
fn a_revocation_at_the_instant_of_a_publication_is_in_it() {
    let mut ca = fake_ca(vec![sample::issuing()]);
    let serial = client(&mut ca).serial().to_vec();
    run(&mut ca, START);
    let revoke =
        CaOperation::Revoke { serial: serial.clone(), reason: None, extensions: Vec::new() };
    assert!(operate(&mut ca, mins(5), revoke).is_empty());
    assert!(run(&mut ca, mins(5)).iter().all(|p| p.entries == 1));
}

#[test]
fn publishing_by_hand_goes_on_record_and_rearms_the_timers() {
    let mut ca = fake_ca(vec![sample::issuing()]);
    run(&mut ca, START);
    let records = operate(&mut ca, mins(1), CaOperation::Publish { base: false });
    assert_eq!(records.iter().map(|p| p.what).collect::<Vec<_>>(), [Purpose::Delta]);
    let next = run(&mut ca, mins(31));
    assert_eq!(next.iter().map(|p| p.what).collect::<Vec<_>>(), [Purpose::Base, Purpose::Delta]);
}

#[test]
fn a_misconfigured_ocsp_url_is_answered_by_the_web_site() {
    let mut config = sample::issuing();
    config.aia.ocsp = vec![CRT.parse().unwrap()];
    let mut ca = fake_ca(vec![config]);
    let below = get(&format!("{CRT}/MFEwTzBN"));
    let purpose = ca.purpose(&below);
    assert_eq!(purpose, Some(("issuing".into(), Purpose::Ocsp)));
    assert_eq!(ask(&mut ca, START, below).status, 404);
    let post = Request { method: Method::Post, ..get(CRT) };
    assert_eq!(ask(&mut ca, START, post).status, 405);
    assert_eq!(ca.purpose(&get(CRT)), Some(("issuing".into(), Purpose::Issuer)));
    assert_eq!(ask(&mut ca, START, get(CRT)).status, 200);
}

#[test]
fn the_certificate_without_suffix_stays_on_the_site_of_a_renewed_ca() {
    const OLDER: &str = "http://win-msprl0t325o/CertEnroll/WIN-MSPRL0T325O_XXX-CA.crt";
    let mut config = sample::issuing();
    let mut ca = fake_ca(vec![config.clone()]);
    let (older, newer) = (ask(&mut ca, START, get(OLDER)), ask(&mut ca, START, get(CRT)));
    assert_eq!((older.status, newer.status), (200, 200));
    assert_ne!(older.body, newer.body);
    let before = Certificate::parse(&older.body).unwrap();
    assert_eq!(before.subject(), ca.certificate("issuing").unwrap().subject());
    assert_eq!(ca.purpose(&get(OLDER)), Some(("issuing".into(), Purpose::Issuer)));

    config.aia.ocsp = vec![OLDER.parse().unwrap()];
    let mut ca = fake_ca(vec![config]);
    let below = get(&format!("{OLDER}/MFEwTzBN"));
    assert_eq!(ca.purpose(&below), Some(("issuing".into(), Purpose::Ocsp)));
    assert_eq!(ask(&mut ca, START, below).status, 404);
    let post = Request { method: Method::Post, ..get(OLDER) };
    assert_eq!(ca.purpose(&post), Some(("issuing".into(), Purpose::Ocsp)));
    let reply = ask(&mut ca, START, post);
    assert_eq!((reply.status, reply.header("Allow").is_some()), (405, true));
}

#[test]
fn a_certificate_without_suffix_is_that_of_the_ca_whose_own_file_it_is() {
    const OLDER: &str = "http://win-msprl0t325o/CertEnroll/WIN-MSPRL0T325O_XXX-CA.crt";
    let before = CaConfig { name: "older".into(), key_index: 0, ..sample::issuing() };
    let mut ca = fake_ca(vec![sample::issuing(), before]);
    let own = ca.certificate("older").unwrap().der().to_vec();
    assert_eq!(*ask(&mut ca, START, get(OLDER)).body, *own);
    assert_eq!(ca.purpose(&get(OLDER)), Some(("older".into(), Purpose::Issuer)));
}

fn ocsp_get(ca: &FakeCa, certificate: &Certificate, at: &str) -> (Request, CertId) {
    let id = CertId::new(certificate, ca.certificate("issuing").unwrap());
    let url = OcspRequest::of(id.clone()).url(&at.parse().unwrap()).unwrap();
    (Request::get(url), id)
}

#[test]
fn the_responder_says_good_then_revoked_at_once() {
    let mut ca = fake_ca(vec![sample::with_responder(OCSP)]);
    assert_eq!(ca.hosts(), ["win-msprl0t325o", "ocsp.example"]);
    let certificate = client(&mut ca);
    let (request, id) = ocsp_get(&ca, &certificate, OCSP);
    let reply = ask(&mut ca, START, request.clone());
    let response = OcspResponse::parse(&reply.body).unwrap();
    assert_eq!(response.find(&id).map(|a| a.status), Some(CertStatus::Good));
    let key = ca.certificate("issuing").unwrap().public_key_info();
    assert!(Verifier::new().verify(key, response.tbs(), response.signature()));
    let caching = reply.header("Cache-Control");
    assert_eq!(caching, Some("max-age=3600,public,no-transform,must-revalidate"));

    let serial = certificate.serial().to_vec();
    operate(
        &mut ca,
        mins(1),
        CaOperation::Revoke { serial, reason: Some(1), extensions: Vec::new() },
    );
    let reply = ask(&mut ca, mins(1), request);
    let status = OcspResponse::parse(&reply.body).unwrap().find(&id).map(|a| a.status);
    assert_eq!(status, Some(CertStatus::Revoked { at: mins(1), reason: Some(1) }));
}

#[test]
fn an_answer_goes_on_record_once_for_each_of_its_windows() {
    let mut ca = fake_ca(vec![sample::with_responder(OCSP)]);
    let certificate = client(&mut ca);
    run(&mut ca, START);
    let (request, _) = ocsp_get(&ca, &certificate, OCSP);
    let mut new_at = |at| {
        let event =
            CaEvent::Request { fetch: 7, request: request.clone(), defects: Defects::default() };
        let (_, records) = decide(&mut ca, at, event);
        records.iter().filter(|p| p.what == Purpose::Ocsp).count()
    };
    let counts: Vec<_> = [0, 10, 30, 31, 60].map(|n| new_at(mins(n))).into();
    assert_eq!(counts, [1, 0, 0, 1, 0], "an answer lives for an hour and is given for half of it");
}

#[test]
fn a_post_is_answered_like_a_get_and_garbage_is_malformed() {
    let mut ca = fake_ca(vec![sample::with_responder(OCSP)]);
    let certificate = client(&mut ca);
    let (by_get, id) = ocsp_get(&ca, &certificate, OCSP);
    let post = |body: Vec<u8>, kind: &str| Request {
        method: Method::Post,
        headers: vec![("Content-Type".to_owned(), kind.to_owned())],
        body,
        ..get(OCSP)
    };
    let request = OcspRequest::of(id).der();
    let by_post = ask(&mut ca, START, post(request.clone(), "application/ocsp-request"));
    assert_eq!(by_post, ask(&mut ca, START, by_get));
    for garbage in
        [post(b"garbage".to_vec(), "application/ocsp-request"), get(&format!("{OCSP}/AA"))]
    {
        let reply = ask(&mut ca, START, garbage);
        assert_eq!(OcspResponse::parse(&reply.body).map(|r| r.status()), Ok(1));
    }
    assert_eq!(ask(&mut ca, START, post(request, "text/plain")).status, 404);
}

#[test]
fn the_responder_knows_what_its_ca_issued_and_no_other_ca() {
    let mut ca = fake_ca(vec![sample::with_responder(OCSP), sample::root()]);
    let certificate = client(&mut ca);
    let (_, mut id) = ocsp_get(&ca, &certificate, OCSP);
    id.serial = vec![0x42];
    let ask_for = |ca: &mut FakeCa, id: &CertId| {
        let url = OcspRequest::of(id.clone()).url(&OCSP.parse().unwrap()).unwrap();
        OcspResponse::parse(&ask(ca, START, Request::get(url)).body).unwrap()
    };
    let unknown = ask_for(&mut ca, &id).find(&id).map(|a| a.status);
    assert_eq!(unknown, Some(CertStatus::Unknown));
    id.issuer_key_hash = vec![0; 20];
    assert_eq!(ask_for(&mut ca, &id).status(), 6);
}

#[test]
fn a_responder_takes_over_a_misconfigured_url_from_its_time_on() {
    let mut config = sample::with_responder(CRT);
    config.responder.as_mut().unwrap().from = Some(mins(10));
    let mut ca = fake_ca(vec![config]);
    let certificate = client(&mut ca);
    let (request, id) = ocsp_get(&ca, &certificate, CRT);
    assert_eq!(ask(&mut ca, mins(9), request.clone()).status, 404);
    let reply = ask(&mut ca, mins(10), request);
    assert!(OcspResponse::parse(&reply.body).unwrap().find(&id).is_some());
    assert_eq!(
        ask(&mut ca, mins(10), get(CRT)).header("Content-Type"),
        Some("application/x-x509-ca-cert")
    );
}

#[test]
fn a_certificate_issued_again_can_name_other_responders() {
    let mut ca = fake_ca(vec![sample::issuing()]);
    let first = client(&mut ca);
    let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "client");
    let url: Url = OCSP.parse().unwrap();
    let ocsp = std::slice::from_ref(&url);
    let again = ca.issue_with_ocsp("issuing", "client", Usage::Client, &key, &[], ocsp).unwrap();
    assert_eq!(again.ocsp_urls(), ocsp);
    assert_ne!(first.serial(), again.serial());
    let below = get(&format!("{OCSP}/MFEw"));
    assert_eq!(ca.purpose(&below), Some(("issuing".into(), Purpose::Ocsp)));
    assert_eq!(ca.meet(START, WEB, &below).ruling, Ruling::NameNotResolved, "nobody is there");
}

#[test]
fn an_unknown_ca_issues_nothing() {
    let mut ca = fake_ca(vec![sample::issuing()]);
    let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "client");
    let error = ca.issue("other", "client", Usage::Client, &key, &[]).unwrap_err();
    assert_eq!(error.to_string(), "`other` is not a CA of the scenario");
}

/// Who asks in these tests.
const WEB: &Caller<'_> = &Caller { name: "web", account: None, open: 0 };

fn fault(name: &str, ca: &str, endpoint: Endpoint, effect: Effect) -> FaultConfig {
    let on = Target { ca: ca.into(), endpoint };
    let always = FaultConfig::always(name.into(), on, effect);
    FaultConfig { from: mins(10), until: mins(20), ..always }
}

#[test]
fn faults_act_on_their_endpoint_in_their_time() {
    let faults = vec![fault("crl-down", "issuing", Endpoint::Crl, Effect::Down)];
    let mut ca = FakeCa::new(vec![sample::issuing()], faults, Seed(1), START).unwrap();
    let delta = get("http://WIN-MSPRL0T325O/CertEnroll/XXX-CA(1)+.crl");
    let answer = Ruling::undisturbed();
    assert_eq!(ca.meet(mins(9), WEB, &delta).ruling, answer);
    assert_eq!(ca.meet(mins(10), WEB, &delta).ruling, Ruling::Refused);
    assert_eq!(ca.meet(mins(10), WEB, &delta).faults, ["crl-down".into()]);
    assert_eq!(ca.meet(mins(20), WEB, &delta).ruling, answer);
    assert_eq!(ca.meet(mins(10), WEB, &get(CRT)).ruling, answer, "the certificate is no CRL");
}

#[test]
fn a_fault_on_the_whole_site_spares_no_path() {
    let faults = vec![fault(
        "web-down",
        "issuing",
        Endpoint::All,
        Effect::Status { status: 503, body: None },
    )];
    let configs = vec![sample::subordinate(), sample::root()];
    let mut ca = FakeCa::new(configs, faults, Seed(1), START).unwrap();
    for (url, met) in [
        ("http://win-msprl0t325o/CertEnroll/XXX-CA(1).crl", 1),
        ("http://win-msprl0t325o/no/such/file", 1),
        ("http://pki.example/CertEnroll/Root%20CA.crl", 0),
    ] {
        assert_eq!(ca.meet(mins(10), WEB, &get(url)).faults.len(), met, "{url}");
    }
}

#[test]
fn what_is_no_site_of_a_ca_does_not_resolve_or_refuses() {
    let mut ca = fake_ca(vec![sample::issuing()]);
    for (url, ruling) in [
        ("http://nowhere/x.crl", Ruling::NameNotResolved),
        ("http://win-msprl0t325o:8080/x.crl", Ruling::Refused),
        ("https://win-msprl0t325o/x.crl", Ruling::Refused),
    ] {
        assert_eq!(
            ca.meet(START, WEB, &get(url)),
            Meeting { faults: Vec::new(), way: crate::fault::Way::default(), ruling },
            "{url}"
        );
    }
}

#[test]
fn a_fault_on_an_unknown_ca_is_refused() {
    let faults = vec![fault("f", "other", Endpoint::All, Effect::Down)];
    let error = FakeCa::new(vec![sample::issuing()], faults, Seed(1), START).unwrap_err();
    assert_eq!((&**error.actor(), error.key()), ("f", "on"));
}

#[test]
fn an_operation_at_an_unknown_ca_changes_nothing() {
    let mut ca = fake_ca(vec![sample::issuing()]);
    run(&mut ca, START);
    let operation = CaOperation::Publish { base: true };
    let event = CaEvent::Operation { ca: "other".into(), operation };
    assert_eq!(decide(&mut ca, START, event), (Vec::new(), Vec::new()));
}

#[test]
fn rsa_cas_of_one_chain_have_keys_of_their_own() {
    for seed in 0..4 {
        let key = KeyAlgorithm::Rsa2048;
        let configs =
            vec![CaConfig { key, ..sample::root() }, CaConfig { key, ..sample::subordinate() }];
        let ca = FakeCa::new(configs, Vec::new(), Seed(seed), START).unwrap();
        let keys: Vec<_> =
            ca.chain("issuing").iter().map(|c| c.public_key_info().to_vec()).collect();
        assert_ne!(keys.first(), keys.last());
    }
}

#[test]
fn an_operation_before_the_first_wake_up_is_part_of_what_the_run_begins_with() {
    let mut ca = fake_ca(vec![sample::issuing()]);
    assert!(operate(&mut ca, START, CaOperation::Publish { base: true }).is_empty());
    let records = run(&mut ca, START);
    let this_updates: Vec<_> = records.iter().map(|p| p.this_update).collect();
    assert_eq!(this_updates, [START - Span::from_mins(10); 2]);
}

proptest! {
    #[test]
    fn any_request_is_answered_and_ruled(
        method in prop_oneof![
            Just(Method::Get), Just(Method::Head), Just(Method::Post), Just(Method::Other)
        ],
        path in "(/[!-~]{0,20}){0,3}",
        host in prop_oneof![Just("ocsp.example"), Just("win-msprl0t325o"), Just("other")],
        below in any::<bool>(),
        body in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let mut ca = fake_ca(vec![sample::with_responder(OCSP)]);
        let stem = if below { "/ocsp" } else { "" };
        let Ok(url) = format!("http://{host}{stem}{path}").parse() else { return Ok(()) };
        let headers = vec![("Content-Type".to_owned(), "application/ocsp-request".to_owned())];
        let request = Request { method, url, headers, body };
        let meeting = ca.meet(START, WEB, &request);
        prop_assert_eq!(meeting.ruling == Ruling::NameNotResolved, host == "other");
        let reply = ask(&mut ca, START, request);
        prop_assert!((200..600).contains(&reply.status));
    }
}

mod faults;
