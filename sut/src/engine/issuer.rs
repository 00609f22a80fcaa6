//! Issuers that neither the peer nor a store has: sought at the URLs of caIssuers (RFC 5280 §4.2.2.1)
//! before any revocation is looked at.
//!
//! What a URL gave is kept by the process and, by URL, on the account's disk: a machine can know an
//! issuer that is in none of its stores. The limits are documented (fact sheet §2.2, the MaxAIA
//! values); that they count like this is inferred, and so is that the time for one URL is that of a
//! CRL while the budget of the check, which is one for revocation (fact sheet §2.3), is left alone.

use revlab_lab::http::{Reply, Url};
use revlab_lab::trace::{CacheOp, Layer, Purpose, State, Step};
use revlab_lab::{Instant, Out, Span};
use revlab_pki::Certificate;

use super::Engine;
use super::check::Check;
use super::cross::Crossing;
use super::disk::{About, Object};
use super::retrieval::{Answered, Requester, Wanted};
use super::subject::{Usage, may_have_issued};
use crate::cache::Issuers;
use crate::event::SutAction;

/// A search for the issuers that a chain lacks.
#[derive(Debug)]
pub(super) struct Search {
    usage: Usage,
    /// What the peer sent.
    peer: Box<[Certificate]>,
    /// Which of the URLs of the certificate whose issuer is missing is asked.
    at: usize,
    /// How many requests were made for this chain.
    retrievals: u32,
    /// The cross-certificates, which come first.
    pub(super) crossing: Crossing,
}

impl Search {
    pub(super) fn new(usage: Usage, peer: &[Certificate]) -> Search {
        let crossing = Crossing::default();
        Search { usage, peer: peer.into(), at: 0, retrievals: 0, crossing }
    }
}

impl Engine {
    /// Completes the chain of a check, as far as it can be, and goes on with the check.
    pub(super) fn seek_issuers(
        &mut self,
        now: Instant,
        mut check: Check,
        out: &mut Out<SutAction>,
    ) {
        loop {
            if let Some(fetch) = self.seek_crosses(now, &mut check, out) {
                return self.wait(now, fetch, check);
            }
            let missing = check.subject.missing().filter(|_| self.parameters.aia_issuers);
            let Some(missing) = missing.cloned() else { break };
            if let Some(issuers) = self.issuers_on_disk(now, &mut check, &missing) {
                self.take_issuers(now, &mut check, &issuers, out);
                continue;
            }
            if let Some(fetch) = self.ask_for_issuers(now, &mut check, &missing, out) {
                return self.wait(now, fetch, check);
            }
            break;
        }
        self.chain_is_known(now, check, out);
    }

    /// A retrieval of issuers that a check waited for has come to its end.
    pub(super) fn issuers_answered(
        &mut self,
        now: Instant,
        mut check: Check,
        answered: &Answered,
        out: &mut Out<SutAction>,
    ) {
        check.steps.push(answered.step(check.id));
        let missing = check.subject.missing().cloned();
        let url = self.issuer_url(&check, missing.as_ref());
        if let Some(Object::Issuers(issuers)) = &answered.object {
            if let Some(url) = url {
                self.lift_mark(check.process, &url);
            }
            self.take_issuers(now, &mut check, issuers, out);
            return self.seek_issuers(now, check, out);
        }
        if let Some(url) = url {
            self.leave_alone(now, &check, Purpose::Issuer, &url);
        }
        if let Some(search) = &mut check.search {
            search.at += 1;
        }
        let next = missing.and_then(|missing| self.ask_for_issuers(now, &mut check, &missing, out));
        match next {
            Some(fetch) => self.wait(now, fetch, check),
            None => self.chain_is_known(now, check, out),
        }
    }

    /// The URL that the search has come to.
    fn issuer_url(&self, check: &Check, missing: Option<&Certificate>) -> Option<Url> {
        let at = check.search.as_ref()?.at;
        self.issuer_urls(missing?).get(at).cloned()
    }

    /// The URLs of a certificate that are looked at (MaxAIAUrlCountInCert).
    fn issuer_urls<'c>(&self, missing: &'c Certificate) -> &'c [Url] {
        let urls = missing.issuer_urls();
        urls.get(..self.parameters.aia_max_urls as usize).unwrap_or(urls)
    }

    /// Asks the next URL that may be asked; none: there is none left.
    fn ask_for_issuers(
        &mut self,
        now: Instant,
        check: &mut Check,
        missing: &Certificate,
        out: &mut Out<SutAction>,
    ) -> Option<u64> {
        if missing.issuer_urls().is_empty() {
            check.steps.push(Step::NoUrl { object: Purpose::Issuer });
        }
        loop {
            let url = self.issuer_url(check, Some(missing))?;
            let search = check.search.as_mut()?;
            let most = self.parameters.aia_max_retrievals;
            if search.retrievals >= most {
                let why = format!("{most} retrievals for a chain are the limit").into();
                check.steps.push(Step::Refused { object: Purpose::Issuer, why });
                return None;
            }
            if self.is_left_alone(now, check, Purpose::Issuer, &url) {
                check.search.as_mut()?.at += 1;
                continue;
            }
            check.search.as_mut()?.retrievals += 1;
            let wanted = Wanted::get(Purpose::Issuer, &url, false);
            if let Some(fetch) = self.shared(check.process, None, &wanted) {
                return Some(fetch);
            }
            let made_for = Some((check.id, check.subject.name.clone()));
            let (by, about) = (Requester::Process(check.process), About::Issued(missing.clone()));
            let limit = self.allowance(check);
            return Some(self.start(now, by, about, wanted, made_for, limit, out));
        }
    }

    /// Whether what came holds an issuer of the certificate, and keeps to the limits.
    pub(super) fn validate_issuers(
        &self,
        reply: &Reply,
        missing: &Certificate,
    ) -> Result<Object, String> {
        let p = &self.parameters;
        let (octets, limit) = (reply.body.len(), p.aia_max_bytes);
        if octets > limit as usize {
            return Err(format!("it has {octets} octets, and {limit} are the limit"));
        }
        let issuers = Issuers::parse(&reply.body).map_err(|why| why.to_string())?;
        let (count, limit) = (issuers.certificates().len(), p.aia_max_certificates);
        if count > limit as usize {
            return Err(format!("it has {count} certificates, and {limit} are the limit"));
        }
        match issuers.certificates().iter().any(|c| may_have_issued(c, missing)) {
            true => Ok(Object::Issuers(issuers)),
            false => Err(format!("no certificate of {} with the right key", missing.issuer())),
        }
    }

    /// Looks for an issuer that is valid now in the disk cache of the process's account.
    fn issuers_on_disk(
        &mut self,
        now: Instant,
        check: &mut Check,
        missing: &Certificate,
    ) -> Option<Issuers> {
        let process = self.processes.get(&check.process)?;
        if process.wire_only {
            return None;
        }
        let (account, ignore_before) = (process.account.clone(), process.ignore_before);
        for url in self.issuer_urls(missing) {
            let found = self.disks.get(&account).and_then(|disk| disk.find(url));
            let found = found.filter(|entry| {
                !self.flushed(now, entry) && ignore_before.is_none_or(|limit| entry.stored > limit)
            });
            let issuers = found.and_then(|entry| match &entry.object {
                Object::Issuers(issuers) => Some(issuers.clone()),
                Object::Crl(_) | Object::Ocsp(_) => None,
            });
            let issuer = issuers.as_ref().and_then(|issuers| {
                issuers.certificates().iter().find(|c| may_have_issued(c, missing))
            });
            let state = match issuer {
                None => State::Absent,
                Some(c) if c.not_after() + Span::from_secs(1) <= self.clock.at(now) => State::Stale,
                Some(_) => State::Fresh,
            };
            check.steps.push(found_issuer(Layer::Disk, state, issuer));
            if state == State::Fresh {
                self.disk(&account).mark_used(url);
                return issuers;
            }
        }
        None
    }

    /// Builds the chain anew with what was found; the process keeps it.
    fn take_issuers(
        &mut self,
        now: Instant,
        check: &mut Check,
        issuers: &Issuers,
        out: &mut Out<SutAction>,
    ) {
        let Some(search) = &mut check.search else { return };
        search.at = 0;
        if let Some(process) = self.processes.get_mut(&check.process) {
            process.keep_issuers(issuers.certificates());
        }
        self.trace_memory(check, CacheOp::Store, Purpose::Issuer, out);
        self.build_again(now, check);
    }

    /// Builds the chain with what the process has by now.
    pub(super) fn build_again(&mut self, now: Instant, check: &mut Check) {
        let Some(search) = &check.search else { return };
        let (usage, peer) = (search.usage, search.peer.clone());
        if let Some(subject) = self.build_chain(now, check.process, usage, &peer) {
            check.subject = subject;
        }
    }

    /// Says that the chain rests on an issuer from the process's memory, where it does.
    pub(super) fn note_issuers_in_memory(&self, check: &mut Check, peer: &[Certificate]) {
        let own = check.subject.borrowed().iter().find(|c| !peer.contains(c));
        if let Some(issuer) = own.cloned() {
            check.steps.push(found_issuer(Layer::Memory, State::Fresh, Some(&issuer)));
        }
    }
}

fn found_issuer(layer: Layer, state: State, issuer: Option<&Certificate>) -> Step {
    let next_update = issuer.map(Certificate::not_after);
    Step::Lookup { object: Purpose::Issuer, layer, state, number: None, next_update }
}
