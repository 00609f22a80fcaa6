//! `name_silent`: the name server does not answer, and the resolver gives up in the end.
//!
//! `network.name_timeout` says when. A client whose own time runs out before does not learn why.

use super::Ruling;

/// The name in scenarios.
pub(super) const NAME: &str = "name_silent";

/// What comes of the request.
pub(super) const RULING: Ruling = Ruling::NameNotResolved;

#[cfg(test)]
mod tests {
    use super::super::tests::meeting;
    use super::super::{Effect, Ruling};

    #[test]
    fn where_nothing_comes_it_takes_the_resolvers_time() {
        let met = meeting(&[("f", Effect::NameSilent), ("g", Effect::Down)]);
        assert_eq!((met.ruling, met.way.silent), (Ruling::NameNotResolved, true));
        assert_eq!(met.faults, ["f".into()]);
    }
}
