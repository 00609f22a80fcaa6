//! The chain of a certificate, built from the machine's stores, and what each link points at.

use std::collections::BTreeMap;
use std::sync::Arc;

use revlab_lab::http::Url;
use revlab_lab::{Code, Instant, Name};
use revlab_pki::{CertId, Certificate, OcspRequest, Verifier};

use crate::profile::{CheckScope, EntryScope, Parameters};

/// A chain has at most this many certificates.
const CHAIN_LIMIT: usize = 10;

/// Every certificate that the machine has met, with its chain.
#[derive(Debug)]
pub(super) struct Subjects {
    known: Vec<Certificate>,
    entry_scope: EntryScope,
    check_scope: CheckScope,
    crl_client: bool,
    double_slash: bool,
    met: BTreeMap<Box<[u8]>, Arc<Subject>>,
    /// What shares an entry of the memory cache, numbered.
    entries: BTreeMap<Vec<u8>, EntryKey>,
    links: usize,
}

/// Names an entry of a memory cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EntryKey(usize);

/// A certificate with its chain.
#[derive(Debug)]
pub(super) struct Subject {
    /// The common name, which is the identity's name in the scenario.
    pub(super) name: Name,
    /// Itself and its issuers, the root last.
    chain: Vec<Certificate>,
    /// What is wrong with the chain for ever: it ends in no trusted root, or a signature is bad.
    flaw: Option<Code>,
    /// The certificates whose revocation is looked at, from the root's side down.
    pub(super) links: Vec<Arc<Link>>,
}

/// One certificate of a chain with its issuer.
#[derive(Debug)]
pub(super) struct Link {
    /// Its subject, for the trace.
    pub(super) subject: Name,
    pub(super) certificate: Certificate,
    pub(super) issuer: Certificate,
    /// Its number: no two links share one.
    pub(super) number: usize,
    /// Its entry in a memory cache.
    pub(super) entry: EntryKey,
    /// How OCSP names it.
    pub(super) id: CertId,
    pub(super) ocsp_urls: Vec<Url>,
    /// The same with the request in them, as GET sends it: also the keys in the disk cache. A URL
    /// to which no path can be added has none.
    pub(super) ocsp_gets: Vec<Option<Url>>,
    pub(super) crl_urls: Vec<Url>,
    pub(super) freshest_crl_urls: Vec<Url>,
}

impl Subjects {
    pub(super) fn new(known: Vec<Certificate>, parameters: &Parameters) -> Subjects {
        Subjects {
            known,
            entry_scope: parameters.entry_scope,
            check_scope: parameters.check_scope,
            crl_client: parameters.crl_client,
            double_slash: parameters.ocsp_get_double_slash,
            met: BTreeMap::new(),
            entries: BTreeMap::new(),
            links: 0,
        }
    }

    /// The subject of a peer's certificates; none when it sent none.
    pub(super) fn meet(
        &mut self,
        peer: &[Certificate],
        verifier: &mut Verifier,
    ) -> Option<Arc<Subject>> {
        let leaf = peer.first()?;
        if let Some(subject) = self.met.get(leaf.der()) {
            return Some(subject.clone());
        }
        let (chain, flaw) = build_chain(peer, &self.known, verifier);
        let links = if flaw.is_none() { self.links(&chain) } else { Vec::new() };
        let subject = Arc::new(Subject { name: common_name(leaf), chain, flaw, links });
        // Another time the missing issuer may come along.
        if flaw != Some(Code::CERT_E_CHAINING) {
            self.met.insert(leaf.der().into(), subject.clone());
        }
        Some(subject)
    }

    /// From the root's side down (fact sheet §2.1); the root itself is not looked at.
    fn links(&mut self, chain: &[Certificate]) -> Vec<Arc<Link>> {
        let checked = match self.check_scope {
            CheckScope::Chain => chain.len(),
            CheckScope::Leaf => 1,
        };
        let pairs = chain.iter().zip(chain.iter().skip(1)).take(checked);
        let mut links = Vec::new();
        for (certificate, issuer) in pairs {
            links.push(self.link(certificate, issuer));
        }
        links.reverse();
        links
    }

    /// A certificate with its issuer, as a link that no other is.
    pub(super) fn link(&mut self, certificate: &Certificate, issuer: &Certificate) -> Arc<Link> {
        self.links += 1;
        let crl = self.crl_client;
        let crl_urls = |urls: &[Url]| if crl { urls.to_vec() } else { Vec::new() };
        let id = CertId::new(certificate, issuer);
        let request = OcspRequest::of(id.clone());
        let slash = |url: &Url| format!("{url}/").parse::<Url>().ok();
        let gets = certificate.ocsp_urls().iter().map(|url| {
            let doubled = self.double_slash && url.as_str().ends_with('/');
            request.url(&if doubled { slash(url)? } else { url.clone() }).ok()
        });
        let gets: Vec<_> = gets.collect();
        Arc::new(Link {
            number: self.links,
            subject: Arc::from(certificate.subject().to_string()),
            certificate: certificate.clone(),
            issuer: issuer.clone(),
            entry: self.entry(certificate, issuer),
            ocsp_urls: certificate.ocsp_urls().to_vec(),
            ocsp_gets: gets,
            id,
            crl_urls: crl_urls(certificate.crl_urls()),
            freshest_crl_urls: crl_urls(certificate.freshest_crl_urls()),
        })
    }

    fn entry(&mut self, certificate: &Certificate, issuer: &Certificate) -> EntryKey {
        let shared = match self.entry_scope {
            EntryScope::Certificate => certificate.der().to_vec(),
            EntryScope::Issuer => issuer.public_key_info().to_vec(),
            EntryScope::UrlSet => {
                let urls: Vec<&str> = certificate.crl_urls().iter().map(Url::as_str).collect();
                urls.join(" ").into_bytes()
            }
        };
        let next = EntryKey(self.entries.len());
        *self.entries.entry(shared).or_insert(next)
    }
}

impl Subject {
    /// What is wrong with the chain at this reading of the machine's clock.
    pub(super) fn error(&self, reading: Instant) -> Option<Code> {
        let valid = |c: &Certificate| c.not_before() <= reading && reading <= c.not_after();
        self.flaw.or_else(|| (!self.chain.iter().all(valid)).then_some(Code::CERT_E_EXPIRED))
    }
}

/// Itself and its issuers as far as they are known, and what is wrong with that for ever.
fn build_chain(
    peer: &[Certificate],
    known: &[Certificate],
    verifier: &mut Verifier,
) -> (Vec<Certificate>, Option<Code>) {
    let mut chain: Vec<Certificate> = peer.first().into_iter().cloned().collect();
    while let Some(last) = chain.last().filter(|_| chain.len() <= CHAIN_LIMIT) {
        if last.is_self_issued() {
            let trusted = known.iter().any(|c| c.der() == last.der());
            return (chain, (!trusted).then_some(Code::CERT_E_UNTRUSTEDROOT));
        }
        let issuer = known
            .iter()
            .chain(peer.iter().skip(1))
            .find(|c| issued(c, last) && verifier.verify_certificate(last, c));
        match issuer.cloned() {
            Some(issuer) => chain.push(issuer),
            None => break,
        }
    }
    (chain, Some(Code::CERT_E_CHAINING))
}

/// Names match, and key identifiers where both have one (RFC 5280 §4.2.1.1).
fn issued(issuer: &Certificate, certificate: &Certificate) -> bool {
    issuer.is_ca()
        && issuer.subject() == certificate.issuer()
        && match (certificate.authority_key_id(), issuer.subject_key_id()) {
            (Some(wanted), Some(has)) => wanted == has,
            _ => true,
        }
}

fn common_name(certificate: &Certificate) -> Name {
    let text = certificate.subject().to_string();
    let part = text.split(',').find_map(|p| p.trim().strip_prefix("CN=").map(str::to_owned));
    Arc::from(part.unwrap_or(text))
}
