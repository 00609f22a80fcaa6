//! Offline marks: URLs that failed are left alone for a while.

use revlab_lab::Span;
use revlab_lab::http::FetchError;
use revlab_lab::trace::{Purpose, Step, Verdict, Withheld};

use super::authority::{Authority, BASE, DELTA, OCSP, START, base, base_with_delta};
use super::bench::{Answer, Bench, Seen};
use crate::Operation;

const DAY: Span = Span::from_days(1);
const HOUR: Span = Span::from_hours(1);

fn withheld(seen: &Seen) -> Vec<(Purpose, Withheld)> {
    let of = |step: &Step| match step {
        Step::Withheld { object, why, .. } => Some((*object, *why)),
        _ => None,
    };
    seen.check.steps.iter().filter_map(of).collect()
}

/// §2.3, documented that failures are recorded for a time, for how long is inferred (free).
#[test]
fn a_failed_crl_url_is_left_alone_for_crl_offline_memory() {
    let client = Authority::root().client("alice", 10, |_| {});
    let mut bench = Bench::new(&[("crl_offline_memory", "90s")]);
    bench.put("base", BASE, Answer::not_found());
    assert_eq!(bench.check(&client).asked, "base");
    bench.wait(Span::from_millis(89_999));
    let marked = bench.check(&client);
    assert_eq!((marked.verdict, marked.asked.as_str()), (Verdict::Offline, ""));
    assert_eq!(withheld(&marked), [(Purpose::Base, Withheld::OfflineMark)]);
    bench.wait(Span::from_millis(1));
    assert_eq!(bench.check(&client).asked, "base");
}

/// §2.3: the same for the delta's URL; the base in memory is not concerned.
#[test]
fn a_failed_delta_url_is_left_alone_too() {
    let ca = Authority::root();
    let client = ca.client("alice", 10, |_| {});
    let mut bench = Bench::new(&[]);
    bench.put("base", BASE, Answer::ok(ca.sign(&base_with_delta(1, START, DAY))));
    bench.put("delta", DELTA, Answer::error(FetchError::ConnectionReset));
    assert_eq!(bench.check(&client).asked, "base delta");
    bench.wait(Span::from_millis(59_999));
    let marked = bench.check(&client);
    assert_eq!(marked.asked, "");
    assert_eq!(withheld(&marked), [(Purpose::Delta, Withheld::OfflineMark)]);
    bench.wait(Span::from_millis(1));
    assert_eq!(bench.check(&client).asked, "delta");
}

/// §7.1, inferred: a known-bad OCSP URL is not tried again for 6 h (a placeholder), and meanwhile
/// the check goes straight to the CRL.
#[test]
fn a_failed_ocsp_url_is_left_alone_for_ocsp_offline_memory() {
    let ca = Authority::root();
    let client = ca.client_with_ocsp("alice", 10);
    let mut bench = Bench::new(&[]);
    bench.put("ocsp", OCSP, Answer::not_found());
    let server = ca.clone();
    bench.script("base", BASE, move |now| Answer::ok(server.sign(&base(1, now, HOUR))));
    let failed = bench.now;
    assert_eq!(bench.check(&client).asked, "ocsp base");
    for _ in 0..5 {
        bench.wait(HOUR + Span::from_secs(1));
        let seen = bench.check(&client);
        assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "base"));
        assert_eq!(withheld(&seen), [(Purpose::Ocsp, Withheld::OcspOfflineMark)]);
    }
    bench.wait_until(failed + Span::from_hours(6) + Span::from_mins(10));
    assert_eq!(bench.check(&client).asked, "ocsp base");
}

/// §2.4, inferred: marks are the process's, like its memory.
#[test]
fn a_reboot_lifts_every_mark() {
    let client = Authority::root().client_with_ocsp("alice", 10);
    let mut bench = Bench::new(&[]);
    bench.put("ocsp", OCSP, Answer::not_found());
    bench.put("base", BASE, Answer::not_found());
    assert_eq!(bench.check(&client).asked, "ocsp base");
    assert_eq!(bench.check(&client).asked, "");
    bench.operate(Operation::Reboot);
    assert_eq!(bench.check(&client).asked, "ocsp base");
}

/// A server whose base has failed once, with a negative cache of 8 h.
fn failed(survives: bool) -> Bench {
    let survives = survives.to_string();
    let settings =
        [("negative_cache", "8h"), ("negative_cache_survives_reboot", survives.as_str())];
    let mut bench = Bench::new(&settings);
    bench.put("base", BASE, Answer::not_found());
    assert_eq!(bench.check(&alice()).asked, "base");
    bench.put("base", BASE, Answer::ok(Authority::root().sign(&base(1, START, DAY))));
    bench
}

fn alice() -> revlab_pki::Certificate {
    Authority::root().client("alice", 10, |_| {})
}

/// §2.4 and §6, an unverified claim: a URL that failed is left alone for as long as 8 h, though the CA
/// is well again.
#[test]
fn with_a_negative_cache_a_failed_url_is_left_alone_for_its_length() {
    for survives in [false, true] {
        let mut bench = failed(survives);
        bench.wait(HOUR.scale(8, 1) - Span::from_millis(1));
        let seen = bench.check(&alice());
        assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Offline, ""), "{survives}");
        assert_eq!(withheld(&seen), [(Purpose::Base, Withheld::OfflineMark)]);
        bench.wait(Span::from_millis(1));
        let seen = bench.check(&alice());
        assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "base"), "{survives}");
    }
}

/// The same claim: a reboot helps, or does not, where it is kept on disk.
#[test]
fn a_reboot_lifts_what_is_in_memory_alone() {
    for (survives, asked) in [(false, "base"), (true, "")] {
        let mut bench = failed(survives);
        bench.operate(Operation::Reboot);
        assert_eq!(bench.check(&alice()).asked, asked, "{survives}");
    }
}

/// Inferred: what is kept with the account's disk cache is deleted with it, for that account alone.
/// What the process itself remembers lasts a minute.
#[test]
fn deleting_the_cache_of_the_account_lifts_what_is_on_disk() {
    for (account, asked) in [("Administrator", ""), (crate::SYSTEM_ACCOUNT, "base")] {
        let mut bench = failed(true);
        bench.wait(HOUR);
        bench.operate(Operation::UrlcacheDelete { account: account.into() });
        assert_eq!(bench.check(&alice()).asked, asked, "{account}");
    }
}

/// Inferred: certutil goes to the wire whatever is remembered, and what it gets lifts its account's
/// memory of the failure.
#[test]
fn certutil_does_not_heed_the_negative_cache_and_lifts_it() {
    for (account, asked) in [("Administrator", ""), (crate::SYSTEM_ACCOUNT, "")] {
        let mut bench = failed(true);
        bench.wait(HOUR);
        let before = bench.asked.len();
        bench.operate(Operation::Verify { peer: [alice()].into(), account: account.into() });
        bench.wait(Span::from_secs(1));
        assert_eq!(bench.asked_since(before), "base");
        let seen = bench.check(&alice());
        assert_eq!(seen.asked, asked);
        // What it has fetched lies in its own account's cache.
        let good = account == crate::SYSTEM_ACCOUNT;
        assert_eq!(seen.verdict == Verdict::Good, good, "{account}");
    }
}

/// A responder's URL is remembered like any other, and longer than `ocsp_offline_memory` if that is
/// shorter.
#[test]
fn the_negative_cache_holds_for_ocsp_as_well() {
    let client = Authority::root().client_with_ocsp("alice", 10);
    for (memory, negative, hours) in [("1h", "8h", 8), ("6h", "2h", 6)] {
        let settings = [("ocsp_offline_memory", memory), ("negative_cache", negative)];
        let mut bench = Bench::new(&settings);
        bench.put("ocsp", OCSP, Answer::not_found());
        bench.script("base", BASE, |now| {
            Answer::ok(Authority::root().sign(&base(1, now.floor_to_second(), Span::from_mins(1))))
        });
        bench.check(&client);
        bench.wait(HOUR.scale(hours, 1) - Span::from_secs(1));
        assert_eq!(bench.check(&client).asked, "base", "{memory}");
        bench.wait(Span::from_mins(2));
        assert_eq!(bench.check(&client).asked, "ocsp base", "{memory}");
    }
}

/// §7.1, offline_delay_schedule: undocumented whether it grows; a success starts it over.
#[test]
fn the_time_of_a_mark_can_grow_with_each_failure_in_a_row() {
    let ca = Authority::root();
    let client = ca.client("alice", 10, |_| {});
    let settings =
        [("crl_offline_memory", "1m"), ("offline_growth", "2"), ("offline_growth_limit", "3m")];
    let mut bench = Bench::new(&settings);
    bench.put("base", BASE, Answer::not_found());
    let minutes = |bench: &mut Bench| {
        assert_eq!(bench.check(&client).asked, "base");
        let mut minutes = 0;
        loop {
            bench.wait(Span::from_mins(1) - Span::from_millis(1));
            assert_eq!(bench.check(&client).asked, "");
            bench.wait(Span::from_millis(1));
            minutes += 1;
            let until = bench.check(&client);
            if until.asked == "base" {
                return minutes;
            }
        }
    };
    // Each look above asked once more: the times are those of the first and the third failure.
    assert_eq!(minutes(&mut bench), 1);
    bench.wait(HOUR);
    assert_eq!(minutes(&mut bench), 3);
    bench.wait(HOUR);
    bench.put("base", BASE, Answer::ok(ca.sign(&base(1, bench.now, HOUR))));
    assert_eq!(bench.check(&client).verdict, Verdict::Good);
    bench.put("base", BASE, Answer::not_found());
    bench.wait(HOUR.scale(2, 1));
    assert_eq!(minutes(&mut bench), 1);
}

/// §7.1, offline_rearm_on_read: free.
#[test]
fn a_mark_that_is_met_can_last_anew() {
    let client = Authority::root().client("alice", 10, |_| {});
    for (rearm, asked) in [("false", "base"), ("true", "")] {
        let mut bench =
            Bench::new(&[("crl_offline_memory", "1m"), ("offline_rearm_on_read", rearm)]);
        bench.put("base", BASE, Answer::not_found());
        bench.check(&client);
        bench.wait(Span::from_secs(40));
        assert_eq!(bench.check(&client).asked, "");
        bench.wait(Span::from_secs(40));
        assert_eq!(bench.check(&client).asked, asked, "rearm: {rearm}");
    }
}
