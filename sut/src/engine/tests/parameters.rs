//! Parameters that only bear a number or a text: each changes what it says it changes.

use revlab_lab::http::Method;
use revlab_lab::trace::Verdict;
use revlab_lab::{Instant, Span};
use revlab_pki::CrlTemplate;

use super::authority::{Authority, BASE, OCSP, START, base};
use super::bench::{Answer, Bench, profile};
use crate::profile::Hypothesis;

const DAY: Span = Span::from_days(1);

fn serving(settings: &[(&str, &str)]) -> Bench {
    let mut bench = Bench::new(settings);
    bench.put("ocsp", OCSP, Answer::not_found());
    bench.put("base", BASE, Answer::ok(Authority::root().sign(&base(1, START, DAY))));
    bench
}

/// §2.8: `user_agent` is sent with every request.
#[test]
fn the_user_agent_is_the_one_that_is_set() {
    let mut bench = serving(&[("user_agent", "Microsoft-CryptoAPI/10.0")]);
    bench.check(&Authority::root().client_with_ocsp("alice", 10));
    let agents = bench.asked.iter().map(|asked| asked.request.header("User-Agent"));
    assert_eq!(agents.collect::<Vec<_>>(), [Some("Microsoft-CryptoAPI/10.0"); 2]);
}

/// §2.8: `ocsp_get_url_limit`; with 0 every request goes by POST.
#[test]
fn without_any_length_for_get_ocsp_goes_by_post() {
    let mut bench = serving(&[("ocsp_get_url_limit", "0")]);
    bench.check(&Authority::root().client_with_ocsp("alice", 10));
    let methods: Vec<_> = bench.asked.iter().map(|asked| asked.request.method).collect();
    assert_eq!(methods, [Method::Post, Method::Get], "the CRL by GET as ever");
}

/// §7.1, inferred: `ocsp_offline_memory` and `entry_offline_delay` time the outage of H1d. How often
/// it comes and how long it lasts, by a request each minute over a day of hourly bases.
#[test]
fn the_two_free_times_of_h1d_set_the_rhythm_and_length_of_outages() {
    let client = Authority::root().client_with_ocsp("alice", 10);
    for (memory, delay, minutes) in [("6h", "1h", 60), ("6h", "20m", 20), ("90m", "20m", 20)] {
        let settings = [("ocsp_offline_memory", memory), ("entry_offline_delay", delay)];
        let mut bench = Bench::of(profile(Hypothesis::H1d, &[], &settings));
        bench.put("ocsp", OCSP, Answer::not_found());
        let ca = Authority::root();
        let hour = Span::from_hours(1);
        bench.script("base", BASE, move |now| {
            let n = (now - START).as_millis() / hour.as_millis();
            Answer::ok(ca.sign(&base(n as u64 + 1, START + hour.scale(n, 1), Span::from_mins(85))))
        });
        let mut outages: Vec<(Instant, i64)> = Vec::new();
        let mut refused = false;
        for _ in 0..24 * 60 {
            let offline = bench.check(&client).verdict == Verdict::Offline;
            match (refused, offline) {
                (false, true) => outages.push((bench.now, 1)),
                (true, true) => outages.last_mut().unwrap().1 += 1,
                (_, false) => {}
            }
            refused = offline;
            bench.wait(Span::from_mins(1));
        }
        assert!(outages.len() >= 3, "{outages:?}");
        assert!(outages.iter().all(|(_, length)| *length == minutes), "{outages:?}");
        let memory: Span = memory.parse().unwrap();
        assert!(outages.windows(2).all(|pair| pair[1].0 - pair[0].0 >= memory), "{outages:?}");
    }
}

/// §2.2: the divisors of the prefetch window, and `prefetch_timeout` for its retrieval.
#[test]
fn the_prefetch_window_and_its_patience_are_as_they_are_set() {
    let settings = [
        ("prefetch_after_publish_divisor", "2"),
        ("prefetch_before_next_update_divisor", "4"),
        ("prefetch_timeout", "7s"),
    ];
    let mut bench = serving(&settings);
    let template = CrlTemplate { next_publish: Some(START), ..base(1, START, DAY) };
    bench.put("base", BASE, Answer::ok(Authority::root().sign(&template)));
    bench.check(&Authority::root().client("alice", 10, |_| {}));
    bench.put("base", BASE, Answer::never());
    bench.wait(DAY);
    let first = bench.fetches().nth(1).unwrap();
    let (from, to) = (START + Span::from_hours(12), START + Span::from_hours(18));
    assert!((from..=to).contains(&first.began), "{}", first.began);
    assert_eq!(first.took_ms, 7_000);
}
