//! Load models: when the attempts of a group of clients are due.
//!
//! In an *open* model attempts come when they come, whatever has become of those before; a server
//! that stalls meets more and more of them. In a *closed* model each user waits for an answer before
//! it thinks of the next request, so that a server that stalls is asked less. What is drawn by chance
//! is drawn from the scenario's seed.

use revlab_lab::rng::Stream;
use revlab_lab::{Instant, Span};

use crate::plan::ClientPlan;

/// When attempts are due.
#[derive(Clone, Debug, PartialEq)]
pub enum Load {
    /// Open: each thread's attempts follow one another at these gaps, from due time to due time.
    Every(Gap),
    /// Closed: a thread's next attempt is due this long after its last one ended, 1 ms at least.
    Think(Gap),
    /// Open: the attempts of the whole group arrive at a rate. Threads are users that take turns.
    Rate(Vec<Stage>, Arrivals),
}

/// A length of time, the same or another each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// The same.
    Fixed(Span),
    /// Anything from one to the other is as likely, as JMeter's Uniform Random Timer.
    Uniform {
        /// The shortest.
        from: Span,
        /// The longest.
        to: Span,
    },
    /// As JMeter's Gaussian Random Timer; what would be below zero is zero.
    Gaussian {
        /// The mean.
        mean: Span,
        /// The standard deviation.
        deviation: Span,
    },
    /// Exponential, with this mean: the gaps of a Poisson process.
    Poisson {
        /// The mean.
        mean: Span,
    },
}

/// So many in such a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In how long.
    pub per: Span,
}

/// A stretch of time in which the rate changes evenly from one value to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// How long it lasts; none: to the group's end.
    pub length: Option<Span>,
    /// The rate at its begin.
    pub from: Rate,
    /// The rate at its end.
    pub to: Rate,
}

/// How arrivals lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// As evenly as the rate allows; the first at once.
    Even,
    /// As a Poisson process of that rate.
    Poisson,
}

/// A number from 0 to below 1.
fn unit(stream: &mut Stream) -> f64 {
    const STEPS: u64 = 1 << 53;
    stream.below(STEPS) as f64 / STEPS as f64
}

/// Exponential, with the mean 1. The logarithm is the same on every platform.
fn exponential(stream: &mut Stream) -> f64 {
    -libm::log(1.0 - unit(stream))
}

impl Gap {
    /// Whether chance has a part in it.
    pub fn is_drawn(self) -> bool {
        !matches!(self, Gap::Fixed(_))
    }

    /// The same with other lengths.
    pub fn map(self, change: impl Fn(Span) -> Span) -> Gap {
        match self {
            Gap::Fixed(span) => Gap::Fixed(change(span)),
            Gap::Uniform { from, to } => Gap::Uniform { from: change(from), to: change(to) },
            Gap::Gaussian { mean, deviation } => {
                Gap::Gaussian { mean: change(mean), deviation: change(deviation) }
            }
            Gap::Poisson { mean } => Gap::Poisson { mean: change(mean) },
        }
    }

    /// The mean, as far as nothing is cut off at zero.
    pub fn mean(self) -> Span {
        match self {
            Gap::Fixed(span) | Gap::Gaussian { mean: span, .. } | Gap::Poisson { mean: span } => {
                span
            }
            Gap::Uniform { from, to } => from + (to - from).scale(1, 2),
        }
    }

    /// The next one; never negative.
    pub(crate) fn draw(self, stream: &mut Stream) -> Span {
        match self {
            Gap::Fixed(span) => span,
            Gap::Uniform { from, to } => {
                let choices = (to - from).as_millis().saturating_add(1);
                let more = stream.below(u64::try_from(choices).unwrap_or_default());
                from + millis(more as f64)
            }
            Gap::Gaussian { mean, deviation } => {
                // Box and Muller.
                let radius = libm::sqrt(2.0 * exponential(stream));
                let normal = radius * libm::cos(std::f64::consts::TAU * unit(stream));
                mean + millis(normal * deviation.as_millis() as f64)
            }
            Gap::Poisson { mean } => millis(exponential(stream) * mean.as_millis() as f64),
        }
        .max(Span::ZERO)
    }
}

/// Rounded to the trace's resolution.
fn millis(ms: f64) -> Span {
    // `as` keeps to the bounds of the type.
    Span::from_millis(libm::round(ms) as i64)
}

impl Rate {
    /// A millisecond.
    fn per_ms(self) -> f64 {
        f64::from(self.count) / self.per.as_millis().max(1) as f64
    }
}

impl Load {
    /// About how many attempts come of it, for a plan that has it.
    pub fn expected(&self, plan: &ClientPlan) -> u64 {
        let length = (plan.until - plan.from).max(Span::ZERO);
        let each = match self {
            Load::Every(gap) => length.as_millis() / gap.mean().as_millis().max(1),
            // An attempt takes some time too.
            Load::Think(gap) => length.as_millis() / (gap.mean().as_millis() + 4).max(1),
            Load::Rate(stages, _) => {
                let all: f64 = stages.iter().map(|s| s.arrivals(length)).sum();
                return all as u64;
            }
        };
        u64::try_from(each).unwrap_or_default().saturating_mul(plan.threads.into())
    }
}

impl Stage {
    /// How many arrive in it, in a group that lasts so long.
    fn arrivals(&self, group: Span) -> f64 {
        let length = self.length.unwrap_or(group).as_millis() as f64;
        (self.from.per_ms() + self.to.per_ms()) / 2.0 * length
    }

    /// How many milliseconds after its begin `n` have arrived, in a stage of this length.
    fn time_of(&self, n: f64, length: f64) -> f64 {
        let (from, to) = (self.from.per_ms(), self.to.per_ms());
        let slope = (to - from) / length;
        if slope == 0.0 {
            return n / from;
        }
        // n is the area below the rate: from × t + slope × t² / 2. The rate falls to zero at most.
        (libm::sqrt((from * from + 2.0 * slope * n).max(0.0)) - from) / slope
    }
}

/// The arrivals of one group, in order.
#[derive(Debug)]
pub(crate) struct Arriving {
    stream: Stream,
    /// How many are due up to the next one; not whole in a Poisson process.
    due: f64,
    /// The stage that the next one lies in, when it begins, and how many have arrived before it.
    stage: usize,
    begun: f64,
    before: f64,
}

impl Arriving {
    pub(crate) fn new(mut stream: Stream, arrivals: Arrivals) -> Arriving {
        let due = match arrivals {
            Arrivals::Even => 0.0,
            Arrivals::Poisson => exponential(&mut stream),
        };
        Arriving { stream, due, stage: 0, begun: 0.0, before: 0.0 }
    }

    /// When the next one arrives; none: there is none any more.
    pub(crate) fn next(
        &mut self,
        stages: &[Stage],
        arrivals: Arrivals,
        plan: &ClientPlan,
    ) -> Option<Instant> {
        let group = (plan.until - plan.from).max(Span::ZERO);
        loop {
            let stage = stages.get(self.stage)?;
            let length = stage.length.unwrap_or(group).as_millis() as f64;
            let there = stage.arrivals(group);
            let n = self.due - self.before;
            // What is due at a stage's very end, but for rounding, comes with the next one.
            if n < there - 1e-6 {
                let at = self.begun + stage.time_of(n, length).min(length);
                self.due += match arrivals {
                    Arrivals::Even => 1.0,
                    Arrivals::Poisson => exponential(&mut self.stream),
                };
                return Some(plan.from + millis(at));
            }
            self.before += there;
            self.begun += length;
            self.stage += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use revlab_lab::Seed;

    use super::*;

    fn secs(n: i64) -> Span {
        Span::from_secs(n)
    }

    fn draws(gap: Gap, n: usize) -> Vec<i64> {
        let mut stream = Seed(7).stream("test");
        (0..n).map(|_| gap.draw(&mut stream).as_millis()).collect()
    }

    /// Mean and standard deviation.
    fn moments(values: &[i64]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().sum::<i64>() as f64 / n;
        let variance = values.iter().map(|v| (*v as f64 - mean).powi(2)).sum::<f64>() / n;
        (mean, variance.sqrt())
    }

    #[test]
    fn gaps_have_the_moments_of_their_distributions() {
        let near = |value: f64, expected: f64| (value - expected).abs() < expected * 0.03;
        let (mean, deviation) =
            moments(&draws(Gap::Uniform { from: secs(5), to: secs(15) }, 20_000));
        assert!(near(mean, 10_000.0) && near(deviation, 10_000.0 / 12f64.sqrt()));
        let gaussian = Gap::Gaussian { mean: secs(10), deviation: secs(2) };
        let (mean, deviation) = moments(&draws(gaussian, 20_000));
        assert!(near(mean, 10_000.0) && near(deviation, 2_000.0));
        let (mean, deviation) = moments(&draws(Gap::Poisson { mean: secs(10) }, 20_000));
        assert!(near(mean, 10_000.0) && near(deviation, 10_000.0));
    }

    #[test]
    fn what_is_drawn_is_the_same_for_ever() {
        let gaussian = Gap::Gaussian { mean: secs(10), deviation: secs(2) };
        assert_eq!(draws(gaussian, 4), [11456, 12301, 9018, 9960]);
        assert_eq!(draws(Gap::Poisson { mean: secs(10) }, 4), [3355, 788, 16331, 19648]);
    }

    fn rate(count: u32, per: Span) -> Rate {
        Rate { count, per }
    }

    fn flat(count: u32, per: Span, length: Option<Span>) -> Stage {
        Stage { length, from: rate(count, per), to: rate(count, per) }
    }

    /// Offsets in milliseconds of all arrivals.
    fn all(stages: &[Stage], arrivals: Arrivals, length: Span) -> Vec<i64> {
        let plan = ClientPlan { until: T0 + length, from: T0, ..crate::driver::sample() };
        let mut arriving = Arriving::new(Seed(7).stream("test"), arrivals);
        let next = || arriving.next(stages, arrivals, &plan);
        let times = std::iter::from_fn(next).take(100_000);
        times.map(|t| (t - T0).as_millis()).collect()
    }

    const T0: Instant = Instant::from_millis(1_000_000);

    #[test]
    fn an_even_rate_is_even_and_a_spike_is_where_it_is_said() {
        let even = all(&[flat(4, secs(1), None)], Arrivals::Even, secs(2));
        assert_eq!(even, [0, 250, 500, 750, 1000, 1250, 1500, 1750]);
        let stages = [
            flat(1, secs(1), Some(secs(3))),
            flat(10, secs(1), Some(secs(1))),
            flat(1, secs(1), Some(secs(3))),
        ];
        let slow = all(&[flat(9, Span::from_hours(1), None)], Arrivals::Even, Span::from_hours(1));
        assert_eq!(slow[..3], [0, 400_000, 800_000]);
        let pause = flat(0, secs(1), Some(secs(60)));
        let stages_with_pause = [flat(17, secs(1), Some(secs(60))), pause, flat(1, secs(1), None)];
        let paused = all(&stages_with_pause, Arrivals::Even, secs(180));
        assert_eq!(paused.iter().filter(|t| **t <= 60_000).count(), 1020);
        assert_eq!(paused[1020], 120_000);
        let spiked = all(&stages, Arrivals::Even, secs(60));
        assert_eq!(spiked.len(), 16);
        assert_eq!(spiked.iter().filter(|t| (3000..4000).contains(*t)).count(), 10);
    }

    #[test]
    fn a_ramp_has_as_many_arrivals_as_its_area_more_and_more_of_them() {
        let ramp = Stage { length: Some(secs(100)), from: rate(0, secs(1)), to: rate(10, secs(1)) };
        let times = all(&[ramp], Arrivals::Even, secs(200));
        assert_eq!(times.len(), 500);
        let first_half = times.iter().filter(|t| **t < 50_000).count();
        assert_eq!(first_half, 125);
        let down = Stage { from: ramp.to, to: ramp.from, ..ramp };
        assert_eq!(all(&[down], Arrivals::Even, secs(200)).len(), 500);
    }

    #[test]
    fn a_poisson_process_has_about_its_rate_and_exponential_gaps() {
        let times = all(&[flat(10, secs(1), None)], Arrivals::Poisson, secs(1000));
        assert!((9_700..10_300).contains(&times.len()), "{}", times.len());
        let gaps: Vec<i64> = times.windows(2).map(|w| w[1] - w[0]).collect();
        let (mean, deviation) = moments(&gaps);
        assert!((mean / deviation - 1.0).abs() < 0.05);
    }

    proptest! {
        #[test]
        fn arrivals_never_go_back_and_lie_within_their_stages(
            stages in proptest::collection::vec((0u32..50, 0u32..50, 1i64..60), 1..6),
            poisson: bool,
        ) {
            let stages: Vec<Stage> = stages.iter().map(|(from, to, length)| Stage {
                length: Some(secs(*length)),
                from: rate(*from, secs(1)),
                to: rate(*to, secs(1)),
            }).collect();
            let arrivals = if poisson { Arrivals::Poisson } else { Arrivals::Even };
            let times = all(&stages, arrivals, secs(1000));
            let whole: i64 = stages.iter().map(|s| s.length.unwrap().as_millis()).sum();
            prop_assert!(times.is_sorted());
            prop_assert!(times.iter().all(|t| (0..=whole).contains(t)));
            if !poisson {
                let area: f64 = stages.iter().map(|s| s.arrivals(secs(1000))).sum();
                prop_assert!((times.len() as f64 - area).abs() <= 1.0);
            }
        }
    }
}
