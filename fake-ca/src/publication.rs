//! When CRLs are published and how long they are valid: arithmetic alone (fact sheet §4.1).
//!
//! Base and delta have a timer each. A timer is an alarm in lab time and fires every interval, which
//! is the publication period plus its share of drift; the timers know nothing of one another unless
//! [`BaseRun::WithDelta`] couples them. The CA's own clock decides only which dates are written into
//! the artefacts: a CA whose clock is ahead publishes at the same instants and writes later dates.
//!
//! The timers have been running since before the start of the run, so that the run begins with a
//! base and a delta in place and with numbers that have a past.

mod schedule;

use revlab_lab::trace::Purpose;
use revlab_lab::{Clock, Instant, Span};

pub use schedule::{ScheduleError, base_overlap, check, delta_overlap};

use crate::config::{BaseRun, CrlSchedule, DeltaBase};

/// Base intervals of history before the start of the run, at least.
const HISTORY_LEAST: i64 = 3;

/// The dates that a CRL bears, in whole seconds of the CA's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// thisUpdate (RFC 5280 §5.1.2.4).
    pub this_update: Instant,
    /// nextUpdate (RFC 5280 §5.1.2.5).
    pub next_update: Instant,
    /// Next CRL Publish (1.3.6.1.4.1.311.21.4).
    pub next_publish: Instant,
}

/// The validity period of a CA certificate, which bounds that of its CRLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// notBefore of the CA certificate.
    pub not_before: Instant,
    /// notAfter of the CA certificate.
    pub not_after: Instant,
}

/// The dates of a CRL that is published when the CA's clock reads `now` (fact sheet §4.1).
///
/// thisUpdate = max(now − skew, notBefore); Next CRL Publish = now + period;
/// nextUpdate = min(now + period + overlap + skew, notAfter). X.509 times have no fraction:
/// each date is cut to its second.
///
/// ```
/// use revlab_fake_ca::publication::{Life, validity};
/// use revlab_lab::{Instant, Span};
/// let now = Instant::from_millis(1_397_606_400_000);
/// let life = Life { not_before: now - Span::from_days(30), not_after: now + Span::from_days(30) };
/// let (period, overlap, skew) = (Span::from_hours(1), Span::from_mins(15), Span::from_mins(10));
/// let dates = validity(now, period, overlap, skew, life);
/// assert_eq!(dates.next_update - now, Span::from_mins(85));
/// ```
pub fn validity(now: Instant, period: Span, overlap: Span, skew: Span, life: Life) -> Validity {
    Validity {
        this_update: (now - skew).max(life.not_before).floor_to_second(),
        next_update: Ord::min(now + period + overlap + skew, life.not_after).floor_to_second(),
        next_publish: (now + period).floor_to_second(),
    }
}

/// One CRL that is to be made: what the timers decide, without keys or bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// When it is published, in lab time.
    pub at: Instant,
    /// CRL number (RFC 5280 §5.2.3). Base and delta share one counter (inferred), and a pair that
    /// is published at one instant bears one number.
    pub number: u64,
    /// The delta CRL indicator (RFC 5280 §5.2.4); `None` for a base.
    pub base_number: Option<u64>,
    /// The dates in it.
    pub validity: Validity,
}

impl Planned {
    /// Base or delta.
    pub fn what(&self) -> Purpose {
        if self.base_number.is_some() { Purpose::Delta } else { Purpose::Base }
    }
}

/// The publications of one CA, one after another, from before the start of the run.
#[derive(Clone, Debug)]
pub struct Timeline {
    schedule: CrlSchedule,
    clock: Clock,
    life: Life,
    base: Timer,
    delta: Option<Timer>,
    /// The first publication of a CA that is younger than the history.
    set_up: Option<Instant>,
    last: Option<Instance>,
    bases: Vec<BaseMark>,
    /// What falls due in this window is made up for at its end.
    down: Option<(Instant, Instant)>,
    skips: Skips,
}

/// Which firings of the timers bring nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Skips {
    base: u32,
    delta: u32,
}

/// An alarm in lab time.
#[derive(Clone, Copy, Debug)]
struct Timer {
    next: Instant,
    interval: Span,
}

/// What was published at the last instant of publication.
#[derive(Clone, Copy, Debug)]
struct Instance {
    at: Instant,
    number: u64,
    base: bool,
    delta: bool,
}

/// A base to which a delta may refer.
#[derive(Clone, Copy, Debug)]
struct BaseMark {
    at: Instant,
    number: u64,
    next_update: Instant,
}

impl Timeline {
    /// The timeline of a CA that was set up at `set_up` (lab time), at the beginning of its
    /// history. Timers fire at `start` + phase + k × interval for every k, negative ones included;
    /// history reaches back as far as the oldest base that can still be valid at `start`, and at
    /// least three base intervals. A CA that is younger than that published base and delta when it
    /// was set up.
    ///
    /// # Errors
    ///
    /// As [`check`].
    pub fn new(
        schedule: CrlSchedule,
        clock: Clock,
        life: Life,
        set_up: Instant,
        start: Instant,
    ) -> Result<Timeline, ScheduleError> {
        check(&schedule)?;
        let interval = |period: Span| period + schedule.drift.after(period);
        let step = interval(schedule.period);
        let lived = schedule.period + base_overlap(&schedule) + schedule.clock_skew;
        let depth = Ord::max(HISTORY_LEAST, lived.as_millis() / step.as_millis() + 2);
        let oldest = start - step.scale(depth, 1);
        let begin = oldest.max(set_up);
        let base = Timer::from(start + schedule.phase, step, begin);
        let set_up = (set_up > oldest).then_some(set_up);
        // A delta needs a base to refer to: its timer begins no earlier than the first of them.
        let first = set_up.unwrap_or(base.next);
        let delta = schedule
            .delta_period
            .map(|period| Timer::from(start + schedule.delta_phase, interval(period), first));
        Ok(Timeline {
            schedule,
            clock,
            life,
            base,
            delta,
            set_up,
            last: None,
            bases: Vec::new(),
            down: None,
            skips: Skips::default(),
        })
    }

    /// The CA certificate has been renewed: what is published is bounded by this end of it.
    pub fn live_until(&mut self, not_after: Instant) {
        self.life.not_after = not_after;
    }

    /// The CA does not run in this window, its end excluded: what falls due is made up for at the
    /// end, once for each timer.
    #[must_use]
    pub fn with_down(mut self, down: Option<(Instant, Instant)>) -> Timeline {
        self.down = down;
        self
    }

    /// From now on the CA's clock is this one.
    pub(crate) fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    /// When the next publication is due, in lab time; `None` once the CA certificate has expired
    /// by the CA's clock.
    pub fn next_due(&self) -> Option<Instant> {
        let timers = [Some(self.base.next), self.delta.map(|timer| timer.next), self.set_up];
        let next = self.up(timers.into_iter().flatten().min()?);
        (self.clock.at(next) < self.life.not_after).then_some(next)
    }

    /// Publishes all that is due at [`Timeline::next_due`]: a base, a delta, or a base and then
    /// a delta.
    pub fn publish_next(&mut self) -> Vec<Planned> {
        let Some(at) = self.next_due() else { return Vec::new() };
        let set_up = self.set_up.take().is_some();
        let base_due = self.base.next <= at;
        if base_due {
            self.base.rearm(at);
        }
        let coupled = base_due && self.schedule.base_run == BaseRun::WithDelta;
        let mut delta = set_up && self.delta.is_some();
        if let Some(timer) = self.delta.as_mut().filter(|timer| coupled || timer.next <= at) {
            timer.rearm(at);
            delta = true;
        }
        let base = set_up || base_due && !take(&mut self.skips.base);
        let delta = delta && !take(&mut self.skips.delta);
        self.publish(at, base, delta)
    }

    /// The next firing of the timer of the base, or of the delta, brings nothing.
    pub fn skip(&mut self, base: bool) {
        let skips = if base { &mut self.skips.base } else { &mut self.skips.delta };
        *skips = skips.saturating_add(1);
    }

    /// The next firing of the timer of the base, or of the delta, comes so much later, and those
    /// after it count from there. Nothing where there are no deltas.
    pub fn postpone(&mut self, base: bool, by: Span) {
        let timer = if base { Some(&mut self.base) } else { self.delta.as_mut() };
        if let Some(timer) = timer.filter(|_| !by.is_negative()) {
            timer.next += by;
        }
    }

    /// Numbers go on from this one, as after the restoration of a backup: later ones come again.
    pub fn go_back_to(&mut self, number: u64) {
        self.last = self.last.map(|last| Instance { number, base: true, delta: true, ..last });
        self.bases.retain(|base| base.number <= number);
    }

    /// The next base that the timers bring, if nothing comes between.
    pub fn next_base(&self) -> Option<Planned> {
        let mut ahead = self.clone();
        // A base comes at the latest after as many deltas as have room in its period.
        let most = self.delta.map_or(1, |timer| {
            self.base.interval.as_millis() / Ord::max(1, timer.interval.as_millis())
        });
        (0..most.saturating_add(4)).find_map(|_| {
            ahead.publish_next().into_iter().find(|planned| planned.what() == Purpose::Base)
        })
    }

    /// This instant, or the end of the window in which nothing runs.
    fn up(&self, at: Instant) -> Instant {
        match self.down {
            Some((from, until)) if from <= at && at < until => until,
            _ => at,
        }
    }

    /// Publishes by hand (`certutil -CRL`) and re-arms the timers of what is published: a base,
    /// with deltas on also a delta; or a delta alone, which is nothing where there are no deltas.
    pub fn publish_now(&mut self, now: Instant, base: bool) -> Vec<Planned> {
        if self.clock.at(now) >= self.life.not_after || self.up(now) != now {
            return Vec::new();
        }
        if base {
            self.base.rearm(now);
        }
        if let Some(timer) = &mut self.delta {
            timer.rearm(now);
        }
        self.publish(now, base, self.delta.is_some())
    }

    fn publish(&mut self, at: Instant, base: bool, delta: bool) -> Vec<Planned> {
        let mut planned = Vec::new();
        if !base && !delta {
            return planned;
        }
        let now = self.clock.at(at);
        let number = self.number(at, base, delta);
        let skew = self.schedule.clock_skew;
        if base {
            let overlap = base_overlap(&self.schedule);
            let validity = validity(now, self.schedule.period, overlap, skew, self.life);
            planned.push(Planned { at, number, base_number: None, validity });
            self.remember(BaseMark { at, number, next_update: validity.next_update }, now);
        }
        if let (true, Some(period), Some(overlap)) =
            (delta, self.schedule.delta_period, delta_overlap(&self.schedule))
        {
            let base_number = Some(self.indicator(at, now).unwrap_or(number));
            let validity = validity(now, period, overlap, skew, self.life);
            planned.push(Planned { at, number, base_number, validity });
        }
        planned
    }

    /// The number of what is published at `at`: that of the other half of a pair where there is
    /// one, else the next.
    fn number(&mut self, at: Instant, base: bool, delta: bool) -> u64 {
        let instance = match self.last {
            Some(last) if last.at == at && !(last.base && base) && !(last.delta && delta) => {
                Instance { base: last.base || base, delta: last.delta || delta, ..last }
            }
            last => Instance { at, number: last.map_or(1, |last| last.number + 1), base, delta },
        };
        self.last = Some(instance);
        instance.number
    }

    /// The base that a delta published at `at` refers to.
    fn indicator(&self, at: Instant, now: Instant) -> Option<u64> {
        let newest = self.bases.last()?;
        let chosen = match self.schedule.delta_base {
            DeltaBase::Newest => None,
            DeltaBase::Previous => self.bases.iter().rev().find(|base| base.at < at),
            DeltaBase::OldestUnexpired => self.bases.iter().find(|base| base.next_update > now),
        };
        Some(chosen.unwrap_or(newest).number)
    }

    /// Keeps a base as long as a delta may refer to it.
    fn remember(&mut self, base: BaseMark, now: Instant) {
        let previous = self.bases.last().map(|last| last.number);
        self.bases.retain(|old| old.next_update > now || Some(old.number) == previous);
        self.bases.push(base);
    }

    /// The oldest base to which a delta may still refer.
    pub fn oldest_base(&self) -> Option<u64> {
        self.bases.first().map(|base| base.number)
    }
}

impl Timer {
    /// A timer on the grid `anchor` + k × `interval`, at its first instant not before `begin`.
    fn from(anchor: Instant, interval: Span, begin: Instant) -> Timer {
        let back = (begin - anchor).as_millis();
        let step = interval.as_millis();
        let k = back.div_euclid(step) + i64::from(back.rem_euclid(step) != 0);
        Timer { next: anchor + interval.scale(k, 1), interval }
    }

    fn rearm(&mut self, now: Instant) {
        self.next = now + self.interval;
    }
}

/// Uses up one of `left`, if there is one.
fn take(left: &mut u32) -> bool {
    let any = *left > 0;
    *left = left.saturating_sub(1);
    any
}

#[cfg(test)]
mod tests;
