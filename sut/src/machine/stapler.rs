//! What a server staples to a certificate that it sends: the newest response of the responder that the
//! certificate names (RFC 6066 §8, RFC 8446 §4.4.2.1).

use std::sync::Arc;

use revlab_lab::http::{FetchError, Method, Reply, Request, Url};
use revlab_lab::trace::{Fetch, Kind, ObjectInfo, Purpose};
use revlab_lab::{Clock, Instant, Name, Out, Span};
use revlab_pki::{CertId, Certificate, OcspRequest, OcspResponse, Verifier};

use crate::config::Staple;
use crate::engine::SYSTEM_ACCOUNT;
use crate::event::SutAction;

/// Fetches of a stapler are counted from here, apart from those of checks.
const FIRST: u64 = 1 << 40;

/// The staplers of a chain count apart from each other.
const APART: u64 = 1 << 32;

/// After a request that failed the next comes so much later, or after the usual time if that is
/// shorter. A choice of revlab's.
const RETRY: Span = Span::from_mins(5);

/// How long a request may take.
const PATIENCE: Span = Span::from_secs(15);

/// A server's stapling to one of its certificates, as a state machine.
#[derive(Debug)]
pub(super) struct Stapler {
    by: Name,
    clock: Clock,
    staple: Staple,
    user_agent: String,
    own: Option<Own>,
    verifier: Verifier,
    held: Option<Held>,
    asked: Option<Asked>,
    /// When the responder is asked next; none: when the first client comes.
    due: Option<Instant>,
    /// Its fetches count from here.
    first: u64,
    next: u64,
}

/// The certificate that is stapled to, with its issuer.
#[derive(Debug)]
struct Own {
    id: CertId,
    issuer: Certificate,
    url: Url,
}

#[derive(Debug)]
struct Held {
    response: Arc<[u8]>,
    next_update: Option<Instant>,
}

/// A request that is under way.
#[derive(Debug)]
struct Asked {
    fetch: u64,
    request: Request,
    began: Instant,
}

impl Stapler {
    pub(super) fn new(by: Name, clock: Clock, staple: Staple, user_agent: String) -> Stapler {
        Stapler {
            by,
            clock,
            staple,
            user_agent,
            own: None,
            verifier: Verifier::new(),
            held: None,
            asked: None,
            due: None,
            first: FIRST,
            next: FIRST,
        }
    }

    /// One like this for the certificate at another place of the chain.
    pub(super) fn for_place(&self, place: usize) -> Stapler {
        let first = FIRST + APART * place as u64;
        let (by, clock) = (self.by.clone(), self.clock.clone());
        Stapler {
            first,
            next: first,
            ..Stapler::new(by, clock, self.staple, self.user_agent.clone())
        }
    }

    /// Whether it is to have one like it for each certificate of the chain.
    pub(super) fn staples_chain(&self) -> bool {
        self.staple.chain
    }

    /// The server's certificate is another: what is held is about the one before.
    pub(super) fn set_own(&mut self, now: Instant, chain: &[Certificate], known: &[Certificate]) {
        let own = chain.first();
        let issuer = own.and_then(|own| {
            let all = chain.iter().skip(1).chain(known);
            all.into_iter().find(|c| self.verifier.verify_certificate(own, c))
        });
        self.own = own.zip(issuer).and_then(|(own, issuer)| {
            let url = own.ocsp_urls().first()?.clone();
            Some(Own { id: CertId::new(own, issuer), issuer: issuer.clone(), url })
        });
        if !self.staple.unchecked {
            self.held = None;
        }
        self.due = (!self.staple.lazy).then_some(now);
    }

    pub(super) fn next_wakeup(&self) -> Option<Instant> {
        self.own.as_ref()?;
        match &self.asked {
            Some(asked) => Some(asked.began + PATIENCE),
            None => self.due,
        }
    }

    /// Asks the responder, when it is time to, or gives a request up.
    pub(super) fn wake(&mut self, now: Instant, out: &mut Out<SutAction>) {
        if let Some(asked) = self.asked.take_if(|asked| asked.began + PATIENCE <= now) {
            out.act(SutAction::Abandon { fetch: asked.fetch });
            self.answered(now, &asked, Err(FetchError::TimedOut), out);
        }
        if self.asked.is_none() && self.due.is_some_and(|due| due <= now) {
            self.ask(now, out);
        }
    }

    /// What is stapled for a client that makes a full handshake now.
    pub(super) fn response(&mut self, now: Instant) -> Option<Arc<[u8]>> {
        if self.staple.lazy && self.due.is_none() && self.asked.is_none() {
            self.due = Some(now);
        }
        let reading = self.clock.at(now);
        let keep = self.staple.keep_expired;
        let held = self.held.as_ref();
        held.filter(|h| keep || h.next_update.is_none_or(|n| reading <= n))
            .map(|h| h.response.clone())
    }

    /// Whether a fetch is this one's.
    pub(super) fn waits_for(&self, fetch: u64) -> bool {
        (self.first..self.first + APART).contains(&fetch)
    }

    pub(super) fn fetched(
        &mut self,
        now: Instant,
        fetch: u64,
        result: Result<Reply, FetchError>,
        out: &mut Out<SutAction>,
    ) {
        if let Some(asked) = self.asked.take_if(|asked| asked.fetch == fetch) {
            self.answered(now, &asked, result, out);
        }
    }

    /// Forgets what is held, as a reboot does.
    pub(super) fn forget(&mut self, now: Instant, out: &mut Out<SutAction>) {
        self.held = None;
        if let Some(asked) = self.asked.take() {
            out.act(SutAction::Abandon { fetch: asked.fetch });
        }
        self.due = (!self.staple.lazy).then_some(now);
    }

    fn ask(&mut self, now: Instant, out: &mut Out<SutAction>) {
        let Some(own) = &self.own else { return };
        let request = Request {
            method: Method::Post,
            url: own.url.clone(),
            headers: vec![
                ("Content-Type".into(), "application/ocsp-request".into()),
                ("User-Agent".into(), self.user_agent.clone()),
            ],
            body: OcspRequest::of(own.id.clone()).der(),
        };
        let fetch = self.next;
        self.next += 1;
        let account = Name::from(SYSTEM_ACCOUNT);
        out.act(SutAction::Fetch { fetch, request: request.clone(), account });
        self.asked = Some(Asked { fetch, request, began: now });
    }

    fn answered(
        &mut self,
        now: Instant,
        asked: &Asked,
        result: Result<Reply, FetchError>,
        out: &mut Out<SutAction>,
    ) {
        let judged = result.as_ref().ok().map(|reply| self.judge(now, reply));
        let (object, rejected) = match &judged {
            Some(Ok((object, _))) => (object.clone(), None),
            Some(Err(why)) => (None, Some(why.clone())),
            None => (None, None),
        };
        out.trace(Kind::Fetch(self.record(now, asked, &result, object, rejected)));
        match judged {
            Some(Ok((_, held))) => {
                self.held = Some(held);
                self.due = Some(now + self.staple.refresh);
            }
            Some(Err(_)) | None => {
                if self.staple.drop_on_failure {
                    self.held = None;
                }
                self.due = Some(now + Ord::min(self.staple.refresh, RETRY));
            }
        }
    }

    /// What a reply is worth.
    fn judge(&mut self, now: Instant, reply: &Reply) -> Result<(Option<ObjectInfo>, Held), Name> {
        if reply.status != 200 {
            return Err(Arc::from(format!("HTTP status {}", reply.status)));
        }
        let valid = self.valid(now, &reply.body);
        let response: Arc<[u8]> = reply.body.clone();
        match valid {
            Ok(info) => {
                let next_update = info.next_update;
                Ok((Some(info), Held { response, next_update }))
            }
            Err(_) if self.staple.unchecked => Ok((None, Held { response, next_update: None })),
            Err(why) => Err(Arc::from(why)),
        }
    }

    fn valid(&mut self, now: Instant, body: &[u8]) -> Result<ObjectInfo, String> {
        let own = self.own.as_ref().ok_or("there is no certificate")?;
        let response = OcspResponse::parse(body).map_err(|e| e.to_string())?;
        if response.status() != 0 {
            return Err(format!("responseStatus {}", response.status()));
        }
        if !self.verifier.verify_ocsp(&response, &own.issuer) {
            return Err("its signature does not verify".into());
        }
        let answer = response.find(&own.id).ok_or("it is about another certificate")?;
        let reading = self.clock.at(now);
        if reading < answer.this_update {
            return Err("it is not valid yet by the server's clock".into());
        }
        if answer.next_update.is_some_and(|next| reading > next) {
            return Err("it has expired by the server's clock".into());
        }
        Ok(ObjectInfo {
            number: None,
            base_number: None,
            this_update: answer.this_update,
            next_update: answer.next_update,
            sha1: None,
        })
    }

    fn record(
        &self,
        now: Instant,
        asked: &Asked,
        result: &Result<Reply, FetchError>,
        object: Option<ObjectInfo>,
        rejected: Option<Name>,
    ) -> Fetch {
        let reply = result.as_ref().ok();
        Fetch {
            id: asked.fetch,
            began: asked.began,
            by: self.by.clone(),
            process: Arc::from("staple"),
            purpose: Purpose::Ocsp,
            method: asked.request.method,
            url: asked.request.url.clone(),
            status: reply.map(|r| r.status),
            substatus: reply.map(|r| r.substatus).filter(|s| *s != 0),
            error: result.as_ref().err().copied(),
            rejected,
            bytes: reply.map_or(0, |r| r.body.len() as u64),
            took_ms: (now - asked.began).as_millis(),
            object,
            check: None,
            unsolicited: Some(Arc::from("staple")),
            client: None,
            faults: Vec::new(),
        }
    }
}
