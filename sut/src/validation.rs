//! Judging a chain against given artefacts at a given time: RFC 5280 path validation (§6.1) and CRL
//! processing (§6.3), RFC 6960 OCSP. No I/O, no clock, no state but remembered signatures.
//!
//! [`verify`] judges a whole chain. The rules for one object are functions of their own:
//! [`crl::scope`], [`crl::current`] and [`crl::goes_with`], [`ocsp::answers`] and
//! [`ocsp::current`]; [`single`] has those that need a chain.
//!
//! Certificate policies are processed by the graph of RFC 9618, for the initial set any-policy
//! alone. Name constraints on kinds other than DNS, mail, directory, URI and address are refused
//! where such a name occurs.

pub mod crl;
mod names;
pub mod ocsp;
mod path;
mod policies;
pub mod policy;
pub mod single;
pub mod step;
pub mod wanted;

use revlab_lab::Instant;
use revlab_pki::{Certificate, Crl, OcspResponse, Verifier};
use serde::Serialize;

use path::Path;
use policy::{Failure, NoPointer, Policy, Purpose, Scope, Source};
use step::{Name, Step};

/// What is at hand.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The certificate to judge.
    pub target: Certificate,
    /// Certificates that may lie between it and an anchor, or have signed a CRL or a response; in
    /// any order.
    pub certificates: Vec<Certificate>,
    /// Whom to trust.
    pub anchors: Vec<Certificate>,
    /// CRLs, base and delta, in any order.
    pub crls: Vec<Crl>,
    /// OCSP responses.
    pub ocsp: Vec<OcspResponse>,
    /// The nonce of the OCSP request, as [`revlab_pki::OcspRequest::nonce`] has it.
    pub nonce: Option<Vec<u8>>,
    /// What could not be read for a critical extension: what it is, and why.
    pub not_understood: Vec<(String, String)>,
}

impl Evidence {
    /// A certificate with anchors and nothing else.
    pub fn of(target: Certificate, anchors: Vec<Certificate>) -> Evidence {
        Evidence {
            target,
            certificates: Vec::new(),
            anchors,
            crls: Vec::new(),
            ocsp: Vec::new(),
            nonce: None,
            not_understood: Vec::new(),
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A path is valid, and nothing on it is revoked.
    Good,
    /// Something on it is revoked.
    Revoked,
    /// A path is valid, and whether something on it is revoked cannot be said.
    Undetermined,
    /// No path is valid.
    PathInvalid,
}

/// A verdict with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The verdict.
    pub status: Status,
    /// Why, in words.
    pub reason: String,
    /// Whose certificate it fails at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_subject: Option<Name>,
    /// The code of the step that decided.
    pub code: &'static str,
    /// What was done, in order.
    pub steps: Vec<Step>,
}

/// Judges the target of the evidence at a time.
pub fn verify(
    at: Instant,
    evidence: &Evidence,
    policy: &Policy,
    verifier: &mut Verifier,
) -> Finding {
    let mut validation = Validation::new(at, evidence, policy, verifier);
    for (what, why) in &evidence.not_understood {
        let (what, why) = (what.clone(), why.clone());
        validation.steps.push(Step::NotUnderstood { what, why });
    }
    let ending = validation.judge();
    let reason = ending.step.to_string();
    let (status, code) = (ending.status, ending.step.code());
    Finding { status, reason, failing_subject: ending.subject, code, steps: validation.steps }
}

/// How an artefact with these dates is at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Currency {
    Current,
    NotYet,
    /// It was current until then.
    Expired(Instant),
    /// It does not say until when, and the policy wants it said.
    Never,
}

/// Currency of CRLs (RFC 5280 §6.3.3 (a)) and OCSP answers (RFC 6960 §3.2 (5), (6)), up to and
/// including nextUpdate.
pub(crate) fn currency(
    from: Instant,
    until: Option<Instant>,
    at: Instant,
    policy: &Policy,
) -> Currency {
    if at + policy.tolerance < from {
        return Currency::NotYet;
    }
    match until {
        Some(until) if until + policy.tolerance + policy.grace < at => Currency::Expired(until),
        None if !policy.without_next_update => Currency::Never,
        _ => Currency::Current,
    }
}

/// One validation under way.
struct Validation<'a, 'v> {
    at: Instant,
    evidence: &'a Evidence,
    policy: &'a Policy,
    verifier: &'v mut Verifier,
    steps: Vec<Step>,
    /// Signers of CRLs that are being judged, so that none vouches for itself.
    signers: Vec<&'a Certificate>,
    purpose: Purpose,
}

/// What sources say of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Good,
    Revoked,
    Nothing,
}

/// How a path ended.
struct Ending {
    status: Status,
    subject: Option<Name>,
    step: Step,
}

impl<'a, 'v> Validation<'a, 'v> {
    fn new(
        at: Instant,
        evidence: &'a Evidence,
        policy: &'a Policy,
        verifier: &'v mut Verifier,
    ) -> Validation<'a, 'v> {
        let (steps, signers, purpose) = (Vec::new(), Vec::new(), policy.purpose);
        Validation { at, evidence, policy, verifier, steps, signers, purpose }
    }
}

impl<'a> Validation<'a, '_> {
    fn judge(&mut self) -> Ending {
        let target = &self.evidence.target;
        if let Some(anchor) = self.evidence.anchors.iter().find(|anchor| *anchor == target) {
            let step = Step::TargetIsAnchor { subject: target.subject().into() };
            self.steps.push(step.clone());
            return self.judge_revocation(&Path { certificates: Vec::new(), anchor }, step);
        }
        let found = self.paths(target);
        self.steps.extend(found.limits.iter().cloned());
        let mut best: Option<Ending> = None;
        for path in &found.paths {
            let ending = self.try_path(path);
            let at_target = ending.subject.as_ref().is_some_and(|s| s.get() == target.subject());
            let decides =
                ending.status == Status::Good || (ending.status == Status::Revoked && at_target);
            if decides {
                return ending;
            }
            if best.as_ref().is_none_or(|best| rank(best.status) < rank(ending.status)) {
                best = Some(ending);
            }
        }
        best.unwrap_or_else(|| self.no_path(&found.limits))
    }

    fn no_path(&mut self, limits: &[Step]) -> Ending {
        // The last certificate on the way up whose issuer is not at hand.
        let mut last = &self.evidence.target;
        for _ in 0..self.policy.max_depth {
            let next = path::likeliest(last, &self.evidence.certificates).into_iter().next();
            let Some(next) = next.filter(|next| *next != last) else { break };
            last = next;
        }
        let subject: Name = last.subject().into();
        let step = Step::NoPath { subject: subject.clone() };
        self.steps.push(step.clone());
        let step = limits.first().cloned().unwrap_or(step);
        Ending { status: Status::PathInvalid, subject: Some(subject), step }
    }

    fn try_path(&mut self, path: &Path<'a>) -> Ending {
        let subjects: Vec<String> =
            path.certificates.iter().map(|c| Name::from(c.subject()).to_string()).collect();
        self.steps.push(Step::PathTried {
            path: subjects.join(" < "),
            anchor: path.anchor.subject().into(),
        });
        if let Err(step) = self.judge_path(path) {
            self.steps.push(step.clone());
            let subject = step.subject().cloned();
            return Ending { status: Status::PathInvalid, subject, step };
        }
        let step = Step::PathValid { subject: self.evidence.target.subject().into() };
        self.steps.push(step.clone());
        self.judge_revocation(path, step)
    }

    /// §6.1.3 (a)(3), from the anchor's side down.
    fn judge_revocation(&mut self, path: &Path<'a>, valid: Step) -> Ending {
        let length = path.certificates.len();
        let mut last = valid;
        for place in (0..=length).rev() {
            let certificate = path.certificate(place);
            let subject = || Name::from(certificate.subject());
            let asked = match self.policy.scope {
                Scope::Nothing => false,
                Scope::Leaf => place == 0 && length > 0,
                Scope::ChainWithoutRoot => place < length,
                Scope::WholeChain => true,
            };
            if !asked {
                // Nobody asks about an anchor, so that need not be said.
                if place < length {
                    self.steps.push(Step::NotChecked { subject: subject() });
                }
                continue;
            }
            let begun = self.steps.len();
            match self.status(path, place) {
                Known::Good => last = Step::NotRevoked { subject: subject() },
                Known::Revoked => {
                    let step = self.steps.last().cloned().unwrap_or(last);
                    return Ending { status: Status::Revoked, subject: Some(subject()), step };
                }
                Known::Nothing if self.policy.failure == Failure::Soft => {
                    last = Step::SoftFail { subject: subject() };
                    self.steps.push(last.clone());
                }
                Known::Nothing => {
                    let step = self.why_undetermined(begun, subject());
                    return Ending { status: Status::Undetermined, subject: Some(subject()), step };
                }
            }
        }
        Ending { status: Status::Good, subject: None, step: last }
    }

    /// What the sources say of the certificate at a place of a path.
    fn status(&mut self, path: &Path<'a>, place: usize) -> Known {
        let certificate = path.certificate(place);
        let subject = || Name::from(certificate.subject());
        let no_points = certificate.constraints().is_ok_and(|read| read.crl_points.is_empty());
        if self.policy.no_pointer == NoPointer::Good
            && no_points
            && certificate.ocsp_urls().is_empty()
        {
            self.steps.push(Step::NoPointerGood { subject: subject() });
            return Known::Good;
        }
        let serial = certificate.serial().iter().map(|octet| format!("{octet:02x}")).collect();
        self.steps.push(Step::StatusSought { subject: subject(), serial });
        let policy = self.policy;
        let mut known = Known::Nothing;
        for source in &policy.sources {
            let said = match source {
                Source::Ocsp => self.by_ocsp(path, place),
                Source::Crl => self.by_crls(path, place),
            };
            match said {
                Known::Revoked => return Known::Revoked,
                Known::Good => known = Known::Good,
                Known::Nothing => {}
            }
            if known == Known::Good && policy.first_source_decides {
                break;
            }
        }
        if known == Known::Good {
            self.steps.push(Step::NotRevoked { subject: subject() });
        }
        known
    }

    /// The refusal that tells most, of the steps from `begun` on.
    fn why_undetermined(&mut self, begun: usize, subject: Name) -> Step {
        let refusals = self.steps.get(begun..).unwrap_or_default();
        let telling = refusals.iter().rfind(|step| step.is_refusal_of_a_source());
        match telling.cloned() {
            Some(step) => step,
            None => {
                let step = Step::NothingFound { subject };
                self.steps.push(step.clone());
                step
            }
        }
    }

    fn is_before(&self, from: Instant) -> bool {
        self.at + self.policy.tolerance < from
    }

    fn is_after(&self, until: Instant) -> bool {
        // A certificate is valid through the whole of its last second (RFC 5280 §4.1.2.5).
        until + self.policy.tolerance < self.at.floor_to_second()
    }
}

/// Which of two failed paths is told of.
fn rank(status: Status) -> u8 {
    match status {
        Status::PathInvalid => 0,
        Status::Undetermined => 1,
        Status::Revoked => 2,
        Status::Good => 3,
    }
}

#[cfg(test)]
mod tests;
