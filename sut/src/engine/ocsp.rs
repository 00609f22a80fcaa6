//! OCSP: every URL of the AIA goes before the CRL (fact sheet §2.1), by GET or POST.

use revlab_lab::http::{Method, Request};
use revlab_lab::trace::{Layer, Purpose, State, Step, Used, Verdict};
use revlab_lab::{Instant, Out};
use revlab_pki::{CertStatus, Crl, CrlEntry, OcspAnswer, OcspRequest, OcspResponse, Reasons};

use super::Engine;
use super::answer::listed;
use super::check::{Check, Next, Stage};
use super::disk::Object;
use super::process::Held;
use super::retrieval::Wanted;
use super::subject::Link;
use crate::event::SutAction;
use crate::profile::OcspNonce;
use crate::validation::ocsp;

/// The policy value that puts the CRL first in any case (fact sheet §2.2).
const ALWAYS_CRL_FIRST: u32 = u32::MAX;

impl Engine {
    /// The verdict of a time-valid OCSP answer in memory or on disk.
    pub(super) fn cached_ocsp(
        &mut self,
        now: Instant,
        check: &mut Check,
        link: &Link,
    ) -> Option<Verdict> {
        if link.ocsp_urls.is_empty() || !self.parameters.ocsp_client {
            return None;
        }
        let process = self.processes.get_mut(&check.process)?;
        let held = process.entry(link.entry).ocsp.clone().map(|h| h.object);
        let mine = held.filter(|a| a.id.serial == link.certificate.serial());
        // An answer that the responder does not know the certificate settles nothing.
        let fresh = |engine: &Engine, a: &OcspAnswer| {
            let current = ocsp::current(a, 0, engine.clock.at(now), &engine.policy);
            engine.settles(a) && current.is_ok()
        };
        let (answer, layer) = match mine.filter(|a| fresh(self, a)) {
            Some(answer) => (answer, Layer::Memory),
            None => (self.ocsp_on_disk(check, link).filter(|a| fresh(self, a))?, Layer::Disk),
        };
        check.steps.push(Step::Lookup {
            object: Purpose::Ocsp,
            layer,
            state: State::Fresh,
            number: None,
            next_update: answer.next_update,
        });
        self.hold_ocsp(check, link, &answer);
        self.ocsp_verdict(check, &answer, layer)
    }

    fn ocsp_on_disk(&mut self, check: &Check, link: &Link) -> Option<OcspAnswer> {
        let process = self.processes.get(&check.process)?;
        if process.wire_only {
            return None;
        }
        let limit = process.ignore_before;
        let disk = self.disks.get_mut(&process.account)?;
        link.ocsp_gets.iter().flatten().find_map(|key| {
            let entry = disk.find(key)?;
            if limit.is_some_and(|l| entry.stored <= l) {
                return None;
            }
            let answer = match &entry.object {
                Object::Ocsp(response) => about(response, link),
                Object::Crl(_) | Object::Issuers(_) => None,
            };
            disk.mark_used(key);
            answer
        })
    }

    /// Asks the URL at this place of the AIA, unless it failed lately.
    pub(super) fn ask_ocsp(
        &mut self,
        now: Instant,
        check: &mut Check,
        link: &Link,
        at: usize,
        out: &mut Out<SutAction>,
    ) -> Next {
        let Some(url) = link.ocsp_urls.get(at) else {
            return Next::Stage(Stage::AfterOcsp);
        };
        if !check.pass.post_next && self.is_left_alone(now, check, Purpose::Ocsp, url) {
            return Next::Stage(Stage::Ocsp(at + 1));
        }
        let Some(wanted) = self.ocsp_request(check, link, at) else {
            return Next::Stage(Stage::Ocsp(at + 1));
        };
        match self.retrieve(now, check, link, wanted, out) {
            Some(fetch) => Next::Wait(fetch),
            None => Next::Stage(Stage::Delta),
        }
    }

    /// GET while the whole URL is short enough, else POST (RFC 5019 §5).
    fn ocsp_request(&mut self, check: &Check, link: &Link, at: usize) -> Option<Wanted> {
        let key = link.ocsp_gets.get(at)?.clone()?;
        let mut request = OcspRequest::of(link.id.clone());
        let mut get = Some(key.clone());
        if self.parameters.ocsp_nonce == OcspNonce::Sent {
            request.nonce = Some(self.nonce());
            get = request.url(link.ocsp_urls.get(at)?).ok();
        }
        let limit = self.parameters.ocsp_get_url_limit as usize;
        let get = get.filter(|url| url.as_str().len() <= limit && !check.pass.post_next);
        let http = match get {
            Some(get) => Request::get(get),
            None => Request {
                method: Method::Post,
                url: link.ocsp_urls.get(at)?.clone(),
                headers: vec![("Content-Type".into(), "application/ocsp-request".into())],
                body: request.der(),
            },
        };
        Some(Wanted::ocsp(key, http, request.nonce))
    }

    /// A nonce of 32 octets, as RFC 9654 §2.1 wants it.
    fn nonce(&self) -> Vec<u8> {
        let mut octets = [0; 32];
        let name = format!("sut/{}/nonce/{}", self.name, self.next_fetch);
        self.seed.stream(&name).fill(&mut octets);
        [&[0x04, 32], &octets[..]].concat()
    }

    /// A response has arrived that could be read and is signed as it should be.
    pub(super) fn take_ocsp(
        &mut self,
        check: &mut Check,
        link: &Link,
        response: &OcspResponse,
        at: usize,
    ) -> Stage {
        let known = about(response, link).filter(|answer| self.settles(answer));
        if let Some(url) = link.ocsp_urls.get(at) {
            self.lift_mark(check.process, url);
        }
        check.pass.post_next = false;
        // A responder that does not know the certificate has not failed: the next source is asked.
        let Some(answer) = known else { return Stage::Ocsp(at + 1) };
        self.hold_ocsp(check, link, &answer);
        let verdict = self.ocsp_verdict(check, &answer, Layer::Wire);
        verdict.map_or(Stage::Ocsp(at + 1), Stage::OcspSaid)
    }

    /// A URL failed: perhaps once more by POST, then it is left alone for a while.
    pub(super) fn ocsp_failed(
        &mut self,
        now: Instant,
        check: &mut Check,
        link: &Link,
        at: usize,
    ) -> Stage {
        check.pass.ocsp_failed = true;
        if let Some(url) = link.ocsp_urls.get(at) {
            self.leave_alone(now, check, Purpose::Ocsp, url);
        }
        let was_get = !check.pass.post_next && self.goes_by_get(link, at);
        check.pass.post_next = was_get && self.parameters.ocsp_post_after_get;
        Stage::Ocsp(if check.pass.post_next { at } else { at + 1 })
    }

    fn goes_by_get(&self, link: &Link, at: usize) -> bool {
        let limit = self.parameters.ocsp_get_url_limit as usize;
        link.ocsp_gets.get(at).and_then(Option::as_ref).is_some_and(|u| u.as_str().len() <= limit)
    }

    /// Whether CRLs go before OCSP: by policy, or because too many answers are cached.
    pub(super) fn prefers_crl(&self, check: &Check) -> bool {
        let count = self.parameters.switch_to_crl_count;
        let cached = self.processes.get(&check.process).map_or(0, |p| p.cached_ocsp());
        count == ALWAYS_CRL_FIRST || cached >= count as usize
    }

    fn hold_ocsp(&mut self, check: &Check, link: &Link, answer: &OcspAnswer) {
        if let Some(process) = self.processes.get_mut(&check.process) {
            process.entry(link.entry).ocsp = Some(Held::new(answer.clone()));
        }
    }

    pub(super) fn ocsp_verdict(
        &self,
        check: &mut Check,
        answer: &OcspAnswer,
        layer: Layer,
    ) -> Option<Verdict> {
        check.used.push(Used {
            object: Purpose::Ocsp,
            layer,
            number: None,
            next_update: answer.next_update,
        });
        match answer.status {
            CertStatus::Good => Some(Verdict::Good),
            CertStatus::Revoked { reason, .. } => {
                check.steps.push(Step::Listed { object: Purpose::Ocsp, reason });
                Some(Verdict::Revoked)
            }
            CertStatus::Unknown => self.settles(answer).then_some(Verdict::Good),
        }
    }

    /// Whether an answer says anything: `unknown` does where the profile takes it for good.
    fn settles(&self, answer: &OcspAnswer) -> bool {
        answer.status != CertStatus::Unknown || self.parameters.unknown_is_good
    }

    /// A responder has said something about the certificate. Where the first source does not decide, a
    /// CRL that is at hand can still say that it is revoked.
    pub(super) fn ocsp_said(
        &mut self,
        now: Instant,
        check: &mut Check,
        link: &Link,
        verdict: Verdict,
    ) -> Next {
        if verdict == Verdict::Good
            && !self.parameters.first_source_decides
            && let Some(entry) = self.listed_at_hand(now, check, link)
        {
            check.steps.push(Step::Listed { object: Purpose::Base, reason: entry.reason });
            return Next::Link(Verdict::Revoked);
        }
        Next::Link(verdict)
    }

    /// The entry of the certificate in a fresh CRL in memory or on disk.
    fn listed_at_hand(&self, now: Instant, check: &Check, link: &Link) -> Option<CrlEntry> {
        let process = self.processes.get(&check.process)?;
        let disk = self.disks.get(&process.account);
        let on_disk = link.crl_urls.iter().filter_map(|url| {
            let entry = disk?.find(url)?;
            let same = entry.about.issuer() == Some(&link.issuer);
            match &entry.object {
                Object::Crl(crl) if same => Some(crl),
                _ => None,
            }
        });
        let at_hand = process.base_of(link.entry).into_iter().chain(on_disk);
        let speaks = |crl: &&Crl| {
            crl.base_number().is_none()
                && crl.issuer().matches(link.issuer.subject())
                && self.covered(crl, link) != Reasons::NONE
                && self.state(now, crl.this_update(), crl.next_update()) == State::Fresh
        };
        at_hand.filter(speaks).find_map(|crl| listed(crl, link))
    }
}

/// What a response says about a link's certificate, whatever the hash function of its CertID.
fn about(response: &OcspResponse, link: &Link) -> Option<OcspAnswer> {
    ocsp::answers(response, &link.certificate, &link.issuer).next().cloned()
}
