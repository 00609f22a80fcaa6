//! All CAs of a scenario as one state machine.

mod answering;
mod defective;
mod https;
mod meeting;

pub use https::HttpsCredential;

use std::collections::BTreeMap;

use revlab_lab::clock::Step;
use revlab_lab::http::{Method, Reply, Request, Url};
use revlab_lab::trace::{Kind, Purpose};
use revlab_lab::{Core, Instant, Name, Out, Seed, Span};
use revlab_pki::{CertStatus, Certificate, Crl, IssueError, KeyPair, OcspRequest, Usage};

use crate::authority::{Authority, Order};
use crate::config::{CaConfig, CaOperation};
use crate::content::Defects;
use crate::fault::{FaultConfig, FaultPlan};
use crate::locations::Locations;
use crate::setup::{self, SetupError};
use crate::site_name;

/// The fake CA: publication, issuing, revocation, and what each URL answers.
///
/// Hand it `Wake` at the start of the run and whenever lab time reaches
/// [`next_wakeup`](Core::next_wakeup). What a fault does to a request is asked beforehand, with
/// [`FakeCa::meet`]; a `Request` is one that has reached the server.
#[derive(Debug)]
pub struct FakeCa {
    authorities: BTreeMap<Name, Authority>,
    faults: FaultPlan,
    hosts: Vec<String>,
    start: Instant,
    begun: bool,
    publications: u64,
}

/// What can happen to the CAs.
#[derive(Clone, Debug, PartialEq)]
pub enum CaEvent {
    /// Lab time has reached what [`FakeCa`] asked for.
    Wake,
    /// A request has arrived at a server of the CAs.
    Request {
        /// Comes back with the reply.
        fetch: u64,
        /// The request.
        request: Request,
        /// What is wrong with the answer: [`Ruling::defects`](crate::fault::Ruling::defects).
        defects: Defects,
    },
    /// An administrator does something.
    Operation {
        /// At which CA.
        ca: Name,
        /// What.
        operation: CaOperation,
    },
}

/// What the CAs ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum CaAction {
    /// Send this reply.
    Reply {
        /// Of the request that it answers.
        fetch: u64,
        /// The reply.
        reply: Reply,
    },
}

/// Where a CA can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaUrls {
    /// The base CRL; of several lists the first.
    pub base: Url,
    /// The delta CRL to it, where there are deltas.
    pub delta: Option<Url>,
    /// The CA's certificate.
    pub certificate: Url,
    /// What its certificates name as OCSP, in order.
    pub ocsp: Vec<Url>,
}

/// Why a certificate cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotIssue {
    /// No CA of the scenario has that name.
    #[error("`{ca}` is not a CA of the scenario")]
    UnknownCa {
        /// The name.
        ca: String,
    },
    /// The CA has no key with that index.
    #[error("CA `{ca}` has no key with index {index}; it has: {known}")]
    NoKey {
        /// The CA.
        ca: Name,
        /// The index.
        index: u16,
        /// Those that there are.
        known: String,
    },
    /// A certificate from elsewhere is not of this CA.
    #[error("CA `{ca}` has not signed it; its issuer is `{issuer}`")]
    NotSigned {
        /// The CA.
        ca: Name,
        /// The issuer that the certificate names.
        issuer: String,
    },
    /// The certificate cannot be made.
    #[error("CA `{ca}` cannot issue a certificate for `{common_name}`: {source}")]
    Certificate {
        /// The CA.
        ca: Name,
        /// For whom.
        common_name: String,
        /// Why not.
        source: IssueError,
    },
}

impl FakeCa {
    /// Sets up all CAs with their history before `start`, when the run begins.
    ///
    /// # Errors
    ///
    /// What of the configuration cannot be, with the actor and the key that have to change.
    pub fn new(
        configs: Vec<CaConfig>,
        faults: Vec<FaultConfig>,
        seed: Seed,
        start: Instant,
    ) -> Result<FakeCa, SetupError> {
        let authorities = setup::authorities(configs, seed, start)?;
        setup::check_faults(&faults, &authorities)?;
        let hosts = hosts(authorities.values().map(|authority| &authority.config));
        let faults = FaultPlan::new(faults, seed);
        Ok(FakeCa { authorities, faults, hosts, start, begun: false, publications: 0 })
    }

    /// A CA's own certificate.
    pub fn certificate(&self, ca: &str) -> Option<&Certificate> {
        self.authorities.get(ca).map(|authority| &authority.certificate)
    }

    /// The certificate that signs a CA's CRLs, where that is not the CA's own.
    pub fn crl_signer(&self, ca: &str) -> Option<&Certificate> {
        self.authorities.get(ca).and_then(Authority::crl_signer)
    }

    /// The certificates from a CA up to its root, both included; empty for an unknown CA.
    pub fn chain(&self, ca: &str) -> Vec<Certificate> {
        let first = self.authorities.get(ca).map(|authority| (authority, &authority.certificate));
        let chain = std::iter::successors(first, |(authority, certificate)| {
            let parent = authority.config.parent.as_ref()?;
            let parent = self.authorities.get(parent)?;
            Some((parent, parent.issuer_of(certificate)))
        });
        let with_above = chain.flat_map(|(authority, certificate)| {
            let imported = authority.config.imported.iter();
            let above = imported.filter(|_| authority.config.parent.is_none());
            let above = above.flat_map(|imported| imported.above.iter());
            std::iter::once(certificate).chain(above).cloned()
        });
        with_above.collect()
    }

    /// The certificates of a CA's key by other CAs, with who has issued each.
    pub fn cross_certificates(&self, ca: &str) -> impl Iterator<Item = (&Name, &Certificate)> {
        let crosses = self.authorities.get(ca).map(Authority::crosses).unwrap_or_default();
        crosses.iter().map(|cross| (&cross.by, &cross.certificate))
    }

    /// The certificates that a CA had before its newest one, oldest first.
    pub fn former_certificates(&self, ca: &str) -> &[Certificate] {
        self.authorities.get(ca).map(Authority::former).unwrap_or_default()
    }

    /// A CA's private key: for exporting it, or for artefacts that are made wrong on purpose.
    pub fn issuer_key(&self, ca: &str) -> Option<&KeyPair> {
        self.authorities.get(ca).map(|authority| &authority.key)
    }

    /// Issues a certificate with the distribution points and the AIA that the CA is configured
    /// with. Its validity begins with that of the CA certificate.
    ///
    /// # Errors
    ///
    /// No such CA; a host name that a certificate cannot bear.
    pub fn issue(
        &mut self,
        ca: &str,
        subject_common_name: &str,
        usage: Usage,
        key: &KeyPair,
        dns_names: &[String],
    ) -> Result<Certificate, CannotIssue> {
        self.order(ca, subject_common_name, usage, key, dns_names, None)
    }

    /// The same by the key with this index, which may be one from before a renewal: what it has
    /// issued is from a day before that.
    ///
    /// # Errors
    ///
    /// As [`FakeCa::issue`], and where the CA has no such key.
    pub fn issue_by_key(
        &mut self,
        ca: &str,
        common_name: &str,
        usage: Usage,
        key: &KeyPair,
        index: u16,
    ) -> Result<Certificate, CannotIssue> {
        let unknown = || CannotIssue::UnknownCa { ca: ca.to_owned() };
        let authority = self.authorities.get_mut(ca).ok_or_else(unknown)?;
        let Some(by) = authority.key_with_index(index) else {
            let known = authority.key_indexes().map(|index| index.to_string());
            let known = known.collect::<Vec<_>>().join(", ");
            return Err(CannotIssue::NoKey { ca: authority.name().clone(), index, known });
        };
        let (life, ocsp, ca_version) = (authority.life_by(by), None, None);
        let order = Order { common_name, usage, dns_names: &[], life, ocsp, ca_version };
        authority.issue_by(by, &order, key).map_err(|source| CannotIssue::Certificate {
            ca: authority.name().clone(),
            common_name: common_name.to_owned(),
            source,
        })
    }

    /// Issues a certificate with other OCSP URLs than the CA is configured with: the cure for a
    /// wrong AIA works on newly issued certificates alone (fact sheet §4.5).
    ///
    /// # Errors
    ///
    /// As [`FakeCa::issue`].
    pub fn issue_with_ocsp(
        &mut self,
        ca: &str,
        subject_common_name: &str,
        usage: Usage,
        key: &KeyPair,
        dns_names: &[String],
        ocsp: &[Url],
    ) -> Result<Certificate, CannotIssue> {
        self.order(ca, subject_common_name, usage, key, dns_names, Some(ocsp))
    }

    fn order(
        &mut self,
        ca: &str,
        common_name: &str,
        usage: Usage,
        key: &KeyPair,
        dns_names: &[String],
        ocsp: Option<&[Url]>,
    ) -> Result<Certificate, CannotIssue> {
        let unknown = || CannotIssue::UnknownCa { ca: ca.to_owned() };
        let authority = self.authorities.get_mut(ca).ok_or_else(unknown)?;
        let life = authority.usual_life();
        let order = Order { common_name, usage, dns_names, life, ocsp, ca_version: None };
        authority.issue(&order, key).map_err(|source| CannotIssue::Certificate {
            ca: authority.name().clone(),
            common_name: common_name.to_owned(),
            source,
        })
    }

    /// The CA and the endpoint that a request is for. A mis-pointed URL counts for what it is
    /// meant for: a request below the `.crt` that a certificate names as OCSP is an OCSP request.
    pub fn purpose(&self, request: &Request) -> Option<(Name, Purpose)> {
        let find = |purpose: &dyn Fn(&Authority) -> Option<Purpose>| {
            self.authorities.values().find_map(|a| purpose(a).map(|p| (a.name().clone(), p)))
        };
        let is_ocsp = |a: &Authority| Locations::is_ocsp(&a.locations.ocsp, request);
        find(&|a| is_ocsp(a).then_some(Purpose::Ocsp))
            .or_else(|| find(&|a| a.locations.file(request)))
            .or_else(|| find(&|a| a.locations.older_file(request).map(|_| Purpose::Issuer)))
            .or_else(|| find(&|a| a.locations.named(request)))
    }

    /// The host names at which the CAs can be reached, in the spelling of the scenario; with a port
    /// where it is not 80.
    pub fn hosts(&self) -> Vec<String> {
        self.hosts.clone()
    }

    /// The same before anything is set up.
    pub fn hosts_of<'a>(configs: impl IntoIterator<Item = &'a CaConfig>) -> Vec<String> {
        hosts(configs)
    }

    /// Sets a CA's clock by so much, at once: an administrator or NTP does. What the CA writes and
    /// answers from `now` on bears other dates; its timers fire as they would have. Gives by how much
    /// the clock is ahead of lab time then; `None` for an unknown CA.
    pub fn step_clock(&mut self, now: Instant, ca: &str, by: Span) -> Option<Span> {
        let authority = self.authorities.get_mut(ca)?;
        authority.step_clock(Step { at: now, by });
        Some(authority.config.clock.skew(now))
    }

    /// The newest private key of a CA, for whoever takes it elsewhere; `None` for an unknown CA.
    pub fn key(&self, ca: &str) -> Option<&revlab_pki::KeyPair> {
        self.authorities.get(ca).map(|authority| &authority.key)
    }

    /// Where a CA's files and its responder are; `None` for an unknown CA.
    pub fn urls(&self, ca: &str) -> Option<CaUrls> {
        let authority = self.authorities.get(ca)?;
        let Authority { config, locations, .. } = authority;
        let list = locations.lists.get(authority.first_list())?;
        Some(CaUrls {
            base: list.base_url.clone(),
            delta: config.crl.delta_period.map(|_| list.delta_url.clone()),
            certificate: locations.certificate_url.clone(),
            ocsp: config.aia.ocsp.clone(),
        })
    }

    /// The newest base of a CA, or its newest delta, as its web site has it; `None` for an unknown CA,
    /// and where there is none yet.
    pub fn newest_crl(&self, ca: &str, base: bool) -> Option<Crl> {
        let authority = self.authorities.get(ca)?;
        Crl::parse(&authority.newest_crl(base)?).ok()
    }

    /// A CA takes a certificate into its records that was issued with one of its keys elsewhere.
    ///
    /// # Errors
    ///
    /// No such CA; a certificate that none of its keys has signed.
    pub fn adopt(&mut self, ca: &str, certificate: &Certificate) -> Result<(), CannotIssue> {
        let unknown = || CannotIssue::UnknownCa { ca: ca.to_owned() };
        let authority = self.authorities.get_mut(ca).ok_or_else(unknown)?;
        match authority.adopt(certificate) {
            true => Ok(()),
            false => Err(CannotIssue::NotSigned {
                ca: authority.name().clone(),
                issuer: certificate.issuer().to_string(),
            }),
        }
    }

    /// From now on a CA keeps no record of certificates that it issues to this common name: they look as
    /// if somebody else had issued them with the CA's key.
    pub fn keep_no_record(&mut self, ca: &str, common_name: &str) {
        if let Some(authority) = self.authorities.get_mut(ca) {
            authority.keep_no_record(common_name);
        }
    }

    /// What a CA's database says about a serial number now; `None` for an unknown CA.
    pub fn status(&self, ca: &str, serial: &[u8]) -> Option<CertStatus> {
        self.authorities.get(ca).map(|authority| authority.status(serial))
    }

    /// The OCSP request in a request, where it is one to a CA's OCSP URL and can be read: for
    /// journals.
    pub fn ocsp_request(&self, request: &Request) -> Option<OcspRequest> {
        let urls = self.authorities.values().flat_map(|authority| &authority.locations.ocsp);
        let mut read = urls.filter_map(|url| {
            let below = crate::locations::below(url, &request.url)?;
            match request.method {
                Method::Post => OcspRequest::parse(&request.body).ok(),
                _ => OcspRequest::from_path(below).ok(),
            }
        });
        read.next()
    }

    /// Publishes everything that is due up to an instant, in order of time and then of names.
    fn publish(&mut self, is_due: impl Fn(Instant) -> bool, out: &mut Out<CaAction>) {
        while let Some(due) = self.next_due().filter(|due| is_due(*due)) {
            self.share_revocations();
            for authority in self.authorities.values_mut() {
                if authority.next_due() == Some(due) {
                    authority.publish_next();
                }
            }
            self.announce(out);
        }
    }

    /// Tells those that publish indirect CRLs what the others have revoked.
    fn share_revocations(&mut self) {
        let indirect = |a: &&Authority| !a.config.publishing.indirect_for.is_empty();
        let names: Vec<Name> =
            self.authorities.values().filter(indirect).map(|a| a.name().clone()).collect();
        for name in names {
            let Some(authority) = self.authorities.get(&name) else { continue };
            let of = |ca: &Name| {
                let other = self.authorities.get(ca)?;
                Some((other.certificate.subject().clone(), other.revoked()))
            };
            let others = authority.config.publishing.indirect_for.iter().filter(|ca| **ca != name);
            let foreign = others.filter_map(of).collect();
            if let Some(authority) = self.authorities.get_mut(&name) {
                authority.take_foreign(foreign);
            }
        }
    }

    fn next_due(&self) -> Option<Instant> {
        self.authorities.values().filter_map(Authority::next_due).min()
    }

    fn announce(&mut self, out: &mut Out<CaAction>) {
        if !self.begun {
            return;
        }
        for authority in self.authorities.values_mut() {
            let number = || {
                self.publications += 1;
                self.publications
            };
            for publish in authority.announce(number) {
                out.trace(Kind::Publish(publish));
            }
        }
    }

    /// Puts on record what is served when the run begins.
    fn begin(&mut self, out: &mut Out<CaAction>) {
        if !self.begun {
            self.begun = true;
            self.announce(out);
        }
    }

    fn renew(&mut self, now: Instant, ca: &str, new_key: bool) {
        let Some((name, mut authority)) = self.authorities.remove_entry(ca) else { return };
        let parent = authority.config.parent.as_ref();
        let parent = parent.and_then(|parent| self.authorities.get_mut(parent));
        authority.renew_now(now, new_key, parent);
        self.authorities.insert(name, authority);
    }

    fn operate(&mut self, now: Instant, ca: &str, operation: CaOperation) {
        self.share_revocations();
        let Some(authority) = self.authorities.get_mut(ca) else { return };
        match operation {
            CaOperation::Revoke { serial, reason, extensions } => {
                authority.revoke_with(now, &serial, reason, extensions);
            }
            CaOperation::Publish { base } => authority.publish_now(now, base),
            CaOperation::Release { serial } => authority.release(now, &serial),
            CaOperation::Skip { base } => authority.skip(base),
            CaOperation::Postpone { base, by } => authority.postpone(base, by),
            CaOperation::Restore { back } => authority.restore(back),
            CaOperation::Renew { new_key } => self.renew(now, ca, new_key),
        }
    }
}

impl Core for FakeCa {
    type Event = CaEvent;
    type Action = CaAction;

    /// At the first wake-up all CRLs that are then served go on record, later each new one. An
    /// operation comes before a publication that is due at the same instant, a request after it.
    fn decide(&mut self, now: Instant, event: CaEvent, out: &mut Out<CaAction>) {
        match event {
            CaEvent::Wake => {
                self.publish(|due| due <= now, out);
                self.begin(out);
            }
            CaEvent::Operation { ca, operation } => {
                self.publish(|due| due < now, out);
                self.operate(now, &ca, operation);
                self.announce(out);
            }
            CaEvent::Request { fetch, request, defects } => {
                self.publish(|due| due <= now, out);
                self.begin(out);
                let reply = self.answer(now, &request, &defects, out);
                out.act(CaAction::Reply { fetch, reply });
            }
        }
    }

    fn next_wakeup(&self) -> Option<Instant> {
        if self.begun { self.next_due() } else { Some(self.start) }
    }
}

fn hosts<'a>(configs: impl IntoIterator<Item = &'a CaConfig>) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for config in configs {
        let own = config.responder.as_ref();
        let urls = own.map(|r| r.at.as_ref().unwrap_or(&config.aia.ocsp));
        let responder = urls.into_iter().flatten().map(site_name::of);
        let replica = config.publishing.replica.as_ref();
        let replica = replica.and_then(|replica| replica.url.as_ref()).map(site_name::of);
        for host in std::iter::once(config.host.clone()).chain(responder).chain(replica) {
            if !hosts.iter().any(|known| known.eq_ignore_ascii_case(&host)) {
                hosts.push(host);
            }
        }
    }
    hosts
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod indirect_tests;
