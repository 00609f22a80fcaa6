//! What a retrieval brought: validated, stored on disk, put on record.

use std::sync::Arc;

use revlab_lab::http::{FetchError, Method, Reply};
use revlab_lab::trace::{Cache, CacheOp, Fetch, Kind, Layer, ObjectInfo, Purpose};
use revlab_lab::{Instant, Name, Out};
use revlab_pki::{Crl, CrlEntry, OcspAnswer, OcspResponse, Reasons};

use super::Engine;
use super::disk::{About, DiskEntry, Object};
use super::prefetch::response;
use super::process::Process;
use super::retrieval::{Requester, Retrieval};
use super::subject::Link;
use crate::cache::Prefetch;
use crate::event::SutAction;
use crate::validation::step::{CrlRef, Step};
use crate::validation::{Evidence, crl, ocsp, single};

impl Engine {
    /// The object in a reply, if it is one that this retrieval was made for.
    pub(super) fn validate(
        &mut self,
        now: Instant,
        retrieval: &Retrieval,
        reply: &Reply,
    ) -> Result<Object, String> {
        let purpose = retrieval.wanted.purpose;
        let link = match &retrieval.about {
            About::Link(link) => link,
            About::Issued(missing) => return self.validate_issuers(reply, missing),
            About::Crossed(_) => return self.validate_crosses(reply),
        };
        let (octets, limit) = (reply.body.len(), self.parameters.max_object_size);
        if octets > limit as usize {
            return Err(format!("it has {octets} octets, and {limit} are the limit"));
        }
        if purpose == Purpose::Ocsp {
            let response = OcspResponse::parse(&reply.body).map_err(|e| e.to_string())?;
            let (nonce, at_hand) = (retrieval.wanted.nonce.clone(), self.crls_at_hand(retrieval));
            self.judge_response(now, &response, link, nonce, at_hand)?;
            return Ok(Object::Ocsp(response));
        }
        let crl = Crl::parse(&reply.body).map_err(|e| e.to_string())?;
        self.validate_crl(now, &crl, link, purpose)?;
        let name = CrlRef::of(0, &crl);
        match crl::current(&crl, &name, self.clock.at(now), &self.policy) {
            Err(Step::CrlExpired { .. }) if self.revokes_though_expired(&crl, link) => {}
            judged => judged.map_err(|step| words(&step))?,
        }
        Ok(Object::Crl(crl))
    }

    /// Whether an OCSP response is about a link's certificate and current, and who has signed it may.
    pub(super) fn judge_response(
        &mut self,
        now: Instant,
        response: &OcspResponse,
        link: &Link,
        nonce: Option<Vec<u8>>,
        crls: Vec<Crl>,
    ) -> Result<OcspAnswer, String> {
        let ocsp = vec![response.clone()];
        let evidence = Evidence { ocsp, crls, nonce, ..self.subjects.evidence(link) };
        let at = self.clock.at(now);
        single::response(at, &evidence, &link.chain, &self.policy, &mut self.verifier)
            .map_err(|step| words(&step))
    }

    /// CRLs by which a responder's own certificate can be judged (RFC 6960 §4.2.2.2.1).
    fn crls_at_hand(&self, retrieval: &Retrieval) -> Vec<Crl> {
        if !self.policy.responder_checked {
            return Vec::new();
        }
        let process = match &retrieval.by {
            Requester::Process(id) => self.processes.get(id),
            Requester::Prefetch(_) => None,
        };
        let held = process.into_iter().flat_map(Process::bases);
        self.store.iter().chain(held).cloned().collect()
    }

    /// Whether it is the CRL that is wanted for a link, or what is wrong with it. Times are not looked
    /// at.
    pub(super) fn validate_crl(
        &mut self,
        now: Instant,
        crl: &Crl,
        link: &Link,
        purpose: Purpose,
    ) -> Result<(), String> {
        if (purpose == Purpose::Delta) != crl.base_number().is_some() {
            return Err(match purpose {
                Purpose::Delta => "it is not a delta CRL".into(),
                _ => "it is a delta CRL".into(),
            });
        }
        let evidence = Evidence { crls: vec![crl.clone()], ..self.subjects.evidence(link) };
        let at = self.clock.at(now);
        single::crl(at, &evidence, &link.chain, &self.policy, &mut self.verifier)
            .map(drop)
            .map_err(|step| words(&step))
    }

    /// For which reasons a CRL that is at hand speaks about a link's certificate. One that was got for
    /// another certificate need not.
    pub(super) fn covered(&self, crl: &Crl, link: &Link) -> Reasons {
        let plain = crl.scope().is_none() && !link.limited;
        match plain {
            true => Reasons::ALL,
            false => {
                let covered = single::covered(crl, &link.certificate, &self.policy);
                covered.unwrap_or(Reasons::NONE)
            }
        }
    }

    /// Whether a CRL that has expired still counts against a link's certificate.
    pub(super) fn revokes_though_expired(&self, crl: &Crl, link: &Link) -> bool {
        self.parameters.expired_crl_revokes && listed(crl, link).is_some()
    }

    /// The retrieval's record in the trace.
    pub(super) fn record(
        &self,
        now: Instant,
        retrieval: &Retrieval,
        result: &Result<Reply, FetchError>,
        object: &Option<Object>,
        rejected: &Option<Name>,
    ) -> Fetch {
        let reply = result.as_ref().ok();
        let (check, client) = retrieval.made_for.clone().unzip();
        Fetch {
            id: retrieval.fetch,
            began: retrieval.began,
            by: self.name.clone(),
            process: match &retrieval.by {
                Requester::Process(id) => self.process_name(*id),
                Requester::Prefetch(_) => Arc::from("cryptsvc"),
            },
            purpose: retrieval.wanted.purpose,
            method: retrieval.wanted.request.method,
            url: retrieval.wanted.request.url.clone(),
            status: reply.map(|r| r.status),
            substatus: reply.map(|r| r.substatus).filter(|s| *s != 0),
            error: result.as_ref().err().copied(),
            rejected: rejected.clone(),
            bytes: reply.map_or(0, |r| r.body.len() as u64),
            took_ms: (now - retrieval.began).as_millis(),
            object: object.as_ref().and_then(|o| info(o, &retrieval.about)),
            check,
            unsolicited: match retrieval.by {
                Requester::Process(_) => None,
                Requester::Prefetch(_) => Some(Arc::from("prefetch")),
            },
            client,
            faults: Vec::new(),
        }
    }

    /// Successful downloads are cached on disk (fact sheet §2.1). Says whether this one was.
    pub(super) fn store(
        &mut self,
        now: Instant,
        retrieval: &Retrieval,
        reply: &Reply,
        object: &Object,
        out: &mut Out<SutAction>,
    ) -> bool {
        let (account, prefetched) = match &retrieval.by {
            Requester::Process(id) => match self.processes.get(id) {
                Some(process) => (process.account.clone(), false),
                None => return false,
            },
            Requester::Prefetch(account) => (account.clone(), true),
        };
        let wanted = &retrieval.wanted;
        // A prefetch that brings nothing new leaves the entry as it is, and is tried again.
        let known = self.disk(&account).find(&wanted.key);
        if prefetched && known.is_some_and(|entry| entry.object.bytes() == object.bytes()) {
            return false;
        }
        let off = wanted.media_offline && self.parameters.prefetch_skip_after_ocsp_failure;
        let status = if off { Prefetch::MEDIA_OFFLINE } else { Prefetch::PENDING };
        let mut entry = DiskEntry {
            object: object.clone(),
            purpose: wanted.purpose,
            about: retrieval.about.clone(),
            stored: now,
            used: !prefetched,
            prefetch: Prefetch { status, window: None, at: None },
            response: response(reply),
        };
        // What was asked by POST cannot be asked by URL again, and prefetch is for revocation alone.
        if wanted.request.method != Method::Post && wanted.purpose != Purpose::Issuer {
            self.plan_prefetch(now, &account, &wanted.key, &mut entry);
        }
        let disk = self.disk(&account);
        disk.failed.remove(&wanted.key);
        disk.store(wanted.key.clone(), entry);
        out.trace(Kind::Cache(Cache {
            by: self.name.clone(),
            layer: Layer::Disk,
            owner: account,
            op: CacheOp::Store,
            object: Some(wanted.key.as_str().to_owned()),
        }));
        true
    }
}

/// The entry of a link's certificate in a CRL, if it counts.
pub(super) fn listed(crl: &Crl, link: &Link) -> Option<CrlEntry> {
    const REMOVE_FROM_CRL: u8 = 8;
    let entry = crl.find_matching(link.certificate.issuer(), link.certificate.serial());
    entry.filter(|entry| entry.reason != Some(REMOVE_FROM_CRL))
}

/// Why an artefact was refused: it is always the one that was fetched.
fn words(step: &Step) -> String {
    match step {
        Step::CrlOtherIssuer { .. } => "it is of another issuer".into(),
        Step::CrlSignatureBad { .. } | Step::OcspSignatureBad { .. } => {
            "its signature does not verify".into()
        }
        Step::CrlExpired { .. } | Step::OcspExpired { .. } => {
            "it has expired by the server's clock".into()
        }
        Step::CrlNotYetValid { .. } | Step::OcspNotYetValid { .. } => {
            "it is not valid yet by the server's clock".into()
        }
        Step::OcspError { status, .. } => format!("responseStatus {status}"),
        Step::OcspOther { .. } => "it is about another certificate".into(),
        other => {
            // `CRL [1] of CN=…: why` says twice what it is.
            let text = other.to_string();
            text.split_once(": ").map(|(_, why)| why.to_owned()).unwrap_or(text)
        }
    }
}

fn info(object: &Object, about: &About) -> Option<ObjectInfo> {
    match object {
        Object::Issuers(issuers) => {
            let certificate = issuers.certificates().first()?;
            Some(ObjectInfo {
                number: None,
                base_number: None,
                this_update: certificate.not_before(),
                next_update: Some(certificate.not_after()),
                sha1: Some(certificate.sha1()),
            })
        }
        Object::Crl(crl) => Some(ObjectInfo {
            number: crl.number(),
            base_number: crl.base_number(),
            this_update: crl.this_update(),
            next_update: crl.next_update(),
            sha1: Some(crl.sha1()),
        }),
        Object::Ocsp(response) => {
            let (certificate, issuer) = (about.certificate(), about.issuer()?);
            let answer = ocsp::answers(response, certificate, issuer).next()?;
            Some(ObjectInfo {
                number: None,
                base_number: None,
                this_update: answer.this_update,
                next_update: answer.next_update,
                sha1: None,
            })
        }
    }
}
