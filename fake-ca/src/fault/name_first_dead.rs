//! `name_first_dead`: the name has several addresses, and nothing comes from the first of them.
//!
//! The client waits `network.connect_timeout` for it, and its connection to the next is as any
//! other. In `live` the wait is charged, and the address book gives the next at once.

use super::Way;

/// The name in scenarios.
pub(super) const NAME: &str = "name_first_dead";

/// Changes what happens on the way; whether there was anything to change.
pub(super) fn act(way: &mut Way) -> bool {
    !std::mem::replace(&mut way.first_dead, true)
}

#[cfg(test)]
mod tests {
    use super::super::tests::meeting;
    use super::super::{Effect, Ruling};

    #[test]
    fn the_second_address_is_as_good_as_any() {
        let met = meeting(&[("f", Effect::NameFirstDead), ("again", Effect::NameFirstDead)]);
        assert_eq!((&met.ruling, met.way.first_dead), (&Ruling::undisturbed(), true));
        assert_eq!(met.faults, ["f".into()]);
        let wrong = ("wrong", Effect::NameWrongAddress(None));
        let met = meeting(&[("f", Effect::NameFirstDead), wrong]);
        assert_eq!((met.ruling, met.way.first_dead), (Ruling::Refused, false));
    }
}
