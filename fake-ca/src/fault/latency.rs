//! `latency`: the answer comes later by a fixed span of lab time.
//!
//! On both transports the answer, made when the request arrived, is held back as a lab-time event;
//! no wall time passes. Several latencies add up.

use revlab_lab::Span;

/// The name in scenarios.
pub(super) const NAME: &str = "latency";

/// Adds to the delay of the answer; whether there was anything to add.
pub(super) fn act(delay: &mut Span, more: Span) -> bool {
    *delay = *delay + more;
    more != Span::ZERO
}

#[cfg(test)]
mod tests {
    use super::super::tests::meeting;
    use super::super::{Effect, Ruling};
    use super::*;

    #[test]
    fn latencies_add_up() {
        let met = meeting(&[
            ("a", Effect::Latency(Span::from_secs(2))),
            ("none", Effect::Latency(Span::ZERO)),
            ("b", Effect::Latency(Span::from_secs(3))),
        ]);
        assert_eq!(met.ruling, Ruling::Answer { delay: Span::from_secs(5), status: None });
        assert_eq!(met.faults, ["a".into(), "b".into()]);
    }
}
