//! What an actor's own clock reads.
//!
//! Every actor of a scenario sees lab time plus its own skew: a constant offset, a drift that
//! grows from the start of the run, and steps (an administrator or NTP sets the clock).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::{Instant, Span};

/// An actor's clock: a pure function from lab time to what the actor believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    start: Instant,
    offset: Span,
    drift: Drift,
    steps: Vec<Step>,
}

/// A rate error: the clock gains `gain` in every `per` of lab time (negative: it loses).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drift {
    /// What is gained; zero for a clock that keeps time.
    pub gain: Span,
    /// In how much lab time; positive.
    pub per: Span,
}

/// A correction by hand: from `at` (lab time) on, the clock reads `by` more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When, in lab time.
    pub at: Instant,
    /// By how much; negative sets the clock back.
    pub by: Span,
}

impl Drift {
    /// A clock that keeps time.
    pub const NONE: Drift = Drift { gain: Span::ZERO, per: Span::from_hours(1) };

    /// What has been gained after `elapsed`.
    pub fn after(self, elapsed: Span) -> Span {
        if self.gain == Span::ZERO {
            return Span::ZERO;
        }
        elapsed.scale(self.gain.as_millis(), self.per.as_millis())
    }
}

impl Clock {
    /// A clock that reads lab time.
    pub fn exact(start: Instant) -> Clock {
        Clock::new(start, Span::ZERO, Drift::NONE, Vec::new())
    }

    /// A clock with an offset, a drift counted from `start`, and steps in any order.
    pub fn new(start: Instant, offset: Span, drift: Drift, mut steps: Vec<Step>) -> Clock {
        steps.sort_by_key(|s| s.at);
        Clock { start, offset, drift, steps }
    }

    /// The same clock with one step more.
    pub fn stepped(mut self, step: Step) -> Clock {
        self.steps.push(step);
        self.steps.sort_by_key(|s| s.at);
        self
    }

    /// What the clock reads at `lab`.
    ///
    /// ```
    /// use revlab_lab::{Clock, Instant, Span, clock::Drift};
    /// let start = Instant::from_millis(0);
    /// let ahead = Clock::new(start, Span::from_mins(5), Drift::NONE, vec![]);
    /// assert_eq!(ahead.at(start), start + Span::from_mins(5));
    /// ```
    pub fn at(&self, lab: Instant) -> Instant {
        lab + self.skew(lab)
    }

    /// How far the clock is ahead of lab time at `lab`.
    pub fn skew(&self, lab: Instant) -> Span {
        let stepped =
            self.steps.iter().take_while(|s| s.at <= lab).fold(Span::ZERO, |sum, s| sum + s.by);
        self.offset + self.drift.after(lab - self.start) + stepped
    }

    /// The steps, in order of time.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The first instant of lab time, not before `from`, at which the clock reads `reading` or
    /// later: when something that the actor has set its alarm for happens.
    ///
    /// A clock that is set back passes a reading twice; the alarm counts once it is reached after
    /// `from`. Exact to the millisecond for drifts below 100 %.
    pub fn when(&self, reading: Instant, from: Instant) -> Instant {
        let mut lower = from;
        for bound in self.steps.iter().map(|s| s.at).filter(|at| *at > from) {
            let last = bound - Span::from_millis(1);
            if self.at(last) >= reading {
                return self.first_within(reading, lower, last);
            }
            lower = bound;
        }
        if self.at(lower) >= reading {
            return lower;
        }
        let mut reach = reading - self.at(lower) + Span::from_millis(1);
        let mut upper = lower + reach;
        // Each doubling at least doubles the reading's progress; 50 doublings pass any calendar.
        for _ in 0..50 {
            if self.at(upper) >= reading {
                break;
            }
            reach = reach + reach;
            upper = lower + reach;
        }
        self.first_within(reading, lower, upper)
    }

    /// Bisection in a stretch without steps, where the reading never decreases.
    fn first_within(&self, reading: Instant, mut lower: Instant, mut upper: Instant) -> Instant {
        while lower < upper {
            let middle = lower + (upper - lower).scale(1, 2);
            if self.at(middle) >= reading {
                upper = middle;
            } else {
                lower = middle + Span::from_millis(1);
            }
        }
        lower
    }
}

/// Lab time for the live shells: the executor sets it, TLS and logs read it.
#[derive(Clone, Debug)]
pub struct LabTime(Arc<AtomicI64>);

impl LabTime {
    /// Lab time that stands at `now`.
    pub fn new(now: Instant) -> LabTime {
        LabTime(Arc::new(AtomicI64::new(now.as_millis())))
    }

    /// The present instant.
    pub fn now(&self) -> Instant {
        Instant::from_millis(self.0.load(Ordering::Acquire))
    }

    /// Moves on to `now`; the executor alone does this.
    pub fn set(&self, now: Instant) {
        self.0.store(now.as_millis(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Instant = Instant::from_millis(1_397_606_400_000);

    fn clock(offset_ms: i64, gain_ms: i64, step: Option<(i64, i64)>) -> Clock {
        let drift = Drift { gain: Span::from_millis(gain_ms), per: Span::from_hours(1) };
        let steps = step
            .map(|(at, by)| Step { at: START + Span::from_millis(at), by: Span::from_millis(by) })
            .into_iter()
            .collect();
        Clock::new(START, Span::from_millis(offset_ms), drift, steps)
    }

    #[test]
    fn a_step_counts_from_its_instant_on() {
        let c = clock(0, 0, Some((1000, -500)));
        assert_eq!(c.skew(START + Span::from_millis(999)), Span::ZERO);
        assert_eq!(c.skew(START + Span::from_millis(1000)), Span::from_millis(-500));
    }

    proptest! {
        #[test]
        fn when_is_the_first_instant_that_reads_it(
            offset in -600_000i64..600_000,
            gain in -60_000i64..60_000,
            step in proptest::option::of((0i64..7_200_000, -600_000i64..600_000)),
            ahead in -1_000_000i64..10_000_000,
        ) {
            let c = clock(offset, gain, step);
            let reading = c.at(START) + Span::from_millis(ahead);
            let when = c.when(reading, START);
            prop_assert!(when >= START);
            prop_assert!(c.at(when) >= reading);
            if when > START {
                prop_assert!(c.at(when - Span::from_millis(1)) < reading);
            }
        }
    }
}
