//! What a CA has revoked and released, as a history: each CRL looks at a point of it.

use std::collections::BTreeMap;

use revlab_pki::CrlEntry;

/// removeFromCRL (RFC 5280 §5.3.1).
const REMOVE_FROM_CRL: u8 = 8;

/// certificateHold (RFC 5280 §5.3.1): the only reason that can be taken back.
const HOLD: u8 = 6;

/// Revocations in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Revocations {
    changes: Vec<Change>,
}

#[derive(Clone, Debug)]
struct Change {
    /// What is listed from now on; of a release, what a delta says about it.
    entry: CrlEntry,
    released: bool,
}

impl Revocations {
    /// Revokes a certificate. One that is revoked stays as it is, unless it is on hold: then it
    /// gets this reason and keeps its date.
    pub(super) fn revoke(&mut self, entry: CrlEntry) {
        let before = self.current(&entry.serial);
        let entry = match before {
            Some(before) if before.reason != Some(HOLD) || entry.reason == Some(HOLD) => return,
            Some(before) => CrlEntry { revoked_at: before.revoked_at, ..entry },
            None => entry,
        };
        self.changes.push(Change { entry, released: false });
    }

    /// Takes a certificate off hold; nothing happens to one that is not on hold. `at` is what the
    /// delta bears as revocationDate.
    pub(super) fn release(&mut self, serial: &[u8], at: revlab_lab::Instant) {
        if self.current(serial).is_some_and(|entry| entry.reason == Some(HOLD)) {
            let entry = CrlEntry {
                serial: serial.to_vec(),
                revoked_at: at,
                reason: Some(REMOVE_FROM_CRL),
                extensions: Vec::new(),
            };
            self.changes.push(Change { entry, released: true });
        }
    }

    /// How many changes there have been: a point of the history.
    pub(super) fn now(&self) -> usize {
        self.changes.len()
    }

    /// Forgets what came after a point, as a restored backup does.
    pub(super) fn go_back_to(&mut self, point: usize) {
        self.changes.truncate(point);
    }

    /// What is listed about a serial number now.
    pub(super) fn current(&self, serial: &[u8]) -> Option<&CrlEntry> {
        let last = self.changes.iter().rev().find(|change| change.entry.serial == serial)?;
        (!last.released).then_some(&last.entry)
    }

    /// All that was revoked at a point, in the order of revocation.
    pub(super) fn listed(&self, point: usize) -> Vec<CrlEntry> {
        let listed = self.latest(0, point).into_iter().filter(|change| !change.released);
        listed.map(|change| change.entry.clone()).collect()
    }

    /// What changed from one point to another: revocations, and removeFromCRL for what has been released
    /// since (RFC 5280 §5.2.4), even where it was not on hold at that point, since an earlier delta
    /// may have said so.
    pub(super) fn changed(&self, from: usize, to: usize) -> Vec<CrlEntry> {
        self.latest(from, to).into_iter().map(|change| change.entry.clone()).collect()
    }

    /// The changes between two points, of each serial number the last one in the place of the first.
    fn latest(&self, from: usize, to: usize) -> Vec<&Change> {
        let changes = self.changes.get(from..to).unwrap_or_default();
        let serial = |change: &'_ Change| change.entry.serial.clone();
        let mut last: BTreeMap<_, _> = changes.iter().map(|c| (serial(c), c)).collect();
        changes.iter().filter_map(|change| last.remove(&change.entry.serial)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::START;
    use revlab_lab::Span;

    fn entry(serial: u8, reason: u8) -> CrlEntry {
        CrlEntry {
            serial: vec![serial],
            revoked_at: START,
            reason: Some(reason),
            extensions: Vec::new(),
        }
    }

    fn told(entries: &[CrlEntry]) -> Vec<(u8, u8)> {
        entries.iter().map(|e| (e.serial[0], e.reason.unwrap_or(0))).collect()
    }

    #[test]
    fn a_release_is_gone_from_the_next_base_and_told_in_deltas() {
        let mut history = Revocations::default();
        history.revoke(entry(1, 6));
        history.revoke(entry(2, 1));
        let base = history.now();
        history.release(&[1], START);
        history.release(&[2], START);
        assert_eq!(told(&history.listed(history.now())), [(2, 1)]);
        assert_eq!(told(&history.changed(base, history.now())), [(1, 8)]);
        assert_eq!(told(&history.changed(0, history.now())), [(1, 8), (2, 1)]);
        assert_eq!((history.current(&[1]), history.current(&[2])), (None, Some(&entry(2, 1))));
    }

    #[test]
    fn a_certificate_on_hold_can_be_revoked_for_good_and_keeps_its_date() {
        let mut history = Revocations::default();
        history.revoke(entry(1, 6));
        let later = CrlEntry { revoked_at: START + Span::from_days(1), ..entry(1, 1) };
        history.revoke(later.clone());
        history.revoke(CrlEntry { reason: Some(4), ..later });
        assert_eq!(history.listed(history.now()), [entry(1, 1)]);
    }

    #[test]
    fn a_certificate_can_be_on_hold_again() {
        let mut history = Revocations::default();
        history.revoke(entry(1, 6));
        history.release(&[1], START);
        let base = history.now();
        history.revoke(entry(1, 6));
        assert_eq!(told(&history.listed(history.now())), [(1, 6)]);
        assert_eq!(told(&history.changed(base, history.now())), [(1, 6)]);
        history.go_back_to(base);
        assert!(history.listed(history.now()).is_empty());
    }
}
