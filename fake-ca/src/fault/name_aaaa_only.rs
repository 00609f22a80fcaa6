//! `name_aaaa_only`: the name has an IPv6 address alone, and the site listens at IPv4 alone.
//!
//! The name resolves, and no connection comes about: the client is refused at `::1`.

use super::Ruling;

/// The name in scenarios.
pub(super) const NAME: &str = "name_aaaa_only";

/// What comes of the request.
pub(super) const RULING: Ruling = Ruling::Refused;

#[cfg(test)]
mod tests {
    use super::super::tests::meeting;
    use super::super::{Effect, Ruling};

    #[test]
    fn the_name_is_found_and_nobody_is_there() {
        let met = meeting(&[("swallowed", Effect::Swallowed), ("f", Effect::NameAaaaOnly)]);
        assert_eq!((met.ruling, met.faults), (Ruling::Refused, vec!["f".into()]));
    }
}
