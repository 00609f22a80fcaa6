//! Faults on the way, end to end: every effect on both transports.

use revlab::exec::Transport;
use revlab::scenario::{Scenario, from_text};
use revlab_lab::http::FetchError;
use revlab_lab::trace::{Fetch, Kind, Record};
use revlab_tests::{run, sim_and_live_agree};

/// A quarter of an hour in which the CRLs are fetched again and again, with more in the file.
fn scenario(more: &str) -> Scenario {
    let text = scenario_text(more);
    from_text("faults", &text).unwrap_or_else(|e| panic!("{}", e.render(false))).remove(0)
}

fn scenario_text(more: &str) -> String {
    format!(
        r#"
format = 1
title = "faults"
start = "2024-03-01T00:00:00Z"
duration = "4m"
[ca.issuing]
name = "LAB-CA"
host = "pki.lab.example"
crl = {{ period = "1h", delta_period = "30m" }}
aia = {{ ocsp = ["http://pki.lab.example/ocsp"] }}
responder = {{}}
[sut.web]
[clients.users]
every = "40s"
threads = 2
[operation.reboot]
on = "web"
at = "30s"
every = "40s"
reboot = {{}}
[operation.clear]
on = "web"
at = "30s"
every = "40s"
delete_cache_files = {{ accounts = ["systemprofile", "NetworkService"] }}
{more}
"#
    )
}

fn fetches(records: &[Record]) -> Vec<Fetch> {
    let fetch = |record: &Record| match &record.kind {
        Kind::Fetch(fetch) => Some(fetch.clone()),
        _ => None,
    };
    records.iter().filter_map(fetch).collect()
}

/// The fetches that met a fault of this effect on all endpoints; both transports agree on the run.
fn met(effect: &str) -> Vec<Fetch> {
    let scenario = scenario(&format!("[fault.f]\non = \"issuing\"\n{effect}\n"));
    sim_and_live_agree(&scenario);
    let (sim, _) = run(&scenario, Transport::Sim);
    let met = fetches(sim.trace.records()).into_iter().filter(|f| !f.faults.is_empty());
    let met: Vec<_> = met.collect();
    assert!(!met.is_empty(), "{effect} is met");
    met
}

/// That every fetch ended with this error.
fn all_end(effect: &str, error: FetchError) {
    for fetch in met(effect) {
        assert_eq!((fetch.status, fetch.error), (None, Some(error)), "{effect}");
    }
}

/// That every fetch got this status.
fn all_get(effect: &str, status: u16) {
    for fetch in met(effect) {
        assert_eq!((fetch.status, fetch.error), (Some(status), None), "{effect}");
    }
}

#[test]
fn what_leaves_no_answer_is_the_same_error_on_both_transports() {
    all_end("name_not_resolved = {}", FetchError::NameNotResolved);
    all_end("down = {}", FetchError::ConnectionRefused);
    all_end("connection_limit = { connections = 0 }", FetchError::ConnectionReset);
    all_end("reset_peer = {}", FetchError::ConnectionReset);
    all_end("reset_peer = { at = \"connect\" }", FetchError::ConnectionReset);
    all_end("reset_peer = { bytes = 0 }", FetchError::ConnectionReset);
    all_end("reset_peer = { bytes = 150 }", FetchError::ConnectionReset);
    all_end("timeout = { timeout = \"2s\" }", FetchError::BadReply);
}

/// A second CA, whose site a name can lead to.
const ROOT: &str = "[ca.root]\nname = \"ROOT-CA\"\nhost = \"root.lab.example\"\n";

#[test]
fn name_faults_are_the_same_on_both_transports() {
    all_end("name_servfail = {}", FetchError::NameNotResolved);
    all_end("name_aaaa_only = {}", FetchError::ConnectionRefused);
    all_end("name_wrong_address = {}", FetchError::ConnectionRefused);
    // The other site has neither these files nor a responder.
    all_get(&format!("name_wrong_address = {{ of = \"root\" }}\n{ROOT}"), 404);
    all_get("name_slow = { delay = \"3s\" }", 200);
    all_get("name_first_dead = {}\n[network]\nconnect_timeout = \"4s\"", 200);
}

#[test]
fn a_certificate_that_is_not_to_be_trusted_is_the_same_error_on_both_transports() {
    for wrong in ["self_signed", "expired", "other_name", "untrusted"] {
        let fault =
            format!("[fault.f]\non = \"issuing\"\nhttps = {{ certificate = \"{wrong}\" }}\n");
        let text = scenario_text(&fault)
            .replace("http://pki.lab.example/ocsp", "https://pki.lab.example/ocsp")
            .replace("[sut.web]\n", "[sut.web]\nparameters = { https_urls = true }\n");
        let scenario = from_text("faults", &text).unwrap_or_else(|e| panic!("{}", e.render(false)));
        let scenario = &scenario[0];
        sim_and_live_agree(scenario);
        let (sim, _) = run(scenario, Transport::Sim);
        let fetches = fetches(sim.trace.records());
        let (met, others): (Vec<_>, Vec<_>) = fetches.iter().partition(|f| !f.faults.is_empty());
        assert!(!met.is_empty() && !others.is_empty(), "{wrong}");
        for fetch in met {
            let url = fetch.url.as_str();
            assert!(url.starts_with("https:"), "{url}");
            assert_eq!(
                (fetch.error, fetch.took_ms),
                (Some(FetchError::SecureFailure), 2),
                "{wrong}"
            );
        }
        assert!(others.iter().all(|f| f.url.scheme() == "http" && f.error.is_none()), "{wrong}");
    }
}

#[test]
fn finding_out_where_to_takes_the_same_lab_time_on_both_transports() {
    let took = |effect: &str| met(effect).iter().map(|f| f.took_ms).max();
    assert_eq!(took("name_servfail = {}"), Some(1));
    assert_eq!(took("name_slow = { delay = \"3s\" }"), Some(3002));
    assert_eq!(took("name_first_dead = {}\n[network]\nconnect_timeout = \"4s\""), Some(4002));
    let both = "name_slow = { delay = \"3s\" }\n[fault.g]\non = \"issuing\"\ndown = {}";
    assert_eq!(took(both), Some(3001));
    let silent = "name_silent = {}\n[network]\nname_timeout = \"4s\"";
    assert_eq!(took(silent), Some(4000));
    all_end(silent, FetchError::NameNotResolved);
    let late = "name_slow = { delay = \"3s\" }\n[network]\nname_timeout = \"3s\"";
    all_end(late, FetchError::NameNotResolved);
}

#[test]
fn where_the_clients_own_time_is_shorter_a_silent_name_is_a_time_out() {
    let silent = "name_silent = {}\n[network]\nname_timeout = \"12s\"";
    all_end(silent, FetchError::TimedOut);
    all_end("name_first_dead = {}", FetchError::TimedOut);
}

#[test]
fn where_nothing_comes_the_clients_own_time_runs_out() {
    all_end("swallowed = {}", FetchError::TimedOut);
    all_end("timeout = {}", FetchError::TimedOut);
}

#[test]
fn pages_are_the_same_on_both_transports() {
    all_get("status = { status = 418, body = \"a teapot\" }", 418);
    all_get("redirect = { to = \"loop\" }", 302);
    all_get("authenticate = { status = 407 }", 407);
    all_get("captive_portal = {}", 200);
    all_get("not_modified = {}", 304);
    all_get("content_type = { content_type = \"text/plain\" }", 200);
    all_get("headers = { set = [\"Cache-Control: max-age=31536000\"], remove = [\"ETag\"] }", 200);
}

#[test]
fn answers_of_another_shape_are_heard_alike_on_both_transports() {
    all_end("wrong_length = { by = 1 }", FetchError::BadReply);
    all_get("wrong_length = { by = -1 }", 200);
    all_end("broken_chunking = {}", FetchError::BadReply);
    all_get("no_length = {}", 200);
    all_end("limit_data = { bytes = 0 }", FetchError::BadReply);
    all_end("limit_data = { bytes = 150 }", FetchError::BadReply);
    all_end("half_close = {}", FetchError::BadReply);
    all_get("no_length = {}\n[fault.g]\non = \"issuing\"\nhalf_close = { bytes = 400 }", 200);
}

#[test]
fn slow_answers_take_the_same_lab_time_on_both_transports() {
    let took = |effect: &str| met(effect).iter().map(|f| f.took_ms).max();
    assert_eq!(took("latency = { latency = \"700ms\" }"), Some(702));
    assert!(took("latency = { latency = \"700ms\", jitter = \"300ms\" }") > Some(702));
    assert!(took("bandwidth = { rate = 1000 }") > Some(300));
    assert!(
        took("slicer = { average_size = 64, size_variation = 8, delay = \"50ms\" }") > Some(300)
    );
    let slow = "no_length = {}\n[fault.g]\non = \"issuing\"\nslow_close = { delay = \"3s\" }";
    assert_eq!(took(slow), Some(3002));
}

#[test]
fn a_fault_acts_on_what_it_selects_when_it_says() {
    let faults = |more: &str| -> Vec<String> {
        let scenario = scenario(&format!("[fault.f]\non = \"issuing\"\ndown = {{}}\n{more}\n"));
        sim_and_live_agree(&scenario);
        let (sim, _) = run(&scenario, Transport::Sim);
        let met = fetches(sim.trace.records()).into_iter().filter(|f| !f.faults.is_empty());
        met.map(|f| f.purpose.as_str().to_owned()).collect()
    };
    let first = faults("when = { first = 3 }");
    assert_eq!(first.len(), 3);
    let every = faults("when = { every = 2 }").len();
    assert!(every > 1 && every < faults("").len());
    let ocsp = faults("only = { purpose = \"ocsp\", identity = \"users-1\" }");
    assert!(!ocsp.is_empty() && ocsp.iter().all(|purpose| purpose == "ocsp"));
    assert!(faults("only = { serial = \"01\" }\nmust_be_met = false").is_empty());
    assert!(faults("only = { client = \"web\", url = \"http://pki.*/ocsp*\" }").len() > 1);
    assert!(faults("only = { client = \"curl/*\" }\nmust_be_met = false").is_empty());
}

#[test]
fn probability_zero_leaves_the_bytes_of_no_fault_but_for_the_digest_of_the_scenario() {
    // The digest in the header is that of the scenario's text, and the texts differ. All else is the
    // same, octet by octet.
    let without_digest = |more: &str| {
        let (run, bytes) = run(&scenario(more), Transport::Sim);
        let Some(Kind::Header(header)) = run.trace.records().first().map(|first| &first.kind)
        else {
            panic!("no header")
        };
        let text = String::from_utf8(bytes).expect("UTF-8");
        let (before, behind) = text.split_once(&header.digest).expect("the digest");
        assert!(!behind.contains(&header.digest));
        (before.to_owned(), behind.to_owned())
    };
    let fault = "[fault.f]\non = \"issuing\"\nwhen = { probability = 0.0 }\ndown = {}\n";
    assert!(without_digest("") == without_digest(fault), "the bytes differ");
    let half = fault.replace("0.0", "0.5");
    let half = run(&scenario(&half), Transport::Sim).0;
    let met = fetches(half.trace.records()).iter().filter(|f| !f.faults.is_empty()).count();
    assert!(met > 0 && met < fetches(half.trace.records()).len());
}

#[test]
fn healing_ends_faults_that_are_there_and_that_were_to_come() {
    let text = "[fault.now]\non = \"issuing\"\ndown = {}\n\
                [fault.later]\non = \"issuing\"\nfrom = \"3m\"\nmust_be_met = false\ndown = {}\n\
                [operation.heal]\non = \"issuing\"\nat = \"2m\"\nheal = {}\n";
    let scenario = scenario(text);
    sim_and_live_agree(&scenario);
    let (sim, _) = run(&scenario, Transport::Sim);
    let records = sim.trace.records();
    let healed = records.iter().find(|r| matches!(&r.kind, Kind::Operation(o) if &*o.id == "heal"));
    let healed = healed.expect("the operation").t;
    for fetch in fetches(records) {
        assert_eq!(fetch.faults.is_empty(), fetch.began >= healed, "{fetch:?}");
    }
    let told: Vec<_> = records
        .iter()
        .filter_map(|r| match &r.kind {
            Kind::Fault(fault) => Some((&*fault.id, r.t == healed)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [("now", false), ("now", true)]);
}
