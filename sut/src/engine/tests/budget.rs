//! Time budgets, all in lab time.

use revlab_lab::Span;
use revlab_lab::http::FetchError;
use revlab_lab::trace::{Purpose, Step, Verdict};
use revlab_pki::{CertStatus, Certificate};

use super::authority::{Authority, BASE, OCSP, START, base, urls};
use super::bench::{Answer, Bench};

const DAY: Span = Span::from_days(1);
const SECOND: &str = "http://ca/ocsp-two";

fn client() -> Certificate {
    Authority::root().client("alice", 10, |t| t.ocsp_urls = urls(&[OCSP, SECOND]))
}

/// A bench in which nobody ever answers.
fn silent(settings: &[(&str, &str)]) -> Bench {
    let mut bench = Bench::new(settings);
    for (what, url) in [("ocsp", OCSP), ("ocsp-two", SECOND), ("base", BASE)] {
        bench.put(what, url, Answer::never());
    }
    bench
}

fn durations(bench: &Bench) -> Vec<i64> {
    bench.fetches().map(|fetch| fetch.took_ms).collect()
}

/// §2.3, documented: a URL may use half of what remains of 20 s: 10 s, then 5, 2.5 …
#[test]
fn each_url_gets_half_of_what_remains() {
    let mut bench = silent(&[]);
    let seen = bench.check(&client());
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Offline, "ocsp ocsp-two base"));
    assert_eq!(durations(&bench), [10_000, 5_000, 2_500]);
    assert_eq!(seen.took, Span::from_millis(17_500));
    assert!(bench.fetches().all(|fetch| fetch.error == Some(FetchError::TimedOut)));
}

/// §2.2, documented: ChainUrlRetrievalTimeoutMilliseconds, 15 s, where the check has more.
#[test]
fn no_url_gets_more_than_its_own_limit() {
    let mut bench = silent(&[("accumulative_timeout", "2m")]);
    bench.check(&client());
    assert_eq!(durations(&bench), [15_000, 15_000, 15_000]);
    let mut bench = silent(&[("url_timeout", "4s")]);
    bench.check(&client());
    assert_eq!(durations(&bench), [4_000, 4_000, 4_000]);
}

/// §2.3, documented: what an answer took is taken from the rest, too.
#[test]
fn a_slow_answer_leaves_less_for_the_next_url() {
    let mut bench = silent(&[]);
    bench.put("ocsp", OCSP, Answer::not_found().after(Span::from_secs(8)));
    bench.check(&client());
    assert_eq!(durations(&bench), [8_000, 6_000, 3_000]);
}

/// The bounds of a limit: an answer at the very end counts, one later does not. It is put on record
/// and changes nothing.
#[test]
fn an_answer_counts_up_to_the_end_of_its_time_and_is_ignored_later() {
    let ca = Authority::root();
    let good = ca.ocsp(&client(), CertStatus::Good, START, DAY);
    let mut bench = silent(&[]);
    bench.put("ocsp", OCSP, Answer::ok(good.clone()).after(Span::from_secs(10)));
    assert_eq!(bench.check(&client()).asked, "ocsp");

    let mut bench = silent(&[]);
    bench.put("ocsp", OCSP, Answer::ok(good).after(Span::from_millis(10_001)));
    bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))));
    bench.put("ocsp-two", SECOND, Answer::not_found());
    let seen = bench.check(&client());
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "ocsp ocsp-two base"));
    assert!(!bench.log().any(|line| line.contains("late")));
    bench.wait(Span::from_secs(1));
    assert!(bench.log().any(|line| line == "late answer to fetch 1 ignored"));
    assert_eq!(bench.fetches().count(), 3, "no second record of that fetch");
}

/// §7.2 no. 7, inferred: local work before each retrieval, beside the budget or in it.
#[test]
fn the_overhead_delays_each_request_and_counts_where_the_parameter_says_so() {
    let sent = |bench: &Bench| -> Vec<i64> {
        bench.asked.iter().map(|asked| (asked.at - START).as_millis()).collect()
    };
    let beside = [("per_retrieval_overhead", "2s"), ("overhead_in_budget", "false")];
    let mut bench = silent(&beside);
    let seen = bench.check(&client());
    assert_eq!(durations(&bench), [12_000, 7_000, 4_500]);
    assert_eq!(sent(&bench), [2_000, 14_000, 21_000]);
    assert_eq!(seen.took, Span::from_millis(23_500));

    let within = [("per_retrieval_overhead", "2s"), ("overhead_in_budget", "true")];
    let mut bench = silent(&within);
    let seen = bench.check(&client());
    assert_eq!(durations(&bench), [10_000, 5_000, 2_500]);
    assert_eq!(sent(&bench), [2_000, 12_000, 17_000]);
    assert_eq!(seen.took, Span::from_millis(17_500));
}

/// §7.3 (H2), inferred: where the overhead eats the whole share nothing reaches the wire, so there
/// is no fetch on record either.
#[test]
fn a_request_whose_time_is_up_before_it_is_sent_is_no_fetch() {
    let mut bench = silent(&[("per_retrieval_overhead", "6s"), ("overhead_in_budget", "true")]);
    let seen = bench.check(&client());
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Offline, "ocsp"));
    assert_eq!(bench.fetches().count(), 1);
    let spent = seen.check.steps.iter().filter_map(|step| match step {
        Step::BudgetSpent { object } => Some(*object),
        _ => None,
    });
    assert_eq!(spent.collect::<Vec<_>>(), [Purpose::Ocsp, Purpose::Base]);
}

/// A check that has no time at all says so and asks nobody.
#[test]
fn without_any_time_nothing_is_asked() {
    let mut bench = silent(&[("url_timeout", "0s")]);
    let seen = bench.check(&client());
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Offline, ""));
    assert_eq!(seen.took, Span::ZERO);
    let spent = |step: &Step| matches!(step, Step::BudgetSpent { object: Purpose::Ocsp });
    assert!(seen.check.steps.iter().any(spent));
}
