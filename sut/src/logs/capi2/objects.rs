//! What the trace says about the CRLs and OCSP answers that checks met.

use std::collections::{BTreeMap, BTreeSet};

use revlab_lab::Instant;
use revlab_lab::trace::{Fetch, Publish, Purpose};

/// One CRL or OCSP answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Object<'a> {
    pub(super) purpose: Purpose,
    /// Where it was retrieved, or else published.
    pub(super) url: &'a str,
    /// SHA-1 of its bytes in hex.
    pub(super) sha1: Option<&'a str>,
    /// The CA's name in the scenario; the trace does not hold its distinguished name.
    pub(super) issuer: Option<&'a str>,
    pub(super) this_update: Instant,
    pub(super) next_update: Option<Instant>,
    pub(super) next_publish: Option<Instant>,
    /// When it was last retrieved.
    pub(super) synced: Option<Instant>,
    /// Whether that was after OCSP had failed in the same check: the prefetch service then leaves
    /// it alone (0x10D0, fact sheet §2.5).
    pub(super) after_ocsp_failure: bool,
}

/// Steps name an object by these.
type Key = (Purpose, Option<u64>, Option<Instant>);

/// All objects so far.
#[derive(Debug, Default)]
pub(super) struct Objects<'a> {
    known: BTreeMap<Key, Object<'a>>,
    urls: BTreeMap<Purpose, &'a str>,
    /// Checks in which an OCSP request failed.
    ocsp_failed: BTreeSet<u64>,
}

impl<'a> Objects<'a> {
    /// A CA published it.
    pub(super) fn published(&mut self, publish: &'a Publish) {
        let object = Object {
            purpose: publish.what,
            url: &publish.url,
            sha1: Some(&publish.sha1),
            issuer: Some(&publish.ca),
            this_update: publish.this_update,
            next_update: publish.next_update,
            next_publish: publish.next_publish,
            synced: None,
            after_ocsp_failure: false,
        };
        self.urls.entry(publish.what).or_insert(&publish.url);
        self.known.entry((publish.what, publish.number, publish.next_update)).or_insert(object);
    }

    /// The SUT asked for it; the answer arrived at `t`.
    pub(super) fn fetched(&mut self, t: Instant, fetch: &'a Fetch) {
        self.urls.insert(fetch.purpose, fetch.url.as_str());
        if fetch.purpose == Purpose::Ocsp && !fetch.succeeded() {
            self.ocsp_failed.extend(fetch.check);
        }
        let Some(info) = &fetch.object else { return };
        let before = self.known.get(&(fetch.purpose, info.number, info.next_update));
        let failed = fetch.check.is_some_and(|check| self.ocsp_failed.contains(&check));
        let object = Object {
            purpose: fetch.purpose,
            url: fetch.url.as_str(),
            sha1: info.sha1.as_deref().or(before.and_then(|b| b.sha1)),
            issuer: before.and_then(|b| b.issuer),
            this_update: info.this_update,
            next_update: info.next_update,
            next_publish: before.and_then(|b| b.next_publish),
            synced: Some(t),
            after_ocsp_failure: fetch.purpose == Purpose::Base && failed,
        };
        self.known.insert((fetch.purpose, info.number, info.next_update), object);
    }

    /// The object that a step names.
    pub(super) fn find(
        &self,
        purpose: Purpose,
        number: Option<u64>,
        next_update: Option<Instant>,
    ) -> Option<&Object<'a>> {
        self.known.get(&(purpose, number, next_update))
    }

    /// The object of this purpose that was retrieved last: what a step means that names a purpose
    /// alone.
    pub(super) fn newest(&self, purpose: Purpose) -> Option<&Object<'a>> {
        let of_purpose = self.known.values().filter(|object| object.purpose == purpose);
        of_purpose.max_by_key(|object| (object.synced, object.this_update))
    }

    /// Where this purpose was asked for last, or else where it is published: the best guess for a
    /// look into a cache that found nothing, because its step names no URL.
    pub(super) fn latest_url(&self, purpose: Purpose) -> Option<&'a str> {
        self.urls.get(&purpose).copied()
    }
}
