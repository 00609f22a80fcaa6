//! Prefetch: when, what, and what is left alone.

use std::cell::Cell;
use std::rc::Rc;

use revlab_lab::clock::Drift;
use revlab_lab::trace::{Fetch, Layer, Verdict};
use revlab_lab::{Clock, Instant, Seed, Span};
use revlab_pki::{Certificate, CrlTemplate};

use super::authority::{Authority, BASE, OCSP, START, base};
use super::bench::{Answer, Bench, profile};
use crate::Operation;
use crate::cache::Prefetch;
use crate::engine::SYSTEM_ACCOUNT;
use crate::profile::Hypothesis;

const WEEK: Span = Span::from_days(7);

/// Production's base: a week and 12 h 10 min of overlap and skew (§2.5).
fn weekly(number: u64, from: Instant) -> CrlTemplate {
    let life = WEEK + Span::from_mins(730);
    CrlTemplate { next_publish: Some(from + WEEK), ..base(number, from, life) }
}

fn publish_weekly(bench: &mut Bench) {
    let ca = Authority::root();
    bench.script("base", BASE, move |now| {
        let n = (now - START).as_millis() / WEEK.as_millis();
        Answer::ok(ca.sign(&weekly(n as u64 + 1, START + WEEK.scale(n, 1))))
    });
}

fn production(settings: &[(&str, &str)], seed: u64, clock: Clock) -> Bench {
    let known = vec![Authority::root().certificate];
    // Each object at its very moment, unless a test says otherwise.
    let settings = [&[("prefetch_trigger_period", "0s")], settings].concat();
    let profile = profile(Hypothesis::H0, &[], &settings);
    let mut bench = Bench::seeded(profile, clock, known, Seed(seed));
    bench.put("ocsp", OCSP, Answer::not_found());
    publish_weekly(&mut bench);
    bench
}

fn client() -> Certificate {
    Authority::root().client("alice", 10, |_| {})
}

fn prefetches(bench: &Bench) -> Vec<&Fetch> {
    bench.fetches().filter(|f| f.unsolicited.as_deref() == Some("prefetch")).collect()
}

/// The only prefetch of a base fetched at the start, after eight days.
fn moment(seed: u64, clock: Clock) -> Span {
    let mut bench = production(&[], seed, clock);
    bench.check(&client());
    bench.wait(Span::from_days(8));
    let fetched = prefetches(&bench);
    assert_eq!(fetched.len(), 1);
    assert_eq!((&*fetched[0].process, fetched[0].check), ("cryptsvc", None));
    fetched[0].began - START
}

/// §2.5, documented: from PublishTime + P/10 to nextUpdate − P/20, each client at a random moment.
/// Here by the seed, so that a run can be repeated.
#[test]
fn the_moment_is_seeded_and_within_the_window() {
    let (from, to) = ("7d 1h 13m".parse().unwrap(), "7d 11h 33m 30s".parse().unwrap());
    let moments: Vec<Span> = (0..20).map(|seed| moment(seed, Clock::exact(START))).collect();
    assert!(moments.iter().all(|m| (from..=to).contains(m)), "{moments:?}");
    assert!(moments.windows(2).any(|pair| pair[0] != pair[1]));
    assert_eq!(moment(7, Clock::exact(START)), moments[7]);
}

/// §2.2, the documented value of PreFetchTriggerPeriod; that what is due waits for a trigger, and that
/// each machine has its own, is inferred.
#[test]
fn what_is_due_waits_for_the_next_trigger() {
    let period = Span::from_mins(10);
    let moment = |seed, trigger: &str| {
        let settings = [("prefetch_trigger_period", trigger)];
        let mut bench = production(&settings, seed, Clock::exact(START));
        bench.check(&client());
        bench.put("base", BASE, Answer::not_found());
        bench.wait(WEEK + Span::from_hours(12));
        prefetches(&bench).iter().map(|f| f.began).collect::<Vec<_>>()
    };
    let mut phases = Vec::new();
    for seed in 0..5 {
        let (at_once, triggered) = (moment(seed, "0s"), moment(seed, "10m"));
        let waited = triggered[0] - at_once[0];
        assert!(waited >= Span::ZERO && waited < period, "{waited}");
        assert!(triggered.len() > 1);
        let phase = |at: &Instant| (*at - START).as_millis() % period.as_millis();
        assert!(triggered.iter().all(|at| phase(at) == phase(&triggered[0])));
        phases.push(phase(&triggered[0]));
    }
    phases.dedup();
    assert_eq!(phases.len(), 5, "not all at once");
}

/// §2.4: without a network nothing is prefetched, and the entry says so; with it the next try counts.
#[test]
fn without_a_network_nothing_is_prefetched() {
    let mut bench = production(&[], 1, Clock::exact(START));
    bench.check(&client());
    bench.operate(Operation::Disconnect);
    bench.wait_until(START + WEEK + Span::from_hours(12));
    assert_eq!(prefetches(&bench).len(), 0);
    let status = |bench: &Bench| {
        let caches = bench.machine.caches(bench.now);
        caches.accounts[SYSTEM_ACCOUNT].entries[0].prefetch.status
    };
    assert_eq!(status(&bench), Prefetch::NOT_CONNECTED);
    bench.operate(Operation::Connect);
    bench.wait(Span::from_mins(30));
    assert_eq!(prefetches(&bench).len(), 1);
    assert_eq!(status(&bench), Prefetch::PENDING);
}

/// §7.1 (client skew tolerance 0, inferred): the window is one of the server's clock.
#[test]
fn the_window_is_by_the_servers_clock() {
    let clock = |offset| Clock::new(START, offset, Drift::NONE, vec![]);
    let (ahead, exact) = (Span::from_hours(3), moment(7, Clock::exact(START)));
    assert_eq!(moment(7, clock(ahead)), exact - ahead);
}

/// §2.5, documented: a prefetched object is found on disk when the one in memory has expired.
#[test]
fn after_a_prefetch_the_next_base_comes_from_disk() {
    let mut bench = production(&[], 1, Clock::exact(START));
    bench.check(&client());
    bench.wait(WEEK + Span::from_hours(13));
    let seen = bench.check(&client());
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, ""));
    assert_eq!(seen.check.used[0].layer, Layer::Disk);
    assert_eq!(seen.check.used[0].number, Some(2));
}

/// §2.5, documented: ERROR_MEDIA_OFFLINE (0x10D0), the sole exception, for CRLs that were fetched
/// because every OCSP URL had failed. This is why production fails after a week.
#[test]
fn a_base_fetched_because_ocsp_had_failed_is_not_prefetched() {
    for (setting, count) in [("true", 0), ("false", 1)] {
        let settings = [("prefetch_skip_after_ocsp_failure", setting)];
        let mut bench = production(&settings, 1, Clock::exact(START));
        bench.check(&Authority::root().client_with_ocsp("alice", 10));
        bench.wait(Span::from_days(8));
        assert_eq!(prefetches(&bench).len(), count, "{setting}");
    }
}

/// §2.5, documented: only windows longer than an hour; the lab's are 21 and 34 min.
#[test]
fn a_short_window_is_not_used() {
    for (minimum, count) in [("1h", 0), ("21m", 1)] {
        let mut bench = production(&[("prefetch_min_window", minimum)], 1, Clock::exact(START));
        let from = START;
        let lab = CrlTemplate {
            next_publish: Some(from + Span::from_hours(1)),
            ..base(1, from, Span::from_mins(85))
        };
        bench.put("base", BASE, Answer::ok(Authority::root().sign(&lab)));
        bench.check(&client());
        bench.wait(Span::from_mins(84));
        assert_eq!(!prefetches(&bench).is_empty(), count == 1, "{minimum}");
    }
}

/// §2.5: the service can be off, and then nothing is renewed before its time.
#[test]
fn without_the_service_nothing_is_prefetched() {
    let mut bench = production(&[("prefetch", "false")], 1, Clock::exact(START));
    bench.check(&client());
    bench.wait(Span::from_days(8));
    assert_eq!(prefetches(&bench).len(), 0);
    assert_eq!(bench.check(&client()).asked, "base");
}

/// §2.5, documented: a prefetched CRL that nobody uses stops being prefetched; one in use goes on.
#[test]
fn an_object_that_nobody_used_is_not_prefetched_again() {
    for (used, count) in [(false, 1), (true, 2)] {
        let mut bench = production(&[], 1, Clock::exact(START));
        bench.check(&client());
        bench.wait_until(START + WEEK + Span::from_hours(13));
        if used {
            bench.check(&client());
        }
        bench.wait(WEEK);
        assert_eq!(prefetches(&bench).len(), count, "used: {used}");
    }
}

/// §2.2, documented value of AfterCurrentTimePreFetchPeriod; that it is the interval of retries is
/// inferred. What brings nothing new, or fails, is tried again until there is something new.
#[test]
fn a_prefetch_that_brought_nothing_new_is_repeated_every_half_hour() {
    for failing in [false, true] {
        let mut bench = production(&[], 1, Clock::exact(START));
        let asked = Rc::new(Cell::new(0));
        let (ca, count) = (Authority::root(), asked.clone());
        bench.script("base", BASE, move |_| {
            count.set(count.get() + 1);
            match count.get() {
                1 => Answer::ok(ca.sign(&weekly(1, START))),
                2..=4 if failing => Answer::not_found(),
                2..=4 => Answer::ok(ca.sign(&weekly(1, START))),
                _ => Answer::ok(ca.sign(&weekly(2, START + WEEK))),
            }
        });
        bench.check(&client());
        bench.wait(Span::from_days(8));
        assert_eq!(asked.get(), 5, "failing: {failing}");
        let began: Vec<_> = prefetches(&bench).iter().map(|f| f.began).collect();
        for pair in began.windows(2) {
            assert_eq!(pair[1] - pair[0], Span::from_mins(30));
        }
    }
}

/// §2.2, documented values of ValidityPeriodAfterNextUpdatePreFetchDivisor and its bounds; that prefetch
/// goes on after nextUpdate by them is inferred. It ends where the entry could be flushed.
#[test]
fn after_the_expiry_prefetch_goes_on_less_often() {
    let hours = Span::from_hours;
    for (settings, interval) in [
        (&[][..], hours(4)),
        (&[("prefetch_after_expiry_max", "30h")], (WEEK + Span::from_mins(730)).scale(1, 10)),
        (&[("prefetch_after_expiry_max", "30h"), ("prefetch_after_expiry_min", "20h")], hours(20)),
    ] {
        let mut bench = production(settings, 1, Clock::exact(START));
        bench.check(&client());
        bench.put("base", BASE, Answer::not_found());
        bench.wait(WEEK.scale(2, 1));
        let expiry = START + WEEK + Span::from_mins(730);
        let late: Vec<_> =
            prefetches(&bench).iter().map(|f| f.began).filter(|t| *t > expiry).collect();
        assert!(late.len() > 3);
        assert!(late.windows(2).all(|pair| pair[1] - pair[0] == interval), "{settings:?}");
        bench.wait(Span::from_days(60));
        let last = bench.asked.last().unwrap().at;
        assert!(last <= expiry + Span::from_days(28) && last > expiry + Span::from_days(26));
    }
}

/// §2.5: without that what has expired is left to the next check; a retry interval of zero ends as
/// well.
#[test]
fn prefetch_gives_up_when_the_object_has_expired_where_it_does_not_go_on() {
    for retry in ["30m", "0s"] {
        let off = ("prefetch_after_expiry_divisor", "0");
        let mut bench = production(&[("prefetch_retry", retry), off], 1, Clock::exact(START));
        bench.check(&client());
        bench.put("base", BASE, Answer::never());
        bench.wait(WEEK + Span::from_mins(730));
        let before = prefetches(&bench).len();
        assert!(before > 0);
        bench.wait(Span::from_mins(10));
        let last = bench.asked.last().unwrap().at;
        assert!(last <= START + WEEK + Span::from_mins(730));
        bench.wait(WEEK);
        assert_eq!(bench.asked.last().unwrap().at, last);
    }
}

/// §2.5: what Next CRL Publish does: prefetch counts from it, or a check asks for a newer base, or
/// nothing happens and prefetch counts from thisUpdate. Which is right is a switch.
#[test]
fn the_next_publication_is_heeded_as_the_switch_says() {
    let asked = |switch: &str, prefetch: &str| {
        let settings = [("refetch_after_next_publish", switch), ("prefetch", prefetch)];
        let mut bench = production(&settings, 1, Clock::exact(START));
        bench.check(&client());
        bench.wait(WEEK + Span::from_hours(1));
        (prefetches(&bench).first().map(|f| f.began - START), bench.check(&client()).asked)
    };
    assert_eq!(asked("prefetch", "false"), (None, String::new()));
    assert_eq!(asked("on_demand", "false"), (None, "base".into()));
    assert_eq!(asked("off", "false"), (None, String::new()));
    let (early, _) = asked("off", "true");
    assert!(early.unwrap() < WEEK, "P is the whole validity, and the window opens after a tenth");
    assert_eq!(asked("prefetch", "true").0, None, "the window opens after 7 d 1 h 13 min");
}

/// §2.4: disk outlives a boot, and what is due for it with it.
#[test]
fn a_reboot_keeps_the_disk_cache_and_its_prefetch() {
    let mut bench = production(&[], 1, Clock::exact(START));
    bench.check(&client());
    bench.operate(Operation::Reboot);
    bench.wait(Span::from_days(8));
    assert_eq!(prefetches(&bench).len(), 1);
}

/// A CRL of half a year, from a server that gives it this age and an ETag.
fn half_year(max_age: &str) -> Answer {
    let crl = base(1, START, Span::from_days(180));
    let mut answer = Answer::ok(Authority::root().sign(&crl));
    if let Some(Ok(reply)) = &mut answer.result {
        reply.headers.push(("ETag".into(), "\"a1:0\"".into()));
        reply.headers.push(("Cache-Control".into(), format!("public, max-age={max_age}")));
    }
    answer
}

/// §2.5, documented: when max-age is over (a weekly look at a CRL of six months) the server is asked
/// for something new, by ETag; §2.2: no sooner than an hour, no later than 14 days.
#[test]
fn when_max_age_is_over_the_server_is_asked_by_etag() {
    for (seconds, days, looks) in [("604800", 22, 3), ("60", 1, 23), ("8640000", 29, 2)] {
        let mut bench = production(&[], 1, Clock::exact(START));
        let (first, age) = (Cell::new(true), seconds.to_owned());
        bench.script("base", BASE, move |_| {
            if first.replace(false) { half_year(&age) } else { Answer::status(304, Vec::new()) }
        });
        bench.check(&client());
        bench.wait(Span::from_days(days) - Span::from_mins(1));
        assert_eq!(prefetches(&bench).len(), looks, "{seconds}");
        let asked = &bench.asked.last().unwrap().request;
        assert_eq!(asked.header("If-None-Match"), Some("\"a1:0\""));
        assert_eq!(bench.asked[0].request.header("If-None-Match"), None);
    }
}

/// §2.5, documented: only strong ETags are kept.
#[test]
fn a_weak_etag_is_not_kept() {
    let mut bench = production(&[], 1, Clock::exact(START));
    bench.script("base", BASE, |_| {
        let mut answer = half_year("604800");
        if let Some(Ok(reply)) = &mut answer.result {
            reply.headers[0].1 = "W/\"a1:0\"".into();
        }
        answer
    });
    bench.check(&client());
    bench.wait(Span::from_days(8));
    assert_eq!(prefetches(&bench).len(), 1);
    assert_eq!(bench.asked.last().unwrap().request.header("If-None-Match"), None);
}

/// §2.5, documented: 0 pending, 4304 off because of OCSP, 4350 unchanged, 13 of no use; anything else
/// is the error of the retrieval, here as an HRESULT of HTTP and by WinHTTP's number (inferred).
#[test]
fn each_entry_keeps_what_its_last_prefetch_came_to() {
    use crate::cache::Prefetch;
    use revlab_lab::http::FetchError;
    let answers = [
        (Answer::status(304, Vec::new()), Prefetch::FILE_OFFLINE),
        (half_year("604800"), Prefetch::FILE_OFFLINE),
        (Answer::ok(b"<html>".to_vec()), Prefetch::INVALID_DATA),
        (Answer::not_found(), 0x8019_0194),
        (Answer::error(FetchError::NameNotResolved), 12007),
        (Answer::never(), 12002),
    ];
    for (answer, status) in answers {
        let mut bench = production(&[], 1, Clock::exact(START));
        bench.put("base", BASE, half_year("604800"));
        bench.check(&client());
        let of = |bench: &Bench| {
            let caches = bench.machine.caches(bench.now);
            caches.accounts[crate::SYSTEM_ACCOUNT].entries[0].prefetch.status
        };
        assert_eq!(of(&bench), Prefetch::PENDING);
        bench.put("base", BASE, answer);
        bench.wait(WEEK + Span::from_mins(6));
        assert_eq!(of(&bench), status);
    }
}

/// §2.5, documented: an entry is flushed 28 days after it has expired, and not before; with prefetch
/// still going on it stays.
#[test]
fn an_expired_entry_is_flushed_after_28_days() {
    let mut bench = production(&[], 1, Clock::exact(START));
    bench.put("base", BASE, Answer::ok(Authority::root().sign(&base(1, START, WEEK))));
    bench.check(&client());
    let entries = |bench: &Bench| {
        let caches = bench.machine.caches(bench.now);
        caches.accounts.values().map(|a| a.entries.len()).sum::<usize>()
    };
    bench.wait_until(START + WEEK + Span::from_days(28));
    assert_eq!(entries(&bench), 1);
    bench.wait(Span::from_millis(1));
    assert_eq!(entries(&bench), 0);
    bench.put("base", BASE, Answer::not_found());
    bench.operate(Operation::Reboot);
    let seen = bench.check(&client());
    let stale = |s: &&revlab_lab::trace::Step| {
        matches!(s, revlab_lab::trace::Step::Lookup { layer: Layer::Disk, state, .. }
            if *state == revlab_lab::trace::State::Stale)
    };
    assert_eq!(seen.check.steps.iter().filter(stale).count(), 0);
}
