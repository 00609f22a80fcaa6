//! When the Cryptographic Services look for what is due.
//!
//! That there is a period of triggers (PreFetchTriggerPeriod, 10 min) is documented, and a delay of the
//! scan after each (PreFetchScanAfterTriggerDelay, 60 s; fact sheet §2.2). What triggers is not: here a
//! clock of the machine's own does (inferred). Since machines boot at different times, its place within
//! the period is drawn for each, and the delay is part of it.

use revlab_lab::{Instant, Span};

use super::Engine;

impl Engine {
    /// The first scan then or afterwards.
    pub(super) fn scan(&self, due: Instant) -> Instant {
        let period = self.parameters.prefetch_trigger_period;
        let room = Ord::max(period, Span::ZERO).as_millis() as u64;
        let drawn = self.seed.stream(&format!("sut/{}/prefetch-trigger", self.name)).below(room);
        on_the_grid(due, period, Span::from_millis(drawn as i64))
    }
}

/// The first of the moments `phase`, `phase + period` … since the beginning of time that is not before
/// `due`; `due` itself without a period.
fn on_the_grid(due: Instant, period: Span, phase: Span) -> Instant {
    let past = |due: Instant| (due.as_millis() - phase.as_millis()).rem_euclid(period.as_millis());
    match period > Span::ZERO && past(due) > 0 {
        true => due + Span::from_millis(period.as_millis() - past(due)),
        false => due,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_next_moment_of_the_grid(
            due in 0i64..1 << 42, period in 0i64..1 << 32, phase in 0i64..1 << 32,
        ) {
            let (due, period) = (Instant::from_millis(due), Span::from_millis(period));
            let at = on_the_grid(due, period, Span::from_millis(phase));
            prop_assert!(at >= due && (at == due || at - due < period));
            prop_assert!(period == Span::ZERO || (at.as_millis() - phase) % period.as_millis() == 0);
        }
    }
}
