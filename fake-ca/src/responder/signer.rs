//! Who signs OCSP answers: the CA, the responder it has delegated to, and every wrong one.

use std::collections::BTreeMap;

use revlab_lab::{Instant, Span};
use revlab_pki::{
    Certificate, CertificateTemplate, DistinguishedName, IssueError, Issuer, KeyPair, Usage,
};

use crate::authority::{Authority, Order};
use crate::publication::Life;

/// A responder to which the CA has delegated signing, or should not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SignerKind {
    /// As RFC 6960 §4.2.2.2 has it: issued by the CA, with id-kp-OCSPSigning.
    Delegated,
    /// Without id-kp-OCSPSigning: a server certificate of the CA.
    WithoutEku,
    /// Its certificate has expired.
    Expired,
    /// Its certificate is not valid yet.
    NotYetValid,
    /// Its certificate is revoked; from the next CRL on it is listed.
    Revoked,
    /// Its certificate is by a CA of another name and key.
    OfOtherIssuer,
}

/// A certificate and its key.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    pub(crate) certificate: Certificate,
    pub(crate) key: KeyPair,
}

/// The signers that have signed something, by the position of the CA's key.
pub(crate) type Signers = BTreeMap<(usize, SignerKind), Signer>;

impl SignerKind {
    /// What its subject has behind the name of the CA.
    fn suffix(self) -> &'static str {
        match self {
            SignerKind::Delegated => "OCSP",
            SignerKind::WithoutEku => "OCSP without EKU",
            SignerKind::Expired => "OCSP expired",
            SignerKind::NotYetValid => "OCSP not yet valid",
            SignerKind::Revoked => "OCSP revoked",
            SignerKind::OfOtherIssuer => "OCSP of another CA",
        }
    }

    fn usage(self) -> Usage {
        match self {
            SignerKind::WithoutEku => Usage::Server,
            _ => Usage::OcspSigner,
        }
    }
}

impl Authority {
    /// A signer of this kind, issued by the CA's key at this position when it is first needed, at `now` by the CA's clock. Where no
    /// certificate can be had for it, the CA signs itself.
    pub(crate) fn signer(&mut self, now: Instant, by: usize, kind: SignerKind) -> Signer {
        if let Some(signer) = self.responses.signers.get(&(by, kind)) {
            return signer.clone();
        }
        let signer = self.new_signer(now, by, kind).unwrap_or_else(|_| self.own_signer(by));
        if kind == SignerKind::Revoked {
            let serial = signer.certificate.serial().to_vec();
            self.revoke(now, &serial, None);
        }
        self.responses.signers.insert((by, kind), signer.clone());
        signer
    }

    /// The CA itself, with the key at this position.
    pub(crate) fn own_signer(&self, by: usize) -> Signer {
        let (certificate, key) = self.key_pair(by);
        Signer { certificate: certificate.clone(), key: key.clone() }
    }

    /// A key of the CA's kind that belongs to nobody.
    pub(crate) fn stray_key(&self) -> KeyPair {
        KeyPair::seeded(self.config.key, self.seed(), &format!("{}/stray", self.name()))
    }

    fn new_signer(
        &mut self,
        now: Instant,
        by: usize,
        kind: SignerKind,
    ) -> Result<Signer, IssueError> {
        let common_name = subject(&self.config.common_name, kind.suffix());
        let name = format!("{}/{}", self.name(), kind.suffix());
        let key = KeyPair::seeded(self.config.key, self.seed(), &name);
        let life = self.life_of(now, kind);
        let certificate = if kind == SignerKind::OfOtherIssuer {
            self.foreign(&common_name, life, &key)?
        } else {
            let order = Order {
                common_name: &common_name,
                usage: kind.usage(),
                dns_names: &[],
                life,
                ocsp: None,
                ca_version: None,
            };
            self.issue_by(by, &order, &key)?
        };
        Ok(Signer { certificate, key })
    }

    fn life_of(&self, now: Instant, kind: SignerKind) -> Life {
        let usual = self.usual_life();
        let hour = Span::from_hours(1);
        match kind {
            SignerKind::Expired => {
                let not_after = (now - hour).floor_to_second();
                Life { not_before: Ord::min(usual.not_before, not_after - hour), not_after }
            }
            SignerKind::NotYetValid => {
                let not_before = (now + hour).floor_to_second();
                Life { not_before, not_after: not_before + Span::from_days(365) }
            }
            _ => usual,
        }
    }

    /// A responder's certificate by a root that nobody knows.
    fn foreign(
        &self,
        common_name: &str,
        life: Life,
        key: &KeyPair,
    ) -> Result<Certificate, IssueError> {
        let other_key = self.stray_key();
        let template = |subject: &str, usage, serial| CertificateTemplate {
            subject: DistinguishedName::common_name(subject),
            serial,
            not_before: life.not_before,
            not_after: life.not_after,
            usage,
            crl_urls: Vec::new(),
            freshest_crl_urls: Vec::new(),
            ocsp_urls: Vec::new(),
            issuer_urls: Vec::new(),
            dns_names: Vec::new(),
            ca_version: None,
        };
        let root = template("Another CA", Usage::Authority, vec![1])
            .issue(other_key.public_key_info(), &Issuer::Itself(&other_key))?;
        template(common_name, Usage::OcspSigner, vec![2])
            .issue(key.public_key_info(), &Issuer::Certificate(&root, &other_key))
    }
}

/// X.520: a common name has at most 64 characters.
fn subject(ca: &str, suffix: &str) -> String {
    let room = 64usize.saturating_sub(suffix.chars().count() + 1);
    let stem: String = ca.chars().take(room).collect();
    format!("{stem} {suffix}")
}
