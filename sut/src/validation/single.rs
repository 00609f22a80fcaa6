//! One thing at a time, for who has it from a cache or the network: a chain, a CRL, an OCSP response,
//! by the same rules as [`verify`](super::verify).

use revlab_lab::Instant;
use revlab_pki::{Certificate, OcspAnswer, Reasons, Verifier};

use super::path::Path;
use super::policy::Policy;
use super::step::{CrlRef, Step};
use super::{Evidence, Validation, crl, ocsp};

/// A valid path to the target of the evidence: itself first, the anchor last. Where one path is not
/// valid, another is tried.
///
/// # Errors
///
/// There is none: what is wrong with the likeliest, or [`Step::NoPath`].
pub fn chain(
    at: Instant,
    evidence: &Evidence,
    policy: &Policy,
    verifier: &mut Verifier,
) -> Result<Vec<Certificate>, Step> {
    let target = &evidence.target;
    if evidence.anchors.contains(target) {
        return Ok(vec![target.clone()]);
    }
    let mut validation = Validation::new(at, evidence, policy, verifier);
    let found = validation.paths(target);
    let mut first = None;
    for path in &found.paths {
        match validation.judge_path(path) {
            Ok(()) => {
                let below = path.certificates.iter().copied();
                return Ok(below.chain([path.anchor]).cloned().collect());
            }
            Err(step) => {
                first.get_or_insert(step);
            }
        }
    }
    let ending = || validation.no_path(&found.limits).step;
    Err(first.unwrap_or_else(ending))
}

/// For which reasons the first CRL of the evidence speaks about the first certificate of a chain,
/// and that one who may has signed it (RFC 5280 §6.3.3 (b) to (g)). Whether it is current is left to
/// [`crl::current`].
///
/// # Errors
///
/// It is about something else, or nobody who may has signed it.
pub fn crl(
    at: Instant,
    evidence: &Evidence,
    chain: &[Certificate],
    policy: &Policy,
    verifier: &mut Verifier,
) -> Result<Reasons, Step> {
    let (Some(list), Some(path)) = (evidence.crls.first(), path(chain)) else {
        return Err(Step::NothingFound { subject: evidence.target.subject().into() });
    };
    let reasons = covered(list, path.certificate(0), policy)?;
    let mut validation = Validation::new(at, evidence, policy, verifier);
    validation.crl_signer(list, &CrlRef::of(0, list), &path, 0)?;
    Ok(reasons)
}

/// For which reasons a CRL speaks about a certificate, by any of its distribution points.
///
/// # Errors
///
/// It does not.
pub fn covered(
    list: &revlab_pki::Crl,
    certificate: &Certificate,
    policy: &Policy,
) -> Result<Reasons, Step> {
    let name = CrlRef::of(0, list);
    let points = &super::path::read(certificate)?.crl_points;
    let mut reasons = Reasons::NONE;
    let mut refusal = None;
    for point in points.iter().map(Some).chain([None]) {
        match crl::scope(list, &name, certificate, point, policy.scopes) {
            Ok(more) => reasons = reasons.union(more),
            Err(step) => {
                refusal.get_or_insert(step);
            }
        }
    }
    match refusal {
        Some(step) if reasons == Reasons::NONE => Err(step),
        _ => Ok(reasons),
    }
}

/// What the first response of the evidence says about the first certificate of a chain.
///
/// # Errors
///
/// It is an error, about another certificate, not current, or not signed by who may.
pub fn response(
    at: Instant,
    evidence: &Evidence,
    chain: &[Certificate],
    policy: &Policy,
    verifier: &mut Verifier,
) -> Result<OcspAnswer, Step> {
    let other = Step::OcspOther { response: 1 };
    let (Some(response), Some(path)) = (evidence.ocsp.first(), path(chain)) else {
        return Err(other);
    };
    let mut validation = Validation::new(at, evidence, policy, verifier);
    let status = validation.judge_response(response, 1, &path, 0)?;
    let current = |answer: &&OcspAnswer| {
        answer.status == status && ocsp::current(answer, 1, at, policy).is_ok()
    };
    let mut answers = ocsp::answers(response, path.certificate(0), path.issuer(0));
    answers.find(current).cloned().ok_or(other)
}

/// A chain as the path that it is.
fn path(chain: &[Certificate]) -> Option<Path<'_>> {
    let (anchor, below) = chain.split_last()?;
    Some(Path { certificates: below.iter().collect(), anchor })
}
