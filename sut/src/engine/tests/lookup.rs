//! The order in which sources are asked: memory, disk, wire; OCSP before CRL.

use revlab_lab::Span;
use revlab_lab::trace::{Layer, Purpose, State, Step, Verdict};

use super::authority::{Authority, BASE, OCSP, START, base, urls};
use super::bench::{Answer, Bench, Seen};
use crate::{Operation, SYSTEM_ACCOUNT};

const DAY: Span = Span::from_days(1);

/// Where a base CRL was looked for, and how it was found there.
fn lookups(seen: &Seen) -> Vec<(Layer, State)> {
    let of_base = |step: &Step| match step {
        Step::Lookup { object: Purpose::Base, layer, state, .. } => Some((*layer, *state)),
        _ => None,
    };
    seen.check.steps.iter().filter_map(of_base).collect()
}

fn layers(seen: &Seen) -> Vec<Layer> {
    seen.check.used.iter().map(|used| used.layer).collect()
}

fn serving_base() -> (Bench, Authority) {
    let ca = Authority::root();
    let mut bench = Bench::new(&[]);
    bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))));
    (bench, ca)
}

/// §2.1, documented: time-valid objects in the caches go before any download.
#[test]
fn a_second_check_finds_the_base_in_memory_and_asks_nobody() {
    let (mut bench, ca) = serving_base();
    let client = ca.client("alice", 10, |_| {});
    let first = bench.check(&client);
    assert_eq!((first.page.as_str(), first.asked.as_str()), ("200", "base"));
    assert_eq!(layers(&first), [Layer::Wire]);
    assert_eq!(lookups(&first), [(Layer::Memory, State::Absent), (Layer::Disk, State::Absent)]);
    let second = bench.check(&client);
    assert_eq!((second.page.as_str(), second.asked.as_str()), ("200", ""));
    assert_eq!(layers(&second), [Layer::Memory]);
    assert_eq!(lookups(&second), [(Layer::Memory, State::Fresh)]);
}

/// §2.4, documented and reported: memory is the process's, the disk cache outlives it.
#[test]
fn with_memory_empty_the_base_comes_from_disk_and_then_stays_in_memory() {
    let (mut bench, ca) = serving_base();
    let client = ca.client("alice", 10, |_| {});
    bench.check(&client);
    bench.operate(Operation::Reboot);
    let after = bench.check(&client);
    assert_eq!((layers(&after), after.asked.as_str()), (vec![Layer::Disk], ""));
    bench.operate(Operation::UrlcacheDelete { account: SYSTEM_ACCOUNT.into() });
    assert_eq!(layers(&bench.check(&client)), [Layer::Memory]);
}

/// §2.1, documented: an object is valid up to its nextUpdate; without one it never expires.
#[test]
fn a_base_is_used_up_to_and_including_its_next_update() {
    let (mut bench, ca) = serving_base();
    let client = ca.client("alice", 10, |_| {});
    bench.check(&client);
    bench.wait_until(START + DAY);
    assert_eq!(bench.check(&client).asked, "");
    bench.wait(Span::from_millis(1));
    let late = bench.check(&client);
    assert_eq!((late.verdict, late.asked.as_str()), (Verdict::Offline, "base"));

    let (mut bench, ca) = serving_base();
    let mut eternal = base(1, START, DAY);
    eternal.next_update = None;
    bench.put("base", BASE, Answer::ok(ca.sign(&eternal)));
    bench.check(&client);
    bench.wait(Span::from_days(300));
    assert_eq!(bench.check(&client).verdict, Verdict::Good);
}

/// §2.2, documented: CRL_VALIDITY_EXT_PERIOD, off by default (inferred).
#[test]
fn the_validity_extension_keeps_a_base_in_use_past_its_next_update() {
    let ca = Authority::root();
    let mut bench = Bench::new(&[("crl_validity_extension", "12h")]);
    bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))));
    let client = ca.client("alice", 10, |_| {});
    bench.check(&client);
    bench.wait_until(START + DAY + Span::from_hours(12));
    assert_eq!(bench.check(&client).asked, "");
    bench.wait(Span::from_millis(1));
    assert_eq!(bench.check(&client).asked, "base");
}

/// §2.1, documented: all OCSP URLs are tried before a CRL URL, each list in its order.
#[test]
fn every_ocsp_url_is_asked_before_the_first_crl_url() {
    let ca = Authority::root();
    let client = ca.client("alice", 10, |t| {
        t.ocsp_urls = urls(&[OCSP, "http://ca/ocsp-two"]);
        t.crl_urls = urls(&["http://gone/base.crl", BASE]);
    });
    let mut bench = Bench::new(&[]);
    bench.put("ocsp", OCSP, Answer::not_found());
    bench.put("ocsp-two", "http://ca/ocsp-two", Answer::status(405, Vec::new()));
    bench.put("gone", "http://gone/base.crl", Answer::not_found());
    bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))));
    let seen = bench.check(&client);
    assert_eq!((seen.page.as_str(), seen.asked.as_str()), ("200", "ocsp ocsp-two gone base"));
}

/// §2.1, documented: the CRL is asked for because OCSP failed; SDKs later got a flag against it.
#[test]
fn without_fail_over_the_crl_is_not_asked_for_after_ocsp() {
    let ca = Authority::root();
    let mut bench = Bench::new(&[("ocsp_failover_to_crl", "false")]);
    bench.put("ocsp", OCSP, Answer::not_found());
    bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))));
    let seen = bench.check(&ca.client_with_ocsp("alice", 10));
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Offline, "ocsp"));
    let without = bench.check(&ca.client("bob", 11, |_| {}));
    assert_eq!((without.verdict, without.asked.as_str()), (Verdict::Good, "base"));
}

/// §2.7, documented: CRYPT_E_NO_REVOCATION_CHECK; that IIS answers 403.13 to it is inferred.
#[test]
fn a_certificate_that_names_no_source_is_unknown() {
    let ca = Authority::root();
    let client = ca.client("alice", 10, |t| t.crl_urls.clear());
    let seen = Bench::new(&[]).check(&client);
    assert_eq!((seen.page.as_str(), seen.verdict), ("403.13", Verdict::Unknown));
    assert_eq!(seen.code.unwrap().to_string(), "0x80092012");
    assert_eq!(seen.asked, "");
}

/// §2.1, documented: the CRL has to be signed by the certificate's issuer, and be what it was
/// asked for.
#[test]
fn an_object_of_another_issuer_or_kind_or_time_is_not_used() {
    let ca = Authority::root();
    let other = Authority::self_issued("Other-CA");
    let fresh = base(1, START, DAY);
    let mut forged = ca.sign(&fresh);
    let last = forged.len() - 1;
    forged[last] ^= 1;
    for (body, why) in [
        (other.sign(&fresh), "it is of another issuer"),
        (forged, "its signature does not verify"),
        (ca.sign(&super::authority::delta(2, 1, START, DAY)), "it is a delta CRL"),
        (
            ca.sign(&base(1, START - DAY, Span::from_hours(1))),
            "it has expired by the server's clock",
        ),
        (ca.sign(&base(1, START + DAY, DAY)), "it is not valid yet by the server's clock"),
    ] {
        let mut bench = Bench::new(&[]);
        bench.put("base", BASE, Answer::ok(body));
        let seen = bench.check(&ca.client("alice", 10, |_| {}));
        assert_eq!(seen.verdict, Verdict::Offline, "{why}");
        let rejected = bench.fetches().next().and_then(|f| f.rejected.as_deref());
        assert_eq!(rejected, Some(why));
    }
}
