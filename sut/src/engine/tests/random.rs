//! Random histories: what holds whatever happens.

use proptest::prelude::*;
use revlab_lab::http::FetchError;
use revlab_lab::trace::Handshake;
use revlab_lab::{Instant, Span};
use revlab_pki::{CertStatus, Certificate};

use super::authority::{Authority, BASE, DELTA, OCSP, START, base_with_delta, delta};
use super::bench::{Answer, Bench, profile};
use crate::profile::{Hypothesis, Update};
use crate::{Operation, SYSTEM_ACCOUNT};

/// What a URL of the CA does from now on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Conduct {
    Good,
    Slow(i64),
    Stale,
    WrongIssuer,
    Garbage,
    NotFound,
    Error,
    Never,
}

#[derive(Clone, Debug)]
pub(super) enum Deed {
    Request(usize),
    Resume(usize),
    Wait(i64),
    Ocsp(Conduct),
    Base(Conduct),
    Delta(Conduct),
    Operate(usize),
}

pub(super) fn conduct() -> impl Strategy<Value = Conduct> {
    prop_oneof![
        3 => Just(Conduct::Good),
        1 => (0i64..25_000).prop_map(Conduct::Slow),
        1 => Just(Conduct::Stale),
        1 => Just(Conduct::WrongIssuer),
        1 => Just(Conduct::Garbage),
        1 => Just(Conduct::NotFound),
        1 => Just(Conduct::Error),
        1 => Just(Conduct::Never),
    ]
}

fn wait() -> impl Strategy<Value = Deed> {
    prop_oneof![
        Just(0i64..3_000),
        Just(3_000..30_000),
        Just(30_000..7_200_000),
        Just(7_200_000..30_000_000),
    ]
    .prop_flat_map(|range| range)
    .prop_map(Deed::Wait)
}

fn quiet_deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        6 => (0usize..3).prop_map(Deed::Request),
        1 => (0usize..3).prop_map(Deed::Resume),
        5 => wait(),
        1 => conduct().prop_map(Deed::Ocsp),
        1 => (0usize..6).prop_map(Deed::Operate),
    ]
}

pub(super) fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        6 => quiet_deed(),
        1 => conduct().prop_map(Deed::Base),
        1 => conduct().prop_map(Deed::Delta),
    ]
}

pub(super) fn hypothesis() -> impl Strategy<Value = Hypothesis> {
    prop::sample::select(Hypothesis::NAMES.map(|(_, hypothesis)| hypothesis).to_vec())
}

/// Which URL a script stands behind.
#[derive(Clone, Copy)]
enum Place {
    Ocsp,
    Base,
    Delta,
}

fn answer(place: Place, conduct: Conduct, now: Instant) -> Answer {
    let ca = match conduct {
        Conduct::WrongIssuer => Authority::self_issued("Other-CA"),
        _ => Authority::root(),
    };
    let from = match conduct {
        Conduct::Stale => now.floor_to_second() - Span::from_hours(2),
        _ => now.floor_to_second(),
    };
    let number = (now - START).as_secs() as u64 + 1;
    let body = match (conduct, place) {
        (Conduct::Garbage, _) => b"<html>It works</html>".to_vec(),
        (_, Place::Base) => ca.sign(&base_with_delta(number, from, Span::from_mins(85))),
        (_, Place::Delta) => ca.sign(&delta(number, 1, from, Span::from_mins(31))),
        (_, Place::Ocsp) => {
            let client = &clients()[0];
            Authority::root().ocsp(client, CertStatus::Good, from, Span::from_hours(1))
        }
    };
    match conduct {
        Conduct::NotFound => Answer::not_found(),
        Conduct::Error => Answer::error(FetchError::ConnectionReset),
        Conduct::Never => Answer::never(),
        Conduct::Slow(millis) => Answer::ok(body).after(Span::from_millis(millis)),
        _ => Answer::ok(body),
    }
}

fn clients() -> Vec<Certificate> {
    let ca = Authority::root();
    vec![
        ca.client_with_ocsp("alice", 10),
        ca.client_with_ocsp("bob", 11),
        ca.client("carol", 12, |_| {}),
    ]
}

fn behave(bench: &mut Bench, place: Place, conduct: Conduct) {
    let (what, url) = match place {
        Place::Ocsp => ("ocsp", OCSP),
        Place::Base => ("base", BASE),
        Place::Delta => ("delta", DELTA),
    };
    bench.script(what, url, move |now| answer(place, conduct, now));
}

fn operation(number: usize, client: &Certificate) -> Operation {
    let account = SYSTEM_ACCOUNT.into();
    match number {
        0 => Operation::UrlcacheDelete { account },
        1 => Operation::DeleteCacheFiles { accounts: vec![account, "Administrator".into()] },
        2 => Operation::RestartService,
        3 => Operation::Reboot,
        4 => Operation::ChainCacheResync,
        _ => Operation::Verify { peer: [client.clone()].into(), account: "Administrator".into() },
    }
}

/// Plays a history, and lets everything come to its end. The bench itself holds the machine to
/// answering nobody twice and to never asking to be woken in the past. Says how many attempts
/// there were, and how many commands.
pub(super) fn play(bench: &mut Bench, deeds: &[Deed]) -> (u64, usize) {
    let clients = clients();
    for place in [Place::Ocsp, Place::Base, Place::Delta] {
        behave(bench, place, Conduct::Good);
    }
    let (mut attempts, mut commands) = (0, 0);
    for deed in deeds {
        match deed {
            Deed::Request(who) | Deed::Resume(who) => {
                let resumed = matches!(deed, Deed::Resume(_));
                let kind = if resumed { Handshake::Resumed } else { Handshake::Full };
                attempts = bench.request(&[clients[*who].clone()], kind);
            }
            Deed::Wait(millis) => bench.wait(Span::from_millis(*millis)),
            Deed::Ocsp(conduct) => behave(bench, Place::Ocsp, *conduct),
            Deed::Base(conduct) => behave(bench, Place::Base, *conduct),
            Deed::Delta(conduct) => behave(bench, Place::Delta, *conduct),
            Deed::Operate(number) => {
                commands += usize::from(*number > 4);
                bench.operate(operation(*number, &clients[0]));
            }
        }
    }
    bench.wait(Span::from_mins(2));
    (attempts, commands)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..Default::default() })]

    /// Every attempt is answered once or closed by a reboot, and no check outlives its 20 s and
    /// the overhead of its retrievals: at most OCSP by GET and POST, two bases and a delta.
    #[test]
    fn every_request_comes_to_its_end_in_time(
        deeds in prop::collection::vec(deed(), 1..60),
        hypothesis in hypothesis(),
        patched: bool,
        share: bool,
        overhead in prop::sample::select(vec!["0s", "5s"]),
        in_budget: bool,
    ) {
        let (share_text, budget) = (share.to_string(), in_budget.to_string());
        let settings = [
            ("prefetch", "false"),
            ("share_retrievals", share_text.as_str()),
            ("per_retrieval_overhead", overhead),
            ("overhead_in_budget", budget.as_str()),
        ];
        let updates = if patched { vec![Update::Kb2666300] } else { vec![] };
        let mut bench = Bench::of(profile(hypothesis, &updates, &settings));
        let (attempts, commands) = play(&mut bench, &deeds);
        for attempt in 1..=attempts {
            let (answered, closed) =
                (bench.answered.get(&attempt), bench.closed.contains(&attempt));
            prop_assert!(answered.is_some() != closed, "attempt {}", attempt);
            prop_assert!(answered.is_none_or(|(.., checks)| checks.len() == 1));
        }
        let bound = Span::from_secs(20) + overhead.parse::<Span>().unwrap().scale(5, 1);
        for (at, kind) in &bench.trace {
            if let revlab_lab::trace::Kind::Check(check) = kind {
                prop_assert!(check.began.is_none_or(|began| *at - began <= bound));
            }
        }
        prop_assert!(bench.in_flight.is_empty(), "nothing is left under way");
        if share {
            prop_assert!(bench.most_at_once <= 1 + commands, "one for each process");
        }
    }

    /// §1.1 and O12: with the hotfix, no skew, everything reachable and fresh and answers inside
    /// the budgets, a good client is never refused, whatever OCSP does. H2 is the hypothesis that
    /// the budgets do not suffice.
    #[test]
    fn with_the_hotfix_a_good_client_is_never_refused(
        deeds in prop::collection::vec(quiet_deed(), 1..60),
        hypothesis in hypothesis().prop_filter("inside the budgets", |h| *h != Hypothesis::H2),
        prefetch: bool,
    ) {
        let prefetch = prefetch.to_string();
        let settings = [("prefetch", prefetch.as_str())];
        let mut bench = Bench::of(profile(hypothesis, &[Update::Kb2666300], &settings));
        play(&mut bench, &deeds);
        for (at, reply, _) in bench.answered.values() {
            prop_assert_eq!(reply.status, 200, "at {}", at);
        }
    }
}
