//! Which publication schedules AD CS would take, and the overlaps that it chooses by itself.

use revlab_lab::Span;

use crate::config::{CrlSchedule, DeltaOverlap};

/// The longest overlap that AD CS chooses by itself (fact sheet §4.1).
const DEFAULT_OVERLAP_MOST: Span = Span::from_hours(12);

/// What the configuration of a publication schedule gets wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Certificates and CRLs have no fractions of a second.
    #[error("`{key}` is {value}: a publication period is at least 1s")]
    PeriodTooShort {
        /// The key in the scenario, below the CA.
        key: &'static str,
        /// What it says.
        value: Span,
    },
    /// AD CS does not accept it (fact sheet §4.1).
    #[error(
        "`{key}` is {value}, longer than the publication period ({period}): at most the period"
    )]
    OverlapExceedsPeriod {
        /// The key in the scenario, below the CA.
        key: &'static str,
        /// What it says.
        value: Span,
        /// The publication period.
        period: Span,
    },
    /// A delta that is published less often than the base says nothing that the base does not.
    #[error("`crl.delta_period` is {delta}, longer than `crl.period` ({base}): at most the period")]
    DeltaPeriodExceedsPeriod {
        /// The delta's publication period.
        delta: Span,
        /// The base's.
        base: Span,
    },
    /// A length of time that points to the past.
    #[error("`{key}` is {value}: it cannot be negative")]
    Negative {
        /// The key in the scenario, below the CA.
        key: &'static str,
        /// What it says.
        value: Span,
    },
    /// A timer that loses all of its period would fire without end.
    #[error("`crl.drift` is {gain} in {per}: it must keep every interval positive")]
    Drift {
        /// What the drift gains.
        gain: Span,
        /// In how much time.
        per: Span,
    },
}

impl ScheduleError {
    /// The key in the scenario that has to change, below the CA's table.
    pub fn key(&self) -> &'static str {
        match self {
            ScheduleError::PeriodTooShort { key, .. }
            | ScheduleError::OverlapExceedsPeriod { key, .. }
            | ScheduleError::Negative { key, .. } => key,
            ScheduleError::DeltaPeriodExceedsPeriod { .. } => "crl.delta_period",
            ScheduleError::Drift { .. } => "crl.drift",
        }
    }
}

/// The overlap of the base: as configured, else 10 % of the period, at most 12 h, at least
/// 1.5 × skew (fact sheet §4.1; the lower bound is inferred).
pub fn base_overlap(schedule: &CrlSchedule) -> Span {
    schedule.overlap.unwrap_or_else(|| tenth(schedule.period, schedule.clock_skew))
}

/// The overlap of the delta: as configured, else by [`CrlSchedule::delta_overlap_rule`]; `None`
/// without deltas.
pub fn delta_overlap(schedule: &CrlSchedule) -> Option<Span> {
    let period = schedule.delta_period?;
    Some(schedule.delta_overlap.unwrap_or_else(|| match schedule.delta_overlap_rule {
        DeltaOverlap::A => tenth(period, schedule.clock_skew),
        DeltaOverlap::B => Ord::min(period, DEFAULT_OVERLAP_MOST),
    }))
}

fn tenth(period: Span, skew: Span) -> Span {
    Ord::max(Ord::min(period.scale(1, 10), DEFAULT_OVERLAP_MOST), skew.scale(3, 2))
}

/// Whether a schedule can be kept.
///
/// # Errors
///
/// The first key that cannot be kept, in the order period, delta period, skew, overlaps, drift.
pub fn check(schedule: &CrlSchedule) -> Result<(), ScheduleError> {
    let least = Span::from_secs(1);
    for (key, value) in
        [("crl.period", Some(schedule.period)), ("crl.delta_period", schedule.delta_period)]
    {
        if let Some(value) = value.filter(|value| *value < least) {
            return Err(ScheduleError::PeriodTooShort { key, value });
        }
    }
    if let Some(delta) = schedule.delta_period.filter(|delta| *delta > schedule.period) {
        return Err(ScheduleError::DeltaPeriodExceedsPeriod { delta, base: schedule.period });
    }
    if schedule.clock_skew.is_negative() {
        let value = schedule.clock_skew;
        return Err(ScheduleError::Negative { key: "crl.clock_skew", value });
    }
    check_overlap("crl.overlap", schedule.overlap, schedule.period)?;
    if let Some(period) = schedule.delta_period {
        check_overlap("crl.delta_overlap", schedule.delta_overlap, period)?;
    }
    let drift = schedule.drift;
    let shortest = schedule.delta_period.unwrap_or(schedule.period);
    if drift.per <= Span::ZERO || shortest + drift.after(shortest) <= Span::ZERO {
        return Err(ScheduleError::Drift { gain: drift.gain, per: drift.per });
    }
    Ok(())
}

fn check_overlap(
    key: &'static str,
    overlap: Option<Span>,
    period: Span,
) -> Result<(), ScheduleError> {
    match overlap {
        Some(value) if value.is_negative() => Err(ScheduleError::Negative { key, value }),
        Some(value) if value > period => {
            Err(ScheduleError::OverlapExceedsPeriod { key, value, period })
        }
        _ => Ok(()),
    }
}
