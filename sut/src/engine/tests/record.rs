//! The trace: one record for each check, repeated answers in short.

use revlab_lab::Span;
use revlab_lab::trace::{Handshake, Kind};

use super::authority::{Authority, BASE, START, base};
use super::bench::{Answer, Bench};

const HOUR: Span = Span::from_hours(1);

/// A check that was answered as the one before carries the number of the full record and nothing
/// else; one that was answered otherwise is written in full.
#[test]
fn the_same_answer_is_said_in_short_and_another_one_in_full() {
    let ca = Authority::root();
    let client = ca.client("alice", 10, |_| {});
    let mut bench = Bench::new(&[]);
    bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, HOUR))));
    for _ in 0..4 {
        bench.check(&client);
        bench.wait(Span::from_secs(10));
    }
    bench.wait(HOUR);
    bench.put("base", BASE, Answer::not_found());
    bench.check(&client);
    let same_as: Vec<_> = bench.checks().map(|c| c.same_as).collect();
    // The first fetched, the second found it in memory, as the next two did.
    assert_eq!(same_as, [None, None, Some(2), Some(2), None]);
    for check in bench.checks() {
        assert_eq!(check.same_as.is_some(), check.verdict.is_none());
        assert_eq!(check.same_as.is_some(), check.steps.is_empty());
    }
}

/// What took time is never said in short: when it began is part of it.
#[test]
fn a_check_that_took_time_says_when_it_began() {
    let ca = Authority::root();
    let client = ca.client("alice", 10, |_| {});
    let mut bench = Bench::new(&[("crl_offline_memory", "1s")]);
    bench.put("base", BASE, Answer::not_found().after(Span::from_secs(1)));
    for _ in 0..2 {
        bench.check(&client);
        bench.wait(Span::from_secs(2));
    }
    let began: Vec<_> = bench.checks().map(|c| (c.began.is_some(), c.same_as)).collect();
    assert_eq!(began, [(true, None), (true, None)]);
}

/// Every attempt rests on exactly one check, and each check is on record once, in order.
#[test]
fn each_attempt_has_one_check_and_each_check_one_record() {
    let ca = Authority::root();
    let mut bench = Bench::new(&[]);
    bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, HOUR))).after(Span::from_secs(1)));
    for i in 0..3 {
        let client = ca.client(&format!("c{i}"), 10 + i, |_| {});
        bench.request(std::slice::from_ref(&client), Handshake::Full);
        bench.wait(Span::from_millis(700));
        bench.request(&[client], Handshake::Resumed);
    }
    bench.wait(Span::from_secs(5));
    let mut numbers: Vec<_> = bench.checks().map(|c| c.check).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    let mut used: Vec<_> = bench.answered.values().flat_map(|(.., checks)| checks).collect();
    used.sort_unstable();
    assert_eq!(used, [&1, &2, &3, &4, &5, &6]);
}

/// §5.1: CAPI2 event 41 shows the failed check, once for each record in full.
#[test]
fn a_refusal_leaves_evidence_in_both_logs() {
    let client = Authority::root().client("alice", 10, |_| {});
    let mut bench = Bench::new(&[]);
    bench.put("base", BASE, Answer::not_found());
    bench.check(&client);
    let files = bench.trace.iter().filter_map(|(_, kind)| match kind {
        Kind::Log(log) => Some((&*log.file, log.code.unwrap().to_string(), log.attempt)),
        _ => None,
    });
    let code = "0x80092013".to_owned();
    assert_eq!(
        files.collect::<Vec<_>>(),
        [
            ("Microsoft-Windows-CAPI2/Operational", code.clone(), None),
            ("FailedReqLogFiles/W3SVC1", code, Some(1)),
        ]
    );
}
