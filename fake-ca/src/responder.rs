//! A working OCSP responder (RFC 6960, with the caching of RFC 5019), and a broken one.
//!
//! It signs with the CA's own key or a delegated one, knows of a revocation at once, some time later or
//! from the published lists ([`source`]), and answers `unknown` for a serial number that the CA never
//! issued, unless it is to say `good`. An answer is produced
//! when it is first asked for and given again until half its validity has passed or the status has
//! changed; that half is a choice of this lab, so that no answer is handed out in its last moments.

mod draft;
mod request;
pub(crate) mod signer;
mod source;

use std::collections::BTreeMap;
use std::sync::Arc;

use revlab_lab::Instant;
use revlab_lab::http::{Method, Reply, Request, Url};
use revlab_lab::trace::{Publish, Purpose};
use revlab_pki::{CertId, CertStatus, OcspRequest, OcspResponse};

pub(crate) use request::Refusal;

use crate::authority::Authority;
use crate::config::{AnswerDates, Responder, Signing};
use crate::content::ocsp::OcspDefect;
use crate::sha1;
use crate::web_site::{error_page, imf_fixdate, is_unchanged};
use draft::{Draft, Subject};
use signer::Signers;

/// RFC 6960 §4.2.1: the request cannot be read.
const MALFORMED_REQUEST: u8 = 1;

/// RFC 6960 §4.2.1: there is no list yet that it could answer by.
const TRY_LATER: u8 = 3;

/// RFC 5019 §2.2.3: the responder has nothing to say about that CA.
const UNAUTHORIZED: u8 = 6;

/// What a responder keeps.
#[derive(Debug, Default)]
pub(crate) struct Responses {
    by_id: BTreeMap<CertId, Produced>,
    pub(crate) signers: Signers,
    lists: source::Lists,
}

/// One answer, good for a while.
#[derive(Clone, Debug)]
struct Produced {
    status: CertStatus,
    this_update: Instant,
    next_update: Option<Instant>,
    /// Whether others than who asked may have it.
    shared: bool,
    der: Arc<[u8]>,
}

impl Authority {
    /// Answers a request about this CA's certificates; with the record of the answer where it is
    /// new and right. Its number is filled in by the caller.
    pub(crate) fn respond(
        &mut self,
        now: Instant,
        at: &Url,
        asked: &OcspRequest,
        defects: &[OcspDefect],
        request: &Request,
    ) -> (Reply, Option<Publish>) {
        let Some(responder) = self.config.responder.clone() else { return (unauthorized(), None) };
        let now = self.config.clock.at(now).floor_to_second();
        let ids: Vec<CertId> = asked.ids.iter().filter(|id| self.has_issued(id)).cloned().collect();
        let serials: Vec<&[u8]> = ids.iter().map(|id| id.serial.as_slice()).collect();
        let Some((statuses, window)) = self.looked_up(now, &responder, &serials) else {
            return (plain(OcspResponse::error(TRY_LATER), OCSP_RESPONSE), None);
        };
        if let Some(kept) = self.kept(now, window, &responder, &ids, &statuses, asked, defects) {
            return (kept.reply(now, request), None);
        }
        let subject =
            Subject { now, window, ids: &ids, statuses: &statuses, nonce: asked.nonce.as_deref() };
        let produced = self.produce(&subject, defects);
        let reply = produced.reply(now, request);
        if !defects.is_empty() {
            return (reply, None);
        }
        let record = self.record(&produced, at);
        if let ([id], true) = (&*ids, produced.shared) {
            self.responses.by_id.insert(id.clone(), produced);
        }
        (reply, Some(record))
    }

    /// The answer that may be given again.
    #[expect(clippy::too_many_arguments, reason = "each is a fact of the request")]
    fn kept(
        &self,
        now: Instant,
        window: (Instant, Instant),
        responder: &Responder,
        ids: &[CertId],
        statuses: &[CertStatus],
        asked: &OcspRequest,
        defects: &[OcspDefect],
    ) -> Option<&Produced> {
        let ([id], [status]) = (ids, statuses) else { return None };
        let own_answer =
            responder.nonce != crate::config::NonceRule::Ignore && asked.nonce.is_some();
        if responder.signing == Signing::Live || own_answer || !defects.is_empty() {
            return None;
        }
        let produced = self.responses.by_id.get(id)?;
        let half = (produced.next_update? - produced.this_update).scale(1, 2);
        let fresh = match responder.dates {
            AnswerDates::Own => produced.this_update <= now && now <= produced.this_update + half,
            AnswerDates::Base | AnswerDates::Newest => {
                (produced.this_update, produced.next_update) == (window.0, Some(window.1))
            }
        };
        (produced.status == *status && fresh).then_some(produced)
    }

    fn produce(&mut self, subject: &Subject<'_>, defects: &[OcspDefect]) -> Produced {
        let mut draft = Draft::right(self, subject);
        for defect in defects {
            draft.spoil(*defect, self, subject);
        }
        let (this_update, next_update) = draft.window(subject.now);
        Produced {
            status: subject.statuses.first().copied().unwrap_or(CertStatus::Unknown),
            this_update,
            next_update,
            shared: !draft.has_nonce(),
            der: draft::damage(draft.sign(self), defects),
        }
    }

    fn record(&self, produced: &Produced, at: &Url) -> Publish {
        Publish {
            id: 0,
            ca: self.config.name.clone(),
            what: Purpose::Ocsp,
            url: at.as_str().into(),
            number: None,
            base_number: None,
            this_update: produced.this_update,
            next_update: produced.next_update,
            next_publish: None,
            entries: u64::from(matches!(produced.status, CertStatus::Revoked { .. })),
            bytes: produced.der.len() as u64,
            sha1: sha1(&produced.der),
        }
    }
}

/// The reply to what the responder does not get to think about.
pub(crate) fn refused(refusal: Refusal) -> Reply {
    match refusal {
        Refusal::Malformed => plain(OcspResponse::error(MALFORMED_REQUEST), OCSP_RESPONSE),
        Refusal::Status(status) => error_page(status, 0),
    }
}

/// The reply to a question about another CA's certificate.
pub(crate) fn unauthorized() -> Reply {
    plain(OcspResponse::error(UNAUTHORIZED), OCSP_RESPONSE)
}

/// The reply that a defect puts in place of whatever would be said.
pub(crate) fn instead(defects: &[OcspDefect]) -> Option<Reply> {
    draft::instead(defects).map(|(body, kind)| plain(body, kind))
}

const OCSP_RESPONSE: &str = "application/ocsp-response";

fn plain(body: Vec<u8>, kind: &str) -> Reply {
    let headers = vec![field("Content-Type", kind)];
    Reply { status: 200, substatus: 0, headers, body: body.into() }
}

impl Produced {
    /// RFC 5019 §6.2: max-age ends with nextUpdate. An answer to one request alone is not to be
    /// kept by caches.
    fn reply(&self, now: Instant, request: &Request) -> Reply {
        let mut headers = vec![field("Content-Type", OCSP_RESPONSE)];
        if !self.shared {
            headers.push(field("Cache-Control", "no-store"));
            return Reply { status: 200, substatus: 0, headers, body: self.der.clone() };
        }
        let etag = format!("\"{}\"", sha1(&self.der));
        if let Some(next_update) = self.next_update {
            let max_age = Ord::max((next_update - now).as_secs(), 0);
            let caching = format!("max-age={max_age},public,no-transform,must-revalidate");
            headers.push(field("Cache-Control", &caching));
        }
        headers.push(field("Last-Modified", &imf_fixdate(self.this_update)));
        if let Some(next_update) = self.next_update {
            headers.push(field("Expires", &imf_fixdate(next_update)));
        }
        headers.push(field("ETag", &etag));
        let conditional = request.method != Method::Post;
        if conditional && is_unchanged(request, &etag, self.this_update) {
            headers.retain(|(name, _)| name != "Content-Type");
            return Reply { status: 304, substatus: 0, headers, body: Arc::from([]) };
        }
        Reply { status: 200, substatus: 0, headers, body: self.der.clone() }
    }
}

fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[cfg(test)]
mod tests;
