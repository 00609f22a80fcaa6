//! `down`: nothing listens, the connection is refused.
//!
//! `sim` charges one round trip. In `live` the address book leads to a socket that is bound and
//! never listens, so that the operating system itself refuses.

use super::Ruling;

/// The name in scenarios.
pub(super) const NAME: &str = "down";

/// What comes of the request.
pub(super) const RULING: Ruling = Ruling::Refused;

#[cfg(test)]
mod tests {
    use super::super::tests::meeting;
    use super::super::{Effect, ResetAt, Ruling};

    #[test]
    fn what_does_not_listen_can_neither_reset_nor_stay_silent() {
        let met = meeting(&[
            ("silent", Effect::Timeout(None)),
            ("reset", Effect::ResetPeer(ResetAt::Request)),
            ("down", Effect::Down),
        ]);
        assert_eq!(met.ruling, Ruling::Refused);
        assert_eq!(met.faults, ["down".into()]);
    }
}
