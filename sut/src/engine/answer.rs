//! What a retrieval brought: validated, stored on disk, put on record.

use std::sync::Arc;

use revlab_lab::http::{FetchError, Method, Reply};
use revlab_lab::trace::{Cache, CacheOp, Fetch, Kind, Layer, ObjectInfo, Purpose, State};
use revlab_lab::{Instant, Name, Out};
use revlab_pki::{Crl, OcspResponse};

use super::Engine;
use super::disk::{DiskEntry, Object};
use super::prefetch::response;
use super::retrieval::{Requester, Retrieval};
use super::subject::Link;
use crate::cache::Prefetch;
use crate::event::SutAction;

impl Engine {
    /// The object in a reply, if it is one that this retrieval was made for.
    pub(super) fn validate(
        &mut self,
        now: Instant,
        retrieval: &Retrieval,
        reply: &Reply,
    ) -> Result<Object, String> {
        let (link, purpose) = (&retrieval.link, retrieval.wanted.purpose);
        let (octets, limit) = (reply.body.len(), self.parameters.max_object_size);
        if octets > limit as usize {
            return Err(format!("it has {octets} octets, and {limit} are the limit"));
        }
        let (object, this_update, next_update) = if purpose == Purpose::Ocsp {
            let response = OcspResponse::parse(&reply.body).map_err(|e| e.to_string())?;
            if response.status() != 0 {
                return Err(format!("responseStatus {}", response.status()));
            }
            if !self.verifier.verify_ocsp(&response, &link.issuer) {
                return Err("its signature does not verify".into());
            }
            let answer = response.find(&link.id).ok_or("it is about another certificate")?;
            (Object::Ocsp(response), answer.this_update, answer.next_update)
        } else {
            let crl = Crl::parse(&reply.body).map_err(|e| e.to_string())?;
            self.validate_crl(&crl, link, purpose)?;
            let dates = (crl.this_update(), crl.next_update());
            (Object::Crl(crl), dates.0, dates.1)
        };
        match self.state(now, this_update, next_update) {
            State::Fresh => Ok(object),
            State::NotYetValid => Err("it is not valid yet by the server's clock".into()),
            State::Stale | State::Absent => Err("it has expired by the server's clock".into()),
        }
    }

    /// Whether it is the CRL that is wanted for a link, or what is wrong with it.
    pub(super) fn validate_crl(
        &mut self,
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
        // Read by the lab, not by this profile: what a CRL with a scope does not say would count as
        // not revoked.
        if crl.scope().is_some() {
            return Err("extension 2.5.29.28 is critical and not understood".into());
        }
        if crl.issuer() != link.issuer.subject() {
            return Err("it is of another issuer".into());
        }
        if !self.verifier.verify_crl(crl, &link.issuer) {
            return Err("its signature does not verify".into());
        }
        Ok(())
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
            object: object.as_ref().and_then(|o| info(o, &retrieval.link)),
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
        if prefetched && known.is_some_and(|entry| entry.object.der() == object.der()) {
            return false;
        }
        let off = wanted.media_offline && self.parameters.prefetch_skip_after_ocsp_failure;
        let status = if off { Prefetch::MEDIA_OFFLINE } else { Prefetch::PENDING };
        let mut entry = DiskEntry {
            object: object.clone(),
            purpose: wanted.purpose,
            link: retrieval.link.clone(),
            stored: now,
            used: !prefetched,
            prefetch: Prefetch { status, window: None, at: None },
            response: response(reply),
        };
        // What was asked by POST cannot be asked by URL again.
        if wanted.request.method != Method::Post {
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

fn info(object: &Object, link: &Link) -> Option<ObjectInfo> {
    match object {
        Object::Crl(crl) => Some(ObjectInfo {
            number: crl.number(),
            base_number: crl.base_number(),
            this_update: crl.this_update(),
            next_update: crl.next_update(),
            sha1: Some(crl.sha1()),
        }),
        Object::Ocsp(response) => {
            let answer = response.find(&link.id)?;
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
