//! The Cryptnet URL cache of an account: objects by URL, on disk, for every process of it.

use std::collections::BTreeMap;

use revlab_lab::Instant;
use revlab_lab::http::{Request, Url};
use revlab_lab::trace::Purpose;
use revlab_pki::{Crl, OcspResponse};

use std::sync::Arc;

use super::subject::Link;

/// What a retrieval brings.
#[derive(Clone, Debug)]
pub(super) enum Object {
    Crl(Crl),
    Ocsp(Arc<OcspResponse>),
}

impl Object {
    /// Whether both are the same bytes.
    pub(super) fn is(&self, other: &Object) -> bool {
        match (self, other) {
            (Object::Crl(a), Object::Crl(b)) => a == b,
            (Object::Ocsp(a), Object::Ocsp(b)) => a.der() == b.der(),
            (Object::Crl(_), Object::Ocsp(_)) | (Object::Ocsp(_), Object::Crl(_)) => false,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct DiskCache {
    entries: BTreeMap<Url, DiskEntry>,
}

#[derive(Debug)]
pub(super) struct DiskEntry {
    pub(super) object: Object,
    pub(super) purpose: Purpose,
    /// How it was retrieved, to be done again by prefetch.
    pub(super) request: Request,
    /// Whose revocation it speaks about: prefetch validates what it brings against it.
    pub(super) link: Arc<Link>,
    pub(super) stored: Instant,
    /// Whether any process has read it since it was stored by prefetch.
    pub(super) used: bool,
    /// 0x10D0: never prefetched, because OCSP had failed (fact sheet §2.5).
    pub(super) media_offline: bool,
    /// When the prefetch service looks at it again.
    pub(super) prefetch_at: Option<Instant>,
}

impl DiskCache {
    pub(super) fn find(&mut self, url: &Url) -> Option<&mut DiskEntry> {
        self.entries.get_mut(url)
    }

    pub(super) fn store(&mut self, url: Url, entry: DiskEntry) {
        self.entries.insert(url, entry);
    }

    /// Deletes everything; says how many entries there were.
    pub(super) fn clear(&mut self) -> usize {
        let count = self.entries.len();
        self.entries.clear();
        count
    }

    /// When prefetch is due for any entry.
    pub(super) fn due(&self) -> Option<Instant> {
        self.entries.values().filter_map(|e| e.prefetch_at).min()
    }

    /// The entries whose prefetch is due.
    pub(super) fn due_entries(
        &mut self,
        now: Instant,
    ) -> impl Iterator<Item = (&Url, &mut DiskEntry)> {
        self.entries.iter_mut().filter(move |(_, e)| e.prefetch_at.is_some_and(|at| at <= now))
    }
}
