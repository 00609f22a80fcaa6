//! The Cryptnet URL cache of an account: objects by URL, on disk, for every process of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use revlab_lab::Instant;
use revlab_lab::http::Url;
use revlab_lab::trace::Purpose;
use revlab_pki::Certificate;

use super::subject::Link;
pub(super) use crate::cache::Object;
use crate::cache::{Prefetch, Response};

#[derive(Debug, Default)]
pub(super) struct DiskCache {
    entries: BTreeMap<Url, DiskEntry>,
    /// The entries that prefetch looks at again, by the time when it does.
    due: BTreeSet<(Instant, Url)>,
    /// How many OCSP answers there are for certificates with these CRL URLs.
    ocsp_per_crl: BTreeMap<Vec<Url>, usize>,
    /// URLs that failed, and until when they are not tried again (mark.rs).
    pub(super) failed: BTreeMap<Url, Instant>,
}

/// What an object is about.
#[derive(Clone, Debug)]
pub(super) enum About {
    /// The revocation of this link's certificate: prefetch validates what it brings against it.
    Link(Arc<Link>),
    /// Who issued this certificate.
    Issued(Certificate),
    /// The certificates by other CAs that this CA's certificate points to.
    Crossed(Certificate),
}

impl About {
    pub(super) fn certificate(&self) -> &Certificate {
        match self {
            About::Link(link) => &link.certificate,
            About::Issued(certificate) | About::Crossed(certificate) => certificate,
        }
    }

    /// None where it is what was looked for.
    pub(super) fn issuer(&self) -> Option<&Certificate> {
        match self {
            About::Link(link) => Some(&link.issuer),
            About::Issued(_) | About::Crossed(_) => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct DiskEntry {
    pub(super) object: Object,
    pub(super) purpose: Purpose,
    pub(super) about: About,
    pub(super) stored: Instant,
    /// Whether any process has read it since it was stored by prefetch.
    pub(super) used: bool,
    pub(super) prefetch: Prefetch,
    pub(super) response: Response,
}

impl DiskCache {
    pub(super) fn find(&self, url: &Url) -> Option<&DiskEntry> {
        self.entries.get(url)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Url, &DiskEntry)> {
        self.entries.iter()
    }

    pub(super) fn store(&mut self, url: Url, entry: DiskEntry) {
        if let Some(before) = self.entries.remove(&url) {
            self.count(&before, |n| n.saturating_sub(1));
            if let Some(at) = before.prefetch.at {
                self.due.remove(&(at, url.clone()));
            }
        }
        self.count(&entry, |n| n + 1);
        self.due.extend(entry.prefetch.at.map(|at| (at, url.clone())));
        self.entries.insert(url, entry);
    }

    fn count(&mut self, entry: &DiskEntry, change: impl FnOnce(usize) -> usize) {
        if entry.purpose == Purpose::Ocsp {
            let urls = entry.about.certificate().crl_urls().to_vec();
            let count = self.ocsp_per_crl.entry(urls).or_default();
            *count = change(*count);
        }
    }

    /// How many OCSP answers there are for certificates with these CRL URLs.
    pub(super) fn ocsp_for(&self, crl_urls: &[Url]) -> usize {
        self.ocsp_per_crl.get(crl_urls).copied().unwrap_or_default()
    }

    /// A process has read this entry.
    pub(super) fn mark_used(&mut self, url: &Url) {
        if let Some(entry) = self.entries.get_mut(url) {
            entry.used = true;
        }
    }

    /// What prefetch thinks of this entry from now on.
    pub(super) fn set_prefetch(&mut self, url: &Url, prefetch: Prefetch) {
        let Some(entry) = self.entries.get_mut(url) else { return };
        if let Some(before) = entry.prefetch.at {
            self.due.remove(&(before, url.clone()));
        }
        self.due.extend(prefetch.at.map(|at| (at, url.clone())));
        entry.prefetch = prefetch;
    }

    /// Deletes everything.
    pub(super) fn clear(&mut self) {
        *self = DiskCache::default();
    }

    /// When prefetch is due for any entry.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The entries whose prefetch is due.
    pub(super) fn due_entries(&self, now: Instant) -> impl Iterator<Item = (&Url, &DiskEntry)> {
        let due = self.due.iter().take_while(move |(at, _)| *at <= now);
        due.filter_map(|(_, url)| self.entries.get_key_value(url))
    }
}
