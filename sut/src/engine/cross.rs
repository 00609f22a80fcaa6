//! Cross-certificates: fetched, every so often, from where a certificate on the way up says that they
//! are (Microsoft's extension 1.3.6.1.4.1.311.10.9.1), before any other issuer is sought.
//!
//! Documented is that the extension says where to update the cross-certificates of a CA from, and
//! after how many seconds, and that the client's own time counts where it says none
//! (CROSS_CERT_DIST_POINTS_INFO); and that this time is 168 h (CrossCertDownloadIntervalHours, fact
//! sheet §2.2). Inferred is all the rest: that every certificate counts that is met on a way up, the
//! chain's or not; that what came is kept by the process and, by URL, on the account's disk, and is
//! replaced by what comes next; that the time begins with the last answer that could be used; that a
//! failure leaves the old ones in use and the URL alone for as long as a CRL's; that the limits of
//! caIssuers do not count here; and that the time for one URL is as there.

use revlab_lab::http::{Reply, Url};
use revlab_lab::trace::{CacheOp, Layer, Purpose, State, Step};
use revlab_lab::{Instant, Out, Span};
use revlab_pki::Certificate;

use super::Engine;
use super::check::Check;
use super::disk::{About, Object};
use super::retrieval::{Answered, Requester, Wanted};
use crate::cache::Issuers;
use crate::event::SutAction;

/// How far a check has come with the cross-certificates.
#[derive(Debug, Default)]
pub(super) struct Crossing {
    /// The points that were looked at.
    seen: Vec<Vec<Url>>,
    /// The point that is asked now.
    asked: Option<Point>,
}

/// A place where a CA's cross-certificates are.
#[derive(Clone, Debug)]
struct Point {
    /// Whose certificate says so.
    holder: Certificate,
    /// Ways to it.
    urls: Vec<Url>,
    /// Which of them is asked.
    at: usize,
}

impl Crossing {
    /// Whether the check waits for cross-certificates.
    pub(super) fn waits(&self) -> bool {
        self.asked.is_some()
    }

    /// The first point of these certificates that was not looked at yet; from now on it was.
    fn next(&mut self, holders: &[Certificate]) -> Option<Point> {
        let points = holders.iter().flat_map(|holder| {
            let points = holder.cross_points().map(|points| points.points.as_slice());
            points.unwrap_or_default().iter().map(move |urls| (holder, urls))
        });
        let mut new = points.filter(|(_, urls)| !self.seen.contains(urls));
        let (holder, urls) = new.next()?;
        let point = Point { holder: holder.clone(), urls: urls.clone(), at: 0 };
        self.seen.push(point.urls.clone());
        Some(point)
    }
}

impl Engine {
    /// Goes on until the check waits for cross-certificates, which the fetch is for, or has all that
    /// can be had.
    pub(super) fn seek_crosses(
        &mut self,
        now: Instant,
        check: &mut Check,
        out: &mut Out<SutAction>,
    ) -> Option<u64> {
        if !self.parameters.cross_certificates {
            return None;
        }
        loop {
            if let Some(fetch) = self.ask_for_crosses(now, check, out) {
                return Some(fetch);
            }
            let search = check.search.as_mut()?;
            let point = search.crossing.next(check.subject.crossed())?;
            if !self.has_crosses(now, check, &point, out) {
                check.search.as_mut()?.crossing.asked = Some(point);
            }
        }
    }

    /// A retrieval of cross-certificates that a check waited for has come to its end.
    pub(super) fn crosses_answered(
        &mut self,
        now: Instant,
        mut check: Check,
        answered: &Answered,
        out: &mut Out<SutAction>,
    ) {
        check.steps.push(answered.step(check.id));
        let asked = check.search.as_mut().and_then(|search| search.crossing.asked.take());
        if let Some(mut point) = asked
            && let Some(url) = point.urls.get(point.at).cloned()
        {
            if let Some(Object::Issuers(crosses)) = &answered.object {
                self.lift_mark(check.process, &url);
                self.take_crosses(now, &mut check, &point, (url, now), crosses, out);
            } else {
                self.leave_alone(now, &check, Purpose::Issuer, &url);
                point.at += 1;
                if let Some(search) = &mut check.search {
                    search.crossing.asked = Some(point);
                }
            }
        }
        self.seek_issuers(now, check, out);
    }

    /// Asks the next URL of the point that may be asked; none: there is none left.
    fn ask_for_crosses(
        &mut self,
        now: Instant,
        check: &mut Check,
        out: &mut Out<SutAction>,
    ) -> Option<u64> {
        loop {
            let point = check.search.as_ref()?.crossing.asked.clone()?;
            let Some(url) = point.urls.get(point.at) else {
                check.search.as_mut()?.crossing.asked = None;
                return None;
            };
            if self.is_left_alone(now, check, Purpose::Issuer, url) {
                check.search.as_mut()?.crossing.asked.as_mut()?.at += 1;
                continue;
            }
            let wanted = Wanted::get(Purpose::Issuer, url, false);
            if let Some(fetch) = self.shared(check.process, None, &wanted) {
                return Some(fetch);
            }
            let made_for = Some((check.id, check.subject.name.clone()));
            let (by, about) = (Requester::Process(check.process), About::Crossed(point.holder));
            let limit = self.allowance(check);
            return Some(self.start(now, by, about, wanted, made_for, limit, out));
        }
    }

    /// Whether what was got from a point is recent enough, in memory or on disk. What is older serves
    /// all the same until something comes in its place.
    fn has_crosses(
        &mut self,
        now: Instant,
        check: &mut Check,
        point: &Point,
        out: &mut Out<SutAction>,
    ) -> bool {
        let memory = self.processes.get(&check.process).and_then(|p| p.crosses_since(&point.urls));
        let disk = self.crosses_on_disk(now, check, point);
        let newer = disk.filter(|(_, stored, _)| memory.is_none_or(|since| since < *stored));
        let (layer, since) = match &newer {
            Some((_, stored, _)) => (Layer::Disk, Some(*stored)),
            None => (Layer::Memory, memory),
        };
        let due = since.map(|since| since + self.interval(&point.holder));
        let state = match due {
            None => State::Absent,
            Some(due) if due <= now => State::Stale,
            Some(_) => State::Fresh,
        };
        let subject = point.holder.subject().to_string().into();
        check.steps.push(Step::CrossCertificates { subject, layer, state, due });
        if let Some((url, stored, crosses)) = newer {
            let account = self.processes.get(&check.process).map(|p| p.account.clone());
            account.iter().for_each(|account| self.disk(account).mark_used(&url));
            self.take_crosses(now, check, point, (url, stored), &crosses, out);
        }
        state == State::Fresh
    }

    /// How long after one look for the cross-certificates of a CA the next one is due.
    fn interval(&self, holder: &Certificate) -> Span {
        let own = holder.cross_points().and_then(|points| points.interval());
        own.unwrap_or(self.parameters.cross_cert_download_interval)
    }

    /// What the disk cache of the process's account has from a point, the newest of several URLs.
    fn crosses_on_disk(
        &self,
        now: Instant,
        check: &Check,
        point: &Point,
    ) -> Option<(Url, Instant, Issuers)> {
        let process = self.processes.get(&check.process).filter(|process| !process.wire_only)?;
        let disk = self.disks.get(&process.account)?;
        let kept = point.urls.iter().filter_map(|url| {
            let entry = disk.find(url).filter(|entry| !self.flushed(now, entry))?;
            let heeded = process.ignore_before.is_none_or(|limit| entry.stored > limit);
            match &entry.object {
                Object::Issuers(crosses) if heeded => {
                    Some((url.clone(), entry.stored, crosses.clone()))
                }
                _ => None,
            }
        });
        kept.max_by_key(|(_, stored, _)| *stored)
    }

    /// Whether what came holds certificates. That there are none any more is an answer too.
    pub(super) fn validate_crosses(&self, reply: &Reply) -> Result<Object, String> {
        let (octets, limit) = (reply.body.len(), self.parameters.max_object_size);
        if octets > limit as usize {
            return Err(format!("it has {octets} octets, and {limit} are the limit"));
        }
        Issuers::parse(&reply.body).map(Object::Issuers).map_err(|why| why.to_string())
    }

    /// The process keeps what came from this URL then, instead of what it had from the point, and the
    /// chain is built anew.
    fn take_crosses(
        &mut self,
        now: Instant,
        check: &mut Check,
        point: &Point,
        (url, since): (Url, Instant),
        crosses: &Issuers,
        out: &mut Out<SutAction>,
    ) {
        if let Some(process) = self.processes.get_mut(&check.process) {
            process.keep_crosses(&point.urls, url, since, crosses.certificates());
        }
        self.trace_memory(check, CacheOp::Store, Purpose::Issuer, out);
        self.build_again(now, check);
    }
}
