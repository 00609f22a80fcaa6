//! Prefetch: the Cryptographic Services renew disk cache entries before they expire.
//!
//! All of it is documented (fact sheet §2.5). The one exception makes the incident's production
//! fail after a week: a CRL that was fetched because every OCSP URL had failed is left alone.
//! Beside the window there is max-age: when it is over the server is asked whether there is something
//! new, by the object's ETag.

use revlab_lab::http::{FetchError, Reply, Request, Url};
use revlab_lab::{Instant, Name, Out, Span};

use super::Engine;
use super::disk::{About, DiskEntry, Object};
use super::retrieval::{Requester, Retrieval, Wanted};
use crate::cache::{Prefetch, Response};
use crate::event::SutAction;
use crate::profile::{Parameters, RefetchAfterNextPublish};

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
    /// Decides about the prefetch of an entry that is about to be stored.
    pub(super) fn plan_prefetch(
        &self,
        now: Instant,
        account: &Name,
        url: &Url,
        entry: &mut DiskEntry,
    ) {
        if self.is_listed(url) {
            entry.prefetch.at = self.listed_look(now, account, url, entry);
        } else if self.parameters.prefetch && entry.prefetch.status != Prefetch::MEDIA_OFFLINE {
            entry.prefetch.window = self.window_moment(now, account, url, entry);
            entry.prefetch.at = self.next_look(now, entry);
        }
    }

    /// The moment at which this entry is to be renewed: by chance within its window.
    fn window_moment(
        &self,
        now: Instant,
        account: &Name,
        url: &Url,
        entry: &DiskEntry,
    ) -> Option<Instant> {
        let (publish, next_update) = match self.parameters.refetch_after_next_publish {
            RefetchAfterNextPublish::Off => validity(entry)?,
            RefetchAfterNextPublish::Prefetch | RefetchAfterNextPublish::OnDemand => dates(entry)?,
        };
        let (from, to) = window(&self.parameters, publish, next_update?)?;
        let from = Ord::max(from, self.clock.at(now));
        let room = Ord::max(to - from, Span::ZERO).as_millis() as u64;
        // A stream for each: what is drawn for one object depends on no other.
        let stored = entry.stored;
        let name = format!("sut/{}/prefetch/{account}/{url}/{stored}", self.name);
        let drawn = self.seed.stream(&name).below(room);
        let reading = from + Span::from_millis(drawn as i64);
        Some(Ord::max(self.clock.when(reading, now), now + Span::from_millis(1)))
    }

    /// When an entry that has just been validated is looked at again: at its moment in the window, or
    /// when max-age is over, whatever comes first. Never once it has expired.
    fn next_look(&self, now: Instant, entry: &DiskEntry) -> Option<Instant> {
        let p = &self.parameters;
        let age = entry.response.max_age.map(|age| {
            let age = Ord::max(age, p.prefetch_min_max_age);
            Ord::max(Ord::min(age, p.prefetch_max_max_age), Span::from_secs(1))
        });
        let next_update = dates(entry).and_then(|(_, next_update)| next_update);
        let valid = |at: &Instant| next_update.is_none_or(|next| self.clock.at(*at) < next);
        let aged = age.map(|age| now + age).filter(valid);
        let window = entry.prefetch.window.filter(|at| *at > now);
        window.into_iter().chain(aged).min().map(|due| self.scan(due))
    }

    /// Prefetches what is due and has been used since it was last stored.
    pub(super) fn wake_prefetch(&mut self, now: Instant, out: &mut Out<SutAction>) {
        let mut due = Vec::new();
        for (account, disk) in &self.disks {
            for (url, entry) in disk.due_entries(now) {
                let again = match self.is_listed(url) {
                    true => self.listed_look(now, account, url, entry),
                    false => self.retry(now, entry).filter(|_| entry.used),
                };
                due.push((account.clone(), url.clone(), again.zip(Some(entry.about.clone()))));
            }
        }
        for (account, url, about) in due {
            let limit = self.time_for(&url);
            let Some(disk) = self.disks.get_mut(&account) else { continue };
            let Some(entry) = disk.find(&url) else { continue };
            let (purpose, etag) = (entry.purpose, entry.response.etag.clone());
            let at = about.as_ref().map(|(again, _)| *again);
            let status = match self.connected || at.is_none() {
                true => entry.prefetch.status,
                false => Prefetch::NOT_CONNECTED,
            };
            disk.set_prefetch(&url, Prefetch { at, status, ..entry.prefetch.clone() });
            let Some((_, about)) = about.filter(|_| self.connected) else { continue };
            let mut request = Request::get(url.clone());
            request.headers.extend(etag.map(|etag| ("If-None-Match".to_owned(), etag)));
            let wanted = Wanted { purpose, key: url, request, media_offline: false, nonce: None };
            self.start(now, Requester::Prefetch(account), about, wanted, None, limit, out);
        }
    }

    /// How long a prefetch of this URL may take.
    fn time_for(&self, url: &Url) -> Span {
        match self.is_listed(url) {
            true => self.parameters.crl_prefetch_timeout,
            false => self.parameters.prefetch_timeout,
        }
    }

    /// When a prefetch that is due now is made again if it brings nothing new; none: it is not even
    /// made. Once the object has expired it goes on less often, until the entry could be
    /// flushed: that is inferred from the names of the values (fact sheet §2.2).
    fn retry(&self, now: Instant, entry: &DiskEntry) -> Option<Instant> {
        let p = &self.parameters;
        // Never at once again: this would not end.
        let soonest = Span::from_secs(1);
        let (from, next_update) = validity(entry)?;
        let reading = self.clock.at(now);
        let after = match next_update.filter(|next| *next < reading) {
            None => Some(Ord::max(p.prefetch_retry, soonest)),
            Some(_) if p.prefetch_after_expiry_divisor == 0 => None,
            Some(next) if next + p.disk_flush_exempt < reading => None,
            Some(next) => {
                let part = (next - from).scale(1, i64::from(p.prefetch_after_expiry_divisor));
                let part = Ord::max(part, p.prefetch_after_expiry_min);
                Some(Ord::max(Ord::min(part, p.prefetch_after_expiry_max), soonest))
            }
        };
        after.map(|after| self.scan(now + after))
    }

    /// A prefetch has brought nothing new: what it came to is kept with the entry.
    pub(super) fn looked(
        &mut self,
        now: Instant,
        retrieval: &Retrieval,
        result: &Result<Reply, FetchError>,
        rejected: bool,
    ) {
        let Requester::Prefetch(account) = &retrieval.by else { return };
        let url = &retrieval.wanted.key;
        let Some(entry) = self.disks.get(account).and_then(|disk| disk.find(url)) else { return };
        let status = match result {
            Ok(_) if rejected => Prefetch::INVALID_DATA,
            Ok(reply) if matches!(reply.status, 200 | 304) => Prefetch::FILE_OFFLINE,
            Ok(reply) => HTTP_STATUS | u32::from(reply.status),
            Err(error) => win_http(*error),
        };
        let mut prefetch = Prefetch { status, ..entry.prefetch.clone() };
        // Within the window it goes on as it began; before, it waits for the next occasion.
        let before = prefetch.window.is_none_or(|at| at > now) && !self.is_listed(url);
        if status == Prefetch::FILE_OFFLINE && before {
            prefetch.at = self.next_look(now, entry);
        }
        self.disk(account).set_prefetch(url, prefetch);
    }

    /// Whether an entry has been flushed: long after it expired, and when prefetch does not keep it
    /// (fact sheet §2.5, CRYPTNET_URL_CACHE_FLUSH_INFO). That it is gone at once is a simplification.
    pub(super) fn flushed(&self, now: Instant, entry: &DiskEntry) -> bool {
        let exempt = self.parameters.disk_flush_exempt;
        let next_update = dates(entry).and_then(|(_, next_update)| next_update);
        let until = next_update.map(|next| next + exempt);
        let kept = |until| entry.prefetch.at.is_some_and(|at| self.clock.at(at) <= until);
        until.is_some_and(|until| until < self.clock.at(now) && !kept(until))
    }
}

/// HTTP_E_STATUS_…: an HTTP status as an HRESULT.
const HTTP_STATUS: u32 = 0x8019_0000;

/// The error of WinHTTP (`winhttp.h`) for a retrieval that got no answer.
fn win_http(error: FetchError) -> u32 {
    match error {
        FetchError::TimedOut => 12002,
        FetchError::NameNotResolved => 12007,
        FetchError::ConnectionRefused => 12029,
        FetchError::ConnectionReset => 12030,
        FetchError::BadReply => 12152,
        FetchError::SecureFailure => 12175,
    }
}

/// What the web server said about an object. Only strong ETags are kept (fact sheet §2.5).
pub(super) fn response(reply: &Reply) -> Response {
    let field = |name: &str| reply.header(name).map(str::to_owned);
    let max_age = reply.header("Cache-Control").and_then(|text| {
        let directives = text.split(',').map(str::trim);
        let mut ages = directives.filter_map(|d| d.strip_prefix("max-age="));
        ages.next().and_then(|age| age.parse::<u32>().ok())
    });
    Response {
        etag: field("ETag").filter(|tag| tag.starts_with('"')),
        last_modified: field("Last-Modified"),
        max_age: max_age.map(|seconds| Span::from_secs(i64::from(seconds))),
    }
}

/// thisUpdate and nextUpdate.
fn validity(entry: &DiskEntry) -> Option<(Instant, Option<Instant>)> {
    match &entry.object {
        Object::Crl(crl) => Some((crl.this_update(), crl.next_update())),
        Object::Ocsp(_) | Object::Issuers(_) => dates(entry),
    }
}

/// PublishTime and nextUpdate.
fn dates(entry: &DiskEntry) -> Option<(Instant, Option<Instant>)> {
    match &entry.object {
        Object::Crl(crl) => {
            Some((crl.next_publish().unwrap_or(crl.this_update()), crl.next_update()))
        }
        Object::Ocsp(response) => {
            let About::Link(link) = &entry.about else { return None };
            let answer = response.find(&link.id)?;
            Some((answer.this_update, answer.next_update))
        }
        Object::Issuers(issuers) => {
            let certificate = issuers.certificates().first()?;
            Some((certificate.not_before(), Some(certificate.not_after())))
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
