//! The scenario library: every file and variant once in `sim`, a named few in `live`.

use std::collections::{BTreeMap, BTreeSet};

use revlab::exec::Transport;
use revlab::judge::{self, Status};
use revlab::report::terminal;
use revlab::scenario::Scenario;
use revlab_lab::Outcome;
use revlab_lab::trace::{Handshake, Kind, Phase, Trace};
use revlab_tests::{library, load, run, sim_and_live_agree, variant};

/// Runs a scenario and fails with its whole report when an expectation did not hold.
fn holds(scenario: &Scenario, transport: Transport) {
    let (run, _) = run(scenario, transport);
    let judgement = judge::judge(scenario, &run.trace);
    let report = terminal::render(scenario, &run.trace, &judgement, false);
    assert_eq!(judgement.status(), Status::Held, "\n{report}");
    assert!(!judgement.findings.is_empty(), "{} expects nothing", scenario.name);
}

fn every_variant_holds(file: &str) {
    load(file).iter().for_each(|scenario| holds(scenario, Transport::Sim));
}

macro_rules! library {
    ($($test:ident: $file:literal,)*) => {
        $(#[test]
        fn $test() {
            every_variant_holds($file);
        })*

        /// A file that is added without a test would only be run on CI.
        #[test]
        fn every_file_of_the_library_has_a_test() {
            let tested = [$($file),*];
            let files = revlab::scenario::library::discover(&[library()]).expect("the library");
            for file in files {
                let name = file.strip_prefix(library()).expect("below the library");
                let name = name.to_str().expect("UTF-8").to_owned();
                assert!(tested.contains(&name.as_str()), "{name} has no test");
            }
        }
    };
}

library! {
    kb2666300_lab: "kb2666300/lab.toml",
    kb2666300_log: "kb2666300/log.toml",
    kb2666300_production: "kb2666300/production.toml",
    kb2666300_remedies: "kb2666300/remedies.toml",
    basics_ca_clock_ahead: "basics/ca-clock-ahead.toml",
    basics_ca_web_site_down: "basics/ca-web-site-down.toml",
    basics_healthy: "basics/healthy.toml",
    basics_ocsp_endpoint: "basics/ocsp-endpoint.toml",
    basics_name_not_resolved: "basics/name-not-resolved.toml",
    basics_revoked: "basics/revoked.toml",
    basics_sut_clock_ahead: "basics/sut-clock-ahead.toml",
    matrix_crl: "matrix/crl.toml",
    matrix_http: "matrix/http.toml",
    matrix_load: "matrix/load.toml",
    matrix_names: "matrix/names.toml",
    matrix_ocsp: "matrix/ocsp.toml",
    matrix_operations: "matrix/operations.toml",
    matrix_publisher: "matrix/publisher.toml",
    matrix_setup: "matrix/setup.toml",
    matrix_transport: "matrix/transport.toml",
    network_answers: "network/answers.toml",
    network_https: "network/https.toml",
    network_names: "network/names.toml",
    network_now_and_then: "network/now-and-then.toml",
    machines_mapping: "machines/mapping.toml",
    machines_outlook: "machines/outlook.toml",
    machines_resumption: "machines/resumption.toml",
    machines_three: "machines/three.toml",
    staple_staples: "staple/staples.toml",
    staple_chain: "staple/chain.toml",
    windows_binding_recreated: "windows/binding-recreated.toml",
    windows_check_switched_off: "windows/check-switched-off.toml",
    windows_clock_skew: "windows/clock-skew.toml",
    windows_cross_certificates: "windows/cross-certificates.toml",
    windows_delta_plus_404_11: "windows/delta-plus-404.11.toml",
    windows_first_user_of_the_morning: "windows/first-user-of-the-morning.toml",
    windows_kb2635621: "windows/kb2635621.toml",
    windows_kb2960124: "windows/kb2960124.toml",
    windows_kdc29_crl_v1: "windows/kdc29-crl-v1.toml",
    windows_issuer_by_aia: "windows/issuer-by-aia.toml",
    windows_kb2623724_proxy: "windows/kb2623724-proxy.toml",
    windows_kb289749: "windows/kb289749.toml",
    windows_kb2980672: "windows/kb2980672.toml",
    windows_kb887578: "windows/kb887578.toml",
    windows_kb937687: "windows/kb937687.toml",
    windows_kb946401: "windows/kb946401.toml",
    load_keep_alive: "load/keep-alive.toml",
    load_newcomers: "load/newcomers.toml",
    load_retry_storm: "load/retry-storm.toml",
    windows_ldap_first: "windows/ldap-first.toml",
    windows_no_network: "windows/no-network.toml",
    windows_crl_prefetch_list: "windows/crl-prefetch-list.toml",
    windows_negative_cache: "windows/negative-cache.toml",
    windows_ocsp_count_500: "windows/ocsp-count-500.toml",
    windows_ocsp_url_trailing_slash: "windows/ocsp-url-trailing-slash.toml",
    windows_crl_signer_behind_ocsp: "windows/crl-signer-behind-ocsp.toml",
    windows_issuing_distribution_point: "windows/issuing-distribution-point.toml",
    windows_kb294305: "windows/kb294305.toml",
    windows_kb884115: "windows/kb884115.toml",
    windows_kb915787: "windows/kb915787.toml",
    windows_kb2831238: "windows/kb2831238.toml",
    windows_profiles: "windows/profiles.toml",
    crl_defects: "crl/defects.toml",
    crl_hold: "crl/hold.toml",
    crl_late: "crl/late.toml",
    crl_renewal: "crl/renewal.toml",
    crl_scope: "crl/scope.toml",
    crl_signer: "crl/signer.toml",
}

/// The excerpt of the incident, against what a naive server would log: the order is really judged.
#[test]
fn without_the_defect_the_excerpt_of_the_log_is_not_met() {
    let mut scenario = load("kb2666300/log.toml").remove(0);
    for sut in scenario.suts.values_mut() {
        sut.profile = sut.profile.with_hypothesis(revlab_sut::profile::Hypothesis::H0);
    }
    let (run, _) = run(&scenario, Transport::Sim);
    assert_eq!(judge::judge(&scenario, &run.trace).status(), Status::Failed);
}

#[test]
fn the_same_scenario_and_seed_give_the_same_bytes() {
    for scenario in load("kb2666300/lab.toml") {
        let (first, second) = (run(&scenario, Transport::Sim).1, run(&scenario, Transport::Sim).1);
        assert!(first == second, "{:?}", scenario.variant);
    }
}

/// The first stretch of a scenario, for transports that take wall time.
fn shortened(mut scenario: Scenario, length: &str) -> Scenario {
    scenario.duration = length.parse().expect("a duration");
    for client in scenario.clients.values_mut() {
        client.until = Ord::min(client.until, scenario.start + scenario.duration);
    }
    scenario
}

#[test]
fn sim_and_live_agree_on_the_first_outage_of_the_incident() {
    sim_and_live_agree(&shortened(variant("kb2666300/lab.toml", "unpatched"), "7h 35m"));
}

#[test]
fn sim_and_live_agree_on_two_tiers_rsa_and_a_working_responder() {
    sim_and_live_agree(&shortened(variant("basics/healthy.toml", "two-tier"), "3h"));
    sim_and_live_agree(&shortened(variant("basics/healthy.toml", "rsa"), "1h"));
}

#[test]
fn sim_and_live_agree_on_faults_and_a_revocation() {
    sim_and_live_agree(&shortened(load("basics/ca-web-site-down.toml").remove(0), "5h 10m"));
    sim_and_live_agree(&shortened(load("basics/name-not-resolved.toml").remove(0), "5h 10m"));
    sim_and_live_agree(&shortened(load("basics/revoked.toml").remove(0), "4h 10m"));
}

#[test]
fn sim_and_live_agree_on_issuers_that_nobody_sends() {
    for name in ["cache-emptied-and-a-reboot", "never-asked", "server-forgets"] {
        sim_and_live_agree(&variant("windows/issuer-by-aia.toml", name));
    }
}

#[test]
fn sim_and_live_agree_on_cross_certificates() {
    for (name, for_so_long) in [("a-day", "50h"), ("cache-emptied-and-a-reboot", "100h")] {
        let scenario = variant("windows/cross-certificates.toml", name);
        sim_and_live_agree(&shortened(scenario, for_so_long));
    }
}

#[test]
fn sim_and_live_agree_on_a_directory_a_lost_network_and_a_prefetch_list() {
    for name in ["shows-at-once", "takes-long-and-so-does-the-crl"] {
        sim_and_live_agree(&shortened(variant("windows/ldap-first.toml", name), "90m"));
    }
    sim_and_live_agree(&variant("windows/no-network.toml", "no-network"));
    sim_and_live_agree(&shortened(variant("windows/crl-prefetch-list.toml", "listed"), "30h"));
}

/// With validities of minutes, so that the CA's silence is felt soon.
#[test]
fn sim_and_live_agree_on_clients_that_think_and_clients_that_come_at_a_rate() {
    let text = std::fs::read_to_string(library().join("load/retry-storm.toml")).expect("the file");
    let (lab, _) = text.split_once("[expect").expect("expectations");
    let soon = lab
        .replace("validity = \"10m\"", "validity = \"1m\"")
        .replace("from = \"1h\"", "from = \"1m\"")
        .replace("for = \"20m\"", "for = \"2m\"")
        .replace("for = \"1h 2m\"", "for = \"2m\"");
    let scenarios = revlab::scenario::from_text("storm", &soon).unwrap_or_else(|e| panic!("{e}"));
    let scenario = shortened(scenarios.into_iter().next().expect("one"), "5m");
    let (run, _) = run(&scenario, Transport::Sim);
    let refused = |kind: &Kind, name: &str| {
        let refused = revlab_lab::Outcome::Refused;
        matches!(kind, Kind::Attempt(a) if *a.client == *name && a.outcome == refused)
    };
    for name in ["office", "site"] {
        assert!(run.trace.records().iter().any(|r| refused(&r.kind, name)), "{name}");
    }
    sim_and_live_agree(&scenario);
}

#[test]
fn sim_and_live_agree_on_sessions_that_lie_unused() {
    for name in ["iis-6", "iis-6-busy"] {
        sim_and_live_agree(&shortened(variant("windows/kb937687.toml", name), "1h"));
    }
}

#[test]
fn sim_and_live_agree_on_staples_for_a_chain() {
    for name in ["whole-chain", "server-alone"] {
        sim_and_live_agree(&shortened(variant("staple/chain.toml", name), "30m"));
    }
}

/// Attempts of every client: what was agreed on, and what came of it.
fn spoken(trace: &Trace) -> BTreeSet<String> {
    let each = trace.records().iter().filter_map(|r| match &r.kind {
        Kind::Attempt(a) => {
            let http = a.http.map_or("1.1", |http| http.as_str());
            let cipher = a.cipher.as_deref().unwrap_or("any");
            let what = a.alert.as_deref().or(a.error.as_deref()).unwrap_or(a.outcome.as_str());
            Some(format!("{}: {http}, {cipher}, {:?}, {what}", a.client, a.handshake))
        }
        _ => None,
    });
    each.collect()
}

#[test]
fn sim_and_live_agree_on_http_2_cipher_suites_and_shared_sessions() {
    let text = r#"
format = 1
title = "spoken"
start = "2024-03-01T00:00:00Z"
duration = "10m"
[ca.issuing]
crl = { period = "1h", delta_period = "30m" }
[sut.web]
tls = "1.3"
under_test = true
[sut.old]
http = "1.1"
[clients.h2]
sut = "web"
every = "1m"
http = "2"
[clients.h2-of-old]
sut = "old"
every = "1m"
http = "2"
[clients.chacha]
sut = "web"
every = "1m"
http = "2"
ciphers = ["TLS_CHACHA20_POLY1305_SHA256"]
[clients.ecdsa]
sut = "old"
every = "1m"
ciphers = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]
[clients.rsa]
sut = "old"
every = "1m"
ciphers = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]
[clients.shared]
sut = "old"
every = "1m"
threads = 3
ramp_up = "30s"
identities = 2
session = "resumed"
sessions = "shared"
resumed_by = "id"
[clients.shared-tickets]
sut = "web"
every = "1m"
threads = 3
ramp_up = "30s"
identities = 2
http = "2"
session = "resumed"
sessions = "shared"
[operation.reboot]
on = "web"
at = "5m 10s"
reboot = {}
"#;
    let scenarios = revlab::scenario::from_text("spoken", text);
    let scenario = scenarios.unwrap_or_else(|e| panic!("{}", e.render(false))).remove(0);
    let (sim, _) = run(&scenario, Transport::Sim);
    insta::assert_snapshot!(spoken(&sim.trace).into_iter().collect::<Vec<_>>().join("\n"), @r"
    chacha: 2, TLS_CHACHA20_POLY1305_SHA256, Full, admitted
    ecdsa: 1.1, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, Full, admitted
    h2-of-old: 1.1, any, None, server does not speak HTTP/2
    h2: 2, any, Full, admitted
    rsa: 1.1, any, None, handshake_failure
    shared-tickets: 2, any, Full, admitted
    shared-tickets: 2, any, Resumed, admitted
    shared: 1.1, any, Full, admitted
    shared: 1.1, any, Resumed, admitted
    ");
    let full = sim.trace.records().iter().filter(|r| {
        matches!(&r.kind, Kind::Attempt(a) if *a.client == *"shared" && a.handshake == Handshake::Full)
    });
    // One for each of its two certificates, whatever the thread.
    assert_eq!(full.count(), 2);
    sim_and_live_agree(&scenario);
}

/// By client: the kinds of handshake in the order of the attempts, with their outcomes, runs of the same
/// counted.
fn handshakes(trace: &Trace) -> Vec<String> {
    let mut all: BTreeMap<String, Vec<(String, usize)>> = BTreeMap::new();
    for record in trace.records() {
        let Kind::Attempt(a) = &record.kind else { continue };
        let what = format!("{:?} {}", a.handshake, a.outcome.as_str());
        let runs = all.entry(a.client.to_string()).or_default();
        match runs.last_mut().filter(|(last, _)| *last == what) {
            Some((_, count)) => *count += 1,
            None => runs.push((what, 1)),
        }
    }
    let words = |runs: Vec<(String, usize)>| {
        let runs: Vec<_> = runs.into_iter().map(|(what, n)| format!("{n} {what}")).collect();
        runs.join(", ")
    };
    all.into_iter().map(|(client, runs)| format!("{client}: {}", words(runs))).collect()
}

/// Connections that last, that are idle for too long, that end with their server, with a time-out, with
/// another certificate and with a refusal; over both versions of TLS and of HTTP, beside sessions.
#[test]
fn sim_and_live_agree_on_kept_connections() {
    let text = r#"
format = 1
title = "kept"
start = "2024-03-01T00:00:00Z"
duration = "30m"
[ca.issuing]
crl = { period = "1h", delta_period = "none" }
[sut.web]
tls = "1.3"
under_test = true
parameters = { prefetch = false }
[sut.strict]
tls = "1.3"
parameters = { prefetch = false, refusal_closes_connection = true }
[clients.steady]
sut = "web"
every = "1m"
keep_alive = true
[clients.steady-h2]
sut = "web"
every = "1m"
http = "2"
keep_alive = true
[clients.idle]
sut = "web"
every = "2m"
tls = "1.2"
keep_alive = true
session = "resumed"
[clients.changing]
sut = "web"
every = "1m"
identities = 2
choice = "random"
keep_alive = true
[clients.eager]
sut = "web"
every = "2s"
until = "1m"
keep_alive = true
[clients.impatient]
sut = "web"
every = "1m"
keep_alive = true
timeout = "3s"
[clients.refused]
sut = "strict"
every = "1m"
from = "10m"
until = "15m"
keep_alive = true
[clients.refused-h2]
sut = "strict"
every = "1m"
http = "2"
from = "10m"
until = "15m"
keep_alive = true
[fault.slow]
on = "issuing.base"
from = "0s"
for = "1m"
latency = { latency = "4s" }
[operation.restart]
on = "web"
at = "20m 30s"
restart_service = {}
[operation.reboot]
on = "web"
at = "25m 30s"
reboot = {}
[operation.clear]
on = "steady"
at = "28m 30s"
clear_ssl_state = {}
[operation.revoked]
on = "issuing"
at = "5s"
revoke = { identity = "refused-1" }
[operation.revoked-h2]
on = "issuing"
at = "5s"
revoke = { identity = "refused-h2-1" }
[operation.published]
on = "issuing"
at = "6s"
publish = {}
"#;
    let scenarios = revlab::scenario::from_text("kept", text);
    let scenario = scenarios.unwrap_or_else(|e| panic!("{}", e.render(false))).remove(0);
    let (sim, _) = run(&scenario, Transport::Sim);
    insta::assert_snapshot!(handshakes(&sim.trace).join("\n"), @r"
    changing: 2 Full admitted, 2 Kept admitted, 4 Full admitted, 2 Kept admitted, 1 Full admitted, 1 Kept admitted, 3 Full admitted, 1 Kept admitted, 2 Full admitted, 1 Kept admitted, 1 Full admitted, 1 Kept admitted, 2 Full admitted, 3 Kept admitted, 3 Full admitted, 1 Kept admitted
    eager: 3 Full admitted, 27 Kept admitted
    idle: 1 Full admitted, 1 Kept admitted, 1 Resumed admitted, 1 Kept admitted, 1 Resumed admitted, 1 Kept admitted, 1 Resumed admitted, 1 Kept admitted, 1 Resumed admitted, 1 Kept admitted, 2 Resumed admitted, 1 Kept admitted, 1 Full admitted, 1 Kept admitted
    impatient: 1 Full timed_out, 1 Full admitted, 19 Kept admitted, 1 Full admitted, 4 Kept admitted, 1 Full admitted, 3 Kept admitted
    refused: 5 Full refused
    refused-h2: 5 Full refused
    steady: 1 Full admitted, 20 Kept admitted, 1 Full admitted, 4 Kept admitted, 1 Full admitted, 2 Kept admitted, 1 Full admitted
    steady-h2: 1 Full admitted, 20 Kept admitted, 1 Full admitted, 4 Kept admitted, 1 Full admitted, 3 Kept admitted
    ");
    let kept = sim.trace.records().iter().filter_map(|r| match &r.kind {
        Kind::Attempt(a) if a.handshake == Handshake::Kept => Some(a),
        _ => None,
    });
    kept.for_each(|a| assert!(a.checks.is_empty() && a.took_ms == 1, "{a:?}"));
    sim_and_live_agree(&scenario);
}

/// A thread takes up the session of another whose answer is still to come: the ticket is there once the
/// handshake is.
#[test]
fn sim_and_live_agree_on_a_session_that_is_shared_while_its_first_user_waits() {
    for tls in ["1.2", "1.3"] {
        let text = format!(
            r#"
format = 1
title = "shared"
start = "2024-03-01T00:00:00Z"
duration = "2m"
[ca.issuing]
crl = {{ period = "1h", delta_period = "none" }}
[sut.web]
tls = "{tls}"
[clients.users]
every = "1m"
threads = 4
ramp_up = "8s"
session = "resumed"
sessions = "shared"
[fault.slow]
on = "issuing.base"
from = "0s"
for = "1m"
latency = {{ latency = "10s" }}
"#
        );
        let scenarios = revlab::scenario::from_text("shared", &text);
        let scenario = scenarios.unwrap_or_else(|e| panic!("{}", e.render(false))).remove(0);
        let (sim, _) = run(&scenario, Transport::Sim);
        let attempts = sim.trace.records().iter().filter_map(|r| match &r.kind {
            Kind::Attempt(a) => Some(a),
            _ => None,
        });
        let mut first: Vec<_> = attempts.take(4).collect();
        first.sort_by_key(|a| a.due);
        assert!(first[0].took_ms > 8000, "TLS {tls}: it waits while the others come");
        let kinds: Vec<_> = first.iter().map(|a| a.handshake).collect();
        use Handshake::{Full, Resumed};
        assert_eq!(kinds, [Full, Resumed, Resumed, Resumed], "TLS {tls}");
        sim_and_live_agree(&scenario);
    }
}

/// A client's time is up before the handshake is over, and before TCP is.
#[test]
fn sim_and_live_agree_on_time_outs_by_phase() {
    let text = r#"
format = 1
title = "slow"
start = "2024-03-01T00:00:00Z"
duration = "5m"
network = { round_trip = "100ms" }
[ca.issuing]
crl = { period = "1h", delta_period = "none" }
[sut.web]
[clients.connecting]
every = "1m"
timeout = "99ms"
[clients.shaking]
every = "1m"
timeout = "250ms"
[clients.asking]
every = "1m"
timeout = "350ms"
"#;
    let scenarios = revlab::scenario::from_text("slow", text);
    let scenario = scenarios.unwrap_or_else(|e| panic!("{}", e.render(false))).remove(0);
    let (sim, _) = run(&scenario, Transport::Sim);
    for (client, phase, connect, handshake) in [
        ("connecting", Phase::Connect, 99, 0),
        ("shaking", Phase::Handshake, 100, 150),
        ("asking", Phase::Request, 100, 200),
    ] {
        let mut attempts = sim.trace.records().iter().filter_map(|r| match &r.kind {
            Kind::Attempt(a) if *a.client == *client => Some(a),
            _ => None,
        });
        let a = attempts.next().unwrap();
        let phases = a.phases_ms.unwrap();
        assert_eq!((a.outcome, a.phase), (Outcome::TimedOut, Some(phase)), "{client}");
        assert_eq!((phases.connect, phases.handshake), (Some(connect), handshake), "{client}");
        assert_eq!(phases.first_byte, None);
    }
    sim_and_live_agree(&scenario);
}

/// What hurts most between cores and sockets: connections that break, hang, are given up or resumed.
#[test]
fn sim_and_live_agree_on_broken_connections_resumption_and_time_outs() {
    for tls in ["1.2", "1.3"] {
        let text = format!(
            r#"
format = 1
title = "rough"
start = "2024-03-01T00:00:00Z"
duration = "3h"
[ca.issuing]
name = "LAB-CA"
host = "pki.lab.example"
crl = {{ period = "1h", delta_period = "30m" }}
aia = {{ ocsp = ["http://pki.lab.example/ocsp"] }}
[sut.web]
tls = "{tls}"
updates = ["KB2666300"]
parameters = {{ tls_session_lifetime = "20m" }}
[clients.fresh]
every = "45s"
[clients.resumed]
every = "30s"
threads = 2
session = "resumed"
[clients.hasty]
every = "60s"
timeout = "8s"
[clients.late]
every = "10m"
clock = {{ offset = "3650d" }}
[fault.silent]
on = "issuing.delta"
from = "20m"
for = "40m"
timeout = {{}}
[fault.reset]
on = "issuing.base"
from = "1h"
for = "30m"
reset_peer = {{}}
[fault.slow]
on = "issuing.crl"
from = "1h 40m"
for = "1h"
latency = {{ latency = "6s" }}
[operation.clear]
on = "web"
at = "30m"
every = "10m"
delete_cache_files = {{}}
[operation.reboot]
on = "web"
at = "2h 0m 3s"
every = "15m"
reboot = {{}}
[operation.reissue]
on = "issuing"
at = "2h 10m"
reissue = {{ ocsp = [] }}
"#
        );
        let scenarios = revlab::scenario::from_text("rough", &text);
        let scenario = scenarios.unwrap_or_else(|e| panic!("{}", e.render(false))).remove(0);
        let (sim, _) = run(&scenario, Transport::Sim);
        let seen =
            |wanted: &dyn Fn(&Kind) -> bool| sim.trace.records().iter().any(|r| wanted(&r.kind));
        let outcome = |outcome| seen(&|k| matches!(k, Kind::Attempt(a) if a.outcome == outcome));
        use revlab_lab::Outcome::{Admitted, Failed, Refused, TimedOut};
        assert!([Admitted, Failed, Refused, TimedOut].into_iter().all(outcome), "TLS {tls}");
        use revlab_lab::trace::Handshake::Resumed;
        assert!(seen(&|k| matches!(k, Kind::Attempt(a) if a.handshake == Resumed)), "TLS {tls}");
        sim_and_live_agree(&scenario);
    }
}

#[test]
fn revoked_also_holds_over_real_sockets() {
    holds(&load("basics/revoked.toml").remove(0), Transport::Live);
}

/// What a support engineer sees: the first command of the README.
#[test]
fn the_report_of_the_incident_reads_as_it_should() {
    for name in ["unpatched", "patched"] {
        let scenario = variant("kb2666300/lab.toml", name);
        let (run, _) = run(&scenario, Transport::Sim);
        let judgement = judge::judge(&scenario, &run.trace);
        let report = terminal::render(&scenario, &run.trace, &judgement, false);
        insta::assert_snapshot!(format!("lab_{name}"), report);
    }
}

/// Two minutes of a lab, record by record: what a change of the trace format would change.
#[test]
fn a_short_trace_reads_as_its_reference_says() {
    let text = r#"
format = 1
title = "two minutes"
start = "2024-03-01T00:00:00Z"
duration = "2m"
[ca.issuing]
name = "LAB-CA"
host = "pki.lab.example"
computer = "PKI"
crl = { period = "1h", delta_period = "30m" }
aia = { ocsp = ["http://pki.lab.example/CertEnroll/PKI_LAB-CA.crt"] }
[sut.web]
clock = { offset = "5s" }
[clients.users]
every = "30s"
[fault.slow]
on = "issuing.delta"
from = "0s"
for = "10s"
latency = { latency = "1500ms" }
[operation.revoke]
on = "issuing"
at = "30s"
revoke = { identity = "users-1", reason = 1 }
[operation.publish]
on = "issuing"
at = "31s"
publish = { base = true }
[operation.reboot]
on = "web"
at = "40s"
reboot = {}
[operation.clear]
on = "web"
at = "40s"
delete_cache_files = {}
"#;
    let scenarios = revlab::scenario::from_text("two-minutes", text);
    let scenario = scenarios.unwrap_or_else(|e| panic!("{}", e.render(false))).remove(0);
    let (_, trace) = run(&scenario, Transport::Sim);
    insta::assert_snapshot!(String::from_utf8(trace).expect("JSON is UTF-8"));
}
