//! `name_not_resolved`: the host's name does not resolve.
//!
//! The most severe fault: without an address there is no connection. `sim` charges the network's
//! `name_error`; in `live` the run's address book has no entry for the host and charges the same.
//! On one endpoint (`issuing.ocsp`) only its own requests fail, as if its URLs had another host.

use super::Ruling;

/// The name in scenarios.
pub(super) const NAME: &str = "name_not_resolved";

/// What comes of the request.
pub(super) const RULING: Ruling = Ruling::NameNotResolved;

#[cfg(test)]
mod tests {
    use super::super::tests::meeting;
    use super::super::{Effect, Ruling};

    #[test]
    fn a_name_that_does_not_resolve_comes_before_a_port_that_refuses() {
        let met = meeting(&[("down", Effect::Down), ("dns", Effect::NameNotResolved)]);
        assert_eq!(met.ruling, Ruling::NameNotResolved);
        assert_eq!(met.faults, ["dns".into()]);
    }
}
