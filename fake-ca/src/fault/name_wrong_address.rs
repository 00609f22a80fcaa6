//! `name_wrong_address`: the name leads to another place.
//!
//! To an address where nothing listens, or to the web site of another CA, which answers for the
//! path that it is asked for, whatever the host: IIS' default site is bound to all of them.

use revlab_lab::Name;

use super::Ruling;

/// The name in scenarios.
pub(super) const NAME: &str = "name_wrong_address";

/// What comes of the request; `of` is the CA whose address it is.
pub(super) fn ruling(of: Option<&Name>) -> Ruling {
    of.map_or(Ruling::Refused, |ca| Ruling::Elsewhere(ca.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::meeting;
    use super::super::{Effect, Ruling};

    #[test]
    fn what_is_wrong_at_the_right_place_is_not_met() {
        let wrong = |of: Option<&str>| Effect::NameWrongAddress(of.map(Into::into));
        let met = meeting(&[("down", Effect::Down), ("f", wrong(Some("root")))]);
        let elsewhere = Ruling::Elsewhere("root".into());
        assert_eq!((met.ruling, met.faults), (elsewhere, vec!["f".into()]));
        let met = meeting(&[("down", Effect::Down), ("f", wrong(None))]);
        assert_eq!((met.ruling, met.faults), (Ruling::Refused, vec!["f".into()]));
    }
}
