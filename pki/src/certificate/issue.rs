//! Issuing a certificate.

use std::net::IpAddr;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280::*;
use const_oid::db::rfc6960::ID_PKIX_OCSP_NOCHECK;
use revlab_lab::Instant;
use revlab_lab::http::Url;

use super::Certificate;
use super::extras::{AccessMethod, CertificateExtras, describe};
use crate::distribution_point::DistributionPoint;
use crate::encode::{self, constructed, primitive};
use crate::extension::{self, write};
use crate::keys::{PublicKey, PublicKind};
use crate::signed::{algorithm_identifier, seal};
use crate::{DistinguishedName, KeyPair, Malformed, time};

/// What a new certificate shall say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateTemplate {
    /// Whose key is certified.
    pub subject: DistinguishedName,
    /// Serial number, big-endian and positive: 1 to 20 octets without leading zeros.
    pub serial: Vec<u8>,
    /// First second of the validity; fractions are cut off.
    pub not_before: Instant,
    /// Last second of the validity. It may lie before the first: then the certificate never is
    /// valid.
    pub not_after: Instant,
    /// What the key may do.
    pub usage: Usage,
    /// CRL distribution points: all URLs in one point. Empty: no such extension, here and below.
    pub crl_urls: Vec<Url>,
    /// freshestCRL: all URLs in one point.
    pub freshest_crl_urls: Vec<Url>,
    /// Authority information access, method id-ad-ocsp.
    pub ocsp_urls: Vec<Url>,
    /// Authority information access, method id-ad-caIssuers.
    pub issuer_urls: Vec<Url>,
    /// Subject alternative names: host names, and IP addresses in text form.
    pub dns_names: Vec<String>,
    /// Microsoft's CA version: certificate index and key index (fact sheet §4.3).
    pub ca_version: Option<(u16, u16)>,
}

/// What a certified key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Sign certificates and CRLs, and OCSP answers of its own: basic constraints with cA, key
    /// usage digitalSignature, keyCertSign and cRLSign as AD CS gives a CA.
    Authority,
    /// Authenticate a TLS client.
    Client,
    /// Authenticate a TLS server.
    Server,
    /// Sign OCSP answers for its issuer; bears id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1).
    OcspSigner,
    /// Sign CRLs and nothing else: key usage cRLSign alone and no basic constraints, so that it is no
    /// CA (RFC 5280 §4.2.1.3, §4.2.1.9).
    CrlSigner,
}

/// Who signs a certificate.
#[derive(Clone, Copy, Debug)]
pub enum Issuer<'a> {
    /// The certified key itself: a root.
    Itself(&'a KeyPair),
    /// A CA, by its certificate and that certificate's key.
    Certificate(&'a Certificate, &'a KeyPair),
}

/// Why a certificate cannot be issued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// RFC 5280 §4.1.2.2 wants a positive number of at most 20 octets.
    #[error("the serial number has {octets} octets without leading zeros; it must have 1 to 20")]
    Serial {
        /// How many it has.
        octets: usize,
    },
    /// The key to be certified cannot be read.
    #[error("the key to be certified cannot be read")]
    PublicKey(#[source] Malformed),
    /// The signing key is not the one that the issuer's certificate, or the root itself, certifies.
    #[error("the signing key is not the key of issuer `{issuer}`")]
    IssuerKey {
        /// The issuer's name.
        issuer: DistinguishedName,
    },
    /// The certificate could not be read again: an extension occurs twice, or has not the value
    /// that its OID asks for.
    #[error("the certificate could not be read again: {0}")]
    Unreadable(#[source] Malformed),
    /// A host name that is not ASCII.
    #[error("host name `{name}` must be written in ASCII (`xn--…`)")]
    DnsName {
        /// The name.
        name: String,
    },
}

impl CertificateTemplate {
    /// Issues the certificate for this key (a DER SubjectPublicKeyInfo).
    ///
    /// Extensions: subject key identifier (SHA-1 of the key's bits), authority key identifier
    /// (not in a root), usage, and those that the template asks for. Their order is not that of
    /// AD CS, which is not known (fact sheet §4.3).
    ///
    /// # Errors
    ///
    /// A serial number of no or too many octets, keys that do not fit together, a host name that
    /// is not ASCII.
    pub fn issue(
        &self,
        public_key_info: &[u8],
        issuer: &Issuer<'_>,
    ) -> Result<Certificate, IssueError> {
        self.issue_with(&CertificateExtras::default(), public_key_info, issuer)
    }

    /// Issues the certificate with more in it than the template says.
    ///
    /// # Errors
    ///
    /// As [`CertificateTemplate::issue`], and an extension that is there twice or cannot be read.
    pub fn issue_with(
        &self,
        extras: &CertificateExtras,
        public_key_info: &[u8],
        issuer: &Issuer<'_>,
    ) -> Result<Certificate, IssueError> {
        let octets = encode::significant(&self.serial).len();
        if !(1..=20).contains(&octets) {
            return Err(IssueError::Serial { octets });
        }
        let public = PublicKey::read(public_key_info).map_err(IssueError::PublicKey)?;
        let (name, certified, key) = match issuer {
            Issuer::Itself(key) => (&self.subject, public_key_info, *key),
            Issuer::Certificate(ca, key) => (ca.subject(), ca.public_key_info(), *key),
        };
        if key.public_key_info() != certified {
            return Err(IssueError::IssuerKey { issuer: name.clone() });
        }
        let tbs = encode::sequence(&[
            &constructed(0, &encode::number(2)),
            &encode::unsigned(&self.serial),
            algorithm_identifier(key.algorithm()),
            name.as_der(),
            &encode::sequence(&[&time::time(self.not_before), &time::time(self.not_after)]),
            self.subject.as_der(),
            public_key_info,
            &constructed(3, &encode::sequence(&[&self.extensions(extras, &public, issuer)?])),
        ]);
        Certificate::parse(&seal(&tbs, key, &[])).map_err(IssueError::Unreadable)
    }

    fn extensions(
        &self,
        extras: &CertificateExtras,
        key: &PublicKey<'_>,
        issuer: &Issuer<'_>,
    ) -> Result<Vec<u8>, IssueError> {
        let mut out = Vec::new();
        let id = encode::octet_string(&key.id());
        out.extend(write(ID_CE_SUBJECT_KEY_IDENTIFIER, false, &id));
        if let Issuer::Certificate(ca, _) = issuer {
            let id = extension::authority_key_id(&ca.key_id());
            out.extend(write(ID_CE_AUTHORITY_KEY_IDENTIFIER, false, &id));
        }
        out.extend(self.usage.extensions(key.kind));
        if !self.dns_names.is_empty() {
            out.extend(write(ID_CE_SUBJECT_ALT_NAME, false, &self.alternative_names()?));
        }
        let (crl, freshest) = (point(&self.crl_urls), point(&self.freshest_crl_urls));
        out.extend(extras.write(crl, freshest, self.access()));
        if let Some(version) = self.ca_version {
            out.extend(write(extension::CA_VERSION, false, &extension::ca_version(version)));
        }
        out.extend(extras.write_own(self.usage == Usage::OcspSigner));
        Ok(extras.replace(out))
    }

    /// AccessDescriptions.
    fn access(&self) -> Vec<u8> {
        let issuers = self.issuer_urls.iter().map(|url| (AccessMethod::Issuer, url));
        let responders = self.ocsp_urls.iter().map(|url| (AccessMethod::Ocsp, url));
        issuers.chain(responders).flat_map(|(method, url)| describe(method, url.as_str())).collect()
    }

    /// GeneralNames: dNSName or iPAddress.
    fn alternative_names(&self) -> Result<Vec<u8>, IssueError> {
        let mut names = Vec::new();
        for name in &self.dns_names {
            names.extend(match name.parse() {
                Ok(IpAddr::V4(address)) => primitive(7, &address.octets()),
                Ok(IpAddr::V6(address)) => primitive(7, &address.octets()),
                Err(_) if name.is_ascii() => primitive(2, name.as_bytes()),
                Err(_) => return Err(IssueError::DnsName { name: name.clone() }),
            });
        }
        Ok(encode::sequence(&[&names]))
    }
}

/// One DistributionPoint that names all URLs; nothing without any.
fn point(urls: &[Url]) -> Vec<u8> {
    match urls {
        [] => Vec::new(),
        urls => DistributionPoint::at(urls.iter().map(Url::as_str)).write(),
    }
}

/// Named bits of key usage (RFC 5280 §4.2.1.3).
const DIGITAL_SIGNATURE: u8 = 0x80;
const KEY_ENCIPHERMENT: u8 = 0x20;
const KEY_CERT_SIGN: u8 = 0x04;
const CRL_SIGN: u8 = 0x02;

impl Usage {
    /// Basic constraints, key usage and extended key usage; end entities have no basic
    /// constraints, and only RSA keys can encipher.
    fn extensions(self, key: Option<PublicKind>) -> Vec<u8> {
        let rsa = if key == Some(PublicKind::Rsa) { KEY_ENCIPHERMENT } else { 0 };
        let bits = match self {
            Usage::Authority => DIGITAL_SIGNATURE | KEY_CERT_SIGN | CRL_SIGN,
            Usage::Client | Usage::Server => DIGITAL_SIGNATURE | rsa,
            Usage::OcspSigner => DIGITAL_SIGNATURE,
            Usage::CrlSigner => CRL_SIGN,
        };
        let mut out = write(ID_CE_KEY_USAGE, true, &encode::named_bits(bits));
        if self == Usage::Authority {
            let ca = encode::sequence(&[&encode::boolean_true()]);
            out.extend(write(ID_CE_BASIC_CONSTRAINTS, true, &ca));
        }
        if let Some(purpose) = self.purpose() {
            let purposes = encode::sequence(&[&encode::oid(purpose)]);
            out.extend(write(ID_CE_EXT_KEY_USAGE, false, &purposes));
        }
        if self == Usage::OcspSigner {
            out.extend(write(ID_PKIX_OCSP_NOCHECK, false, &encode::null()));
        }
        out
    }

    fn purpose(self) -> Option<ObjectIdentifier> {
        match self {
            Usage::Authority | Usage::CrlSigner => None,
            Usage::Client => Some(ID_KP_CLIENT_AUTH),
            Usage::Server => Some(ID_KP_SERVER_AUTH),
            Usage::OcspSigner => Some(ID_KP_OCSP_SIGNING),
        }
    }
}
