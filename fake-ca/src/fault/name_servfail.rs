//! `name_servfail`: the name server says that it cannot say (SERVFAIL, RFC 1035 §4.1.1).
//!
//! A resolver with no other server gives up at once (fact sheet §2.9): for the client it is as if
//! there were no such name.

use super::Ruling;

/// The name in scenarios.
pub(super) const NAME: &str = "name_servfail";

/// What comes of the request.
pub(super) const RULING: Ruling = Ruling::NameNotResolved;

#[cfg(test)]
mod tests {
    use super::super::tests::meeting;
    use super::super::{Effect, Ruling, Way};

    #[test]
    fn a_failure_of_the_server_is_told_at_once() {
        let met = meeting(&[("f", Effect::NameServfail)]);
        assert_eq!((met.ruling, met.way), (Ruling::NameNotResolved, Way::default()));
    }
}
