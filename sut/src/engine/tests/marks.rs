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
