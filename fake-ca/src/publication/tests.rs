//! The tables of fact sheet §4.1 and §2.5, and what holds for every schedule.

use std::collections::BTreeMap;

use proptest::prelude::*;
use revlab_lab::clock::Drift;

use super::*;
use crate::config::DeltaOverlap;

const START: Instant = Instant::from_millis(1_397_606_400_000);

fn lab() -> CrlSchedule {
    CrlSchedule {
        period: Span::from_hours(1),
        delta_period: Some(Span::from_mins(30)),
        overlap: None,
        delta_overlap: None,
        delta_overlap_rule: DeltaOverlap::A,
        clock_skew: Span::from_mins(10),
        phase: Span::ZERO,
        delta_phase: Span::ZERO,
        drift: Drift::NONE,
        base_run: BaseRun::BaseOnly,
        delta_base: DeltaBase::Previous,
        virtual_base: true,
    }
}

fn production() -> CrlSchedule {
    CrlSchedule { period: Span::from_days(7), delta_period: Some(Span::from_days(1)), ..lab() }
}

fn life() -> Life {
    Life { not_before: START - Span::from_days(400), not_after: START + Span::from_days(4000) }
}

fn timeline(schedule: CrlSchedule) -> Timeline {
    let clock = Clock::exact(START);
    Timeline::new(schedule, clock, life(), START - Span::from_days(400), START).unwrap()
}

/// Everything published up to `until`.
fn published(timeline: &mut Timeline, until: Instant) -> Vec<Planned> {
    let mut all = Vec::new();
    while timeline.next_due().is_some_and(|due| due <= until) {
        all.extend(timeline.publish_next());
    }
    all
}

/// The last of a kind at `START`: (age, rest of its life).
fn at_start(schedule: CrlSchedule, what: Purpose) -> Span {
    let all = published(&mut timeline(schedule), START);
    let last = all.iter().rfind(|p| p.what() == what).unwrap();
    last.validity.next_update - last.at
}

#[test]
fn lives_are_those_of_the_fact_sheet() {
    let rule_b = |schedule| CrlSchedule { delta_overlap_rule: DeltaOverlap::B, ..schedule };
    for (schedule, what, life) in [
        (lab(), Purpose::Base, "1h 25m"),
        (lab(), Purpose::Delta, "55m"),
        (rule_b(lab()), Purpose::Delta, "1h 10m"),
        (production(), Purpose::Base, "7d 12h 10m"),
        (production(), Purpose::Delta, "1d 2h 34m"),
        (rule_b(production()), Purpose::Delta, "1d 12h 10m"),
    ] {
        assert_eq!(at_start(schedule, what).to_string(), life, "{what:?} of {schedule:?}");
    }
}

#[test]
fn a_week_with_the_default_overlap_shows_the_window_of_the_published_log() {
    let p = published(&mut timeline(production()), START)[0].validity;
    assert_eq!((p.next_update - p.this_update).as_secs(), 649_200);
}

#[test]
fn an_overlap_of_a_whole_period_shows_the_window_of_the_microsoft_crl() {
    let days = Span::from_days(4);
    let dates = validity(START, days, days, Span::from_mins(10), life());
    assert_eq!((dates.next_publish - dates.this_update).to_string(), "4d 10m");
    assert_eq!((dates.next_update - dates.this_update).to_string(), "8d 20m");
}

#[test]
fn the_life_of_the_ca_certificate_bounds_every_date() {
    let life = Life { not_before: START, not_after: START + Span::from_hours(1) };
    let dates = validity(START, Span::from_days(7), Span::ZERO, Span::from_mins(10), life);
    assert_eq!((dates.this_update, dates.next_update), (life.not_before, life.not_after));
}

#[test]
fn nothing_is_published_once_the_ca_certificate_has_expired() {
    let life = Life { not_after: START + Span::from_mins(50), ..life() };
    let clock = Clock::exact(START);
    let mut timeline = Timeline::new(lab(), clock, life, life.not_before, START).unwrap();
    let all = published(&mut timeline, START + Span::from_days(1));
    assert_eq!(all.last().map(|p| p.at), Some(START + Span::from_mins(30)));
    assert_eq!(timeline.next_due(), None);
    assert!(timeline.publish_now(START + Span::from_hours(1), true).is_empty());
}

#[test]
fn dates_are_the_ca_clocks_and_instants_are_lab_times() {
    let ahead = Clock::new(START, Span::from_mins(5), Drift::NONE, Vec::new());
    let mut skewed =
        Timeline::new(lab(), ahead, life(), START - Span::from_days(400), START).unwrap();
    let skewed = published(&mut skewed, START + Span::from_hours(2));
    let exact = published(&mut timeline(lab()), START + Span::from_hours(2));
    for (ahead, exact) in skewed.iter().zip(&exact) {
        assert_eq!(ahead.at, exact.at);
        let later = ahead.validity.next_update - exact.validity.next_update;
        assert_eq!(later, Span::from_mins(5));
    }
    assert_eq!(skewed.len(), exact.len());
}

#[test]
fn a_delta_beside_a_new_base_refers_to_the_previous_one() {
    let all = published(&mut timeline(lab()), START);
    let last: Vec<_> = all.iter().rev().take(4).map(|p| (p.number, p.base_number)).collect();
    // Pair at START (7), lone delta half an hour before (6), base of the pair before that (5).
    assert_eq!(last, [(7, Some(5)), (7, None), (6, Some(5)), (5, Some(3))]);
}

#[test]
fn the_other_rules_refer_to_the_newest_and_to_the_oldest_unexpired_base() {
    let indicator = |delta_base| {
        let all = published(&mut timeline(CrlSchedule { delta_base, ..lab() }), START);
        all.last().and_then(|p| p.base_number)
    };
    assert_eq!(indicator(DeltaBase::Newest), Some(7));
    // The base of an hour ago lives 25 more minutes, the one of two hours ago is past.
    assert_eq!(indicator(DeltaBase::OldestUnexpired), Some(5));
}

#[test]
fn a_base_run_alone_leaves_the_delta_timer_alone() {
    let schedule = CrlSchedule { delta_phase: Span::from_mins(10), ..lab() };
    let all = published(&mut timeline(schedule), START + Span::from_hours(1));
    let run = all.iter().filter(|p| p.at >= START);
    let run: Vec<_> = run.map(|p| ((p.at - START).as_secs() / 60, p.what())).collect();
    let expected =
        [(0, Purpose::Base), (10, Purpose::Delta), (40, Purpose::Delta), (60, Purpose::Base)];
    assert_eq!(run, expected);
}

#[test]
fn a_coupled_base_run_publishes_a_delta_and_rearms_its_timer() {
    let schedule =
        CrlSchedule { delta_phase: Span::from_mins(10), base_run: BaseRun::WithDelta, ..lab() };
    let all = published(&mut timeline(schedule), START + Span::from_hours(1));
    let minutes = |what| -> Vec<i64> {
        let run = all.iter().filter(|p| p.at >= START && p.what() == what);
        run.map(|p| (p.at - START).as_secs() / 60).collect()
    };
    assert_eq!(minutes(Purpose::Base), [0, 60]);
    assert_eq!(minutes(Purpose::Delta), [0, 30, 60]);
}

#[test]
fn publishing_by_hand_rearms_the_timers_from_then_on() {
    let mut timeline = timeline(lab());
    published(&mut timeline, START);
    let now = START + Span::from_mins(20);
    assert_eq!(timeline.publish_now(now, true).len(), 2);
    let next: Vec<_> = published(&mut timeline, now + Span::from_hours(1))
        .iter()
        .map(|p| ((p.at - now).as_secs() / 60, p.what()))
        .collect();
    assert_eq!(next, [(30, Purpose::Delta), (60, Purpose::Base), (60, Purpose::Delta)]);
}

#[test]
fn a_delta_by_hand_and_a_base_by_timer_at_one_instant_share_a_number() {
    let mut timeline = timeline(lab());
    let before = published(&mut timeline, START - Span::from_millis(1));
    let delta = timeline.publish_now(START, false);
    let base = timeline.publish_next();
    assert_eq!(delta.len() + base.len(), 2);
    assert_eq!(delta[0].number, base[0].number);
    assert_eq!(delta[0].number, before.last().map_or(0, |p| p.number) + 1);
    let again = timeline.publish_now(START, true);
    assert!(again.iter().all(|p| p.number == base[0].number + 1), "not the same CRL once more");
}

#[test]
fn a_young_ca_published_when_it_was_set_up() {
    let schedule = CrlSchedule { phase: Span::from_mins(50), ..lab() };
    let set_up = START - Span::from_mins(5);
    let mut timeline = Timeline::new(schedule, Clock::exact(START), life(), set_up, START).unwrap();
    let all = published(&mut timeline, START - Span::from_millis(1));
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|p| p.at == set_up && p.number == 1));
    assert_eq!(timeline.next_due(), Some(START));
}

#[test]
fn what_cannot_be_kept_is_refused_with_its_key() {
    let hour = Span::from_hours(1);
    let drift = Drift { gain: -hour, per: hour };
    for (schedule, key) in [
        (CrlSchedule { period: Span::ZERO, ..lab() }, "crl.period"),
        (CrlSchedule { delta_period: Some(-hour), ..lab() }, "crl.delta_period"),
        (CrlSchedule { delta_period: Some(Span::from_hours(2)), ..lab() }, "crl.delta_period"),
        (CrlSchedule { overlap: Some(Span::from_mins(61)), ..lab() }, "crl.overlap"),
        (CrlSchedule { overlap: Some(-hour), ..lab() }, "crl.overlap"),
        (CrlSchedule { delta_overlap: Some(Span::from_mins(31)), ..lab() }, "crl.delta_overlap"),
        (CrlSchedule { clock_skew: -hour, ..lab() }, "crl.clock_skew"),
        (CrlSchedule { drift, ..lab() }, "crl.drift"),
        (CrlSchedule { drift: Drift { per: Span::ZERO, ..drift }, ..lab() }, "crl.drift"),
    ] {
        assert_eq!(check(&schedule).map_err(|e| e.key()), Err(key), "{schedule:?}");
    }
    let too_long = CrlSchedule { overlap: Some(Span::from_mins(61)), ..lab() };
    insta::assert_snapshot!(
        check(&too_long).unwrap_err(),
        @"`crl.overlap` is 1h 1m, longer than the publication period (1h): at most the period"
    );
}

prop_compose! {
    fn schedules()(
        period in 60i64..700_000,
        share in proptest::option::of(1i64..=100),
        overlap in proptest::option::of(0i64..=100),
        delta_overlap in proptest::option::of(0i64..=100),
        rule in prop_oneof![Just(DeltaOverlap::A), Just(DeltaOverlap::B)],
        skew in 0i64..1200,
        phases in (-1_000_000i64..1_000_000, -1_000_000i64..1_000_000),
        gain in -100_000i64..100_000,
        base_run in prop_oneof![Just(BaseRun::BaseOnly), Just(BaseRun::WithDelta)],
        delta_base in prop_oneof![
            Just(DeltaBase::Previous), Just(DeltaBase::Newest), Just(DeltaBase::OldestUnexpired)
        ],
    ) -> CrlSchedule {
        let period = Span::from_secs(period);
        let delta_period = share
            .map(|percent| Ord::max(period.scale(percent, 100), period.scale(1, 50)))
            .map(|delta| Ord::max(delta, Span::from_secs(1)));
        let part = |of: Span, percent: Option<i64>| percent.map(|p| of.scale(p, 100));
        CrlSchedule {
            period,
            delta_period,
            overlap: part(period, overlap),
            delta_overlap: delta_period.and_then(|delta| part(delta, delta_overlap)),
            delta_overlap_rule: rule,
            clock_skew: Span::from_secs(skew),
            phase: Span::from_secs(phases.0),
            delta_phase: Span::from_secs(phases.1),
            drift: Drift { gain: Span::from_millis(gain), per: Span::from_hours(1) },
            base_run,
            delta_base,
            virtual_base: true,
        }
    }
}

proptest! {
    #[test]
    fn a_base_is_valid_at_every_instant(schedule in schedules(), after in 0i64..1000) {
        let schedule = CrlSchedule { drift: Drift::NONE, ..schedule };
        let now = START + schedule.period.scale(after, 250);
        let all = published(&mut timeline(schedule), now);
        let base = all.iter().rfind(|p| p.what() == Purpose::Base);
        let valid = base.is_some_and(|base| {
            // Dates are cut to the second: up to one second is lost without overlap and skew.
            base.validity.this_update <= now
                && base.validity.next_update + Span::from_secs(1) > now
        });
        prop_assert!(valid);
    }

    #[test]
    fn the_next_crl_comes_before_the_last_one_ends(schedule in schedules()) {
        for planned in published(&mut timeline(schedule), START) {
            let Validity { this_update, next_update, next_publish } = planned.validity;
            prop_assert!(next_update >= next_publish && next_publish > this_update);
            if schedule.clock_skew > Span::from_secs(1) {
                prop_assert!(next_update > next_publish);
            }
        }
    }

    #[test]
    fn numbers_count_up_from_one_by_instants(schedule in schedules()) {
        let all = published(&mut timeline(schedule), START + schedule.period);
        let mut numbers = BTreeMap::new();
        for planned in &all {
            let number = *numbers.entry(planned.at).or_insert(planned.number);
            prop_assert_eq!(number, planned.number, "one instant, one number");
        }
        prop_assert!(numbers.values().copied().eq(1..=numbers.len() as u64));
    }

    #[test]
    fn a_delta_refers_to_a_base_that_was_published(schedule in schedules()) {
        let all = published(&mut timeline(schedule), START + schedule.period);
        prop_assert_eq!(all[0].base_number, None, "history begins with a base");
        for delta in all.iter().filter(|p| p.what() == Purpose::Delta) {
            let indicator = delta.base_number.unwrap_or(0);
            prop_assert!(indicator <= delta.number);
            let published = all.iter().any(|p| {
                p.base_number.is_none() && p.number == indicator && p.at <= delta.at
            });
            prop_assert!(published);
        }
    }

    #[test]
    fn without_drift_the_timers_keep_their_grids(schedule in schedules()) {
        let schedule =
            CrlSchedule { drift: Drift::NONE, base_run: BaseRun::BaseOnly, ..schedule };
        for planned in published(&mut timeline(schedule), START + schedule.period) {
            let (phase, period) = match planned.what() {
                Purpose::Delta => (schedule.delta_phase, schedule.delta_period.unwrap()),
                _ => (schedule.phase, schedule.period),
            };
            let off = (planned.at - START - phase).as_millis() % period.as_millis();
            prop_assert_eq!(off, 0);
        }
    }

    #[test]
    fn history_reaches_back_three_base_intervals(schedule in schedules()) {
        let all = published(&mut timeline(schedule), START);
        let bases = all.iter().filter(|p| p.what() == Purpose::Base).count();
        prop_assert!(bases >= 3, "{bases}");
    }
}
