//! Paths: finding them, and judging one (RFC 5280 §6.1).

use revlab_pki::{Certificate, Constraints, NameLimits, ObjectIdentifier, WeakDigest};

use super::policies::Policies;
use super::policy::Purpose;
use super::step::{Digest, Name, Step};
use super::{Validation, names};

const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const ANY_PURPOSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// A way from a target up to an anchor.
#[derive(Clone, Debug)]
pub(super) struct Path<'a> {
    /// From the target on; the anchor is not in it.
    pub(super) certificates: Vec<&'a Certificate>,
    /// Where it ends.
    pub(super) anchor: &'a Certificate,
}

impl<'a> Path<'a> {
    /// The certificate at this place; behind the last, the anchor.
    pub(super) fn certificate(&self, place: usize) -> &'a Certificate {
        self.certificates.get(place).copied().unwrap_or(self.anchor)
    }

    /// Who has issued the certificate at this place.
    pub(super) fn issuer(&self, place: usize) -> &'a Certificate {
        self.certificates.get(place + 1).copied().unwrap_or(self.anchor)
    }
}

/// What the search for paths came to.
#[derive(Default)]
pub(super) struct Found<'a> {
    pub(super) paths: Vec<Path<'a>>,
    /// Why there might be more.
    pub(super) limits: Vec<Step>,
    visited: usize,
}

impl<'a> Validation<'a, '_> {
    /// All paths from a certificate to an anchor within the policy's bounds, the likeliest first.
    pub(super) fn paths(&self, target: &'a Certificate) -> Found<'a> {
        let mut found = Found::default();
        self.extend(&mut vec![target], &mut found);
        found
    }

    fn extend(&self, below: &mut Vec<&'a Certificate>, found: &mut Found<'a>) {
        let Some(last) = below.last().copied() else { return };
        found.visited += 1;
        // A search that leads nowhere is bounded too.
        if found.paths.len() >= self.policy.max_paths
            || found.visited > self.policy.max_paths.saturating_mul(4)
        {
            if !found.limits.iter().any(|step| matches!(step, Step::PathsExhausted { .. })) {
                found.limits.push(Step::PathsExhausted { tried: found.paths.len() });
            }
            return;
        }
        for anchor in likeliest(last, &self.evidence.anchors) {
            found.paths.push(Path { certificates: below.clone(), anchor });
        }
        for issuer in likeliest(last, &self.evidence.certificates) {
            // The same name and key twice is a loop (RFC 4158 §2.4.2 has more to say).
            let again = |below: &&Certificate| {
                below.subject() == issuer.subject()
                    && below.public_key_info() == issuer.public_key_info()
            };
            if below.iter().any(again) || self.evidence.anchors.contains(issuer) {
                continue;
            }
            if below.len() >= self.policy.max_depth {
                let depth = self.policy.max_depth;
                found.limits.push(Step::DepthExceeded { depth });
                return;
            }
            below.push(issuer);
            self.extend(below, found);
            below.pop();
        }
    }

    /// §6.1.3 to §6.1.5, but for revocation.
    pub(super) fn judge_path(&mut self, path: &Path<'a>) -> Result<(), Step> {
        let length = path.certificates.len();
        let mut state = State {
            limits: Vec::new(),
            path_length: None,
            policies: Policies::new(length, self.policy.explicit_policy),
        };
        if self.policy.anchor_checked {
            self.judge_anchor(path.anchor, &mut state)?;
        }
        for place in (0..length).rev() {
            let Some(certificate) = path.certificates.get(place) else { continue };
            let read = read(certificate)?;
            self.judge_basics(certificate, path.issuer(place), read)?;
            let last = place == 0;
            let self_issued = is_self_issued(certificate);
            if !self_issued || last {
                for limits in &state.limits {
                    names::within(certificate, read, limits)?;
                }
            }
            let subject = || Name::from(certificate.subject());
            if !state.policies.enter(read, self_issued, last) {
                return Err(Step::NoPolicy { subject: subject() });
            }
            if last {
                if !state.policies.wrap_up(read) {
                    return Err(Step::NoPolicy { subject: subject() });
                }
            } else {
                state.prepare(certificate, read, self_issued)?;
            }
            if last || self.policy.purpose_is_nested {
                self.judge_purpose(certificate, read)?;
            }
            if let Some(oid) = read.unknown_critical.first() {
                return Err(Step::UnknownCritical { subject: subject(), oid: oid.to_string() });
            }
        }
        Ok(())
    }

    /// Signature, validity and version.
    fn judge_basics(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
        read: &Constraints,
    ) -> Result<(), Step> {
        let subject = || Name::from(certificate.subject());
        let version = read.version;
        // Extensions are version 3's (RFC 5280 §4.1.2.1); without any all three are possible.
        let plain = *read == Constraints { version, ..Constraints::default() };
        if !(1..=3).contains(&version) || (version != 3 && !plain) {
            return Err(Step::VersionBad { subject: subject(), version });
        }
        self.judge_signature(certificate, issuer)?;
        self.steps
            .push(Step::SignatureGood { subject: subject(), issuer: issuer.subject().into() });
        self.judge_validity(certificate)
    }

    fn judge_signature(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
    ) -> Result<(), Step> {
        let what = || certificate.subject().to_string();
        let bad = || Step::SignatureBad {
            subject: certificate.subject().into(),
            issuer: issuer.subject().into(),
        };
        let good = match certificate.weak_digest() {
            Some(by) => {
                let (tbs, signature) = (certificate.tbs(), certificate.signature());
                self.weak(by, issuer, tbs, signature, what)?
            }
            None => self.verifier.verify_certificate(certificate, issuer),
        };
        if good { Ok(()) } else { Err(bad()) }
    }

    /// Whether a weak signature verifies; refused where the policy refuses those.
    pub(super) fn weak(
        &mut self,
        by: WeakDigest,
        signer: &Certificate,
        tbs: &[u8],
        signature: &[u8],
        what: impl Fn() -> String,
    ) -> Result<bool, Step> {
        if !self.policy.weak_signatures {
            return Err(Step::SignatureWeak { what: what(), digest: Digest(by) });
        }
        Ok(self.verifier.verify_weak(by, signer, tbs, signature))
    }

    pub(super) fn judge_validity(&self, certificate: &Certificate) -> Result<(), Step> {
        let subject = certificate.subject();
        let (from, until) = (certificate.not_before(), certificate.not_after());
        if self.is_before(from) {
            return Err(Step::NotYetValid { subject: subject.into(), at: from });
        }
        if self.is_after(until) {
            return Err(Step::Expired { subject: subject.into(), at: until });
        }
        Ok(())
    }

    fn judge_purpose(&self, certificate: &Certificate, read: &Constraints) -> Result<(), Step> {
        let (oid, purpose) = match self.purpose {
            Purpose::Any => return Ok(()),
            Purpose::Client => (CLIENT_AUTH, "TLS client authentication"),
            Purpose::Server => (SERVER_AUTH, "TLS server authentication"),
        };
        let Some(purposes) = &read.purposes else { return Ok(()) };
        if purposes.contains(&oid) || purposes.contains(&ANY_PURPOSE) {
            return Ok(());
        }
        let subject = certificate.subject().into();
        Err(Step::PurposeWrong { subject, purpose: purpose.to_owned() })
    }

    /// The anchor as if it stood in the path, but for its signature.
    fn judge_anchor(&self, anchor: &'a Certificate, state: &mut State<'a>) -> Result<(), Step> {
        let read = read(anchor)?;
        self.judge_validity(anchor)?;
        state.limits.extend(&read.name_limits);
        state.path_length = read.basic.and_then(|basic| basic.path_length);
        if read.version == 3 && read.basic.is_none_or(|basic| !basic.ca) {
            return Err(Step::NotAuthority { subject: anchor.subject().into() });
        }
        Ok(())
    }
}

/// What goes down a path.
struct State<'a> {
    limits: Vec<&'a NameLimits>,
    /// max_path_length; `None`: no limit yet.
    path_length: Option<u64>,
    policies: Policies,
}

impl<'a> State<'a> {
    /// §6.1.4: this certificate has issued the next.
    fn prepare(
        &mut self,
        certificate: &'a Certificate,
        read: &'a Constraints,
        self_issued: bool,
    ) -> Result<(), Step> {
        let subject = || Name::from(certificate.subject());
        if !self.policies.prepare(read, self_issued) {
            return Err(Step::PolicyMappingBad { subject: subject() });
        }
        self.limits.extend(&read.name_limits);
        let basic = read.basic.unwrap_or_default();
        if !basic.ca {
            return Err(Step::NotAuthority { subject: subject() });
        }
        if !self_issued {
            if self.path_length == Some(0) {
                return Err(Step::PathTooLong { subject: subject() });
            }
            self.path_length = self.path_length.map(|left| left - 1);
        }
        if let Some(limit) = basic.path_length {
            self.path_length = Some(self.path_length.map_or(limit, |left| left.min(limit)));
        }
        if read.key_usage.is_some_and(|usage| !usage.certificate_sign()) {
            return Err(Step::NoCertificateSign { subject: subject() });
        }
        Ok(())
    }
}

/// Whether subject and issuer are the same name by RFC 5280 §7.1.
fn is_self_issued(certificate: &Certificate) -> bool {
    certificate.subject().matches(certificate.issuer())
}

pub(super) fn read(certificate: &Certificate) -> Result<&Constraints, Step> {
    certificate.constraints().map_err(|why| Step::CertificateMalformed {
        subject: certificate.subject().into(),
        why: why.to_string(),
    })
}

/// Those whose subject is the issuer's name; the key identifiers, which are no more than hints
/// (RFC 4158 §3.5.12), put them in order.
pub(super) fn likeliest<'c>(of: &Certificate, among: &'c [Certificate]) -> Vec<&'c Certificate> {
    let named = among.iter().filter(|c| c.subject().matches(of.issuer()));
    let mut found: Vec<&Certificate> = named.collect();
    found.sort_by_key(|c| match (of.authority_key_id(), c.subject_key_id()) {
        (Some(wanted), Some(id)) if wanted == id => 0,
        (Some(_), Some(_)) => 2,
        _ => 1,
    });
    found
}
