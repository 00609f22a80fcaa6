//! The certificates of sites that speak TLS, each wrong in its own way. Pure.

use revlab_lab::{Seed, Span};
use revlab_pki::{
    Certificate, CertificateTemplate, DistinguishedName, Issuer, KeyAlgorithm, KeyPair, Usage,
};

use super::FakeCa;
use crate::fault::HttpsCertificate;

/// A certificate that nobody should trust, with those above it and its key.
#[derive(Clone, Debug)]
pub struct HttpsCredential {
    /// The site's certificate, then the intermediate ones.
    pub chain: Vec<Certificate>,
    /// Its private key.
    pub key: KeyPair,
}

/// A host that no site has (RFC 2606 §2).
const OTHER: &str = "other.invalid";

impl FakeCa {
    /// The credential of the site of a CA with this host or address, with what is wrong with it. The CA
    /// knows nothing of the certificate: its own are the same with and without. `None` for an unknown
    /// CA, or a host that a certificate cannot bear.
    pub fn https_credential(
        &self,
        ca: &str,
        host: &str,
        wrong: HttpsCertificate,
        seed: Seed,
    ) -> Option<HttpsCredential> {
        let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, seed, &format!("https/{host}"));
        let name = match wrong {
            HttpsCertificate::OtherName => OTHER,
            _ => host,
        };
        let day = Span::from_days(1);
        let not_after = match wrong {
            HttpsCertificate::Expired => self.start - day,
            _ => self.start + day.scale(36_500, 1),
        };
        let template = |name: &str, usage| CertificateTemplate {
            subject: DistinguishedName::common_name(name),
            serial: vec![0x43, 0x21],
            not_before: self.start - day.scale(30, 1),
            not_after,
            usage,
            crl_urls: Vec::new(),
            freshest_crl_urls: Vec::new(),
            ocsp_urls: Vec::new(),
            issuer_urls: Vec::new(),
            dns_names: Vec::new(),
            ca_version: None,
        };
        let own = CertificateTemplate {
            dns_names: vec![name.to_owned()],
            ..template(name, Usage::Server)
        };
        let public = key.public_key_info();
        let mut chain = Vec::new();
        let issued = match wrong {
            HttpsCertificate::SelfSigned => own.issue(public, &Issuer::Itself(&key)),
            HttpsCertificate::Untrusted => {
                let unknown = KeyPair::seeded(KeyAlgorithm::EcdsaP256, seed, "https/unknown");
                let root = template("A CA that nobody knows", Usage::Authority);
                let root = root.issue(unknown.public_key_info(), &Issuer::Itself(&unknown)).ok()?;
                own.issue(public, &Issuer::Certificate(&root, &unknown))
            }
            HttpsCertificate::Expired | HttpsCertificate::OtherName => {
                let above = self.chain(ca);
                let issuer = Issuer::Certificate(above.first()?, self.issuer_key(ca)?);
                let issued = own.issue(public, &issuer);
                chain.extend(above.into_iter().filter(|c| !c.is_self_issued()));
                issued
            }
        };
        chain.insert(0, issued.ok()?);
        Some(HttpsCredential { chain, key })
    }
}
