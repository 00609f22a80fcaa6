use revlab_lab::{Code, Outcome};

use super::rules::{Rule, worse};
use super::*;
use crate::judge::sample::{Lab, hours, mins};
use crate::report::sample;

fn held_against(a: &Lab, b: &Lab) -> Comparison {
    let (left, right) = ((a.scenario(), a.trace()), (b.scenario(), b.trace()));
    compare((&left.0, &left.1), (&right.0, &right.1))
}

#[test]
fn a_cure_is_seen_in_attempts_episodes_and_fetches() {
    let it = held_against(&sample::outage(), &sample::healthy());
    assert_eq!((it.attempts.both, it.attempts.newly_admitted.count), (144, 12));
    assert_eq!(it.attempts.newly_admitted.stretches.len(), 2);
    assert_eq!((it.episodes.gone.len(), it.episodes.new.len(), it.episodes.both), (2, 0, 0));
    assert_eq!(worse(&it, &Rule::USUAL), Vec::<String>::new());
    insta::assert_snapshot!(terminal::render(&it, &[]));
    insta::assert_snapshot!(markdown::render(&it, &[]));
}

#[test]
fn the_way_back_is_worse_in_attempts_and_episodes() {
    let it = held_against(&sample::healthy(), &sample::outage());
    let why = worse(&it, &Rule::USUAL);
    assert_eq!(why, ["12 attempts newly refused", "2 new episodes"]);
    assert!(html::render(&[(&it, why)]).contains("B is worse than A: 12 attempts"));
}

#[test]
fn a_run_held_against_itself_differs_in_nothing() {
    let lab = sample::outage();
    let it = held_against(&lab, &lab);
    assert_eq!((it.attempts.same, it.attempts.both), (144, 144));
    assert_eq!((it.episodes.both, it.settings.len(), it.expectations.len()), (2, 0, 0));
    assert!(it.fetches.iter().all(|f| f.a == f.b));
    assert_eq!(it.a, it.b);
    let strict = [Rule::Fetches(0.0), Rule::Latency(0.0)];
    assert_eq!(worse(&it, &[&Rule::USUAL[..], &strict].concat()), Vec::<String>::new());
}

/// Revoked at 1:00; admitted until `until`, then refused.
fn revoked(until: i64) -> Lab {
    let mut lab = Lab::new(hours(4));
    lab.revocation("out", "jmeter-1").operation(hours(1), "out", "revoke");
    for minute in (0..240).step_by(10) {
        match minute < until {
            true => lab.admitted(mins(minute)),
            false => lab.refused(mins(minute), Code::CRYPT_E_REVOKED),
        };
    }
    lab
}

#[test]
fn a_revoked_certificate_that_is_refused_earlier_is_better_and_later_is_worse() {
    let (early, late) = (revoked(100), revoked(160));
    let better = held_against(&late, &early);
    assert_eq!(better.attempts.newly_refused.count, 6);
    assert_eq!(better.attempts.newly_refused.revoked, 6);
    assert_eq!(worse(&better, &[Rule::NewlyRefused, Rule::Exposure]), Vec::<String>::new());
    let it = held_against(&early, &late);
    assert_eq!(
        worse(&it, &[Rule::NewlyRefused, Rule::Exposure]),
        ["6 attempts with a revoked certificate newly admitted"]
    );
    assert!(it.a.exposure_ms < it.b.exposure_ms);
}

#[test]
fn an_expectation_that_stops_holding_is_named() {
    let a = sample::healthy();
    let mut b = sample::outage();
    b.scenario.expectations = a.scenario.expectations.clone();
    let it = held_against(&a, &b);
    assert_eq!(it.broken.len(), 1);
    assert!(worse(&it, &[Rule::Expectations])[0].starts_with("no longer held: "));
}

#[test]
fn attempts_of_one_side_alone_are_counted_and_other_codes_are_changes() {
    let (mut a, mut b) = (Lab::new(hours(1)), Lab::new(hours(1)));
    a.admitted(mins(1)).refused(mins(2), Code::CRYPT_E_REVOCATION_OFFLINE);
    b.refused(mins(2), Code::CRYPT_E_REVOKED).admitted(mins(3)).admitted(mins(4));
    b.attempt_of("other", mins(2), Outcome::Admitted, None);
    let it = held_against(&a, &b).attempts;
    assert_eq!((it.only_a, it.only_b, it.both, it.otherwise.count), (1, 3, 1, 1));
}

#[test]
fn more_than_so_many_per_cent_is_worse() {
    let it = held_against(&sample::healthy(), &sample::outage());
    let (a, b) = it.fetches.iter().fold((0, 0), |(a, b), f| (a + f.a, b + f.b));
    assert!(b > a);
    assert_eq!(worse(&it, &[Rule::Fetches(1000.0)]), Vec::<String>::new());
    assert_eq!(worse(&it, &[Rule::Fetches(0.0)]).len(), 1);
}

#[test]
fn rules_are_read_or_refused_with_what_is_valid() {
    assert_eq!("fetches=10%".parse(), Ok(Rule::Fetches(10.0)));
    assert_eq!("newly-refused".parse(), Ok(Rule::NewlyRefused));
    for wrong in ["", "fetches", "fetches=10", "latency=-1%", "latency=nan%", "exposure=1%"] {
        assert!(wrong.parse::<Rule>().is_err(), "{wrong}");
    }
}
