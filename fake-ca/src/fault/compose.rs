//! What comes of a request on which some faults act at once.

use super::effect::Place;
use super::{Acting, Answer, Caller, Meeting, Ruling};

/// What comes of a request on which these faults act, given in the order of the scenario.
///
/// The order of composition is that of the [module](super).
pub fn compose(acting: &[Acting<'_>], caller: &Caller<'_>) -> Meeting {
    let ends = acting.iter().filter_map(|a| a.fault.effect.ends(caller).map(|ruling| (a, ruling)));
    if let Some((acting, ruling)) = ends.min_by_key(|(_, ruling)| ruling.stage()) {
        return Meeting { faults: vec![acting.fault.name.clone()], ruling };
    }
    let (mut answer, mut faults) = (Answer::default(), Vec::new());
    let is_page = |one: &Acting<'_>| matches!(one.fault.effect.place(), Some((Place::Page, _)));
    let has_page = acting.iter().any(is_page);
    for (index, one) in acting.iter().enumerate() {
        let is_seen = !(has_page && one.fault.effect.is_content());
        if is_seen && has_its_place(index, acting) && one.fault.effect.act(&mut answer, one) {
            faults.push(one.fault.name.clone());
        }
    }
    Meeting { faults, ruling: Ruling::Answer(Box::new(answer)) }
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
