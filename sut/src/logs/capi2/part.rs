//! The part of a check that deals with one certificate.

use std::collections::BTreeMap;

use revlab_lab::trace::{Check, Fetch, Layer, Purpose, State, Step};
use revlab_lab::{Code, Instant};

use super::objects::{Object, Objects};

/// The steps for one certificate, and what they found.
#[derive(Clone, Debug)]
pub(super) struct Part<'a> {
    /// The certificate's subject; the identity's name where the steps name none.
    pub(super) subject: &'a str,
    pub(super) steps: &'a [Step],
    /// What came of it; 0: good.
    pub(super) code: Code,
    /// Reason code of a listed certificate (RFC 5280 §5.3.1).
    pub(super) reason: u8,
    /// The last object of each purpose that was looked at, fresh ones before stale ones.
    pub(super) seen: Vec<Seen<'a>>,
}

/// An object that a check looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) purpose: Purpose,
    pub(super) layer: Layer,
    fresh: bool,
    pub(super) object: Object<'a>,
}

/// The check's parts, one for each certificate from the root side down; one for the whole check
/// where no step names a certificate.
pub(super) fn split(check: &Check) -> Vec<Part<'_>> {
    let identity = check.subject.as_deref().unwrap_or_default();
    let part = |subject, steps| Part { subject, steps, code: Code(0), reason: 0, seen: Vec::new() };
    let subjects = check.steps.iter().filter_map(|step| match step {
        Step::Certificate { subject } => Some(&**subject),
        _ => None,
    });
    // The first stretch is about the chain, before any certificate.
    let stretches = check.steps.split(|s| matches!(s, Step::Certificate { .. })).skip(1);
    let parts: Vec<_> = subjects.zip(stretches).map(|(s, steps)| part(s, steps)).collect();
    if parts.is_empty() { vec![part(identity, &check.steps)] } else { parts }
}

/// The steps before any certificate, where there are others.
pub(super) fn before_any(check: &Check) -> &[Step] {
    let steps = &check.steps;
    let chain = |s: &Step| matches!(s, Step::Certificate { .. } | Step::Chain { .. });
    let until = steps.iter().position(chain).unwrap_or_default();
    steps.get(..until).unwrap_or_default()
}

impl<'a> Part<'a> {
    /// Notes what a step found.
    pub(super) fn saw(
        &mut self,
        step: &Step,
        objects: &Objects<'a>,
        fetches: &BTreeMap<u64, (Instant, &'a Fetch)>,
    ) {
        let (purpose, layer, fresh, object) = match step {
            Step::Lookup { object, layer, state, number, next_update } => {
                let found = objects.find(*object, *number, *next_update);
                (*object, *layer, *state == State::Fresh, found)
            }
            Step::Retrieve { object, fetch, .. } | Step::Shared { object, fetch } => {
                let info = fetches.get(fetch).and_then(|(_, f)| f.object.as_ref());
                let found = info.and_then(|i| objects.find(*object, i.number, i.next_update));
                (*object, Layer::Wire, true, found)
            }
            Step::Listed { reason, .. } => {
                self.reason = reason.unwrap_or(0);
                return;
            }
            _ => return,
        };
        let Some(object) = object.copied() else { return };
        let seen = Seen { purpose, layer, fresh, object };
        match self.seen.iter_mut().find(|s| s.purpose == purpose) {
            Some(before) if before.fresh && !fresh => {}
            Some(before) => *before = seen,
            None => self.seen.push(seen),
        }
    }
}
