//! What CRLs say (RFC 5280 §6.3.3).

use revlab_lab::Instant;
use revlab_pki::crl::CrlSubjects;
use revlab_pki::{Certificate, Crl, CrlEntry, PointRead, Reasons, SubjectName};

use super::path::{self, Path};
use super::policy::{ExpiredCrl, ExpiredDelta, Policy, Purpose};
use super::step::{CrlRef, Name, Reason, Step};
use super::{Currency, Known, Validation, currency};
use crate::profile::CrlScopes;

/// Whether a CRL is about this certificate at this distribution point, and for which reasons
/// (§6.3.3 (b), (d)). Without a point it is the one that every certificate has: its issuer's name,
/// for all reasons.
///
/// # Errors
///
/// It is not; why.
pub fn scope(
    crl: &Crl,
    name: &CrlRef,
    certificate: &Certificate,
    point: Option<&PointRead>,
    scopes: CrlScopes,
) -> Result<Reasons, Step> {
    let crl_ref = || name.clone();
    honoured(crl, name, scopes)?;
    let issuers = point.map(|point| point.crl_issuer.as_slice()).unwrap_or_default();
    let scope = crl.scope();
    if issuers.is_empty() {
        if !crl.issuer().matches(certificate.issuer()) {
            return Err(Step::CrlOtherIssuer { crl: crl_ref() });
        }
    } else if !issuers.iter().any(|issuer| issuer.matches(crl.issuer())) {
        return Err(Step::CrlOtherIssuer { crl: crl_ref() });
    } else if !scope.is_some_and(|scope| scope.indirect) {
        return Err(Step::CrlNotIndirect { crl: crl_ref() });
    }
    let named = point.and_then(|point| point.reasons).unwrap_or(Reasons::ALL);
    let Some(scope) = scope else { return Ok(named) };
    if let Some(own) = crl.point_name() {
        let own = own.below(crl.issuer());
        let theirs = names_of(certificate, point);
        let same = |own: &SubjectName, name: &SubjectName| match scopes {
            CrlScopes::Urls => same_url(own, name),
            CrlScopes::Full | CrlScopes::Refused => name.matches(own),
        };
        if !own.iter().any(|own| theirs.iter().any(|name| same(own, name))) {
            return Err(Step::CrlOtherPoint { crl: crl_ref() });
        }
    }
    match scope.only {
        Some(CrlSubjects::Users) if certificate.is_ca() => {
            return Err(Step::CrlOnlyUsers { crl: crl_ref() });
        }
        Some(CrlSubjects::Authorities) if !certificate.is_ca() => {
            return Err(Step::CrlOnlyAuthorities { crl: crl_ref() });
        }
        Some(CrlSubjects::Attributes) => {
            return Err(Step::CrlOnlyAttributes { crl: crl_ref() });
        }
        _ => {}
    }
    let own = scope.reasons.as_deref().map_or(Reasons::ALL, Reasons::of);
    Ok(named.intersection(own))
}

/// Whether the issuing distribution point of a CRL, if it has one, is of a kind that is looked at.
fn honoured(crl: &Crl, name: &CrlRef, scopes: CrlScopes) -> Result<(), Step> {
    let Some(scope) = crl.scope() else { return Ok(()) };
    let refused = |what: &str| Err(Step::CrlScopeRefused { crl: name.clone(), what: what.into() });
    match scopes {
        CrlScopes::Refused => refused("an issuing distribution point"),
        CrlScopes::Urls if scope.indirect => refused("indirectCRL"),
        CrlScopes::Urls if scope.reasons.is_some() => refused("onlySomeReasons"),
        CrlScopes::Urls | CrlScopes::Full => Ok(()),
    }
}

/// Fact sheet §2.1: URLs of fullName, without regard to case.
fn same_url(own: &SubjectName, name: &SubjectName) -> bool {
    match (own, name) {
        (SubjectName::Uri(own), SubjectName::Uri(name)) => own.eq_ignore_ascii_case(name),
        _ => false,
    }
}

/// The names of a certificate's point, to be found among those of the CRL (§6.3.3 (b)(2)(i)).
fn names_of(certificate: &Certificate, point: Option<&PointRead>) -> Vec<SubjectName> {
    let directory = |name: &revlab_pki::DistinguishedName| SubjectName::Directory(name.clone());
    let Some(point) = point else { return vec![directory(certificate.issuer())] };
    if point.name.is_some() {
        point.names_below(point.crl_issuer.first().unwrap_or(certificate.issuer()))
    } else {
        point.crl_issuer.iter().map(directory).collect()
    }
}

/// Whether a CRL is current at a time (§6.3.3 (a)), and of a version that exists.
///
/// # Errors
///
/// It is not; why.
pub fn current(crl: &Crl, name: &CrlRef, at: Instant, policy: &Policy) -> Result<(), Step> {
    let crl_ref = || name.clone();
    let version = crl.version();
    let extended = crl.number().is_some()
        || crl.authority_key_id().is_some()
        || crl.base_number().is_some()
        || crl.scope().is_some();
    if !(1..=2).contains(&version) || (version == 1 && extended) {
        return Err(Step::CrlVersionBad { crl: crl_ref(), version });
    }
    if version == 1 && !policy.version_1 {
        return Err(Step::CrlVersionOld { crl: crl_ref() });
    }
    match currency(crl.this_update(), crl.next_update(), at, policy) {
        Currency::Current => Ok(()),
        Currency::NotYet => Err(Step::CrlNotYetValid { crl: crl_ref(), at: crl.this_update() }),
        Currency::Expired(until) => Err(Step::CrlExpired { crl: crl_ref(), at: until }),
        Currency::Never => Err(Step::CrlWithoutNextUpdate { crl: crl_ref() }),
    }
}

/// Whether a delta goes with a base (§5.2.4, §6.3.3 (c)).
///
/// # Errors
///
/// It does not; why, in words.
pub fn goes_with(delta: &Crl, base: &Crl) -> Result<(), &'static str> {
    let (Some(from), Some(number)) = (delta.base_number(), delta.number()) else {
        return Err("it has no numbers");
    };
    let Some(base_number) = base.number() else { return Err("the base has no number") };
    if !delta.issuer().matches(base.issuer()) {
        return Err("of another issuer");
    }
    if delta.scope_der() != base.scope_der() {
        return Err("of another scope");
    }
    if delta.authority_key_id() != base.authority_key_id() {
        return Err("signed by another key");
    }
    if base_number < from {
        return Err("it starts from a later base");
    }
    // Strictly: where both have one number, the base says the same already.
    if base_number >= number {
        return Err("it does not follow the base");
    }
    Ok(())
}

impl<'a> Validation<'a, '_> {
    /// What the CRLs at hand say of the certificate at a place of a path.
    pub(super) fn by_crls(&mut self, path: &Path<'a>, place: usize) -> Known {
        let certificate = path.certificate(place);
        let points = match path::read(certificate) {
            Ok(read) => &read.crl_points,
            Err(step) => {
                self.steps.push(step);
                return Known::Nothing;
            }
        };
        let crls = &self.evidence.crls;
        let mut order: Vec<usize> = (0..crls.len()).collect();
        order.retain(|n| crls.get(*n).is_some_and(|crl| crl.base_number().is_none()));
        // The newest first: an older one then has nothing to add.
        order.sort_by_key(|n| crls.get(*n).map(|crl| std::cmp::Reverse(crl.this_update())));
        let mut mask = Reasons::NONE;
        let mut seen: Vec<Step> = Vec::new();
        // Those that no other point makes usable.
        let mut refused = Vec::new();
        for point in points.iter().map(Some).chain([None]) {
            for n in &order {
                if mask == Reasons::ALL {
                    break;
                }
                if refused.contains(n) {
                    continue;
                }
                match self.consider(*n, path, place, point, mask) {
                    Ok(Said::Revoked) => return Known::Revoked,
                    Ok(Said::Not(reasons)) => mask = mask.union(reasons),
                    Err(step) => {
                        if !step.is_about_scope() {
                            refused.push(*n);
                        }
                        if !seen.contains(&step) {
                            seen.push(step.clone());
                            self.steps.push(step);
                        }
                    }
                }
            }
        }
        match mask {
            Reasons::ALL => Known::Good,
            Reasons::NONE => Known::Nothing,
            _ => {
                self.steps.push(Step::ReasonsMissing { subject: certificate.subject().into() });
                Known::Nothing
            }
        }
    }

    /// One complete CRL for one distribution point.
    fn consider(
        &mut self,
        n: usize,
        path: &Path<'a>,
        place: usize,
        point: Option<&PointRead>,
        mask: Reasons,
    ) -> Result<Said, Step> {
        let evidence = self.evidence;
        let certificate = path.certificate(place);
        let Some(crl) = evidence.crls.get(n) else { return Ok(Said::Not(Reasons::NONE)) };
        let name = CrlRef::of(n, crl);
        let reasons = scope(crl, &name, certificate, point, self.policy.scopes)?;
        if mask.contains(reasons) {
            return Err(Step::CrlNoNewReason { crl: name });
        }
        let expired = match current(crl, &name, self.at, self.policy) {
            Err(step @ Step::CrlExpired { .. }) => Some(step),
            Err(step) => return Err(step),
            Ok(()) => None,
        };
        let renewable = self.policy.deltas && self.policy.delta_renews_base;
        let revokes = self.policy.expired_crl == ExpiredCrl::Revocations;
        if let Some(step) = &expired
            && !renewable
            && !revokes
        {
            return Err(step.clone());
        }
        let signer = self.crl_signer(crl, &name, path, place)?;
        let delta = match &expired {
            None => self.delta(crl, &name, certificate, signer)?,
            Some(_) if renewable => self.newest_delta(crl, &name, signer),
            Some(_) => None,
        };
        if let (Some(step), None) = (expired, &delta) {
            // It counts against the certificate, never for it.
            return match entry(crl, certificate) {
                Some(entry) if revokes => Ok(self.listed(&name, certificate, &entry)),
                _ => Err(step),
            };
        }
        self.steps.push(Step::CrlTaken { crl: name.clone() });
        let subject = || Name::from(certificate.subject());
        if let Some((delta, delta_name)) = delta {
            self.steps.push(Step::DeltaTaken { crl: delta_name.clone(), base: name.clone() });
            match entry(delta, certificate) {
                Some(entry) if entry.reason == Some(8) => {
                    self.steps.push(Step::Removed { crl: delta_name, subject: subject() });
                    return Ok(Said::Not(reasons));
                }
                Some(entry) => return Ok(self.listed(&delta_name, certificate, &entry)),
                None => {
                    self.steps.push(Step::NotListed { crl: delta_name, subject: subject() });
                }
            }
        }
        match entry(crl, certificate) {
            Some(entry) if entry.reason == Some(8) => {
                self.steps.push(Step::Removed { crl: name, subject: subject() });
            }
            Some(entry) => return Ok(self.listed(&name, certificate, &entry)),
            None => self.steps.push(Step::NotListed { crl: name, subject: subject() }),
        }
        Ok(Said::Not(reasons))
    }

    fn listed(&mut self, crl: &CrlRef, certificate: &Certificate, entry: &CrlEntry) -> Said {
        self.steps.push(Step::Listed {
            crl: crl.clone(),
            subject: certificate.subject().into(),
            reason: Reason(entry.reason),
            at: entry.revoked_at,
        });
        Said::Revoked
    }

    /// The newest delta that goes with a base; `Err` where the base may not be used without one.
    fn delta(
        &mut self,
        base: &'a Crl,
        base_name: &CrlRef,
        certificate: &Certificate,
        signer: &'a Certificate,
    ) -> Result<Option<(&'a Crl, CrlRef)>, Step> {
        if !self.policy.deltas {
            return Ok(None);
        }
        let best = self.newest_delta(base, base_name, signer);
        let pointed =
            !base.freshest_crl_urls().is_empty() || !certificate.freshest_crl_urls().is_empty();
        if best.is_none() && pointed && self.policy.expired_delta == ExpiredDelta::Fatal {
            return Err(Step::DeltaFatal { crl: base_name.clone() });
        }
        Ok(best)
    }

    /// The newest current delta that goes with a base. With it a base says what is known now, even
    /// one that is past its nextUpdate (§6.3.3 (a)(1)(i)).
    fn newest_delta(
        &mut self,
        base: &'a Crl,
        base_name: &CrlRef,
        signer: &'a Certificate,
    ) -> Option<(&'a Crl, CrlRef)> {
        let evidence = self.evidence;
        let mut best: Option<(&Crl, CrlRef)> = None;
        for (n, delta) in evidence.crls.iter().enumerate() {
            let is_delta = delta.base_number().is_some() && delta.issuer().matches(base.issuer());
            if !is_delta {
                continue;
            }
            let name = CrlRef::of(n, delta);
            match self.judge_delta(delta, &name, base, base_name, signer) {
                Ok(()) if best.as_ref().is_none_or(|(b, _)| b.number() < delta.number()) => {
                    best = Some((delta, name));
                }
                Ok(()) => {}
                Err(step) => self.steps.push(step),
            }
        }
        best
    }

    fn judge_delta(
        &mut self,
        delta: &Crl,
        name: &CrlRef,
        base: &Crl,
        base_name: &CrlRef,
        signer: &Certificate,
    ) -> Result<(), Step> {
        goes_with(delta, base).map_err(|why| Step::DeltaOther {
            crl: name.clone(),
            base: base_name.clone(),
            why: why.to_owned(),
        })?;
        current(delta, name, self.at, self.policy)?;
        match self.crl_is_signed_by(delta, name, signer)? {
            true => Ok(()),
            false => Err(Step::CrlSignatureBad { crl: name.clone() }),
        }
    }

    fn crl_is_signed_by(
        &mut self,
        crl: &Crl,
        name: &CrlRef,
        signer: &Certificate,
    ) -> Result<bool, Step> {
        match crl.weak_digest() {
            Some(by) => self.weak(by, signer, crl.tbs(), crl.signature(), || name.to_string()),
            None => Ok(self.verifier.verify_crl(crl, signer)),
        }
    }

    /// Whose key has signed a CRL, where that key is trusted to (§6.3.3 (f), (g)).
    pub(super) fn crl_signer(
        &mut self,
        crl: &'a Crl,
        name: &CrlRef,
        path: &Path<'a>,
        place: usize,
    ) -> Result<&'a Certificate, Step> {
        let evidence = self.evidence;
        let own = path.issuer(place);
        let mut refusal = None;
        if own.subject().matches(crl.issuer()) {
            if self.crl_is_signed_by(crl, name, own)? {
                may_sign(own, name)?;
                return Ok(own);
            }
            refusal = Some(Step::CrlSignatureBad { crl: name.clone() });
        }
        let same_key = |other: &&Certificate| other.public_key_info() == own.public_key_info();
        let others = evidence.anchors.iter().chain(&evidence.certificates);
        let mut others: Vec<&Certificate> = others
            .filter(|other| other.subject().matches(crl.issuer()) && !same_key(other))
            .collect();
        others.sort_by_key(|other| crl.authority_key_id() != other.subject_key_id());
        for other in others {
            if !self.crl_is_signed_by(crl, name, other)? {
                refusal.get_or_insert(Step::CrlSignatureBad { crl: name.clone() });
                continue;
            }
            if !self.policy.other_crl_signer {
                return Err(Step::CrlSignerOther { crl: name.clone() });
            }
            match self.judge_signer(crl, other, name, path) {
                Ok(()) => return Ok(other),
                Err(step) => refusal = Some(step),
            }
        }
        Err(refusal.unwrap_or_else(|| Step::CrlSignerMissing { crl: name.clone() }))
    }

    /// A signer off the path: its own path must lead to the same anchor, its key may sign CRLs, and
    /// nobody says that it is revoked.
    fn judge_signer(
        &mut self,
        crl: &Crl,
        signer: &'a Certificate,
        name: &CrlRef,
        path: &Path<'a>,
    ) -> Result<(), Step> {
        may_sign(signer, name)?;
        if signer == path.anchor {
            return Ok(());
        }
        let revoked =
            || Step::CrlSignerRevoked { crl: name.clone(), signer: signer.subject().into() };
        if entry(crl, signer).is_some() {
            return Err(revoked());
        }
        if self.signers.contains(&signer) {
            // It would have to vouch for itself.
            return Err(Step::CrlSignerPath {
                crl: name.clone(),
                signer: signer.subject().into(),
                why: "it would vouch for itself".to_owned(),
            });
        }
        let mut why = String::from("no chain leads to the anchor of the certificate");
        let own_steps = self.steps.len();
        let purpose = std::mem::replace(&mut self.purpose, Purpose::Any);
        self.signers.push(signer);
        let mut outcome = None;
        for own in self.paths(signer).paths {
            if own.anchor != path.anchor {
                continue;
            }
            match self.judge_path(&own) {
                Ok(()) => {
                    let listed = (0..own.certificates.len())
                        .any(|n| self.by_crls(&own, n) == Known::Revoked);
                    outcome = Some(if listed { Err(revoked()) } else { Ok(()) });
                    break;
                }
                Err(step) => why = step.to_string(),
            }
        }
        self.signers.pop();
        self.purpose = purpose;
        // What was found on the way is summed up in one step.
        self.steps.truncate(own_steps);
        let signer = signer.subject().into();
        outcome.unwrap_or(Err(Step::CrlSignerPath { crl: name.clone(), signer, why }))
    }
}

/// What one CRL says.
enum Said {
    Revoked,
    /// Not revoked for these reasons.
    Not(Reasons),
}

fn entry(crl: &Crl, certificate: &Certificate) -> Option<CrlEntry> {
    crl.find_matching(certificate.issuer(), certificate.serial())
}

/// Key usage with cRLSign, where there is one.
fn may_sign(signer: &Certificate, crl: &CrlRef) -> Result<(), Step> {
    if path::read(signer)?.key_usage.is_some_and(|usage| !usage.crl_sign()) {
        let signer = signer.subject().into();
        return Err(Step::CrlSignMissing { crl: crl.clone(), signer });
    }
    Ok(())
}
