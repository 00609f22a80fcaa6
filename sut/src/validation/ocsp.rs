//! What OCSP responses say (RFC 6960 §3.2, RFC 5019, RFC 9654).

use revlab_lab::{Instant, Span};
use revlab_pki::ocsp::OcspAnswer;
use revlab_pki::{CertStatus, Certificate, OcspResponse};

use super::path::{self, Path};
use super::policy::Policy;
use super::step::{Name, Reason, Step};
use super::{Currency, Known, Validation, currency};

/// The answers of a response about this certificate of this issuer, whatever their hash function.
pub fn answers<'r>(
    response: &'r OcspResponse,
    certificate: &'r Certificate,
    issuer: &'r Certificate,
) -> impl Iterator<Item = &'r OcspAnswer> {
    response.answers().iter().filter(move |answer| {
        let id = &answer.id;
        id.serial == certificate.serial()
            && (id.matches_issuer(issuer)
                // The same name can be written in two ways.
                || (issuer.subject().matches(certificate.issuer())
                    && *id == revlab_pki::CertId::by(id.hash, certificate, issuer)))
    })
}

/// Whether an answer is current at a time. `response` is its place, from 1 on.
///
/// # Errors
///
/// It is not; why.
pub fn current(
    answer: &OcspAnswer,
    response: usize,
    at: Instant,
    policy: &Policy,
) -> Result<(), Step> {
    if answer.next_update.is_some_and(|until| until < answer.this_update) {
        return Err(Step::OcspTimesBad { response });
    }
    let oldest = at - policy.tolerance - policy.ocsp_max_age;
    match currency(answer.this_update, answer.next_update, at, policy) {
        Currency::Current if policy.ocsp_max_age > Span::ZERO && answer.this_update < oldest => {
            Err(Step::OcspTooOld { response, at: answer.this_update })
        }
        Currency::Current => Ok(()),
        Currency::NotYet => Err(Step::OcspNotYetValid { response, at: answer.this_update }),
        Currency::Expired(until) => Err(Step::OcspExpired { response, at: until }),
        Currency::Never => Err(Step::OcspWithoutNextUpdate { response }),
    }
}

impl<'a> Validation<'a, '_> {
    /// What the responses at hand say of the certificate at a place of a path: a revocation, if one
    /// does.
    pub(super) fn by_ocsp(&mut self, path: &Path<'a>, place: usize) -> Known {
        let evidence = self.evidence;
        let mut known = Known::Nothing;
        for (n, response) in evidence.ocsp.iter().enumerate() {
            match self.judge_response(response, n + 1, path, place) {
                Ok(CertStatus::Revoked { .. }) => return Known::Revoked,
                Ok(CertStatus::Good) => known = Known::Good,
                Ok(CertStatus::Unknown) if self.policy.unknown_is_good => known = Known::Good,
                Ok(CertStatus::Unknown) => {}
                Err(step) => self.steps.push(step),
            }
        }
        known
    }

    pub(super) fn judge_response(
        &mut self,
        response: &'a OcspResponse,
        n: usize,
        path: &Path<'a>,
        place: usize,
    ) -> Result<CertStatus, Step> {
        let (certificate, issuer) = (path.certificate(place), path.issuer(place));
        if response.status() != 0 {
            return Err(Step::OcspError { response: n, status: response.status() });
        }
        let about: Vec<&OcspAnswer> = answers(response, certificate, issuer).collect();
        if about.is_empty() {
            return Err(Step::OcspOther { response: n });
        }
        self.judge_nonce(response, n)?;
        let responder = self.responder(response, n, path, place)?;
        let mut refusal = Step::OcspOther { response: n };
        let mut status = None;
        for answer in about {
            match current(answer, n, self.at, self.policy) {
                Ok(()) if matches!(status, None | Some(CertStatus::Unknown)) => {
                    status = Some(answer.status);
                }
                // Of two answers the worse counts.
                Ok(()) if matches!(answer.status, CertStatus::Revoked { .. }) => {
                    status = Some(answer.status);
                }
                Ok(()) => {}
                Err(step) => refusal = step,
            }
        }
        let status = status.ok_or(refusal)?;
        self.steps.push(Step::OcspTaken { response: n, responder });
        let subject = Name::from(certificate.subject());
        self.steps.push(match status {
            CertStatus::Good => Step::OcspGood { response: n, subject },
            CertStatus::Revoked { at, reason } => {
                Step::OcspRevoked { response: n, subject, reason: Reason(reason), at }
            }
            CertStatus::Unknown => Step::OcspUnknown { response: n, subject },
        });
        Ok(status)
    }

    fn judge_nonce(&self, response: &OcspResponse, n: usize) -> Result<(), Step> {
        let Some(sent) = &self.evidence.nonce else { return Ok(()) };
        match response.nonce() {
            Some(nonce) if nonce == sent => Ok(()),
            None if !self.policy.nonce_required => Ok(()),
            _ => Err(Step::OcspNonce { response: n }),
        }
    }

    /// Who has signed a response and may (RFC 6960 §4.2.2.2).
    fn responder(
        &mut self,
        response: &'a OcspResponse,
        n: usize,
        path: &Path<'a>,
        place: usize,
    ) -> Result<Name, Step> {
        let evidence = self.evidence;
        let issuer = path.issuer(place);
        let unauthorized = |why: &str| Step::OcspUnauthorized { response: n, why: why.to_owned() };
        let mut refusal = unauthorized("no certificate of the responder that it names is at hand");
        let at_hand = response.certificates().iter().chain(&evidence.certificates);
        for signer in std::iter::once(issuer).chain(at_hand) {
            if !response.names_responder(signer) {
                continue;
            }
            if !self.response_is_signed_by(response, n, signer)? {
                refusal = Step::OcspSignatureBad { response: n };
                continue;
            }
            let is_issuer = signer.public_key_info() == issuer.public_key_info()
                && signer.subject().matches(issuer.subject());
            let judged = match is_issuer {
                true => Ok(()),
                false => self.judge_delegate(signer, path, place),
            };
            match judged {
                Ok(()) => return Ok(signer.subject().into()),
                Err(why) => refusal = unauthorized(&why),
            }
        }
        Err(refusal)
    }

    fn response_is_signed_by(
        &mut self,
        response: &OcspResponse,
        n: usize,
        signer: &Certificate,
    ) -> Result<bool, Step> {
        match response.weak_digest() {
            Some(by) => {
                let what = || format!("OCSP response [{n}]");
                self.weak(by, signer, response.tbs(), response.signature(), what)
            }
            None => Ok(self.verifier.verify_response(response, signer)),
        }
    }

    /// A responder that the CA has delegated to; the error says in words why it has not.
    fn judge_delegate(
        &mut self,
        signer: &'a Certificate,
        path: &Path<'a>,
        place: usize,
    ) -> Result<(), String> {
        let issuer = path.issuer(place);
        if !signer.issuer().matches(issuer.subject())
            || !self.verifier.verify_certificate(signer, issuer)
        {
            return Err(String::from("its certificate was not issued by that CA"));
        }
        if !signer.allows_ocsp_signing() {
            return Err(String::from("its certificate lacks id-kp-OCSPSigning"));
        }
        let names_source = !signer.ocsp_urls().is_empty() || !signer.crl_urls().is_empty();
        if names_source && !self.policy.responder_with_source {
            return Err(String::from("its certificate names a CRL or a responder for itself"));
        }
        self.judge_validity(signer).map_err(|step| step.to_string())?;
        let read = path::read(signer).map_err(|step| step.to_string())?;
        if let Some(oid) = read.unknown_critical.first() {
            return Err(format!("its certificate has the critical extension {oid}"));
        }
        if read.key_usage.is_some_and(|usage| !usage.digital_signature()) {
            return Err(String::from("its key may not sign anything but certificates or CRLs"));
        }
        if read.no_check || !self.policy.responder_checked {
            return Ok(());
        }
        let above = path.certificates.get(place + 1..).unwrap_or_default();
        let certificates = [&[signer], above].concat();
        match self.by_crls(&Path { certificates, anchor: path.anchor }, 0) {
            Known::Good => Ok(()),
            Known::Revoked => Err(String::from("its certificate is revoked")),
            Known::Nothing => Err(String::from(
                "its certificate lacks id-pkix-ocsp-nocheck, and no CRL says that it is not revoked",
            )),
        }
    }
}
