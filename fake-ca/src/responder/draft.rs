//! An OCSP answer before it is signed, and what each defect makes of it.

use std::sync::Arc;

use revlab_lab::{Instant, Span};
use revlab_pki::{
    CertId, CertIdHash, CertStatus, Certificate, OcspAnswer, OcspExtension, OcspResponse,
    OcspTemplate, ResponderName, SingleTemplate, WeakDigest,
};

use super::signer::{Signer, SignerKind};
use crate::authority::Authority;
use crate::config::{NonceRule, OcspSigner, ResponderId};
use crate::content::ocsp::OcspDefect;

const HOUR: Span = Span::from_hours(1);
const DAY: Span = Span::from_days(1);

/// 1.3.6.1.4.1.32473 is IANA's arc for examples (RFC 5612).
const UNKNOWN_EXTENSION: &str = "1.3.6.1.4.1.32473.1";

/// What is asked, and what there is to say about it.
pub(super) struct Subject<'a> {
    pub(super) now: Instant,
    /// thisUpdate and nextUpdate.
    pub(super) window: (Instant, Instant),
    pub(super) ids: &'a [CertId],
    pub(super) statuses: &'a [CertStatus],
    pub(super) nonce: Option<&'a [u8]>,
}

impl Subject<'_> {
    fn validity(&self) -> Span {
        self.window.1 - self.window.0
    }
}

/// An answer on its way to be signed.
pub(super) struct Draft {
    template: OcspTemplate,
    signer: Signer,
    /// What the answer says of its signer, should another key sign.
    wrong_key: bool,
    broken: bool,
    /// The position of the CA's key that is asked about.
    by: usize,
    weak: Option<WeakDigest>,
}

impl Draft {
    /// The right answer by the responder's configuration.
    pub(super) fn right(authority: &mut Authority, subject: &Subject<'_>) -> Draft {
        let responder = authority.config.responder.as_ref();
        let kind = responder.map(|r| r.signer).unwrap_or_default();
        let named = responder.map(|r| r.responder_id).unwrap_or_default();
        let rule = responder.map(|r| r.nonce).unwrap_or_default();
        let cutoff = responder.and_then(|r| r.archive_cutoff);
        let cutoff = cutoff.map(|kept| OcspExtension::archive_cutoff(subject.now - kept));
        let asked = subject.ids.first().and_then(|id| authority.key_of_request(id));
        let by = asked.unwrap_or_else(|| authority.newest_key());
        let (signer, certificates) = match kind {
            OcspSigner::Ca => (authority.own_signer(by), Vec::new()),
            OcspSigner::Delegated => {
                let signer = authority.signer(subject.now, by, SignerKind::Delegated);
                let certificates = vec![signer.certificate.clone()];
                (signer, certificates)
            }
        };
        let (this_update, next_update) = subject.window;
        let answers = subject.ids.iter().zip(subject.statuses).map(|(id, status)| SingleTemplate {
            answer: OcspAnswer {
                id: id.clone(),
                status: *status,
                this_update,
                next_update: Some(next_update.floor_to_second()),
                produced_at: subject.now,
            },
            extensions: cutoff.clone().into_iter().collect(),
        });
        let nonce = subject.nonce.filter(|_| rule != NonceRule::Ignore);
        let template = OcspTemplate {
            responder: match named {
                ResponderId::ByKey => ResponderName::key_of(&signer.certificate),
                ResponderId::ByName => ResponderName::name_of(&signer.certificate),
            },
            produced_at: subject.now,
            answers: answers.collect(),
            extensions: nonce
                .map(|value| OcspExtension::nonce(value.to_vec()))
                .into_iter()
                .collect(),
            certificates,
            fraction: false,
        };
        Draft { template, signer, wrong_key: false, broken: false, by, weak: None }
    }

    /// What `defect` makes of it.
    pub(super) fn spoil(
        &mut self,
        defect: OcspDefect,
        authority: &mut Authority,
        subject: &Subject<'_>,
    ) {
        use OcspDefect as D;
        let now = subject.now;
        match defect {
            D::SayGood => self.say(CertStatus::Good),
            D::SayRevoked => self.say(CertStatus::Revoked { at: now - HOUR, reason: None }),
            D::SayUnknown => self.say(CertStatus::Unknown),
            D::WrongSerial => self.each(|answer| answer.id.serial = other_serial(&answer.id)),
            D::WrongIssuer => self.each(|answer| {
                answer.id.issuer_name_hash = answer.id.hash.of(b"another issuer");
                answer.id.issuer_key_hash = answer.id.hash.of(b"another key");
            }),
            D::WrongHash => self.rehash(&authority.own_signer(self.by).certificate),
            D::NoAnswer => self.template.answers.clear(),
            D::SeveralAnswers => self.precede(),
            D::Contradictory => self.contradict(now),
            D::Stale => self.shift(subject.validity().scale(-2, 1)),
            D::Future => self.shift(Ord::max(subject.validity(), HOUR)),
            D::NoNextUpdate => self.each(|answer| answer.next_update = None),
            D::NextUpdateBeforeThisUpdate => {
                self.each(|answer| answer.next_update = Some(answer.this_update - HOUR));
            }
            D::ProducedInFuture => self.template.produced_at = now + DAY,
            D::ProducedBeforeThisUpdate => self.template.produced_at = now - DAY,
            D::FractionalSeconds => self.template.fraction = true,
            D::UnknownCriticalExtension => self.template.extensions.extend(unknown_extension()),
            D::UnknownCriticalSingleExtension => {
                for single in &mut self.template.answers {
                    single.extensions.extend(unknown_extension());
                }
            }
            D::NonceMissing => self.set_nonce(None),
            D::NonceWrong => self.set_nonce(Some(wrong_nonce(subject.nonce))),
            D::ByName => self.template.responder = ResponderName::name_of(&self.signer.certificate),
            D::ByKey => self.template.responder = ResponderName::key_of(&self.signer.certificate),
            D::ByNeither => self.template.responder = ResponderName::Key(vec![0; 20]),
            D::BrokenSignature => self.broken = true,
            D::WrongKey => self.wrong_key = true,
            D::Sha1Signature => self.weak = Some(WeakDigest::Sha1),
            D::Md5Signature => self.weak = Some(WeakDigest::Md5),
            D::SignerWithoutEku => self.delegate(authority, now, SignerKind::WithoutEku),
            D::SignerExpired => self.delegate(authority, now, SignerKind::Expired),
            D::SignerNotYetValid => self.delegate(authority, now, SignerKind::NotYetValid),
            D::SignerRevoked => self.delegate(authority, now, SignerKind::Revoked),
            D::SignerOfOtherIssuer => self.delegate(authority, now, SignerKind::OfOtherIssuer),
            D::SignerMissing => {
                self.delegate(authority, now, SignerKind::Delegated);
                self.template.certificates.clear();
            }
            D::SignerTampered => {
                self.delegate(authority, now, SignerKind::Delegated);
                self.template.certificates = tampered(&self.signer.certificate);
            }
            D::Status(_)
            | D::NoResponseBytes
            | D::Empty
            | D::Html
            | D::Truncated
            | D::TrailingBytes
            | D::UnknownResponseType => {}
        }
    }

    /// The signed bytes.
    pub(super) fn sign(&self, authority: &Authority) -> Vec<u8> {
        let stray = self.wrong_key.then(|| authority.stray_key());
        let key = stray.as_ref().unwrap_or(&self.signer.key);
        let mut der = match self.weak {
            Some(digest) => self.template.sign_weakly(key, digest),
            None => self.template.sign(key),
        };
        if self.broken {
            break_signature(&mut der, &self.template);
        }
        der
    }

    /// The first answer's thisUpdate and nextUpdate; those of an answer that is not there are now.
    pub(super) fn window(&self, now: Instant) -> (Instant, Option<Instant>) {
        let first = self.template.answers.first().map(|single| &single.answer);
        first.map_or((now, Some(now)), |answer| (answer.this_update, answer.next_update))
    }

    /// Whether it answers one request alone.
    pub(super) fn has_nonce(&self) -> bool {
        !self.template.extensions.is_empty()
    }

    fn each(&mut self, change: impl Fn(&mut OcspAnswer)) {
        for single in &mut self.template.answers {
            change(&mut single.answer);
        }
    }

    fn say(&mut self, status: CertStatus) {
        self.each(|answer| answer.status = status);
    }

    fn rehash(&mut self, issuer: &Certificate) {
        let key = issuer.public_key_bits().unwrap_or_default();
        self.each(|answer| {
            let hash = match answer.id.hash {
                CertIdHash::Sha1 => CertIdHash::Sha256,
                _ => CertIdHash::Sha1,
            };
            answer.id.issuer_name_hash = hash.of(issuer.subject().as_der());
            answer.id.issuer_key_hash = hash.of(key);
            answer.id.hash = hash;
        });
    }

    fn precede(&mut self) {
        let Some(first) = self.template.answers.first().cloned() else { return };
        let others = [1u8, 2].map(|more| {
            let mut other = first.clone();
            other.answer.id.serial.push(more);
            other.answer.status = CertStatus::Good;
            other
        });
        self.template.answers.splice(0..0, others);
    }

    fn contradict(&mut self, now: Instant) {
        let mut again = self.template.answers.clone();
        self.say(CertStatus::Good);
        for single in &mut again {
            single.answer.status = CertStatus::Revoked { at: now - HOUR, reason: None };
        }
        self.template.answers.append(&mut again);
    }

    /// thisUpdate, nextUpdate and producedAt together.
    fn shift(&mut self, by: Span) {
        self.each(|answer| {
            answer.this_update = (answer.this_update + by).floor_to_second();
            answer.next_update = answer.next_update.map(|next| (next + by).floor_to_second());
        });
        self.template.produced_at = (self.template.produced_at + by).floor_to_second();
    }

    fn set_nonce(&mut self, value: Option<Vec<u8>>) {
        let nonce = OcspExtension::nonce(Vec::new());
        self.template.extensions.retain(|extension| extension.oid != nonce.oid);
        self.template.extensions.extend(value.map(OcspExtension::nonce));
    }

    /// Signed by a responder of this kind, whose certificate comes along.
    fn delegate(&mut self, authority: &mut Authority, now: Instant, kind: SignerKind) {
        self.signer = authority.signer(now, self.by, kind);
        self.template.certificates = vec![self.signer.certificate.clone()];
        self.template.responder = match &self.template.responder {
            ResponderName::Name(_) => ResponderName::name_of(&self.signer.certificate),
            ResponderName::Key(_) => ResponderName::key_of(&self.signer.certificate),
        };
    }
}

/// The bytes that a defect puts in place of any answer; the second is their media type.
pub(super) fn instead(defects: &[OcspDefect]) -> Option<(Vec<u8>, &'static str)> {
    const OCSP: &str = "application/ocsp-response";
    defects.iter().find_map(|defect| match defect {
        OcspDefect::Status(status) => Some((OcspResponse::error(*status), OCSP)),
        // responseStatus successful, and nothing behind it.
        OcspDefect::NoResponseBytes => Some((OcspResponse::error(0), OCSP)),
        OcspDefect::Empty => Some((Vec::new(), OCSP)),
        OcspDefect::Html => Some((LOGIN_PAGE.to_vec(), "text/html")),
        _ => None,
    })
}

const LOGIN_PAGE: &[u8] = b"<!DOCTYPE html>\r\n<html><head><title>Log in</title></head>\r\n\
    <body><form method=\"post\">Please log in to use this network.</form></body></html>\r\n";

/// What the defects do to signed bytes.
pub(super) fn damage(mut der: Vec<u8>, defects: &[OcspDefect]) -> Arc<[u8]> {
    for defect in defects {
        match defect {
            OcspDefect::Truncated => der.truncate(der.len() / 2),
            OcspDefect::TrailingBytes => der.push(0),
            OcspDefect::UnknownResponseType => other_type(&mut der),
            _ => {}
        }
    }
    der.into()
}

/// id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1, becomes 1.3.6.1.5.5.7.48.1.127.
fn other_type(der: &mut [u8]) {
    const BASIC: [u8; 11] = [6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
    let at = der.windows(BASIC.len()).position(|window| window == BASIC);
    if let Some(last) = at.and_then(|at| der.get_mut(at + BASIC.len() - 1)) {
        *last = 127;
    }
}

/// Flips the last bit of the signature, which stands before the certificates.
fn break_signature(der: &mut [u8], template: &OcspTemplate) {
    let behind: usize = match template.certificates.as_slice() {
        [] => 0,
        // [0] and SEQUENCE around the certificates, each with a length of up to four octets.
        certificates => {
            let content: usize = certificates.iter().map(|c| c.der().len()).sum();
            let list = content + header(content);
            list + header(list)
        }
    };
    let last = der.len().checked_sub(behind + 1);
    if let Some(octet) = last.and_then(|last| der.get_mut(last)) {
        *octet ^= 1;
    }
}

/// How many octets tag and length take before so much content.
fn header(content: usize) -> usize {
    match content {
        0..0x80 => 2,
        0x80..0x100 => 3,
        0x100..0x1_0000 => 4,
        _ => 5,
    }
}

fn other_serial(id: &CertId) -> Vec<u8> {
    let mut serial = id.serial.clone();
    match serial.last_mut() {
        Some(last) => *last ^= 1,
        None => serial.push(1),
    }
    serial
}

fn unknown_extension() -> Option<OcspExtension> {
    let oid = UNKNOWN_EXTENSION.parse().ok()?;
    Some(OcspExtension { oid, critical: true, value: vec![5, 0] })
}

/// As long as the one that was sent, at least 16 octets where none was.
fn wrong_nonce(sent: Option<&[u8]>) -> Vec<u8> {
    match sent {
        Some(value) if value.len() > 2 => {
            let mut value = value.to_vec();
            if let Some(last) = value.last_mut() {
                *last ^= 1;
            }
            value
        }
        _ => [&[4, 16][..], &[0x5a; 16]].concat(),
    }
}

/// The certificate with the last bit of its signature flipped.
fn tampered(certificate: &Certificate) -> Vec<Certificate> {
    let mut der = certificate.der().to_vec();
    if let Some(last) = der.last_mut() {
        *last ^= 1;
    }
    Certificate::parse(&der).into_iter().collect()
}
