//! Durations, instants and windows, read and held against the run.

use revlab_lab::{Instant, Span};

use super::super::model::Window;
use super::super::notation::{self, Moment};
use super::super::tree::Value;
use super::fields::Fields;

/// Which durations make sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Any,
    NotNegative,
    Positive,
}

/// Which end of a stretch of time an instant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// Inclusive: before the end of the run.
    Begin,
    /// Exclusive: after the start of the run.
    End,
}

impl Fields<'_> {
    /// A duration of the calendar, which a run in real time may have divided.
    pub(super) fn duration(&self, key: &'static str, sign: Sign) -> Option<Span> {
        let span = self.duration_on_the_way(key, sign)?;
        let divided = self.cx.divided(span);
        if sign == Sign::Positive && divided <= Span::ZERO {
            self.report(key, format!("`{span}` divided by `real_time.divide` is nothing"));
            return None;
        }
        Some(divided)
    }

    /// A duration of the network, which is what it is.
    pub(super) fn duration_on_the_way(&self, key: &'static str, sign: Sign) -> Option<Span> {
        let span = self.parsed(key, "a duration such as `\"1h 30m\"`", notation::span)?;
        let problem = match sign {
            Sign::Positive if span <= Span::ZERO => "is not longer than zero",
            Sign::NotNegative if span.is_negative() => "is negative",
            _ => return Some(span),
        };
        self.report(key, format!("`{span}` {problem}"));
        None
    }

    /// An instant of the run, absolute or after its start.
    pub(super) fn instant(&self, key: &'static str, edge: Edge) -> Option<Instant> {
        let moment = self.moment(key)?;
        let Some(run) = self.cx.run else {
            // The run is not known: anything will do, for nothing is judged by it.
            return Some(Instant::default());
        };
        let at = match moment {
            Moment::Absolute(at) => at,
            Moment::Relative(span) => run.start + self.cx.divided(span),
        };
        let inside = match edge {
            Edge::Begin => run.start <= at && at < run.end(),
            Edge::End => run.start < at && at <= run.end(),
        };
        if !inside {
            let (start, duration, end) = (run.start, run.duration, run.end());
            let message = format!("`{key}` of {} is outside the run: {at}", self.label);
            let help = format!("the run lasts {duration}, from {start} to {end}");
            self.cx.report_with(self.place_of(key), message, help);
            return None;
        }
        Some(at)
    }

    /// An absolute instant, which need not lie in the run.
    pub(super) fn absolute(&self, key: &'static str) -> Option<Instant> {
        match self.moment(key)? {
            Moment::Absolute(at) => Some(at),
            Moment::Relative(span) => {
                let needed = "a time such as `\"2014-04-16T10:51:34Z\"`";
                self.report(
                    key,
                    format!("{needed} is needed, not one relative to the run, `{span}`"),
                );
                None
            }
        }
    }

    fn moment(&self, key: &'static str) -> Option<Moment> {
        let entry = self.entry(key)?;
        if let Value::Time(time) = &entry.node.value {
            let read = notation::instant(&time.to_string());
            return read.map(Moment::Absolute).map_err(|error| self.report(key, error)).ok();
        }
        self.parsed(key, "a time such as `\"3h\"` (after the start)", notation::moment)
    }

    /// The stretch of time between two keys; the run where they are absent.
    pub(super) fn window(&self, from_key: &'static str, to_key: &'static str) -> Window {
        let from = self.instant(from_key, Edge::Begin);
        let to = self.instant(to_key, Edge::End);
        if let (Some(from), Some(to), true) = (from, to, self.cx.run.is_some())
            && to <= from
        {
            let message = format!("`{to_key}` ({to}) is not after `{from_key}` ({from})");
            self.cx.report(self.place_of(to_key), format!("{}: {message}", self.label));
        }
        let (start, end) = self.cx.run.map_or_else(Default::default, |r| (r.start, r.end()));
        Window { from: from.unwrap_or(start), to: to.unwrap_or(end) }
    }
}
