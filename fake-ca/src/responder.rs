//! A working OCSP responder (RFC 6960, with the caching of RFC 5019).
//!
//! It signs with the CA's own key, knows of a revocation at once, and answers `unknown` for a
//! serial number that the CA never issued. An answer is produced when it is first asked for and
//! given again until half its validity has passed or the status has changed; that half is a choice
//! of this lab, so that no answer is handed out in its last moments.

use std::collections::BTreeMap;
use std::sync::Arc;

use revlab_lab::http::{Method, Reply, Request, Url};
use revlab_lab::trace::{Publish, Purpose};
use revlab_lab::{Instant, Span};
use revlab_pki::{CertId, CertStatus, Malformed, OcspAnswer, OcspRequest, OcspResponse};

use crate::authority::Authority;
use crate::locations::below;
use crate::sha1;
use crate::web_site::imf_fixdate;

/// RFC 6960 §4.2.1: the request cannot be read.
const MALFORMED_REQUEST: u8 = 1;

/// RFC 5019 §2.2.3: the responder has nothing to say about that CA.
const UNAUTHORIZED: u8 = 6;

/// The answers that a responder has produced, by serial number.
#[derive(Debug, Default)]
pub(crate) struct Responses {
    by_serial: BTreeMap<Vec<u8>, Produced>,
}

/// One answer, good for a while.
#[derive(Clone, Debug)]
struct Produced {
    status: CertStatus,
    this_update: Instant,
    next_update: Instant,
    der: Arc<[u8]>,
}

/// An OCSP request, and the responder's URL that it came to.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) at: Url,
    pub(crate) request: Result<OcspRequest, Malformed>,
}

impl Authority {
    /// The OCSP request in `request`, where it is for this CA's responder and the responder is
    /// there by lab time `now`. A GET has the request below the URL, a POST in a body of the type
    /// application/ocsp-request; anything else is left to the web site.
    pub(crate) fn asked(&self, now: Instant, request: &Request) -> Option<Asked> {
        let responder = self.config.responder.as_ref()?;
        if responder.from.is_some_and(|from| now < from) {
            return None;
        }
        let urls = responder.at.as_ref().unwrap_or(&self.config.aia.ocsp);
        urls.iter().find_map(|url| {
            let request = read(below(url, &request.url)?, request)?;
            Some(Asked { at: url.clone(), request })
        })
    }

    /// Answers about one certificate; with the record of the answer where it is new. Its number
    /// is filled in by the caller.
    pub(crate) fn respond(
        &mut self,
        now: Instant,
        at: &Url,
        id: &CertId,
    ) -> (Reply, Option<Publish>) {
        let clock = self.config.clock.at(now);
        let now = clock.floor_to_second();
        let status = self.status(&id.serial);
        let validity = self.config.responder.as_ref().map_or(Span::ZERO, |r| r.validity);
        let kept = self.responses.by_serial.get(&id.serial).filter(|produced| {
            let half = (produced.next_update - produced.this_update).scale(1, 2);
            produced.status == status
                && produced.this_update <= now
                && now <= produced.this_update + half
        });
        if let Some(produced) = kept {
            return (produced.reply(now), None);
        }
        let next_update = (now + Ord::max(validity, Span::from_secs(1))).floor_to_second();
        let answer = OcspAnswer {
            id: id.clone(),
            status,
            this_update: now,
            next_update: Some(next_update),
            produced_at: now,
        };
        let der: Arc<[u8]> = answer.sign(&self.certificate, &self.key, false).into();
        let produced = Produced { status, this_update: now, next_update, der };
        let (reply, record) = (produced.reply(now), self.record(&produced, at));
        self.responses.by_serial.insert(id.serial.clone(), produced);
        (reply, Some(record))
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
            next_update: Some(produced.next_update),
            next_publish: None,
            entries: u64::from(matches!(produced.status, CertStatus::Revoked { .. })),
            bytes: produced.der.len() as u64,
            sha1: sha1(&produced.der),
        }
    }
}

/// The reply to what is no OCSP request.
pub(crate) fn malformed() -> Reply {
    error(MALFORMED_REQUEST)
}

/// The reply to a question about another CA's certificate.
pub(crate) fn unauthorized() -> Reply {
    error(UNAUTHORIZED)
}

fn read(rest: &str, request: &Request) -> Option<Result<OcspRequest, Malformed>> {
    match request.method {
        Method::Get | Method::Head if !rest.is_empty() => Some(OcspRequest::from_path(rest)),
        Method::Post if rest.is_empty() => {
            let kind = request.header("Content-Type")?.split(';').next()?.trim();
            kind.eq_ignore_ascii_case("application/ocsp-request")
                .then(|| OcspRequest::parse(&request.body))
        }
        _ => None,
    }
}

fn error(status: u8) -> Reply {
    Reply {
        status: 200,
        substatus: 0,
        headers: vec![field("Content-Type", "application/ocsp-response")],
        body: OcspResponse::error(status).into(),
    }
}

impl Produced {
    /// RFC 5019 §6.2: max-age ends with nextUpdate.
    fn reply(&self, now: Instant) -> Reply {
        let max_age = (self.next_update - now).as_secs();
        let caching = format!("max-age={max_age},public,no-transform,must-revalidate");
        Reply {
            status: 200,
            substatus: 0,
            headers: vec![
                field("Content-Type", "application/ocsp-response"),
                field("Cache-Control", &caching),
                field("Last-Modified", &imf_fixdate(self.this_update)),
                field("Expires", &imf_fixdate(self.next_update)),
                field("ETag", &format!("\"{}\"", sha1(&self.der))),
            ],
            body: self.der.clone(),
        }
    }
}

fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
