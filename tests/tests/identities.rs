//! Whose certificate an attempt uses: chosen by revocation state, by weight, and minted for it.

use std::collections::{BTreeMap, BTreeSet};

use revlab::exec::Transport;
use revlab::scenario::{Scenario, from_text};
use revlab_lab::Outcome;
use revlab_lab::trace::{Attempt, Kind, Purpose};
use revlab_tests::{run, sim_and_live_agree};

fn scenario(rest: &str) -> Scenario {
    let text = format!(
        "format = 1\ntitle = \"t\"\nstart = \"2024-03-01T00:00:00Z\"\nduration = \"1h\"\n\
         [ca.issuing]\naia = {{ ocsp = [\"http://pki.lab.example/ocsp\"] }}\nhost = \"pki.lab.example\"\n\
         responder = {{ validity = \"1m\" }}\n[sut.web]\n{rest}"
    );
    from_text("t", &text).unwrap_or_else(|e| panic!("{}", e.render(false))).remove(0)
}

fn attempts(scenario: &Scenario) -> Vec<Attempt> {
    let (run, _) = run(scenario, Transport::Sim);
    let records = run.trace.records().iter();
    let attempts = records.filter_map(|record| match &record.kind {
        Kind::Attempt(attempt) => Some(attempt.clone()),
        _ => None,
    });
    attempts.collect()
}

/// One of three is revoked after 20 minutes, on hold from there on until minute 40.
const STATES: &str = r#"
[clients.good]
every = "2m"
identities = 3
state = "good"
[clients.any]
every = "2m"
identities = 3
[clients.revoked]
think = "2m"
identities = 3
state = "revoked"
[operation.a-good]
on = "issuing"
at = "20m"
revoke = { identity = "good-2", reason = 6 }
[operation.a-revoked]
on = "issuing"
at = "20m"
revoke = { identity = "revoked-2", reason = 6 }
[operation.b-revoked]
on = "issuing"
at = "40m"
release = { identity = "revoked-2" }
"#;

#[test]
fn identities_are_chosen_by_what_their_ca_has_on_record() {
    let scenario = scenario(STATES);
    let all = attempts(&scenario);
    let of = |client: &str| all.iter().filter(move |a| *a.client == *client).collect::<Vec<_>>();
    // Nobody is sent with a revoked certificate while none is; the closed client goes on all the same.
    let revoked = of("revoked");
    assert!(revoked.len() >= 9, "{}", revoked.len());
    let minute = |a: &Attempt| (a.due - scenario.start).as_millis() / 60_000;
    for attempt in revoked {
        assert_eq!(&*attempt.identity, "revoked-2");
        assert!((20..40).contains(&minute(attempt)), "{}", minute(attempt));
    }
    let later = of("good").into_iter().filter(|a| minute(a) >= 20);
    let good: BTreeSet<&str> = later.map(|a| &*a.identity).collect();
    assert_eq!(good, BTreeSet::from(["good-1", "good-3"]));
    assert_eq!(of("any").len(), 30);
    sim_and_live_agree(&scenario);
}

#[test]
fn each_minted_certificate_is_asked_about_since_nobody_knows_it() {
    let scenario = scenario("[clients.new]\nevery = \"3m\"\nthreads = 2\nchoice = \"minted\"\n");
    let all = attempts(&scenario);
    let identities: BTreeSet<&str> = all.iter().map(|a| &*a.identity).collect();
    assert_eq!((all.len(), identities.len()), (40, 40));
    assert!(all.iter().all(|a| a.outcome == Outcome::Admitted));
    let (run, _) = run(&scenario, Transport::Sim);
    let asked = run.trace.records().iter().filter(|record| {
        matches!(&record.kind, Kind::Fetch(f) if f.purpose == Purpose::Ocsp && f.status == Some(200))
    });
    assert_eq!(asked.count(), 40);
    sim_and_live_agree(&scenario);
}

#[test]
fn weights_decide_who_comes_more_often() {
    let scenario = scenario("[clients.some]\nevery = \"5s\"\nidentities = 2\nweights = [9, 1]\n");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for attempt in attempts(&scenario) {
        *counts.entry(attempt.identity.to_string()).or_default() += 1;
    }
    let (often, rarely) = (counts["some-1"], counts["some-2"]);
    assert_eq!(often + rarely, 720);
    assert!((600..700).contains(&often), "{often}");
}
