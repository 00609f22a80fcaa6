//! Prefetch: the Cryptographic Services renew disk cache entries before they expire.
//!
//! All of it is documented (fact sheet §2.5). The one exception makes the incident's production
//! fail after a week: a CRL that was fetched because every OCSP URL had failed is left alone.

use revlab_lab::{Instant, Out, Span};

use super::Engine;
use super::disk::{DiskEntry, Object};
use super::retrieval::{Requester, Wanted};
use crate::event::SutAction;
use crate::profile::Parameters;

/// When an object may be prefetched, by its own dates: from, to.
///
/// With P = nextUpdate − PublishTime: from PublishTime + P/10 to nextUpdate − P/20, and only if
/// that is longer than an hour. PublishTime is Next CRL Publish, or thisUpdate without one.
pub(super) fn window(
    p: &Parameters,
    publish: Instant,
    next_update: Instant,
) -> Option<(Instant, Instant)> {
    let period = next_update - publish;
    let divided = |by: u32| period.scale(1, i64::from(by.max(1)));
    let from = publish + divided(p.prefetch_after_publish_divisor);
    let to = next_update - divided(p.prefetch_before_next_update_divisor);
    (to - from > p.prefetch_min_window).then_some((from, to))
}

impl Engine {
    /// The moment at which this entry is to be prefetched: by chance within its window.
    pub(super) fn prefetch_time(&mut self, now: Instant, entry: &DiskEntry) -> Option<Instant> {
        let p = &self.parameters;
        if !p.prefetch || (entry.media_offline && p.prefetch_skip_after_ocsp_failure) {
            return None;
        }
        let (publish, next_update) = dates(entry)?;
        let (from, to) = window(p, publish, next_update)?;
        let from = Ord::max(from, self.clock.at(now));
        let room = Ord::max(to - from, Span::ZERO).as_millis() as u64;
        let reading = from + Span::from_millis(self.chance.below(room) as i64);
        Some(Ord::max(self.clock.when(reading, now), now + Span::from_millis(1)))
    }

    /// Prefetches what is due and has been used since it was last stored.
    pub(super) fn wake_prefetch(&mut self, now: Instant, out: &mut Out<SutAction>) {
        // Never at once again: this would not end.
        let retry = Ord::max(self.parameters.prefetch_retry, Span::from_secs(1));
        let reading = self.clock.at(now);
        let mut due = Vec::new();
        for (account, disk) in &mut self.disks {
            for (url, entry) in disk.due_entries(now) {
                let expired = dates(entry).is_none_or(|(_, next)| next < reading);
                if !entry.used || expired {
                    entry.prefetch_at = None;
                    continue;
                }
                entry.prefetch_at = Some(now + retry);
                let wanted = Wanted {
                    purpose: entry.purpose,
                    key: url.clone(),
                    request: entry.request.clone(),
                    media_offline: false,
                };
                due.push((account.clone(), entry.link.clone(), wanted));
            }
        }
        let limit = self.parameters.prefetch_timeout;
        for (account, link, wanted) in due {
            self.start(now, Requester::Prefetch(account), link, wanted, None, limit, out);
        }
    }
}

/// PublishTime and nextUpdate.
fn dates(entry: &DiskEntry) -> Option<(Instant, Instant)> {
    match &entry.object {
        Object::Crl(crl) => {
            Some((crl.next_publish().unwrap_or(crl.this_update()), crl.next_update()?))
        }
        Object::Ocsp(response) => {
            let answer = response.find(&entry.link.id)?;
            Some((answer.this_update, answer.next_update?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Sheet;

    /// The rows of the fact sheet's §2.5, with times from the publication.
    #[test]
    fn windows_are_those_of_the_fact_sheet() {
        let t = Instant::from_millis(0);
        let p = Sheet::named("windows-2008r2").unwrap().parameters().clone();
        let span = |text: &str| text.parse::<Span>().unwrap();
        let at = |publish: &str, next: &str| window(&p, t + span(publish), t + span(next));
        let production = at("7d", "7d 12h 10m").unwrap();
        assert_eq!(production, (t + span("7d 1h 13m"), t + span("7d 11h 33m 30s")));
        let (from, to) = at("1d", "1d 2h 34m").unwrap();
        assert_eq!(from, t + span("24h 15m 24s"));
        assert_eq!(to, t + span("26h 26m 18s"));
        assert_eq!(at("60m", "85m"), None, "the lab's base: 21 min");
        assert_eq!(at("30m", "55m"), None, "the lab's delta, variant A: 21 min");
        assert_eq!(at("30m", "70m"), None, "the lab's delta, variant B: 34 min");
    }
}
