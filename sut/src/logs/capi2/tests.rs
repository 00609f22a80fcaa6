use insta::assert_snapshot;
use proptest::prelude::*;
use revlab_lab::Span;
use revlab_lab::http::FetchError;
use revlab_lab::trace::{Cache, CacheOp, Publish, Purpose, State, Withheld};

use super::*;
use crate::logs::sample::{BASE_URL, START, base_fetch, check, numbered, ocsp_fetch};
use crate::logs::xml::tests::{Element, read};

fn published() -> Record {
    numbered(
        START,
        Kind::Publish(Publish {
            id: 1,
            ca: "issuing".into(),
            what: Purpose::Base,
            url: BASE_URL.into(),
            number: Some(7),
            base_number: None,
            this_update: START - Span::from_mins(10),
            next_update: Some(START + Span::from_mins(75)),
            next_publish: Some(START + Span::from_mins(60)),
            entries: 0,
            bytes: 700,
            sha1: "da39a3ee5e6b4b0d3255bfef95601890afd80709".into(),
        }),
    )
}

fn lookup(layer: Layer, state: State) -> Step {
    let known = state != State::Absent;
    Step::Lookup {
        object: Purpose::Base,
        layer,
        state,
        number: known.then_some(7),
        next_update: known.then_some(START + Span::from_mins(75)),
    }
}

fn retrieve(object: Purpose, fetch: u64) -> Step {
    Step::Retrieve { object, fetch, status: None, error: None, rejected: None }
}

fn client() -> Step {
    Step::Certificate { subject: "CN=jmeter-1".into() }
}

/// OCSP fails, so the base is fetched: a good check that used the wire.
fn fail_over(error: Option<FetchError>) -> Vec<Record> {
    let t = START + Span::from_secs(10);
    let mut good = check(1, Verdict::Good, None);
    good.began = Some(t);
    good.steps = vec![
        Step::Chain { error: None, rule: None },
        client(),
        lookup(Layer::Memory, State::Absent),
        lookup(Layer::Disk, State::Absent),
        retrieve(Purpose::Ocsp, 1),
        retrieve(Purpose::Base, 2),
    ];
    let at = |ms| t + Span::from_millis(ms);
    vec![
        published(),
        numbered(at(2), Kind::Fetch(ocsp_fetch(1, at(2), 1, error))),
        numbered(at(4), Kind::Fetch(base_fetch(2, at(4), 1))),
        numbered(at(4), Kind::Check(good)),
    ]
}

/// 76 minutes on: the base is stale, OCSP fails, the base is not asked for.
fn outage() -> Vec<Record> {
    let mut records = fail_over(None);
    let t = START + Span::from_mins(76);
    let mut bad = check(2, Verdict::Offline, Some(Code::CRYPT_E_REVOCATION_OFFLINE));
    bad.began = Some(t);
    bad.steps = vec![
        Step::Chain { error: None, rule: None },
        client(),
        lookup(Layer::Memory, State::Stale),
        lookup(Layer::Disk, State::Stale),
        retrieve(Purpose::Ocsp, 3),
        Step::Withheld { object: Purpose::Base, why: Withheld::OcspFailed, until: None },
    ];
    let end = t + Span::from_millis(2);
    records.push(numbered(end, Kind::Fetch(ocsp_fetch(3, end, 2, None))));
    records.push(numbered(end, Kind::Check(bad)));
    records
}

fn repeat(number: u64, t: Instant) -> Record {
    let mut check = check(number, Verdict::Good, None);
    (check.same_as, check.process, check.subject, check.verdict) = (Some(2), None, None, None);
    numbered(t, Kind::Check(check))
}

fn text(records: &[Record]) -> String {
    String::from_utf8(render(records, "web", &Options::default()).bytes).unwrap()
}

fn elements(records: &[Record]) -> Vec<Element> {
    read(text(records).as_bytes())
}

/// The texts of all elements of a name.
fn all<'a>(elements: &'a [Element], name: &str) -> Vec<&'a str> {
    elements.iter().filter(|e| e.0 == name).map(|e| e.2.as_str()).collect()
}

/// The values of an attribute of all elements of a name.
fn values<'a>(elements: &'a [Element], name: &str, attribute: &str) -> Vec<&'a str> {
    let of_name = elements.iter().filter(|e| e.0 == name).flat_map(|e| &e.1);
    of_name.filter(|(key, _)| key == attribute).map(|(_, value)| value.as_str()).collect()
}

#[test]
fn a_check_that_fails_over_from_ocsp_to_the_crl() {
    assert_snapshot!("fail_over", text(&fail_over(None)));
}

#[test]
fn a_check_in_the_outage_shows_the_signature_of_the_incident() {
    let records = outage();
    let elements = elements(&records[1..]);
    assert_eq!(values(&elements, "URLCachePrefetchInfo", "error"), ["10D0"]);
    assert_snapshot!("outage", text(&records));
}

#[test]
fn events_nest_in_the_documented_order_and_share_one_task() {
    let elements = elements(&outage());
    assert_eq!(
        all(&elements, "EventID"),
        ["51", "53", "53", "41", "11", "51", "53", "42", "41", "11"]
    );
    let seq = values(&elements, "CorrelationAuxInfo", "SeqNumber");
    assert_eq!(seq, ["1", "2", "3", "4", "5", "1", "2", "3", "4", "5"]);
    let mut tasks = values(&elements, "CorrelationAuxInfo", "TaskId");
    tasks.dedup();
    assert_eq!(tasks.len(), 2);
}

#[test]
fn a_retrieval_error_shows_winhttps_number() {
    let records = fail_over(Some(FetchError::NameNotResolved));
    let elements = elements(&records);
    assert_eq!(values(&elements, "Error", "value"), ["2EE7"]);
    assert!(values(&elements, "Result", "value").contains(&"80072EE7"));
}

#[test]
fn a_base_that_was_fetched_without_an_ocsp_failure_is_left_to_prefetch() {
    let mut records = outage();
    records.remove(1);
    assert_eq!(values(&elements(&records), "URLCachePrefetchInfo", "error"), ["0"]);
}

#[test]
fn a_good_check_from_the_cache_and_a_resumed_session_leave_no_event() {
    let mut cached = check(1, Verdict::Good, None);
    cached.steps = vec![client(), lookup(Layer::Memory, State::Fresh)];
    let mut resumed = check(2, Verdict::NotChecked, None);
    resumed.steps = vec![Step::Resumed];
    let mut elsewhere = check(3, Verdict::Revoked, Some(Code::CRYPT_E_REVOKED));
    elsewhere.by = "other".into();
    let records: Vec<_> = [cached, resumed, elsewhere]
        .into_iter()
        .map(|check| numbered(START, Kind::Check(check)))
        .collect();
    assert_eq!(all(&elements(&records), "EventID"), Vec::<&str>::new());
}

#[test]
fn a_bad_chain_has_event_11_alone() {
    let mut bad = check(1, Verdict::NotChecked, Some(Code::CERT_E_EXPIRED));
    bad.steps =
        vec![Step::Chain { error: Some(Code::CERT_E_EXPIRED), rule: Some("expired".into()) }];
    let elements = elements(&[numbered(START, Kind::Check(bad))]);
    assert_eq!(all(&elements, "EventID"), ["11"]);
    assert_eq!(values(&elements, "Result", "value"), ["800B0101"]);
    assert_eq!(values(&elements, "ErrorStatus", "CERT_TRUST_IS_NOT_TIME_VALID").len(), 2);
}

#[test]
fn the_code_belongs_to_the_certificate_that_failed() {
    let mut bad = check(1, Verdict::Revoked, Some(Code::CRYPT_E_REVOKED));
    bad.steps = vec![
        Step::Certificate { subject: "CN=issuing".into() },
        Step::Certificate { subject: "CN=jmeter-1".into() },
        Step::Listed { object: Purpose::Base, reason: Some(1) },
    ];
    let elements = elements(&[numbered(START, Kind::Check(bad))]);
    assert_eq!(all(&elements, "EventID"), ["41", "41", "11"]);
    assert_eq!(values(&elements, "RevocationStatus", "error"), ["0", "80092010"]);
    assert_eq!(values(&elements, "RevocationStatus", "reason"), ["0", "1"]);
}

#[test]
fn a_prefetch_is_a_task_of_its_own() {
    let mut fetch = base_fetch(9, START, 1);
    (fetch.check, fetch.unsolicited) = (None, Some("prefetch".into()));
    fetch.process = "svchost.exe".into();
    let elements = elements(&[published(), numbered(START, Kind::Fetch(fetch))]);
    assert_eq!(all(&elements, "EventID"), ["53"]);
    assert_eq!(values(&elements, "EventAuxInfo", "ProcessName"), ["svchost.exe"]);
    assert_eq!(
        values(&elements, "CertificateRevocationList", "fileRef"),
        ["DA39A3EE5E6B4B0D3255BFEF95601890AFD80709.crl"]
    );
}

#[test]
fn the_last_four_thousand_events_are_kept_and_the_dropped_ones_counted() {
    let mut records = outage();
    let t = START + Span::from_mins(77);
    // A repeat has four events: 51, 42, 41 and 11.
    records.extend((0..1000).map(|i| repeat(3 + i as u64, t + Span::from_secs(10 * i))));
    let text = text(&records);
    let elements = read(text.as_bytes());
    assert_eq!(all(&elements, "EventID").len(), MAX_EVENTS);
    assert!(text.contains("<!-- 10 earlier events are left out: the last 4000 are kept -->"));
    assert_eq!(all(&elements, "EventRecordID")[0], "11");
    assert!(!all(&elements, "EventID").contains(&"53"), "a repeat has no retrieval");
}

#[test]
fn events_of_checks_that_ran_side_by_side_are_in_order_of_time() {
    let mut early = check(2, Verdict::Revoked, Some(Code::CRYPT_E_REVOKED));
    early.began = Some(START + Span::from_secs(11));
    let mut late = check(1, Verdict::Revoked, Some(Code::CRYPT_E_REVOKED));
    late.began = Some(START + Span::from_secs(10));
    late.steps = vec![client(), lookup(Layer::Disk, State::Absent)];
    let records = [
        published(),
        numbered(START + Span::from_secs(12), Kind::Check(early)),
        numbered(START + Span::from_secs(13), Kind::Check(late)),
    ];
    let elements = elements(&records);
    let mut times = values(&elements, "TimeCreated", "SystemTime");
    assert_eq!(times.len(), 5);
    let logged = times.clone();
    times.sort_unstable();
    assert_eq!(times, logged);
}

#[test]
fn records_of_other_kinds_and_a_repeat_of_an_unknown_check_are_passed_over() {
    let cache = Cache {
        by: "web".into(),
        layer: Layer::Disk,
        owner: "SYSTEM".into(),
        op: CacheOp::Clear,
        object: None,
    };
    let records = [numbered(START, Kind::Cache(cache)), repeat(3, START)];
    assert_eq!(elements(&records).len(), 1);
}

proptest! {
    #[test]
    fn any_subject_and_url_read_back_as_they_were(subject in "[ -~äöü✓\n\t]{1,30}", path in "[a-z%&'+()=]{0,30}") {
        let mut fetch = base_fetch(1, START, 1);
        fetch.url = format!("http://host/{path}").parse().unwrap();
        let mut bad = check(1, Verdict::Offline, Some(Code::CRYPT_E_REVOCATION_OFFLINE));
        bad.subject = Some(subject.as_str().into());
        bad.steps = vec![retrieve(Purpose::Base, 1)];
        let url = fetch.url.clone();
        let records = [numbered(START, Kind::Fetch(fetch)), numbered(START, Kind::Check(bad))];
        let elements = elements(&records);
        prop_assert_eq!(all(&elements, "URL"), [url.as_str()]);
        let subjects = values(&elements, "Certificate", "subjectName");
        prop_assert!(!subjects.is_empty() && subjects.iter().all(|s| *s == subject));
    }
}
