//! Properties of whole runs, over scenarios that nobody wrote.

use proptest::prelude::*;
use revlab::exec::Transport;
use revlab::judge::{self, Status};
use revlab::report::terminal;
use revlab::scenario::from_text;
use revlab_tests::run;

/// What a healthy lab can be like: any hypothesis with the hotfix, any periods, phases and drift.
fn healthy_lab() -> impl Strategy<Value = String> {
    let hypotheses = prop::sample::select(vec!["H0", "H1a", "H1b", "H1c", "H1d", "H4", "H5"]);
    let ocsp = prop::sample::select(vec![
        "aia = { ocsp = [] }",
        "aia = { ocsp = [\"http://pki.example/CertEnroll/PKI_LAB-CA.crt\"] }",
        "aia = { ocsp = [\"http://nowhere.example/ocsp\"] }",
        "aia = { ocsp = [\"http://pki.example/ocsp\"] }\nresponder = { validity = \"40m\" }",
    ]);
    let periods = (45i64..600, 20i64..45, 0i64..45, 0i64..20, 0i64..30);
    let rules = (
        prop::sample::select(vec!["A", "B"]),
        prop::sample::select(vec!["previous", "newest", "oldest_unexpired"]),
        any::<bool>(),
    );
    let clients = (1u32..4, 20i64..300, any::<bool>());
    (hypotheses, ocsp, periods, rules, clients, 1u64..1000).prop_map(
        |(hypothesis, ocsp, (period, delta, phase, delta_phase, drift), rules, clients, seed)| {
            let (rule, base, together) = rules;
            let (identities, every, resumed) = clients;
            let session = if resumed { "resumed" } else { "fresh" };
            format!(
                r#"
format = 1
title = "a healthy lab"
start = "2024-03-01T00:00:00Z"
duration = "30h"
seed = {seed}
[ca.issuing]
name = "LAB-CA"
host = "pki.example"
computer = "PKI"
{ocsp}
crl = {{ period = "{period}m", delta_period = "{delta}m", phase = "{phase}m", delta_phase = "{delta_phase}m", drift = "{drift}s per 1h", delta_overlap_rule = "{rule}", delta_base = "{base}", base_publishes_delta = {together} }}
[sut.web]
hypothesis = "{hypothesis}"
updates = ["KB2666300"]
[clients.users]
every = "{every}s"
threads = {identities}
identities = {identities}
session = "{session}"
[expect.never-refused]
attempts = {{ share = "all", outcome = "admitted" }}
"#
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// With KB2666300, no skew, answers within the budgets, and every required object reachable
    /// and fresh, a good client is never refused, whatever the hypothesis about the defect.
    #[test]
    fn with_the_hotfix_a_good_client_is_never_refused(text in healthy_lab()) {
        let scenarios = from_text("healthy", &text);
        let scenario = match &scenarios {
            Ok(scenarios) => &scenarios[0],
            Err(errors) => panic!("{text}\n{}", errors.render(false)),
        };
        let (run, bytes) = run(scenario, Transport::Sim);
        let judgement = judge::judge(scenario, &run.trace);
        let report = terminal::render(scenario, &run.trace, &judgement, false);
        prop_assert_eq!(judgement.status(), Status::Held, "{}\n{}", text, report);
        let read = revlab_lab::trace::read(&bytes[..]).expect("what is written can be read");
        prop_assert_eq!(read.records(), run.trace.records());
    }
}
