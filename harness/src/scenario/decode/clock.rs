//! `clock` of an actor.

use revlab_lab::clock::{Drift, Step};
use revlab_lab::{Clock, Instant, Span};

use super::super::notation;
use super::Spec;
use super::fields::Fields;
use super::times::{Edge, Sign};

#[cfg(test)]
pub(super) const SPECS: &[&Spec] = &[&CLOCK, &STEP];

const CLOCK: Spec = Spec { path: "clock", keys: &["offset", "drift", "steps"], kinds: &[] };

const STEP: Spec = Spec { path: "clock.steps", keys: &["at", "by"], kinds: &[] };

/// The clock of the actor whose table this is; exact where it says nothing.
pub(super) fn decode(actor: &Fields<'_>) -> Clock {
    let start = actor.cx.run.map_or(Instant::default(), |run| run.start);
    let Some(fields) = actor.table("clock", &CLOCK) else { return Clock::exact(start) };
    let offset = fields.duration("offset", Sign::Any).unwrap_or(Span::ZERO);
    let drift = fields.parsed("drift", "a drift such as `\"1s per 1h\"`", notation::drift);
    let steps = fields.tables("steps", &STEP).unwrap_or_default();
    let steps = steps.iter().filter_map(step).collect();
    Clock::new(start, offset, drift.unwrap_or(Drift::NONE), steps)
}

fn step(fields: &Fields<'_>) -> Option<Step> {
    fields.require("at", "at = \"3h\"");
    fields.require("by", "by = \"-10m\"");
    let at = fields.instant("at", Edge::Begin);
    let by = fields.duration("by", Sign::Any);
    Some(Step { at: at?, by: by? })
}
