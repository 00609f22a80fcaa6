//! Base and delta: two entries, and how their numbers have to stand to each other.

use revlab_lab::Span;
use revlab_lab::trace::{Purpose, Step, Verdict};
use revlab_pki::Certificate;

use super::authority::{Authority, BASE, DELTA, START, base, base_with_delta, delta, entry, urls};
use super::bench::{Answer, Bench, Seen};
use crate::Operation;

const DAY: Span = Span::from_days(1);
const HOUR: Span = Span::from_hours(1);

fn client() -> Certificate {
    Authority::root().client("alice", 10, |_| {})
}

/// A bench with a base of number `b` and a delta of number `d` and indicator `e`, both fresh.
fn numbers(settings: &[(&str, &str)], b: u64, d: u64, e: u64) -> Bench {
    let ca = Authority::root();
    let mut bench = Bench::new(settings);
    bench.put("base", BASE, Answer::ok(ca.sign(&base_with_delta(b, START, DAY))));
    bench.put("delta", DELTA, Answer::ok(ca.sign(&delta(d, e, START, DAY))));
    bench
}

fn uses_delta(seen: &Seen) -> bool {
    seen.check.used.iter().any(|used| used.object == Purpose::Delta)
}

/// §2.6, reported (d ≥ b ≥ e; that d = b is no error is inferred from AD CS numbering, §4.2), and
/// documented that b < e sends the caller to look for a newer base.
#[test]
fn a_delta_is_current_when_its_number_its_indicator_and_the_base_are_in_order() {
    for b in 1..=4u64 {
        for d in 1..=4 {
            for e in 1..=d {
                let seen = numbers(&[], b, d, e).check(&client());
                let sought = b < e;
                let older = !sought && d < b;
                let asked = if sought { "base delta base" } else { "base delta" };
                assert_eq!(seen.asked, asked, "b {b} d {d} e {e}");
                let verdict = if sought { Verdict::Offline } else { Verdict::Good };
                assert_eq!(seen.verdict, verdict, "b {b} d {d} e {e}");
                let refused = seen.check.steps.iter().any(|s| matches!(s, Step::Refused { .. }));
                assert_eq!(refused, older, "b {b} d {d} e {e}");
            }
        }
    }
}

/// §2.6, documented (iDeltaCrlIndicator): with a newer base the check comes to its end.
#[test]
fn a_newer_base_that_is_found_makes_the_delta_current() {
    let ca = Authority::root();
    let mut bench = numbers(&[], 1, 3, 2);
    let (old, new) = (base_with_delta(1, START, DAY), base_with_delta(2, START, DAY));
    let (old, new) = (ca.sign(&old), ca.sign(&new));
    let mut first = true;
    bench.script("base", BASE, move |_| {
        Answer::ok(if std::mem::take(&mut first) { old.clone() } else { new.clone() })
    });
    let seen = bench.check(&client());
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "base delta base"));
    let used: Vec<_> = seen.check.used.iter().map(|u| (u.object, u.number)).collect();
    assert_eq!(used, [(Purpose::Base, Some(2)), (Purpose::Delta, Some(3))]);
    assert_eq!(bench.check(&client()).asked, "", "both are in memory, and fit");
}

/// §2.6: every check that finds the base too old looks for a newer one, once.
#[test]
fn a_base_that_stays_too_old_is_looked_for_once_in_each_check() {
    let mut bench = numbers(&[], 1, 3, 2);
    assert_eq!(bench.check(&client()).asked, "base delta base");
    let second = bench.check(&client());
    assert_eq!((second.verdict, second.asked.as_str()), (Verdict::Offline, "base"));
}

/// §2.6, inferred both ways: PSPKI's health check calls an older delta a warning.
#[test]
fn an_older_delta_is_ignored_or_missing_as_the_parameter_says() {
    for (policy, verdict) in [("ignored", Verdict::Good), ("missing", Verdict::Offline)] {
        let seen = numbers(&[("older_delta", policy)], 3, 2, 1).check(&client());
        assert_eq!(seen.verdict, verdict, "{policy}");
    }
}

/// §2.6, documented (Morello) for `offline`; low confidence that every version is that strict.
#[test]
fn a_delta_that_cannot_be_had_means_offline_or_nothing_as_the_policy_says() {
    let ca = Authority::root();
    let expired = ca.sign(&delta(2, 1, START - DAY, HOUR));
    for (policy, verdict) in [("offline", Verdict::Offline), ("base_only", Verdict::Good)] {
        for answer in [Answer::not_found(), Answer::ok(expired.clone())] {
            let mut bench = numbers(&[("expired_delta_policy", policy)], 1, 2, 1);
            bench.put("delta", DELTA, answer);
            let seen = bench.check(&client());
            assert_eq!((seen.verdict, seen.asked.as_str()), (verdict, "base delta"), "{policy}");
        }
    }
}

/// §2.6: only where there is a pointer to a delta is one needed.
#[test]
fn without_a_pointer_no_delta_is_asked_for() {
    let ca = Authority::root();
    let mut bench = numbers(&[], 1, 2, 1);
    bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))));
    assert_eq!(bench.check(&client()).asked, "base");
    let pointing = ca.client("bob", 11, |t| t.freshest_crl_urls = urls(&[DELTA]));
    let seen = bench.check(&pointing);
    assert_eq!(seen.asked, "delta", "the certificate itself may point at one, RFC 5280 §4.2.1.15");
    assert!(uses_delta(&seen));
}

/// §2.4, inferred with high confidence: delta and base are entries of their own, each renewed when
/// it has expired itself.
#[test]
fn a_delta_expires_and_is_renewed_without_the_base() {
    let ca = Authority::root();
    let mut bench = numbers(&[], 1, 2, 1);
    bench.put("delta", DELTA, Answer::ok(ca.sign(&delta(2, 1, START, HOUR))));
    bench.check(&client());
    bench.wait(HOUR + Span::from_secs(1));
    let newer = ca.sign(&delta(3, 1, START + HOUR, HOUR));
    bench.put("delta", DELTA, Answer::ok(newer));
    let seen = bench.check(&client());
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "delta"));
}

/// §7.1 from O6, inferred: the delta is fetched while the base is stale, unless the parameter
/// couples them.
#[test]
fn without_a_valid_base_the_delta_is_fetched_unless_it_requires_one() {
    for (setting, asked) in [("false", "base delta"), ("true", "base")] {
        let ca = Authority::root();
        let mut bench = numbers(&[("delta_requires_valid_base_to_fetch", setting)], 1, 2, 1);
        let short = base_with_delta(1, START, HOUR);
        bench.put("base", BASE, Answer::ok(ca.sign(&short)));
        bench.put("delta", DELTA, Answer::ok(ca.sign(&delta(2, 1, START, HOUR))));
        bench.check(&client());
        bench.wait(HOUR + Span::from_secs(1));
        bench.put("delta", DELTA, Answer::ok(ca.sign(&delta(3, 1, START + HOUR, HOUR))));
        let seen = bench.check(&client());
        assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Offline, asked), "{setting}");
    }
}

/// §7.1, inferred: the delta's entry is keyed by the base, so a new base leaves it behind; without
/// the parameter the disk still has it.
#[test]
fn a_new_base_forces_a_delta_fetch_as_the_parameter_says() {
    for (setting, asked) in [("true", "base delta"), ("false", "base")] {
        let ca = Authority::root();
        let mut bench = numbers(&[("new_base_forces_delta_fetch", setting)], 1, 5, 1);
        bench.put("base", BASE, Answer::ok(ca.sign(&base_with_delta(1, START, HOUR))));
        bench.check(&client());
        bench.wait(HOUR + Span::from_secs(1));
        let newer = base_with_delta(2, START + HOUR, HOUR);
        bench.put("base", BASE, Answer::ok(ca.sign(&newer)));
        let seen = bench.check(&client());
        assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, asked), "{setting}");
    }
}

/// RFC 5280 §5.2.4, and §2.6: base and delta together say what is revoked.
#[test]
fn an_entry_in_the_delta_revokes_and_remove_from_crl_releases() {
    let ca = Authority::root();
    const ON_HOLD: Option<u8> = Some(6);
    const REMOVE_FROM_CRL: Option<u8> = Some(8);
    let listed = |reason: Option<u8>| vec![entry(&client(), reason)];
    for (in_base, in_delta, verdict) in [
        (vec![], listed(Some(1)), Verdict::Revoked),
        (listed(Some(1)), vec![], Verdict::Revoked),
        (listed(ON_HOLD), listed(REMOVE_FROM_CRL), Verdict::Good),
        (vec![], listed(REMOVE_FROM_CRL), Verdict::Good),
        (vec![entry(&ca.client("bob", 11, |_| {}), None)], vec![], Verdict::Good),
    ] {
        let mut bench = numbers(&[], 1, 2, 1);
        let base = revlab_pki::CrlTemplate { entries: in_base, ..base_with_delta(1, START, DAY) };
        let delta = revlab_pki::CrlTemplate { entries: in_delta, ..delta(2, 1, START, DAY) };
        bench.put("base", BASE, Answer::ok(ca.sign(&base)));
        bench.put("delta", DELTA, Answer::ok(ca.sign(&delta)));
        assert_eq!(bench.check(&client()).verdict, verdict);
    }
}

/// §2.4: the disk cache serves both entries after a reboot.
#[test]
fn after_a_reboot_base_and_delta_both_come_from_disk() {
    let mut bench = numbers(&[], 1, 2, 1);
    bench.check(&client());
    bench.operate(Operation::Reboot);
    let seen = bench.check(&client());
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, ""));
    assert!(uses_delta(&seen));
}
