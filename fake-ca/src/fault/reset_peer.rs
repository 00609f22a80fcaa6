//! `reset_peer`: the connection is accepted, the request read, and the connection reset.
//!
//! `sim` charges the way of an exchange and reports a reset. In `live` the socket is closed with
//! zero linger, which sends a real RST.

use super::Ruling;

/// The name in scenarios.
pub(super) const NAME: &str = "reset_peer";

/// What comes of the request.
pub(super) const RULING: Ruling = Ruling::Reset;

#[cfg(test)]
mod tests {
    use revlab_lab::Span;

    use super::super::tests::meeting;
    use super::super::{Effect, Ruling};

    #[test]
    fn a_reset_leaves_no_answer_to_delay_or_replace() {
        let met = meeting(&[
            ("slow", Effect::Latency(Span::from_secs(1))),
            ("busy", Effect::Status(503)),
            ("reset", Effect::ResetPeer),
        ]);
        assert_eq!(met.ruling, Ruling::Reset);
        assert_eq!(met.faults, ["reset".into()]);
    }
}
