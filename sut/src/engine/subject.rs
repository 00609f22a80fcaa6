//! The chain of a certificate, built from the machine's stores, and what each link points at.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use revlab_lab::http::Url;
use revlab_lab::{Code, Instant, Name, Span};
use revlab_pki::{CertId, Certificate, OcspRequest, PointRead, Verifier};

use crate::profile::{EntryScope, Parameters};
use crate::stores::Stores;
use crate::validation::policy::{Policy, Purpose, Scope};
use crate::validation::step::Step;
use crate::validation::{Evidence, single};

/// What a certificate is used for, where that is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Usage {
    Client,
    Server,
    Any,
}

/// Subjects by the DER of their certificates.
type Met = BTreeMap<Box<[u8]>, Arc<Subject>>;

/// Links by the DER of certificate and issuer.
type Links = BTreeMap<(Box<[u8]>, Box<[u8]>), Arc<Link>>;

/// Every certificate that the machine has met, with its chain.
#[derive(Debug)]
pub(super) struct Subjects {
    stores: Stores,
    /// Trusted roots.
    anchors: Vec<Certificate>,
    /// The other certificates in the machine's stores.
    certificates: Vec<Certificate>,
    policy: Policy,
    usage_check: bool,
    entry_scope: EntryScope,
    crl_client: bool,
    double_slash: bool,
    met: BTreeMap<Usage, Met>,
    known_links: Links,
    links: usize,
    /// What shares an entry of the memory cache, numbered.
    entries: BTreeMap<Vec<u8>, EntryKey>,
}

/// Names an entry of a memory cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EntryKey(usize);

/// A certificate with its chain.
#[derive(Debug)]
pub(super) struct Subject {
    /// The common name, which is the identity's name in the scenario.
    pub(super) name: Name,
    /// What is wrong with the chain.
    flaw: Option<Flaw>,
    /// Whose issuer was not at hand, where that is what is wrong.
    missing: Option<Certificate>,
    /// The issuers in the chain that are in none of the machine's stores.
    borrowed: Vec<Certificate>,
    /// Those on any way up that say where their CA's cross-certificates are.
    crossed: Vec<Certificate>,
    /// Those in none of the machine's stores that say so, on a way up or not.
    pointers: Vec<Certificate>,
    /// The readings of the machine's clock for which this is so.
    holds: Range<Instant>,
    /// The certificates whose revocation is looked at, from the root's side down.
    pub(super) links: Vec<Arc<Link>>,
}

/// What is wrong with a chain.
#[derive(Clone, Debug)]
pub(super) struct Flaw {
    pub(super) code: Code,
    /// The code of the rule that it breaks (`crate::validation::step`).
    pub(super) rule: Name,
}

/// One certificate of a chain with its issuer.
#[derive(Debug)]
pub(super) struct Link {
    /// Its subject, for the trace.
    pub(super) subject: Name,
    pub(super) certificate: Certificate,
    pub(super) issuer: Certificate,
    /// From the certificate up to the root; empty where the issuer is sought.
    pub(super) chain: Arc<[Certificate]>,
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
    /// Whether its distribution points are for some reasons alone, or name another CRL issuer.
    pub(super) limited: bool,
    /// Whether it demands a stapled response (RFC 7633).
    pub(super) must_staple: bool,
}

impl Subjects {
    pub(super) fn new(stores: Stores, parameters: &Parameters) -> Subjects {
        let known = stores.certificates.iter().cloned();
        let (anchors, certificates) = known.partition(Certificate::is_self_issued);
        Subjects {
            stores,
            anchors,
            certificates,
            policy: Policy::of(parameters),
            usage_check: parameters.usage_check,
            entry_scope: parameters.entry_scope,
            crl_client: parameters.crl_client,
            double_slash: parameters.ocsp_get_double_slash,
            met: BTreeMap::new(),
            known_links: BTreeMap::new(),
            links: 0,
            entries: BTreeMap::new(),
        }
    }

    /// The subject of a peer's certificates at this reading of the machine's clock, used as this;
    /// none when it sent none. `more` are certificates that were got elsewhere.
    pub(super) fn meet(
        &mut self,
        reading: Instant,
        usage: Usage,
        peer: &[Certificate],
        more: &[Certificate],
        verifier: &mut Verifier,
    ) -> Option<Arc<Subject>> {
        let (leaf, others) = peer.split_first()?;
        let known = self.met.get(&usage).and_then(|met| met.get(leaf.der()));
        let at_hand = |c: &Certificate| others.contains(c) || more.contains(c);
        let considered = |s: &Subject| pointers(others, more).all(|c| s.pointers.contains(c));
        let as_before =
            |s: &&Arc<Subject>| s.holds(reading) && s.borrowed.iter().all(at_hand) && considered(s);
        if let Some(subject) = known.filter(as_before) {
            return Some(subject.clone());
        }
        let subject = Arc::new(self.build(reading, usage, (leaf, others), more, verifier));
        // Another time a better issuer may come along.
        if subject.flaw.is_none() {
            self.met.entry(usage).or_default().insert(leaf.der().into(), subject.clone());
        }
        Some(subject)
    }

    fn build(
        &mut self,
        reading: Instant,
        usage: Usage,
        (leaf, others): (&Certificate, &[Certificate]),
        more: &[Certificate],
        verifier: &mut Verifier,
    ) -> Subject {
        let mut certificates = self.certificates.clone();
        certificates.extend(others.iter().chain(more).cloned());
        let mut evidence =
            Evidence { certificates, ..Evidence::of(leaf.clone(), self.anchors.clone()) };
        evidence.certificates.retain(|c| !evidence.anchors.contains(c));
        let purpose = match usage {
            Usage::Client if self.usage_check => Purpose::Client,
            Usage::Server => Purpose::Server,
            Usage::Client | Usage::Any => Purpose::Any,
        };
        let policy = Policy { purpose, ..self.policy.clone() };
        let (chain, flaw, missing) = match single::chain(reading, &evidence, &policy, verifier) {
            Ok(chain) => (chain, None, None),
            Err(step) => {
                let (flaw, missing) = Flaw::of(&step, &evidence);
                (Vec::new(), Some(flaw), missing)
            }
        };
        let links = self.links(&chain);
        let stored = |c: &&Certificate| !self.anchors.contains(c) && !self.certificates.contains(c);
        let borrowed = chain.iter().skip(1).filter(stored).cloned().collect();
        let all = evidence.anchors.iter().chain(&evidence.certificates).chain([&evidence.target]);
        let holds = unchanged(reading, all);
        let crossed = crossed(&evidence).cloned().collect();
        let pointers = pointers(others, more).cloned().collect();
        let name = common_name(&evidence.target);
        Subject { name, flaw, missing, borrowed, crossed, pointers, links, holds }
    }

    /// What there is to judge an artefact about a certificate by, without artefacts.
    pub(super) fn evidence(&self, link: &Link) -> Evidence {
        let mut evidence = Evidence::of(link.certificate.clone(), self.anchors.clone());
        evidence.certificates.extend(self.certificates.iter().cloned());
        evidence.certificates.extend(link.chain.iter().skip(1).cloned());
        evidence.certificates.retain(|c| !evidence.anchors.contains(c));
        evidence
    }

    /// From the root's side down (fact sheet §2.1); the root itself is not looked at.
    fn links(&mut self, chain: &[Certificate]) -> Vec<Arc<Link>> {
        let checked = match self.policy.scope {
            Scope::Nothing => 0,
            Scope::Leaf => 1,
            Scope::ChainWithoutRoot | Scope::WholeChain => chain.len(),
        };
        let pairs = chain.iter().zip(chain.iter().skip(1)).take(checked);
        let mut links: Vec<_> =
            pairs.enumerate().map(|(at, (c, i))| self.link(c, i, chain.get(at..))).collect();
        links.reverse();
        links
    }

    /// The link of a certificate and its issuer: always the same one.
    fn link(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
        chain: Option<&[Certificate]>,
    ) -> Arc<Link> {
        let key = (certificate.der().into(), issuer.der().into());
        if let Some(link) = self.known_links.get(&key) {
            return link.clone();
        }
        self.links += 1;
        let crl_urls = |urls: &[Url]| if self.crl_client { urls.to_vec() } else { Vec::new() };
        let id = CertId::new(certificate, issuer);
        let request = OcspRequest::of(id.clone());
        let slash = |url: &Url| format!("{url}/").parse::<Url>().ok();
        let mut ocsp_urls = self.stores.ocsp_urls_of(issuer).to_vec();
        ocsp_urls.extend(certificate.ocsp_urls().iter().cloned());
        let gets = ocsp_urls.iter().map(|url| {
            let doubled = self.double_slash && url.as_str().ends_with('/');
            request.url(&if doubled { slash(url)? } else { url.clone() }).ok()
        });
        let gets: Vec<_> = gets.collect();
        let link = Arc::new(Link {
            number: self.links,
            subject: Arc::from(certificate.subject().to_string()),
            certificate: certificate.clone(),
            issuer: issuer.clone(),
            chain: chain.unwrap_or_default().into(),
            ocsp_urls,
            ocsp_gets: gets,
            id,
            crl_urls: crl_urls(certificate.crl_urls()),
            freshest_crl_urls: crl_urls(certificate.freshest_crl_urls()),
            limited: certificate.constraints().is_ok_and(|read| {
                let all = |p: &PointRead| p.reasons.is_none() && p.crl_issuer.is_empty();
                !read.crl_points.iter().all(all)
            }),
            must_staple: certificate.constraints().is_ok_and(|c| c.must_staple),
            entry: self.entry(certificate, issuer),
        });
        self.known_links.insert(key, link.clone());
        link
    }

    /// A link from another life of the machine, of which no more is known than this.
    pub(super) fn restored(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
    ) -> Arc<Link> {
        let key = (certificate.der().into(), issuer.der().into());
        if let Some(link) = self.known_links.get(&key) {
            return link.clone();
        }
        let chain = [certificate.clone(), issuer.clone()];
        let link = self.link(certificate, issuer, Some(&chain));
        // Once the certificate is met, its whole chain is known.
        self.known_links.remove(&key);
        link
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
    /// What is wrong with the chain.
    pub(super) fn flaw(&self) -> Option<&Flaw> {
        self.flaw.as_ref()
    }

    /// The certificate whose issuer was not at hand, where that is what is wrong with the chain.
    pub(super) fn missing(&self) -> Option<&Certificate> {
        self.missing.as_ref()
    }

    /// The issuers in the chain that are in none of the machine's stores.
    pub(super) fn borrowed(&self) -> &[Certificate] {
        &self.borrowed
    }

    /// The certificates on any way up that say where their CA's cross-certificates are.
    pub(super) fn crossed(&self) -> &[Certificate] {
        &self.crossed
    }

    /// Whether nothing has begun or ended since it was judged.
    fn holds(&self, reading: Instant) -> bool {
        self.holds.contains(&reading)
    }
}

impl Flaw {
    /// What is wrong, and where an issuer is missing of which certificate.
    fn of(step: &Step, evidence: &Evidence) -> (Flaw, Option<Certificate>) {
        let (code, missing) = match step {
            Step::NoPath { .. } => match last_on_the_way(evidence) {
                Some(last) if last.is_self_issued() => (Code::CERT_E_UNTRUSTEDROOT, None),
                last => (Code::CERT_E_CHAINING, last.cloned()),
            },
            other => (code_of(other), None),
        };
        (Flaw { code, rule: Arc::from(step.code()) }, missing)
    }
}

/// The code that Windows has for what is wrong with a chain (winerror.h).
fn code_of(step: &Step) -> Code {
    match step {
        Step::NotYetValid { .. } | Step::Expired { .. } => Code::CERT_E_EXPIRED,
        Step::SignatureBad { .. } | Step::SignatureWeak { .. } => Code::TRUST_E_CERT_SIGNATURE,
        Step::NotAuthority { .. } | Step::PathTooLong { .. } => Code::TRUST_E_BASIC_CONSTRAINTS,
        Step::NoCertificateSign { .. } | Step::PurposeWrong { .. } => Code::CERT_E_WRONG_USAGE,
        Step::UnknownCritical { .. } => Code::CERT_E_CRITICAL,
        Step::NameNotPermitted { .. }
        | Step::NameExcluded { .. }
        | Step::NameConstraintUnsupported { .. } => Code::CERT_E_INVALID_NAME,
        Step::NoPolicy { .. } | Step::PolicyMappingBad { .. } => Code::CERT_E_INVALID_POLICY,
        Step::CertificateMalformed { .. } | Step::VersionBad { .. } => Code::CERT_E_MALFORMED,
        _ => Code::CERT_E_CHAINING,
    }
}

/// The certificate on the likeliest way up whose issuer is not there; none: they lead in a circle.
fn last_on_the_way(evidence: &Evidence) -> Option<&Certificate> {
    let mut last = &evidence.target;
    for _ in 0..Policy::strict().max_depth {
        let issuer = evidence.certificates.iter().find(|c| may_have_issued(c, last));
        let Some(issuer) = issuer.filter(|issuer| *issuer != last) else { return Some(last) };
        last = issuer;
    }
    None
}

/// Whether the names and the key identifiers fit.
pub(super) fn may_have_issued(issuer: &Certificate, certificate: &Certificate) -> bool {
    issuer.subject().matches(certificate.issuer())
        && issuer.fits_key_id(certificate.authority_key_id())
}

/// Those that say where their CA's cross-certificates are, of the peer's and of those got elsewhere.
fn pointers<'c>(
    others: &'c [Certificate],
    more: &'c [Certificate],
) -> impl Iterator<Item = &'c Certificate> {
    others.iter().chain(more).filter(|c| c.cross_points().is_some())
}

/// The certificates that say so on any way up from the target, by names and key identifiers; the
/// nearest first.
fn crossed(evidence: &Evidence) -> impl Iterator<Item = &Certificate> {
    let all = || evidence.anchors.iter().chain(&evidence.certificates);
    let any = all().chain([&evidence.target]).any(|c| c.cross_points().is_some());
    let mut met: Vec<&Certificate> = if any { vec![&evidence.target] } else { Vec::new() };
    let mut next = 0;
    while let Some(below) = met.get(next).copied() {
        for above in all().filter(|c| may_have_issued(c, below)) {
            if !met.contains(&above) {
                met.push(above);
            }
        }
        next += 1;
    }
    met.into_iter().filter(|c| c.cross_points().is_some())
}

/// The readings around this one between which no certificate begins or ends to be valid.
fn unchanged<'c>(reading: Instant, all: impl Iterator<Item = &'c Certificate>) -> Range<Instant> {
    let (mut from, mut until) = (Instant::from_millis(i64::MIN), Instant::from_millis(i64::MAX));
    // Valid through the whole of the last second (RFC 5280 §4.1.2.5).
    for edge in all.flat_map(|c| [c.not_before(), c.not_after() + Span::from_secs(1)]) {
        if edge <= reading {
            from = Ord::max(from, edge);
        } else {
            until = Ord::min(until, edge);
        }
    }
    from..until
}

fn common_name(certificate: &Certificate) -> Name {
    let text = certificate.subject().to_string();
    let part = text.split(',').find_map(|p| p.trim().strip_prefix("CN=").map(str::to_owned));
    Arc::from(part.unwrap_or(text))
}
