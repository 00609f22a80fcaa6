//! What comes of a request on which some faults act at once.

use super::effect::Place;
use super::{Acting, Answer, Caller, Effect, Meeting, Ruling, Way};

/// What comes of a request on which these faults act, given in the order of the scenario.
///
/// The order of composition is that of the [module](super).
pub fn compose(acting: &[Acting<'_>], caller: &Caller<'_>) -> Meeting {
    let ends = acting.iter().filter_map(|a| a.fault.effect.ends(caller).map(|ruling| (a, ruling)));
    match ends.min_by_key(|(acting, _)| acting.fault.effect.rank()) {
        Some((end, ruling)) => ended(acting, end, ruling),
        None => answered(acting),
    }
}

/// The request does not come to the server: `end` sees to it.
fn ended(acting: &[Acting<'_>], end: &Acting<'_>, ruling: Ruling) -> Meeting {
    let effect = &end.fault.effect;
    let mut way = Way { silent: *effect == Effect::NameSilent, ..Way::default() };
    let mut is_met = |one: &&Acting<'_>| {
        let before = ruling != Ruling::NameNotResolved && one.fault.effect.rank() < effect.rank();
        std::ptr::eq(*one, end) || before && one.fault.effect.delay(&mut way)
    };
    let faults =
        acting.iter().filter(|one| is_met(one)).map(|one| one.fault.name.clone()).collect();
    Meeting { faults, way, ruling }
}

fn answered(acting: &[Acting<'_>]) -> Meeting {
    let (mut way, mut answer, mut faults) = (Way::default(), Answer::default(), Vec::new());
    let is_page = |one: &Acting<'_>| matches!(one.fault.effect.place(), Some((Place::Page, _)));
    let has_page = acting.iter().any(is_page);
    for (index, one) in acting.iter().enumerate() {
        let effect = &one.fault.effect;
        let is_seen = !(has_page && effect.is_content());
        let acts = match effect.is_on_the_way() {
            true => effect.delay(&mut way),
            false => is_seen && has_its_place(index, acting) && effect.act(&mut answer, one),
        };
        if acts {
            faults.push(one.fault.name.clone());
        }
    }
    Meeting { faults, way, ruling: Ruling::Answer(Box::new(answer)) }
}

/// Whether no other fault has the place that this one wants: of several the one with the lowest
/// rank has it, and of equals the first.
fn has_its_place(index: usize, acting: &[Acting<'_>]) -> bool {
    let wanted = |one: &Acting<'_>| one.fault.effect.place();
    let Some((place, _)) = acting.get(index).and_then(wanted) else { return true };
    let same = acting.iter().enumerate().filter_map(|(i, one)| {
        wanted(one).filter(|(other, _)| *other == place).map(|(_, rank)| (rank, i))
    });
    same.min().is_some_and(|(_, first)| first == index)
}
