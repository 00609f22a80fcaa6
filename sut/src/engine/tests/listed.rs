//! CRLs that are renewed by a rule of their own (key CrlPreFetch, §2.2). All of it is inferred from the
//! names of its values.

use revlab_lab::trace::{Layer, Verdict};
use revlab_lab::{Instant, Span};
use revlab_pki::Certificate;

use super::authority::{Authority, BASE, OCSP, START, base, urls};
use super::bench::{Answer, Bench, profile};
use crate::profile::Hypothesis;

const DAY: Span = Span::from_days(1);

/// A machine that lists the base's URL, whose CA publishes each day, for a day.
fn bench(settings: &[(&str, &str)]) -> Bench {
    let settings = [&[("crl_prefetch", "true")], settings].concat();
    let profile = profile(Hypothesis::H0, &[], &settings);
    let mut bench = Bench::listing(&urls(&[BASE]), profile);
    let ca = Authority::root();
    bench.put("ocsp", OCSP, Answer::not_found());
    bench.script("base", BASE, move |now| {
        // An hour and a half of overlap: the next one is out when it is asked for.
        let n = ((now - START) + Span::from_mins(90)).as_millis() / DAY.as_millis();
        let from = START + DAY.scale(n, 1) - Span::from_mins(90);
        Answer::ok(ca.sign(&base(n as u64 + 1, from, DAY + Span::from_mins(90))))
    });
    bench
}

fn client() -> Certificate {
    Authority::root().client_with_ocsp("alice", 10)
}

fn asked(bench: &Bench) -> Vec<Instant> {
    let unsolicited = bench.fetches().filter(|f| f.unsolicited.as_deref() == Some("prefetch"));
    unsolicited.map(|f| f.began).collect()
}

/// §2.2, documented values of the key CrlPreFetch; what they do is inferred from their names.
#[test]
fn a_listed_crl_is_asked_for_after_its_age_and_in_time() {
    let mut bench = bench(&[]);
    bench.check(&client());
    bench.wait(Span::from_hours(30));
    let asked = asked(&bench);
    assert_eq!(asked[0] - START, Span::from_hours(2), "so old");
    let (from, to) = (Span::from_mins(22 * 60 + 55), Span::from_hours(23));
    let in_time = asked.iter().map(|at| *at - START).find(|at| *at > Span::from_hours(22)).unwrap();
    assert!((from..=to).contains(&in_time), "an hour before its end, and up to 5 min: {in_time}");
}

/// It was fetched because OCSP had failed, and nobody used it again: neither matters here.
#[test]
fn nobody_is_refused_on_the_day_after() {
    for (listed, expected) in [("true", ""), ("false", "base")] {
        let mut bench = bench(&[("crl_prefetch", listed), ("ocsp_offline_memory", "3d")]);
        bench.check(&client());
        bench.wait(Span::from_hours(30));
        let seen = bench.check(&client());
        assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, expected), "{listed}");
        if listed == "true" {
            assert_eq!(seen.check.used[0].layer, Layer::Disk);
        }
    }
}

#[test]
fn after_the_last_moment_it_is_asked_for_every_few_minutes() {
    let mut bench = bench(&[]);
    bench.check(&client());
    bench.put("base", BASE, Answer::not_found());
    bench.wait(Span::from_hours(30));
    let asked = asked(&bench);
    let late: Vec<_> = asked.iter().filter(|at| **at - START > Span::from_hours(23)).collect();
    assert!(late.len() > 50);
    assert!(late.windows(2).all(|pair| *pair[1] - *pair[0] == Span::from_mins(5)));
}
