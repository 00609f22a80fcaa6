//! `timeout`: the connection is accepted and never answered.
//!
//! The client waits until its own time is up. In `sim` no answer is scheduled; in `live` the
//! connection stays open without a byte until the client closes it, while lab time goes on.

use super::Ruling;

/// The name in scenarios.
pub(super) const NAME: &str = "timeout";

/// What comes of the request.
pub(super) const RULING: Ruling = Ruling::Silent;

#[cfg(test)]
mod tests {
    use revlab_lab::Span;

    use super::super::tests::meeting;
    use super::super::{Effect, Ruling};

    #[test]
    fn silence_is_no_slow_answer() {
        let met =
            meeting(&[("slow", Effect::Latency(Span::from_secs(1))), ("silent", Effect::Timeout)]);
        assert_eq!(met.ruling, Ruling::Silent);
        assert_eq!(met.faults, ["silent".into()]);
    }
}
