//! A request of a real system under test at the CA's site: what comes of it, and its record.
//!
//! The record says what the CA saw: which process asked, for which check and what became of the
//! answer is not told by a program that is not ours.

use std::collections::BTreeMap;

use revlab_fake_ca::fault::{Caller, Heard, Ruling, page};
use revlab_fake_ca::live::{Answered, Arrived, Pace};
use revlab_lab::http::{FetchError, Reply, Request, Url};
use revlab_lab::trace::{Fetch, Kind, Log, ObjectInfo, Purpose};
use revlab_lab::{Instant, Name, Span};
use revlab_pki::{Crl, OcspResponse};
use tokio::sync::oneshot;

use super::lab::RealLab;
use super::publisher::Step;

/// An answer that goes out later, and what is to be put on record then.
pub(super) struct Late {
    id: u64,
    began: Instant,
    request: Request,
    purpose: Option<Purpose>,
    client: Option<Name>,
    faults: Vec<Name>,
    answer: oneshot::Sender<Answered>,
    answered: Answered,
    result: Result<Reply, FetchError>,
}

/// The script that brings CRLs, as a process in traces.
const PUBLISHER: &str = "publisher";

/// What a proxy says of a host that it cannot reach (RFC 9110 §15.6.3).
const BAD_GATEWAY: u16 = 502;

impl RealLab<'_> {
    /// Answers a request as the faults on its way have it, and puts it on record.
    pub(super) fn fetch(&mut self, arrived: Arrived) {
        let Arrived { mut request, answer, .. } = arrived;
        request.url = plain(request.url);
        self.fetches += 1;
        let (id, began, client) = (self.fetches, self.now, self.whose(&request));
        self.charge(self.scenario.network.request());
        // Those that wait for their answers.
        let open = u32::try_from(self.late.len()).unwrap_or(u32::MAX);
        let caller = Caller { name: &self.sut.name, account: None, open };
        let meeting = self.ca.meet(self.now, &caller, &request);
        let purpose = self.ca.purpose(&request).map(|(_, purpose)| purpose);
        let faults = meeting.faults.clone();
        // The proxy resolves names and connects, and whoever asks it waits meanwhile.
        let (found, ruling) = meeting.on_its_way(&self.scenario.network);
        let known = match ruling {
            Ruling::NameNotResolved => found - Ord::min(found, self.scenario.network.name_error),
            _ => found,
        };
        let mut held = self.pass(known);
        // Through a proxy, a host that cannot be reached is the proxy's to tell.
        let (answered, heard) = self.exchange(&ruling, &request).unwrap_or_else(|| {
            let told = Answered::Reply(page(BAD_GATEWAY));
            let heard = heard(&told);
            (told, heard)
        });
        if let Ruling::Answer(answer) = &ruling {
            held = held + self.pass(answer.delay + heard.after);
        }
        let result = heard.result;
        self.silent |= answered == Answered::Silent;
        let late = Late { id, began, request, purpose, client, faults, answer, answered, result };
        if held > Span::ZERO {
            self.late.insert((self.now + held, id), late);
        } else {
            self.charge(self.scenario.network.answer());
            self.send_off(late);
        }
    }

    /// What the CA's site says, and what is heard of it; none: no request reaches it.
    fn exchange(&mut self, ruling: &Ruling, request: &Request) -> Option<(Answered, Heard)> {
        let answered = match ruling {
            Ruling::Answer(answer) => {
                let own = self.serve(request.clone(), ruling.defects());
                let substatus = own.substatus;
                let answered = Answered::under(ruling, request, Pace::Lab, || own);
                let mut heard = heard(&answered);
                if answer.page.is_none() {
                    heard.result = heard.result.map(|reply| Reply { substatus, ..reply });
                }
                return Some((answered, heard));
            }
            Ruling::Elsewhere(_) => {
                Answered::Reply(self.serve(ruling.lead(request.clone()), ruling.defects()))
            }
            Ruling::NameNotResolved | Ruling::Refused | Ruling::Insecure(_) => return None,
            Ruling::Reset | Ruling::ResetAtConnect => Answered::Reset,
            Ruling::Silent | Ruling::Swallowed => Answered::Silent,
        };
        let heard = heard(&answered);
        Some((answered, heard))
    }

    /// The script that brings CRLs does what it is about to do.
    pub(super) fn publish(&mut self) {
        match self.publisher.as_mut().and_then(|script| script.wake(self.now)) {
            Some(Step::Fetch) => self.fetch_crls(),
            Some(Step::Put(batch)) => {
                let done = self.peer.ours().map_or(Ok(()), |server| server.publish(&batch));
                self.taken_up(done);
            }
            None => {}
        }
    }

    /// The script asks each CA for its base CRL. What it gets it gets at once: it has time.
    fn fetch_crls(&mut self) {
        let mut crls = BTreeMap::new();
        let cas: Vec<Name> = self.scenario.cas.keys().cloned().collect();
        for ca in cas {
            let Some(url) = self.ca.urls(&ca).map(|urls| urls.base) else { continue };
            let request = Request::get(url);
            self.fetches += 1;
            let (id, began) = (self.fetches, self.now);
            let caller = Caller { name: &self.sut.name, account: None, open: 0 };
            let meeting = self.ca.meet(self.now, &caller, &request);
            let faults = meeting.faults.clone();
            let (_, ruling) = meeting.on_its_way(&self.scenario.network);
            let result = match self.exchange(&ruling, &request) {
                Some((_, heard)) => heard.result,
                None if ruling == Ruling::NameNotResolved => Err(FetchError::NameNotResolved),
                None => Err(FetchError::ConnectionRefused),
            };
            let mut record = self.fetch_record(id, began, &request, Purpose::Base, &result);
            record.process = Name::from(PUBLISHER);
            record.faults = faults;
            self.record(Kind::Fetch(record));
            if let Some(reply) = result.ok().filter(|reply| reply.status == 200) {
                crls.insert(ca, reply.body.to_vec());
            }
        }
        if let Some(script) = &mut self.publisher {
            script.fetched(self.now, crls);
        }
    }

    /// The answer that is due now goes out.
    pub(super) fn let_go(&mut self) {
        if let Some((_, late)) = self.late.pop_first() {
            self.send_off(late);
        }
    }

    fn send_off(&mut self, late: Late) {
        let Late { id, began, request, purpose, client, faults, answer, answered, result } = late;
        // One who has gone away meanwhile gets no answer, and the record says what it would be.
        let _ = answer.send(answered);
        let record = match purpose {
            Some(purpose) => {
                let mut record = self.fetch_record(id, began, &request, purpose, &result);
                record.client = client;
                record.faults = faults;
                Kind::Fetch(record)
            }
            None => Kind::Log(self.stray(&request, &result)),
        };
        self.record(record);
    }

    /// An answer is held back. Where lab time stands still, it goes on; in real time others must not
    /// wait meanwhile: what is left to wait.
    fn pass(&mut self, delay: Span) -> Span {
        if self.peer.holds_time() && !self.peer.is_paced() {
            self.advance(self.now + delay);
            return Span::ZERO;
        }
        delay
    }

    fn fetch_record(
        &self,
        id: u64,
        began: Instant,
        request: &Request,
        purpose: Purpose,
        result: &Result<Reply, FetchError>,
    ) -> Fetch {
        let reply = result.as_ref().ok();
        Fetch {
            id,
            began,
            by: self.sut.name.clone(),
            process: Name::from(self.process()),
            purpose,
            method: request.method,
            url: request.url.clone(),
            status: reply.map(|r| r.status),
            substatus: reply.map(|r| r.substatus).filter(|s| *s != 0),
            error: result.as_ref().err().copied(),
            rejected: None,
            bytes: reply.map_or(0, |r| r.body.len() as u64),
            took_ms: (self.now - began).as_millis(),
            object: reply.filter(|r| r.status == 200).and_then(|r| object(purpose, &r.body)),
            check: None,
            unsolicited: None,
            client: None,
            faults: Vec::new(),
        }
    }

    /// A request for what no certificate or CRL names.
    fn stray(&self, request: &Request, result: &Result<Reply, FetchError>) -> Log {
        let answer = match result {
            Ok(reply) => reply.status.to_string(),
            Err(error) => error.as_str().to_owned(),
        };
        let line = format!("{} {} {answer}", request.method.as_str(), request.url);
        let (by, file) = (self.sut.name.clone(), Name::from("ca-access.log"));
        Log { by, file, line, code: None, attempt: None }
    }
}

/// What a client hears of an answer that comes.
fn heard(answered: &Answered) -> Heard {
    let at_once = |result| Heard { result, after: Span::ZERO };
    match answered {
        Answered::Reply(reply) | Answered::Late(reply, _) => at_once(Ok(reply.clone())),
        Answered::Script(script, _) => script.heard(),
        Answered::Reset => at_once(Err(FetchError::ConnectionReset)),
        Answered::Silent => at_once(Err(FetchError::TimedOut)),
    }
}

/// The URL as certificates write it: OpenSSL asks a proxy with the port, also with that of HTTP.
fn plain(url: Url) -> Url {
    let explicit = url.authority().strip_suffix(":80").filter(|_| url.scheme() == "http");
    let Some(host) = explicit else { return url };
    let text = format!("http://{host}{}", url.path_and_query());
    text.parse().unwrap_or(url)
}

/// What was served. An OCSP answer is the first of its response, which is the one that the CA gives about
/// the first certificate asked for.
fn object(purpose: Purpose, body: &[u8]) -> Option<ObjectInfo> {
    match purpose {
        Purpose::Base | Purpose::Delta => {
            let crl = Crl::parse(body).ok()?;
            Some(ObjectInfo {
                number: crl.number(),
                base_number: crl.base_number(),
                this_update: crl.this_update(),
                next_update: crl.next_update(),
                sha1: Some(crl.sha1()),
            })
        }
        Purpose::Ocsp => {
            let response = OcspResponse::parse(body).ok()?;
            let answer = response.answers().first()?;
            Some(ObjectInfo {
                number: None,
                base_number: None,
                this_update: answer.this_update,
                next_update: answer.next_update,
                sha1: None,
            })
        }
        Purpose::Issuer => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_http_is_left_out_as_in_certificates_and_others_are_kept() {
        let text = |url: &str| plain(url.parse().unwrap()).to_string();
        assert_eq!(text("http://pki.lab.example:80/a.crl"), "http://pki.lab.example/a.crl");
        assert_eq!(text("http://pki.lab.example:8080/a"), "http://pki.lab.example:8080/a");
        assert_eq!(text("http://pki.lab.example/a?b"), "http://pki.lab.example/a?b");
    }

    #[test]
    fn what_is_no_crl_has_no_numbers() {
        assert_eq!(object(Purpose::Base, b"<html>"), None);
        assert_eq!(object(Purpose::Ocsp, b""), None);
    }
}
