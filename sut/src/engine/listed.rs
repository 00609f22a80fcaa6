//! CRLs that are renewed by a rule of their own: PreFetchUrlList of the key CrlPreFetch.
//!
//! Names and values are documented (fact sheet §2.2), what they do is inferred from the names: such a CRL
//! is asked for again after MaxAge, and in good time before its nextUpdate, whether a process uses it or
//! not and however it was fetched at first. Two simplifications: a URL that no check has asked for is not
//! fetched, since it shows only then whose CRL it is; and the list of processes (ProcessNameList) is that
//! of all.

use revlab_lab::http::Url;
use revlab_lab::{Instant, Name, Span};

use super::Engine;
use super::disk::{DiskEntry, Object};

impl Engine {
    /// Whether this URL's CRL is renewed by this rule.
    pub(super) fn is_listed(&self, url: &Url) -> bool {
        self.parameters.crl_prefetch && self.crl_prefetch.contains(url)
    }

    /// When a listed CRL that is asked for now is asked for again.
    pub(super) fn listed_look(
        &self,
        now: Instant,
        account: &Name,
        url: &Url,
        entry: &DiskEntry,
    ) -> Option<Instant> {
        let Object::Crl(crl) = &entry.object else { return None };
        let p = &self.parameters;
        let room = Ord::max(p.crl_prefetch_random, Span::ZERO).as_millis() as u64;
        let stored = entry.stored;
        let name = format!("sut/{}/crl-prefetch/{account}/{url}/{stored}", self.name);
        let earlier = Span::from_millis(self.seed.stream(&name).below(room) as i64);
        let in_time = crl
            .next_update()
            .map(|next| self.clock.when(next - p.crl_prefetch_before_next_update - earlier, now));
        let aged = now + p.crl_prefetch_max_age;
        // Never at once again: this would not end.
        let soonest = now + Ord::max(p.crl_prefetch_min_period, Span::from_secs(1));
        let first = in_time.map_or(aged, |in_time| Ord::min(in_time, aged));
        Some(Ord::max(first, soonest))
    }
}
