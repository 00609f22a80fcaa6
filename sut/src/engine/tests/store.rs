//! The machine's store, and what a binding says about checks.

use revlab_lab::Span;
use revlab_lab::trace::{Layer, Verdict};
use revlab_pki::{Crl, CrlTemplate};

use super::authority::{Authority, BASE, DELTA, START, base, base_with_delta, delta, entry, urls};
use super::bench::{Answer, Bench};
use crate::Operation;

const DAY: Span = Span::from_days(1);
const HOUR: Span = Span::from_hours(1);

fn add(bench: &mut Bench, template: &CrlTemplate) {
    let crl = Crl::parse(&Authority::root().sign(template)).unwrap();
    bench.operate(Operation::AddToStore { crl });
}

/// §2.1, documented: step 3, a time-valid CRL in the store goes before any download.
#[test]
fn a_crl_in_the_store_serves_where_the_network_does_not() {
    let client = Authority::root().client("alice", 10, |_| {});
    let mut bench = Bench::new(&[]);
    bench.put("base", BASE, Answer::not_found());
    assert_eq!(bench.check(&client).verdict, Verdict::Offline);
    add(&mut bench, &base(1, START, HOUR));
    bench.wait(Span::from_mins(2));
    let seen = bench.check(&client);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, ""));
    assert_eq!(seen.check.used[0].layer, Layer::Store);
    // Past its nextUpdate it serves no more.
    bench.wait(HOUR);
    let seen = bench.check(&client);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Offline, "base"));
}

#[test]
fn a_store_keeps_the_newer_of_two_lists_and_survives_a_reboot() {
    let client = Authority::root().client("alice", 10, |_| {});
    let listing = CrlTemplate { entries: vec![entry(&client, Some(1))], ..base(2, START, DAY) };
    let older = base(1, START - HOUR, DAY);
    for lists in [[&older, &listing], [&listing, &older]] {
        let mut bench = Bench::new(&[]);
        lists.into_iter().for_each(|list| add(&mut bench, list));
        assert_eq!(bench.check(&client).verdict, Verdict::Revoked);
        bench.operate(Operation::Reboot);
        assert_eq!(bench.check(&client).verdict, Verdict::Revoked);
    }
}

#[test]
fn base_and_delta_can_both_come_from_the_store() {
    let client = Authority::root().client("alice", 10, |t| t.freshest_crl_urls = urls(&[DELTA]));
    let mut bench = Bench::new(&[]);
    add(&mut bench, &base_with_delta(1, START, DAY));
    add(
        &mut bench,
        &CrlTemplate { entries: vec![entry(&client, Some(1))], ..delta(2, 1, START, DAY) },
    );
    let seen = bench.check(&client);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Revoked, ""));
    assert_eq!(seen.check.used.len(), 2);
}

#[test]
fn a_list_of_another_issuer_is_passed_over() {
    let stranger = Authority::self_issued("Stranger");
    let mut bench = Bench::new(&[]);
    let crl = Crl::parse(&stranger.sign(&base(1, START, DAY))).unwrap();
    bench.operate(Operation::AddToStore { crl });
    bench.put("base", BASE, Answer::ok(Authority::root().sign(&base(1, START, DAY))));
    let seen = bench.check(&Authority::root().client("alice", 10, |_| {}));
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "base"));
}

/// §3.2, documented: verifyrevocationwithcachedclientcertonly.
#[test]
fn a_server_that_keeps_to_its_cache_asks_nobody() {
    let client = Authority::root().client_with_ocsp("alice", 10);
    let mut bench = Bench::new(&[("cached_only", "true")]);
    let seen = bench.check(&client);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Offline, ""));
    add(&mut bench, &base(1, START, DAY));
    assert_eq!(bench.check(&client).verdict, Verdict::Good);
}

/// §3.2, documented: verifyclientcertrevocation.
#[test]
fn a_server_that_does_not_check_lets_the_revoked_in() {
    let client = Authority::root().client("alice", 10, |_| {});
    let mut bench = Bench::new(&[("verify_revocation", "false")]);
    let listing = CrlTemplate { entries: vec![entry(&client, Some(1))], ..base(2, START, DAY) };
    add(&mut bench, &listing);
    let seen = bench.check(&client);
    assert_eq!((seen.verdict, seen.page.as_str()), (Verdict::NotChecked, "200"));
    assert_eq!(seen.asked, "");
}
