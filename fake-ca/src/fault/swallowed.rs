//! `swallowed`: the connection is never accepted, and nobody says so.
//!
//! As behind a firewall that drops packets, or at a server whose backlog is full: the SYN gets no
//! answer and the client's own time runs out. In `live` the address book leads to a socket whose
//! backlog is full, so that the operating system itself drops the SYN.

use super::Ruling;

/// The name in scenarios.
pub(super) const NAME: &str = "swallowed";

/// What comes of the request.
pub(super) const RULING: Ruling = Ruling::Swallowed;

#[cfg(test)]
mod tests {
    use super::super::tests::meeting;
    use super::super::{Effect, Ruling};

    #[test]
    fn a_port_that_refuses_swallows_nothing_and_what_is_swallowed_is_not_silent() {
        let met = |other| meeting(&[("other", other), ("swallowed", Effect::Swallowed)]).ruling;
        assert_eq!(met(Effect::Down), Ruling::Refused);
        assert_eq!(met(Effect::Timeout(None)), Ruling::Swallowed);
    }
}
