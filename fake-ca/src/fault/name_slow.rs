//! `name_slow`: the name server answers later, and rightly.
//!
//! Several add up. From `network.name_timeout` on the answer comes too late, and the name does not
//! resolve.

use revlab_lab::Span;

use super::Way;

/// The name in scenarios.
pub(super) const NAME: &str = "name_slow";

/// Adds to what happens on the way; whether there was anything to add.
pub(super) fn act(way: &mut Way, by: Span) -> bool {
    way.slow = way.slow + by;
    by > Span::ZERO
}

#[cfg(test)]
mod tests {
    use super::super::tests::meeting;
    use super::super::{Effect, Ruling};
    use super::*;

    #[test]
    fn what_is_resolved_late_is_refused_later() {
        let slow = |secs| Effect::NameSlow(Span::from_secs(secs));
        let met = meeting(&[("a", slow(2)), ("down", Effect::Down), ("b", slow(3))]);
        assert_eq!((met.ruling, met.way.slow), (Ruling::Refused, Span::from_secs(5)));
        assert_eq!(met.faults, ["a".into(), "down".into(), "b".into()]);
    }
}
