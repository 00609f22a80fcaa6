//! Checks that need the same object at the same time.

use revlab_lab::Span;
use revlab_lab::trace::{Handshake, Step, Verdict};
use revlab_pki::{Certificate, CrlTemplate};

use super::authority::{Authority, BASE, DELTA, OCSP, START, base, base_with_delta, delta};
use super::bench::{Answer, Bench};
use crate::Operation;

const DAY: Span = Span::from_days(1);

fn request(bench: &mut Bench, client: &Certificate) -> u64 {
    bench.request(std::slice::from_ref(client), Handshake::Full)
}

fn secs(n: i64) -> Span {
    Span::from_secs(n)
}

/// §1.2 (kb2831238), reported: later callers wait and share.
#[test]
fn checks_at_once_make_one_request_or_each_their_own_as_the_switch_says() {
    let ca = Authority::root();
    let clients: Vec<_> = (1..=5).map(|i| ca.client(&format!("c{i}"), i, |_| {})).collect();
    for (setting, count) in [("true", 1), ("false", 5)] {
        let mut bench = Bench::new(&[("share_retrievals", setting)]);
        let answer = Answer::ok(ca.sign(&base(1, START, DAY))).after(secs(2));
        bench.put("base", BASE, answer);
        let attempts: Vec<_> = clients.iter().map(|c| request(&mut bench, c)).collect();
        bench.wait(secs(3));
        assert_eq!((bench.asked.len(), bench.most_at_once), (count, count), "{setting}");
        for attempt in attempts {
            let seen = bench.seen(attempt);
            assert_eq!(seen.verdict, Verdict::Good);
            assert_eq!(bench.answered[&attempt].0, START + secs(2));
        }
        let shared = bench.checks().flat_map(|c| &c.steps);
        let shared = shared.filter(|step| matches!(step, Step::Shared { .. })).count();
        assert_eq!(shared, 5 - count);
    }
}

/// §2.4: processes share nothing but their account's disk.
#[test]
fn another_process_asks_for_itself() {
    let ca = Authority::root();
    let client = ca.client("alice", 10, |_| {});
    let mut bench = Bench::new(&[]);
    bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))).after(secs(2)));
    request(&mut bench, &client);
    let peer = [client].into();
    bench.operate(Operation::Verify { peer, account: "Administrator".into() });
    bench.wait(secs(3));
    assert_eq!(bench.asked.len(), 2);
}

/// §2.3: a check that joins a retrieval is charged from when it joins, not from when the other
/// began.
#[test]
fn waiting_for_anothers_retrieval_costs_only_the_wait() {
    let ca = Authority::root();
    let slow = ca.client_with_ocsp("slow", 10);
    let other = ca.client("other", 11, |_| {});
    let mut bench = Bench::new(&[]);
    bench.put("ocsp", OCSP, Answer::never());
    let arriving = Answer::ok(ca.sign(&base_with_delta(1, START, DAY))).after(secs(9));
    bench.put("base", BASE, arriving);
    bench.put("delta", DELTA, Answer::ok(ca.sign(&delta(2, 1, START, DAY))).after(secs(2)));
    let slow = request(&mut bench, &slow);
    bench.wait(secs(5));
    request(&mut bench, &other);
    bench.wait(secs(30));
    // 10 s for OCSP, 4 s for what remained of the other's 9 s: 6 s are left, of which a URL may
    // have 3.
    assert_eq!(bench.seen(slow).verdict, Verdict::Good);
    assert_eq!(bench.asked_since(0), "ocsp base delta");
    assert_eq!(bench.answered[&slow].0, START + secs(16));
}

/// §2.3, documented: 20 s are for the whole check, also when it waits for what another asked for.
#[test]
fn a_check_leaves_a_shared_retrieval_when_its_own_time_is_up() {
    let ca = Authority::root();
    let slow = ca.client_with_ocsp("slow", 10);
    let other = ca.client("other", 11, |_| {});
    let mut bench = Bench::new(&[]);
    bench.put("ocsp", OCSP, Answer::never());
    bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))).after(secs(9)));
    let slow = request(&mut bench, &slow);
    bench.wait(secs(9));
    let other = request(&mut bench, &other);
    bench.wait(secs(30));
    assert_eq!(bench.answered[&slow].0, START + secs(15), "half of the 10 s that remained");
    assert_eq!(bench.seen(slow).verdict, Verdict::Offline);
    assert!(bench.seen(slow).check.steps.iter().any(|s| matches!(s, Step::BudgetSpent { .. })));
    assert_eq!(bench.answered[&other].0, START + secs(18));
    assert_eq!(bench.seen(other).verdict, Verdict::Good);
}

/// §8 no. 9, inferred: what shares an entry of memory. With the disk cache the difference shows
/// only where that has been emptied.
#[test]
fn certificates_share_an_entry_as_the_scope_says() {
    let ca = Authority::root();
    let alice = ca.client("alice", 10, |_| {});
    let bob = ca.client("bob", 11, |_| {});
    let carol = ca.client("carol", 12, |t| {
        t.crl_urls.insert(0, super::authority::url("http://ca/other.crl"));
    });
    for (scope, expected) in
        [("certificate", ["base", "other"]), ("issuer", ["", ""]), ("url_set", ["", "other"])]
    {
        let mut bench = Bench::new(&[("entry_scope", scope)]);
        let whole: CrlTemplate = base(1, START, DAY);
        bench.put("base", BASE, Answer::ok(ca.sign(&whole)));
        bench.put("other", "http://ca/other.crl", Answer::ok(ca.sign(&whole)));
        bench.check(&alice);
        let account = crate::SYSTEM_ACCOUNT.into();
        bench.operate(Operation::UrlcacheDelete { account });
        let asked = [bench.check(&bob).asked, {
            let account = crate::SYSTEM_ACCOUNT.into();
            bench.operate(Operation::UrlcacheDelete { account });
            bench.check(&carol).asked
        }];
        assert_eq!(asked, expected, "{scope}");
    }
}
