use std::sync::Arc;

use proptest::prelude::*;
use revlab_lab::{Clock, Item};

use super::*;
use crate::load::{Arrivals, Gap, Load, Rate, Stage};
use crate::plan::StatusRange;

const T0: Instant = Instant::from_millis(1_397_606_400_000);

fn every(span: Span) -> Load {
    Load::Every(Gap::Fixed(span))
}

/// One thread, every 10 s, for a minute, time-out 30 s.
pub(crate) fn plan() -> ClientPlan {
    ClientPlan {
        name: Name::from("jmeter"),
        sut: Name::from("web"),
        issued_by_key: None,
        ca: Name::from("issuing"),
        load: every(Span::from_secs(10)),
        barrier: None,
        threads: 1,
        ramp_up: Span::ZERO,
        identities: 1,
        choice: crate::identities::Choice::RoundRobin,
        state: None,
        keystore: Vec::new(),
        from: T0,
        until: T0 + Span::from_mins(1),
        loops: None,
        session: Session::Fresh,
        resumed_by: ResumedBy::Ticket,
        sessions: Sessions::Own,
        keep_alive: false,
        tls: TlsVersion::V1_2,
        http: HttpVersion::V1_1,
        ciphers: Arc::from([]),
        timeout: Span::from_secs(30),
        control: false,
        path: "/".into(),
        admit: StatusRange::SUCCESS,
        clock: Clock::exact(T0),
        validator: None,
        principal: None,
        host: None,
        remembers_certificate: false,
        sends_issuers: true,
        recorded: true,
    }
}

mod kept;

fn at(ms: i64) -> Instant {
    T0 + Span::from_millis(ms)
}

/// A driver with what it said so far.
struct Lab {
    driver: Driver,
    out: Out<ClientAction>,
}

impl Lab {
    fn new(plans: Vec<ClientPlan>) -> Lab {
        Lab { driver: Driver::new(plans, Seed(1)), out: Out::new() }
    }

    fn tell(&mut self, now: Instant, event: ClientEvent) -> (Vec<ClientAction>, Vec<Attempt>) {
        self.driver.decide(now, event, &mut self.out);
        let (mut actions, mut records) = (Vec::new(), Vec::new());
        for item in self.out.drain() {
            match item {
                Item::Do(action) => actions.push(action),
                Item::Trace(Kind::Attempt(record)) => records.push(record),
                Item::Trace(other) => panic!("not an attempt: {other:?}"),
            }
        }
        (actions, records)
    }

    fn sends(&mut self, now: Instant) -> Vec<Send> {
        let (actions, _) = self.tell(now, ClientEvent::Wake);
        actions
            .into_iter()
            .filter_map(|a| match a {
                ClientAction::Send(send) => Some(send),
                ClientAction::Abandon { .. } | ClientAction::Disconnect { .. } => None,
            })
            .collect()
    }

    /// Wakes the driver whenever it asks and answers each attempt after `took`.
    fn all_due(&mut self) -> Vec<(Instant, Send)> {
        let mut all = Vec::new();
        while let Some(now) = self.driver.next_wakeup() {
            for send in self.sends(now) {
                self.tell(now, answer(send.attempt, 200, ""));
                all.push((now, send));
            }
        }
        all
    }
}

fn answer(attempt: u64, status: u16, body: &str) -> ClientEvent {
    ClientEvent::Answer {
        attempt,
        observation: Observation {
            agreed: Some(Agreed::plain(Handshake::Full, TlsVersion::V1_2)),
            times: steps(1, 2),
            seen: Seen::Response { status, body: Arc::from(body.as_bytes()) },
            stays_open: false,
        },
        checks: vec![7],
        validations: Vec::new(),
        wall_ms: None,
    }
}

fn steps(connect: i64, handshake: i64) -> Times {
    let (connect_ms, handshake_ms) = (Some(connect), Some(handshake));
    Times { connect_ms, handshake_ms, ..Times::default() }
}

fn times(all: &[(Instant, Send)]) -> Vec<i64> {
    all.iter().map(|(t, _)| (*t - T0).as_secs()).collect()
}

#[test]
fn attempts_are_due_at_the_pace_and_none_at_the_end_of_the_window() {
    let all = Lab::new(vec![plan()]).all_due();
    assert_eq!(times(&all), [0, 10, 20, 30, 40, 50]);
    assert!(all.iter().map(|(_, s)| s.attempt).eq(1..=6));
}

#[test]
fn threads_ramp_up_evenly() {
    let ramped = ClientPlan { threads: 4, ramp_up: Span::from_secs(8), loops: Some(1), ..plan() };
    let all = Lab::new(vec![ramped]).all_due();
    assert_eq!(times(&all), [0, 2, 4, 6]);
    assert!(all.iter().map(|(_, s)| s.thread).eq(0..4));
}

#[test]
fn loops_bound_the_attempts_of_each_thread() {
    let all = Lab::new(vec![ClientPlan { threads: 2, loops: Some(2), ..plan() }]).all_due();
    assert_eq!(times(&all), [0, 0, 10, 10]);
}

#[test]
fn a_window_that_is_over_before_it_begins_has_no_attempts() {
    let lab = Lab::new(vec![ClientPlan { from: plan().until, ..plan() }]);
    assert_eq!(lab.driver.next_wakeup(), None);
}

#[test]
fn identities_go_round_robin_over_threads_and_attempts() {
    let shared = ClientPlan { threads: 2, identities: 3, loops: Some(3), ..plan() };
    let all = Lab::new(vec![shared]).all_due();
    let used: Vec<_> = all.iter().map(|(_, s)| &*s.identity).collect();
    assert_eq!(used, ["jmeter-1", "jmeter-2", "jmeter-3", "jmeter-1", "jmeter-2", "jmeter-3"]);
}

#[test]
fn a_send_says_session_version_and_path_of_the_plan() {
    let tls = TlsVersion::V1_3;
    let path = "/a%2Bb//c".to_owned();
    let mut lab = Lab::new(vec![ClientPlan { session: Session::Resumed, tls, path, ..plan() }]);
    let sends = lab.sends(T0);
    assert_eq!(sends.len(), 1);
    let send = &sends[0];
    assert_eq!((send.session, send.tls, &*send.path), (Session::Resumed, tls, "/a%2Bb//c"));
    assert_eq!((&*send.client, &*send.sut, send.thread), ("jmeter", "web", 0));
}

#[test]
fn an_attempt_is_sent_although_an_earlier_one_of_its_thread_is_open() {
    let mut lab = Lab::new(vec![plan()]);
    assert_eq!(lab.sends(T0).len(), 1);
    assert_eq!(lab.sends(at(10_000)).len(), 1);
    assert_eq!(lab.driver.open(), 2);
}

#[test]
fn simultaneous_attempts_go_by_client_name_and_thread_whatever_the_order_of_plans() {
    let named = |name: &str| ClientPlan { name: Name::from(name), threads: 2, ..plan() };
    let mut lab = Lab::new(vec![named("zoe"), named("adam")]);
    let sends = lab.sends(T0);
    let order: Vec<_> = sends.iter().map(|s| (s.attempt, &*s.client, s.thread)).collect();
    assert_eq!(order, [(1, "adam", 0), (2, "adam", 1), (3, "zoe", 0), (4, "zoe", 1)]);
}

#[test]
fn in_turns_an_attempt_begins_and_its_time_runs_when_its_turn_comes() {
    let mut lab = Lab::new(vec![ClientPlan { threads: 3, loops: Some(1), ..plan() }]);
    lab.driver.take_turns();
    assert_eq!(lab.sends(T0).len(), 3);
    lab.tell(T0, ClientEvent::Began { attempt: 1 });
    let (_, first) = lab.tell(at(29_000), answer(1, 200, ""));
    assert_eq!((first[0].began, first[0].took_ms), (None, 29_000));
    lab.tell(at(29_000), ClientEvent::Began { attempt: 2 });
    // The time of the third does not run yet; that of the second began after the first had ended.
    assert_eq!(lab.driver.next_wakeup(), Some(at(59_000)));
    let (actions, second) = lab.tell(at(59_000), ClientEvent::Wake);
    assert_eq!(actions, [ClientAction::Abandon { attempt: 2 }]);
    assert_eq!(second[0].outcome, Outcome::TimedOut);
    assert_eq!((second[0].due, second[0].began), (T0, Some(at(29_000))));
    lab.tell(at(60_000), ClientEvent::Began { attempt: 3 });
    let (_, third) = lab.tell(at(60_004), answer(3, 200, ""));
    assert_eq!((third[0].began, third[0].took_ms), (Some(at(60_000)), 4));
}

#[test]
fn a_quick_admission_is_recorded_without_phases() {
    let mut lab = Lab::new(vec![plan()]);
    lab.sends(T0);
    let (_, records) = lab.tell(at(4), answer(1, 200, ""));
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((record.outcome, record.status, record.took_ms), (Outcome::Admitted, Some(200), 4));
    assert_eq!((record.due, record.began, record.phases_ms), (T0, None, None));
    assert_eq!((record.phase, &record.checks), (None, &vec![7]));
}

#[test]
fn a_refusal_and_a_slow_admission_are_recorded_with_their_phases() {
    let mut lab = Lab::new(vec![plan()]);
    lab.sends(T0);
    let (_, records) = lab.tell(at(9), answer(1, 403, "HTTP Error 403.13 0x80092013"));
    assert_eq!(records[0].outcome, Outcome::Refused);
    assert_eq!(records[0].substatus, Some(13));
    let phases =
        |request| PhasesMs { connect: Some(1), handshake: 2, request, first_byte: Some(request) };
    assert_eq!(records[0].phases_ms, Some(phases(6)));
    lab.sends(at(10_000));
    let (_, records) = lab.tell(at(15_003), answer(2, 200, ""));
    assert_eq!(records[0].phases_ms, Some(phases(5000)));
}

#[test]
fn an_attempt_that_began_late_says_when() {
    let mut lab = Lab::new(vec![plan()]);
    lab.sends(at(500));
    let (_, records) = lab.tell(at(504), answer(1, 200, ""));
    assert_eq!((records[0].due, records[0].began), (T0, Some(at(500))));
    assert_eq!(records[0].took_ms, 4);
}

#[test]
fn a_time_out_abandons_the_attempt_and_a_late_answer_is_ignored() {
    let mut lab = Lab::new(vec![ClientPlan { loops: Some(1), ..plan() }]);
    lab.sends(T0);
    assert_eq!(lab.driver.next_wakeup(), Some(at(30_000)));
    let (actions, records) = lab.tell(at(30_000), ClientEvent::Wake);
    assert_eq!(actions, [ClientAction::Abandon { attempt: 1 }]);
    let record = &records[0];
    assert_eq!((record.outcome, record.phase), (Outcome::TimedOut, Some(Phase::Connect)));
    assert_eq!(record.handshake, Handshake::None);
    assert_eq!(lab.tell(at(30_001), answer(1, 200, "")), (vec![], vec![]));
    assert_eq!(lab.driver.next_wakeup(), None);
}

#[test]
fn a_time_out_after_the_handshake_says_that_the_request_was_under_way() {
    let mut lab = Lab::new(vec![plan()]);
    lab.sends(T0);
    let agreed = Some(Agreed::plain(Handshake::Resumed, TlsVersion::V1_2));
    let reached = Reached { agreed, times: steps(1, 1) };
    lab.tell(at(2), ClientEvent::Reached { attempt: 1, reached });
    let (_, records) = lab.tell(at(30_000), ClientEvent::Wake);
    let record = &records[0];
    assert_eq!((record.phase, record.handshake), (Some(Phase::Request), Handshake::Resumed));
    let phases = PhasesMs { connect: Some(1), handshake: 1, request: 29_998, first_byte: None };
    assert_eq!(record.phases_ms, Some(phases));
}

#[test]
fn a_time_out_in_the_handshake_says_so_once_tcp_is_connected() {
    for (connect, phase, handshake) in [(2, Phase::Handshake, 29_998), (30_001, Phase::Connect, 0)]
    {
        let mut lab = Lab::new(vec![plan()]);
        lab.sends(T0);
        let times = Times { connect_ms: Some(connect), ..Times::default() };
        let reached = Reached { agreed: None, times };
        lab.tell(T0, ClientEvent::Reached { attempt: 1, reached });
        let (_, records) = lab.tell(at(30_000), ClientEvent::Wake);
        assert_eq!((records[0].phase, records[0].handshake), (Some(phase), Handshake::None));
        let phases = records[0].phases_ms.unwrap();
        assert_eq!((phases.handshake, phases.request, phases.first_byte), (handshake, 0, None));
        assert_eq!(phases.connect, Some(30_000 - handshake));
    }
}

#[test]
fn times_that_were_measured_are_always_on_record() {
    let mut lab = Lab::new(vec![plan()]);
    lab.sends(T0);
    let mut event = answer(1, 200, "");
    if let ClientEvent::Answer { observation, .. } = &mut event {
        observation.times = Times { first_byte_ms: Some(4), measured: true, ..steps(1, 2) };
    }
    let (_, records) = lab.tell(at(20), event);
    let phases = PhasesMs { connect: Some(1), handshake: 2, request: 17, first_byte: Some(4) };
    assert_eq!(records[0].phases_ms, Some(phases));
}

#[test]
fn an_answer_at_the_instant_of_the_time_out_counts_and_one_after_it_does_not() {
    let mut lab = Lab::new(vec![ClientPlan { loops: Some(2), ..plan() }]);
    lab.sends(T0);
    lab.sends(at(10_000));
    let (_, records) = lab.tell(at(30_000), answer(1, 200, ""));
    assert_eq!(records[0].outcome, Outcome::Admitted);
    let (actions, records) = lab.tell(at(40_001), answer(2, 200, ""));
    assert_eq!(actions, [ClientAction::Abandon { attempt: 2 }]);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].outcome, Outcome::TimedOut);
}

#[test]
fn what_is_told_when_the_time_is_up_already_still_counts() {
    let mut lab = Lab::new(vec![plan()]);
    lab.sends(T0);
    let reached = Reached {
        agreed: Some(Agreed::plain(Handshake::Full, TlsVersion::V1_3)),
        ..Reached::default()
    };
    let (_, records) = lab.tell(at(30_002), ClientEvent::Reached { attempt: 1, reached });
    let phases: Vec<_> = records.iter().map(|a| (a.outcome, a.phase, a.tls)).collect();
    assert_eq!(phases, [(Outcome::TimedOut, Some(Phase::Request), Some(TlsVersion::V1_3))]);
}

#[test]
fn time_outs_come_before_attempts_of_the_same_instant() {
    let mut lab = Lab::new(vec![ClientPlan { timeout: Span::from_secs(10), ..plan() }]);
    lab.sends(T0);
    let (actions, _) = lab.tell(at(10_000), ClientEvent::Wake);
    assert!(matches!(
        actions.as_slice(),
        [ClientAction::Abandon { attempt: 1 }, ClientAction::Send(Send { attempt: 2, .. })]
    ));
}

#[test]
fn an_answer_to_an_unknown_attempt_is_ignored() {
    let mut lab = Lab::new(vec![plan()]);
    assert_eq!(lab.tell(T0, answer(99, 200, "")), (vec![], vec![]));
}

#[test]
fn an_unchecked_plan_neither_hangs_nor_panics() {
    let odd = ClientPlan {
        load: every(Span::ZERO),
        timeout: Span::ZERO,
        identities: 0,
        until: T0 + Span::from_millis(3),
        ..plan()
    };
    assert_eq!(Lab::new(vec![odd.clone()]).all_due().len(), 3);
    assert!(Lab::new(vec![ClientPlan { threads: 0, ..odd }]).all_due().is_empty());
}

#[test]
fn a_closed_client_thinks_only_once_it_has_its_answer() {
    let think = Load::Think(Gap::Fixed(Span::from_secs(10)));
    let mut lab = Lab::new(vec![ClientPlan { load: think, ..plan() }]);
    lab.tell(T0, ClientEvent::Wake);
    // Only the time-out is to be waited for.
    assert_eq!(lab.driver.next_wakeup(), Some(at(30_000)));
    lab.tell(at(4_000), answer(1, 200, ""));
    assert_eq!(lab.driver.next_wakeup(), Some(at(14_000)));
    let (actions, _) = lab.tell(at(14_000), ClientEvent::Wake);
    assert!(matches!(&actions[..], [ClientAction::Send(Send { attempt: 2, .. })]));
    // One that times out has ended too.
    let (_, records) = lab.tell(at(44_000), ClientEvent::Wake);
    assert_eq!((records.len(), records[0].due), (1, at(14_000)));
    assert_eq!(lab.driver.next_wakeup(), Some(at(54_000)));
    lab.tell(at(54_000), ClientEvent::Wake);
    lab.tell(at(55_000), answer(3, 200, ""));
    // Its next would be due after its end.
    assert_eq!(lab.driver.next_wakeup(), None);
}

#[test]
fn at_a_rate_users_take_turns_and_nobody_waits_for_an_answer() {
    let rate = Rate { count: 2, per: Span::from_secs(1) };
    let stage = Stage { length: None, from: rate, to: rate };
    let load = Load::Rate(vec![stage], Arrivals::Even);
    let group = ClientPlan { load, threads: 3, identities: 2, ..plan() };
    let made = Lab::new(vec![ClientPlan { until: at(2_500), ..group.clone() }]).all_due();
    let seen: Vec<_> = made.iter().map(|(t, s)| (*t - T0, s.thread, &*s.identity)).collect();
    let ms = Span::from_millis;
    assert_eq!(
        seen,
        [
            (ms(0), 0, "jmeter-1"),
            (ms(500), 1, "jmeter-2"),
            (ms(1000), 2, "jmeter-1"),
            (ms(1500), 0, "jmeter-2"),
            (ms(2000), 1, "jmeter-1"),
        ]
    );
    let limited = ClientPlan { loops: Some(2), until: at(60_000), ..group };
    assert_eq!(Lab::new(vec![limited]).all_due().len(), 6);
}

#[test]
fn at_a_barrier_attempts_wait_for_one_another_and_the_last_for_nobody() {
    let ramp = ClientPlan { threads: 5, ramp_up: Span::from_secs(5), loops: Some(1), ..plan() };
    let made = Lab::new(vec![ClientPlan { barrier: Some(2), ..ramp.clone() }]).all_due();
    let seen: Vec<_> = made.iter().map(|(t, s)| ((*t - T0).as_secs(), s.thread)).collect();
    assert_eq!(seen, [(1, 0), (1, 1), (3, 2), (3, 3), (4, 4)]);
    // In a closed model the last waits for those whose answers are still to come.
    let think = Load::Think(Gap::Fixed(Span::from_secs(1)));
    let closed = ClientPlan { load: think, threads: 3, loops: Some(2), ..plan() };
    let mut lab = Lab::new(vec![ClientPlan { barrier: Some(2), ..closed }]);
    assert_eq!(lab.tell(T0, ClientEvent::Wake).0.len(), 2);
    lab.tell(at(500), answer(1, 200, ""));
    lab.tell(at(600), answer(2, 200, ""));
    let sent = |actions: Vec<ClientAction>| actions.len();
    // Thread 0 joins thread 2, thread 1 waits for thread 2, which joins it.
    assert_eq!(sent(lab.tell(at(1500), ClientEvent::Wake).0), 2);
    assert_eq!(sent(lab.tell(at(1600), ClientEvent::Wake).0), 0);
    let (_, records) = lab.tell(at(1700), answer(3, 200, ""));
    assert_eq!((records[0].due, records[0].began), (at(1500), None));
    lab.tell(at(1800), answer(4, 200, ""));
    let wake = lab.driver.next_wakeup().unwrap();
    assert_eq!(sent(lab.tell(wake, ClientEvent::Wake).0), 2);
}

#[test]
fn once_stopped_nothing_begins_and_what_is_under_way_comes_to_its_end() {
    let closed = ClientPlan { load: Load::Think(Gap::Fixed(Span::from_secs(1))), ..plan() };
    for plan in [plan(), closed] {
        let mut lab = Lab::new(vec![plan]);
        assert_eq!(lab.sends(T0).len(), 1);
        lab.tell(at(1), ClientEvent::Stop);
        assert_eq!(lab.driver.next_wakeup(), Some(at(30_000)));
        let (actions, records) = lab.tell(at(5), answer(1, 200, ""));
        assert_eq!((actions.len(), records.len()), (0, 1));
        assert_eq!(lab.driver.next_wakeup(), None);
    }
    let waiting = ClientPlan { threads: 3, barrier: Some(2), ..plan() };
    let mut lab = Lab::new(vec![waiting]);
    assert_eq!(lab.sends(T0).len(), 2);
    let (actions, _) = lab.tell(at(1), ClientEvent::Stop);
    assert_eq!((actions.len(), lab.driver.open()), (0, 2));
}

#[test]
fn drawn_gaps_are_each_threads_own_and_those_of_the_seed() {
    let load = Load::Every(Gap::Uniform { from: Span::from_secs(1), to: Span::from_secs(9) });
    let two = ClientPlan { load, threads: 2, ..plan() };
    let times = |seed: u64| -> Vec<(Instant, u32)> {
        let driver = Driver::new(vec![two.clone()], Seed(seed));
        let made = Lab { driver, out: Out::new() }.all_due();
        made.into_iter().map(|(t, s)| (t, s.thread)).collect()
    };
    assert_eq!(times(1), times(1));
    assert_ne!(times(1), times(2));
    let of = |thread: u32| -> Vec<Instant> {
        times(1).into_iter().filter(|(_, t)| *t == thread).map(|(at, _)| at).collect()
    };
    assert_ne!(of(0), of(1));
    assert!(of(0).windows(2).all(|w| (1000..=9000).contains(&(w[1] - w[0]).as_millis())));
}

proptest! {
    #[test]
    fn as_many_attempts_are_made_as_the_formula_says(
        every in 1i64..5000, threads in 1u32..20, ramp in 0i64..20_000,
        window in 0i64..20_000, loops in proptest::option::of(0u64..20),
    ) {
        let expected: i64 = (0..i64::from(threads))
            .map(|i| {
                let start = ramp * i / i64::from(threads);
                let fit = ((window - start).max(0) + every - 1) / every;
                loops.map_or(fit, |l| fit.min(l as i64))
            })
            .sum();
        let made = Lab::new(vec![ClientPlan {
            load: super::tests::every(Span::from_millis(every)),
            threads,
            ramp_up: Span::from_millis(ramp),
            until: at(window),
            loops,
            ..plan()
        }])
        .all_due();
        prop_assert_eq!(made.len() as i64, expected);
        prop_assert!(made.is_sorted_by_key(|(t, s)| (*t, s.thread)));
        prop_assert!(made.iter().map(|(_, s)| s.attempt).eq(1..=made.len() as u64));
    }

    #[test]
    fn every_attempt_is_recorded_exactly_once_whenever_it_is_answered(
        delays in proptest::collection::vec(0i64..60_000, 6),
    ) {
        let mut lab = Lab::new(vec![plan()]);
        let mut answers: Vec<(Instant, u64)> = Vec::new();
        let mut records = 0;
        loop {
            let wake = lab.driver.next_wakeup();
            let arrive = answers.iter().min().copied();
            let (now, event) = match (wake, arrive) {
                (Some(w), Some((a, n))) if a <= w => (a, answer(n, 200, "")),
                (Some(w), _) => (w, ClientEvent::Wake),
                (None, Some((a, n))) => (a, answer(n, 200, "")),
                (None, None) => break,
            };
            if let ClientEvent::Answer { attempt, .. } = &event {
                answers.retain(|(_, n)| n != attempt);
            }
            let (actions, traced) = lab.tell(now, event);
            records += traced.len();
            for action in actions {
                if let ClientAction::Send(send) = action {
                    let delay = delays[send.attempt as usize - 1];
                    answers.push((now + Span::from_millis(delay), send.attempt));
                }
            }
        }
        prop_assert_eq!(records, 6);
        prop_assert_eq!(lab.driver.open(), 0);
    }
}
