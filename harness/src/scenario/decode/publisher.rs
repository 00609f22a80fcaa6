//! `[sut.NAME.publisher]`.

use revlab_lab::Span;
use revlab_sut::config::{Publisher, PublisherFault, Spoiled};

use super::Spec;
use super::fault;
use super::fields::Fields;
use super::times::Sign;

#[cfg(test)]
pub(super) const SPECS: &[&Spec] = &[&PUBLISHER, &FAULTS];

pub(super) const PUBLISHER: Spec =
    Spec { path: "sut.NAME.publisher", keys: &["every", "lag", "reload", "faults"], kinds: &[] };

const FAULTS: Spec = Spec {
    path: "sut.NAME.publisher.faults",
    keys: &["from", "for", "until"],
    kinds: &[&STOPPED, &TRUNCATED, &UNREADABLE, &NO_RELOAD],
};

const STOPPED: Spec = Spec { path: "sut.NAME.publisher.faults.stopped", keys: &[], kinds: &[] };
const TRUNCATED: Spec =
    Spec { path: "sut.NAME.publisher.faults.truncated", keys: &["bytes"], kinds: &[] };
const UNREADABLE: Spec =
    Spec { path: "sut.NAME.publisher.faults.unreadable", keys: &[], kinds: &[] };
const NO_RELOAD: Spec = Spec { path: "sut.NAME.publisher.faults.no_reload", keys: &[], kinds: &[] };

pub(super) fn decode(fields: &Fields<'_>) -> Publisher {
    let usual = Publisher::default();
    let usual = Publisher { every: fields.cx.divided(usual.every), ..usual };
    let Some(inner) = fields.table("publisher", &PUBLISHER) else { return usual };
    let faults = inner.tables("faults", &FAULTS).unwrap_or_default();
    Publisher {
        every: inner.duration("every", Sign::Positive).unwrap_or(usual.every),
        lag: inner.duration("lag", Sign::NotNegative).unwrap_or(Span::ZERO),
        reload: inner.boolean("reload").unwrap_or(true),
        faults: faults.iter().filter_map(fault_of).collect(),
    }
}

fn fault_of(fields: &Fields<'_>) -> Option<PublisherFault> {
    let (from, until) = fault::window(fields);
    let (kind, inner) = fields.kind()?;
    let spoiled = match kind {
        "truncated" => {
            Spoiled::Truncated(inner.number("bytes", 0, i64::from(u32::MAX)).unwrap_or(100))
        }
        "unreadable" => Spoiled::Unreadable,
        "no_reload" => Spoiled::NoReload,
        _ => Spoiled::Stopped,
    };
    Some(PublisherFault { from, until, spoiled })
}
