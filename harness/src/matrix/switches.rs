//! When administrators had checks of revocation switched off, by the operations in a trace.

use revlab_lab::Instant;

use crate::judge::index::Index;

/// From when to when they were off, first to last; none: they were not touched.
pub(super) fn off(index: &Index<'_>) -> Option<(Instant, Option<Instant>)> {
    let (from, _) = all(index).find(|(_, on)| !on)?;
    let last = all(index).last();
    Some((from, last.filter(|(_, on)| *on).map(|(at, _)| at)))
}

/// Whether they were on for an attempt that was due then.
pub(super) fn are_on(index: &Index<'_>, due: Instant) -> bool {
    all(index).take_while(|(at, _)| *at <= due).last().is_none_or(|(_, on)| on)
}

/// Each time that those of the system under test were switched, and whether on.
fn all<'i>(index: &'i Index<'_>) -> impl Iterator<Item = (Instant, bool)> + 'i {
    let sut = index.header.map_or("", |header| header.sut.as_str());
    let its = index.operations.iter().filter(move |operation| *operation.on == *sut);
    its.filter_map(|operation| match &*operation.what {
        "disable_revocation_check" => Some((operation.t, false)),
        "enable_revocation_check" => Some((operation.t, true)),
        _ => None,
    })
}
