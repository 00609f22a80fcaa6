//! What a validation lacks, and where the certificates say that it is to be had. Nothing is fetched
//! here: [`next`] is a function of what is at hand and of what has been tried.
//!
//! Wanted are, from the target up: an issuer that is not at hand (caIssuers, RFC 5280 §4.2.2.1), an
//! OCSP answer (RFC 6960, by the rules of RFC 5019 §5), the CRL of each distribution point, and
//! deltas (freshestCRL, RFC 5280 §4.2.1.15, §5.2.6). What is at hand and current is not fetched again;
//! signatures are not looked at before everything is there.
//!
//! A CRL whose signer is not at hand says where its certificate is (caIssuers, RFC 5280 §5.2.7); then
//! what is above that signer and its own lists are wanted too. A signer of OCSP responses has its
//! certificate in the response (RFC 6960 §4.2.2.2), and no pointer to it elsewhere.

use revlab_lab::Instant;
use revlab_lab::http::{Method, Request, Url};
use revlab_lab::trace::Purpose;
use revlab_pki::{
    CertId, Certificate, Crl, DistinguishedName, OcspRequest, PointRead, SubjectName,
};

use super::policy::{Policy, Scope, Source};
use super::step::{CrlRef, Name};
use super::{Evidence, crl, ocsp, path};

/// A retrieval to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What for.
    pub purpose: Purpose,
    /// About whose certificate.
    pub subject: Name,
    /// The URL as the certificate or CRL has it.
    pub url: Url,
    /// What is to be sent; an OCSP request may be part of its URL.
    pub request: Request,
}

/// A GET whose URL is longer is sent as POST (RFC 5019 §5).
const LONGEST_GET: usize = 255;

/// The next retrieval, where something is missing and a URL of it has not been tried. Of several
/// URLs for the same thing one after the other is tried, until it is at hand.
pub fn next(
    at: Instant,
    evidence: &Evidence,
    policy: &Policy,
    tried: &[Request],
) -> Option<Wanted> {
    let seeker = Seeker { at, evidence, policy };
    let chain = seeker.chain();
    let issuers = chain.iter().flat_map(|certificate| seeker.issuers(certificate));
    let asked = seeker.asked(&chain);
    let sources = asked.iter().flat_map(|certificate| seeker.sources(certificate));
    let lists = seeker.lists_at_hand(&asked);
    let signers = lists.iter().flat_map(|crl| seeker.missing_signer(crl));
    let theirs = seeker.signers(&lists, &chain);
    let above = theirs.iter().flat_map(|certificate| seeker.issuers(certificate));
    let own = theirs.iter().flat_map(|certificate| seeker.lists(certificate));
    let mut all = issuers.chain(sources).chain(signers).chain(above).chain(own);
    all.find(|wanted| !tried.contains(&wanted.request))
}

struct Seeker<'a> {
    at: Instant,
    evidence: &'a Evidence,
    policy: &'a Policy,
}

impl<'a> Seeker<'a> {
    /// The target and every certificate at hand that may lie above it, below the anchors.
    fn chain(&self) -> Vec<&'a Certificate> {
        let evidence = self.evidence;
        if evidence.anchors.contains(&evidence.target) {
            return Vec::new();
        }
        self.upwards(vec![&evidence.target])
    }

    /// Certificates and all at hand that may lie above them, below the anchors.
    fn upwards(&self, mut chain: Vec<&'a Certificate>) -> Vec<&'a Certificate> {
        let evidence = self.evidence;
        let mut next = 0;
        while let Some(last) = chain.get(next).copied()
            && chain.len() <= self.policy.max_depth
        {
            for above in path::likeliest(last, &evidence.certificates) {
                if !chain.contains(&above) && !evidence.anchors.contains(above) {
                    chain.push(above);
                }
            }
            next += 1;
        }
        chain
    }

    /// Those of them whose status counts.
    fn asked(&self, chain: &[&'a Certificate]) -> Vec<&'a Certificate> {
        let asked = match self.policy.scope {
            Scope::Nothing => &[][..],
            Scope::Leaf => chain.get(..1).unwrap_or_default(),
            Scope::ChainWithoutRoot | Scope::WholeChain => chain,
        };
        asked.to_vec()
    }

    /// Who may have issued a certificate, of those at hand: not one whose key identifier is another.
    fn issuer(&self, of: &Certificate) -> Option<&'a Certificate> {
        let anchors = path::likeliest(of, &self.evidence.anchors);
        let others = path::likeliest(of, &self.evidence.certificates);
        anchors.into_iter().chain(others).find(|issuer| issuer.fits_key_id(of.authority_key_id()))
    }

    /// Complete CRLs at hand by which certificates are judged, where other signers than the issuer
    /// itself are heard at all.
    fn lists_at_hand(&self, asked: &[&'a Certificate]) -> Vec<&'a Crl> {
        if !self.policy.other_crl_signer || !self.policy.sources.contains(&Source::Crl) {
            return Vec::new();
        }
        let mut lists: Vec<&Crl> = Vec::new();
        for crl in asked.iter().flat_map(|certificate| self.bases(certificate, None)) {
            if !lists.contains(&crl) {
                lists.push(crl);
            }
        }
        lists
    }

    /// Who may have signed a CRL, of those at hand.
    fn signers_of(&self, crl: &'a Crl) -> impl Iterator<Item = &'a Certificate> {
        let all = self.evidence.anchors.iter().chain(&self.evidence.certificates);
        all.filter(|one| {
            one.subject().matches(crl.issuer()) && one.fits_key_id(crl.authority_key_id())
        })
    }

    fn missing_signer(&self, crl: &'a Crl) -> Vec<Wanted> {
        match self.signers_of(crl).next() {
            Some(_) => Vec::new(),
            None => gets(Purpose::Issuer, crl.issuer(), crl.signer_urls()),
        }
    }

    /// The signers at hand, and what is above them, that are not on the chain.
    fn signers(&self, lists: &[&'a Crl], chain: &[&'a Certificate]) -> Vec<&'a Certificate> {
        let mut signers: Vec<&Certificate> = Vec::new();
        for signer in lists.iter().flat_map(|crl| self.signers_of(crl)) {
            if !self.evidence.anchors.contains(signer) && !signers.contains(&signer) {
                signers.push(signer);
            }
        }
        let mut all = self.upwards(signers);
        all.retain(|one| !chain.contains(one));
        all
    }

    fn issuers(&self, certificate: &Certificate) -> Vec<Wanted> {
        match self.issuer(certificate) {
            Some(_) => Vec::new(),
            None => gets(Purpose::Issuer, certificate.subject(), certificate.issuer_urls()),
        }
    }

    /// What says whether a certificate is revoked.
    fn sources(&self, certificate: &'a Certificate) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        for source in &self.policy.sources {
            let lacking = match source {
                Source::Ocsp => self.responders(certificate),
                Source::Crl => self.lists(certificate),
            };
            let at_hand = lacking.is_empty() && self.has(*source, certificate);
            wanted.extend(lacking);
            if at_hand && self.policy.first_source_decides {
                break;
            }
        }
        wanted
    }

    fn has(&self, source: Source, certificate: &'a Certificate) -> bool {
        match source {
            Source::Ocsp => self.has_answer(certificate),
            Source::Crl => self.bases(certificate, None).next().is_some(),
        }
    }

    fn has_answer(&self, certificate: &'a Certificate) -> bool {
        let Some(issuer) = self.issuer(certificate) else { return false };
        let responses = &self.evidence.ocsp;
        let mut answers =
            responses.iter().flat_map(|response| ocsp::answers(response, certificate, issuer));
        answers.any(|answer| ocsp::current(answer, 0, self.at, self.policy).is_ok())
    }

    fn responders(&self, certificate: &'a Certificate) -> Vec<Wanted> {
        let Some(issuer) = self.issuer(certificate) else { return Vec::new() };
        if self.has_answer(certificate) {
            return Vec::new();
        }
        let request = OcspRequest::of(CertId::new(certificate, issuer));
        let both = |url: &Url| {
            let get = request.url(url).ok().filter(|url| url.as_str().len() <= LONGEST_GET);
            let headers = ["application/ocsp-request", "application/ocsp-response"];
            let [content, accept] = headers.map(str::to_owned);
            let post = Request {
                method: Method::Post,
                url: url.clone(),
                headers: vec![("Content-Type".to_owned(), content), ("Accept".to_owned(), accept)],
                body: request.der(),
            };
            get.map(Request::get).into_iter().chain([post])
        };
        let requests = certificate.ocsp_urls().iter().flat_map(|url| {
            both(url).map(|request| Wanted {
                purpose: Purpose::Ocsp,
                subject: certificate.subject().into(),
                url: url.clone(),
                request,
            })
        });
        requests.collect()
    }

    fn lists(&self, certificate: &'a Certificate) -> Vec<Wanted> {
        let points = certificate.constraints().map(|read| read.crl_points.as_slice());
        let mut wanted = Vec::new();
        for point in points.unwrap_or_default() {
            if self.bases(certificate, Some(point)).next().is_none() {
                let urls = urls(point, certificate);
                wanted.extend(gets(Purpose::Base, certificate.subject(), &urls));
            }
        }
        if self.policy.deltas && !self.has_delta(certificate) {
            let bases = self.evidence.crls.iter().filter(|crl| {
                crl.base_number().is_none() && crl.issuer().matches(certificate.issuer())
            });
            let own = certificate.freshest_crl_urls().iter();
            let all: Vec<Url> =
                own.chain(bases.flat_map(|base| base.freshest_crl_urls())).cloned().collect();
            wanted.extend(gets(Purpose::Delta, certificate.subject(), &all));
        }
        wanted
    }

    /// Complete CRLs at hand that are current and about a certificate, at a point of it or any.
    fn bases(
        &self,
        certificate: &'a Certificate,
        point: Option<&'a PointRead>,
    ) -> impl Iterator<Item = &'a Crl> {
        let (at, policy) = (self.at, self.policy);
        let points = certificate.constraints().map(|read| read.crl_points.as_slice());
        let all = points.unwrap_or_default();
        self.evidence.crls.iter().enumerate().filter_map(move |(n, list)| {
            let name = CrlRef::of(n, list);
            let about = |point| crl::scope(list, &name, certificate, point, policy.scopes).is_ok();
            let scoped = match point {
                Some(point) => about(Some(point)),
                None => all.iter().map(Some).chain([None]).any(about),
            };
            let current = crl::current(list, &name, at, policy).is_ok();
            (list.base_number().is_none() && scoped && current).then_some(list)
        })
    }

    fn has_delta(&self, certificate: &Certificate) -> bool {
        let (deltas, bases): (Vec<&Crl>, Vec<&Crl>) = self
            .evidence
            .crls
            .iter()
            .filter(|crl| crl.issuer().matches(certificate.issuer()))
            .partition(|crl| crl.base_number().is_some());
        deltas.iter().any(|delta| {
            let name = CrlRef::of(0, delta);
            let current = crl::current(delta, &name, self.at, self.policy).is_ok();
            // One that says no more than its base is not missing either.
            current && bases.iter().any(|base| base.number() >= delta.base_number())
        })
    }
}

/// The URLs of a point.
fn urls(point: &PointRead, certificate: &Certificate) -> Vec<Url> {
    let names = point.names_below(point.crl_issuer.first().unwrap_or(certificate.issuer()));
    let url = |name: SubjectName| match name {
        SubjectName::Uri(text) => text.parse().ok(),
        _ => None,
    };
    names.into_iter().filter_map(url).collect()
}

fn gets(purpose: Purpose, subject: &DistinguishedName, urls: &[Url]) -> Vec<Wanted> {
    let get = |url: &Url| Wanted {
        purpose,
        subject: subject.into(),
        url: url.clone(),
        request: Request::get(url.clone()),
    };
    urls.iter().map(get).collect()
}
