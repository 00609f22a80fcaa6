//! What a certificate can say besides what every one of the lab does.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280::{
    ID_AD_CA_ISSUERS, ID_AD_OCSP, ID_CE_CRL_DISTRIBUTION_POINTS, ID_CE_FRESHEST_CRL,
    ID_CE_NAME_CONSTRAINTS, ID_PE_AUTHORITY_INFO_ACCESS,
};
use const_oid::db::rfc6960::ID_PKIX_OCSP_NOCHECK;

use super::read;
use crate::encode::{self, constructed, tag};
use crate::extension::{Extension, read_wrapped, write};
use crate::general_name::{GeneralName, subtrees, uri};
use crate::{Certificate, DistributionPoint, Malformed, digest};

/// id-pe-tlsfeature (RFC 7633 §4.1).
pub(super) const TLS_FEATURE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.24");

/// status_request, the TLS extension of RFC 6066 §8.
pub(super) const STATUS_REQUEST: u64 = 5;

/// Extensions that a certificate bears on top of its [`CertificateTemplate`]; each is left out
/// where it is empty.
///
/// [`CertificateTemplate`]: crate::CertificateTemplate
///
/// ```
/// use revlab_pki::{CertificateExtras, DistributionPoint};
/// let ldap = "ldap:///CN=XXX-CA,CN=CDP?certificateRevocationList";
/// let extras = CertificateExtras {
///     crl_points: vec![DistributionPoint::at([ldap, "http://pki.example/XXX-CA.crl"])],
///     must_staple: true,
///     ..CertificateExtras::default()
/// };
/// assert_eq!(extras.crl_points.len(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateExtras {
    /// Distribution points behind the one of the template's `crl_urls`.
    pub crl_points: Vec<DistributionPoint>,
    /// Points of freshestCRL behind the one of the template's `freshest_crl_urls`.
    pub freshest_crl_points: Vec<DistributionPoint>,
    /// Authority information access, in this order, behind the template's `issuer_urls` and
    /// `ocsp_urls`.
    pub access: Vec<AccessDescription>,
    /// TLS feature with status_request: a server must staple (RFC 7633).
    pub must_staple: bool,
    /// id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1). Without it only an OCSP signer bears it.
    pub ocsp_no_check: bool,
    /// Name constraints, critical (RFC 5280 §4.2.1.10).
    pub name_constraints: Option<NameConstraints>,
    /// Any others, last and in this order. One takes the place of what the certificate would say
    /// under that OID. Two with one OID make a certificate that cannot be read: RFC 5280 §4.2
    /// allows each once.
    pub extensions: Vec<CertificateExtension>,
}

/// One entry of authority information access (RFC 5280 §4.2.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessDescription {
    /// What is there.
    pub method: AccessMethod,
    /// Where: a URI of any scheme.
    pub uri: String,
}

/// accessMethod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessMethod {
    /// id-ad-ocsp.
    Ocsp,
    /// id-ad-caIssuers.
    Issuer,
    /// Any other.
    Other(ObjectIdentifier),
}

/// Which names the certificates below a CA may bear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameConstraints {
    /// permittedSubtrees.
    pub permitted: Vec<GeneralName>,
    /// excludedSubtrees.
    pub excluded: Vec<GeneralName>,
}

/// An extension, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateExtension {
    /// Its OID.
    pub oid: ObjectIdentifier,
    /// Whether who does not know it must refuse the certificate (RFC 5280 §4.2).
    pub critical: bool,
    /// extnValue, the octets in the OCTET STRING.
    pub value: Vec<u8>,
}

/// Microsoft's Previous CA Certificate Hash.
const PREVIOUS_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.21.2");

impl CertificateExtension {
    /// Microsoft's Previous CA Certificate Hash, 1.3.6.1.4.1.311.21.2, which the certificate of a
    /// renewed CA bears: SHA-1 of the certificate before it, as an OCTET STRING. Not critical.
    pub fn previous_certificate(before: &Certificate) -> CertificateExtension {
        let value = encode::octet_string(&digest::sha1(before.der()));
        CertificateExtension { oid: PREVIOUS_CERTIFICATE, critical: false, value }
    }

    /// Whether the value has the structure that its OID asks for, where this crate reads it.
    ///
    /// # Errors
    ///
    /// It has not: no certificate with it can be issued.
    pub fn check(&self) -> Result<(), Malformed> {
        let extension = Extension { oid: self.oid, critical: self.critical, body: &self.value };
        read::extensions(&[extension]).map(|_| ())
    }
}

impl CertificateExtras {
    /// The extensions behind those of the template. `crl`, `freshest` and `access` are the contents
    /// that the template gives to the lists which both may fill.
    pub(super) fn write(&self, crl: Vec<u8>, freshest: Vec<u8>, access: Vec<u8>) -> Vec<u8> {
        let points = |points: &[DistributionPoint]| -> Vec<u8> {
            points.iter().flat_map(DistributionPoint::write).collect()
        };
        let lists = [
            (ID_CE_CRL_DISTRIBUTION_POINTS, [crl, points(&self.crl_points)].concat()),
            (ID_CE_FRESHEST_CRL, [freshest, points(&self.freshest_crl_points)].concat()),
            (ID_PE_AUTHORITY_INFO_ACCESS, [access, self.access()].concat()),
        ];
        let filled = lists.into_iter().filter(|(_, content)| !content.is_empty());
        filled
            .flat_map(|(oid, content)| write(oid, false, &encode::tlv(tag::SEQUENCE, &content)))
            .collect()
    }

    /// The extensions that the template knows nothing of.
    pub(super) fn write_own(&self, is_ocsp_signer: bool) -> Vec<u8> {
        let mut out = Vec::new();
        if self.must_staple {
            let features = encode::sequence(&[&encode::number(STATUS_REQUEST)]);
            out.extend(write(TLS_FEATURE, false, &features));
        }
        // A signer bears it anyway, and each only once.
        if self.ocsp_no_check && !is_ocsp_signer {
            out.extend(write(ID_PKIX_OCSP_NOCHECK, false, &encode::null()));
        }
        if let Some(constraints) = &self.name_constraints {
            out.extend(write(ID_CE_NAME_CONSTRAINTS, true, &constraints.write()));
        }
        out
    }

    /// Those of `list` that are not replaced, then the replacements and all others.
    pub(super) fn replace(&self, list: Vec<u8>) -> Vec<u8> {
        let mut out = list;
        if !self.extensions.is_empty() {
            let replaced = |oid| self.extensions.iter().any(|extension| extension.oid == oid);
            let whole = encode::tlv(tag::SEQUENCE, &out);
            let kept = read_wrapped(&whole).unwrap_or_default();
            let kept = kept.iter().filter(|extension| !replaced(extension.oid));
            out = kept.flat_map(|e| write(e.oid, e.critical, e.body)).collect();
        }
        for extension in &self.extensions {
            out.extend(write(extension.oid, extension.critical, &extension.value));
        }
        out
    }

    fn access(&self) -> Vec<u8> {
        self.access.iter().flat_map(|entry| describe(entry.method, &entry.uri)).collect()
    }
}

/// AccessDescription.
pub(super) fn describe(method: AccessMethod, location: &str) -> Vec<u8> {
    encode::sequence(&[&encode::oid(method.oid()), &uri(location)])
}

impl AccessMethod {
    fn oid(self) -> ObjectIdentifier {
        match self {
            AccessMethod::Ocsp => ID_AD_OCSP,
            AccessMethod::Issuer => ID_AD_CA_ISSUERS,
            AccessMethod::Other(oid) => oid,
        }
    }
}

impl NameConstraints {
    fn write(&self) -> Vec<u8> {
        let part = |number, names: &[GeneralName]| match names {
            [] => Vec::new(),
            names => constructed(number, &subtrees(names)),
        };
        encode::sequence(&[&part(0, &self.permitted), &part(1, &self.excluded)])
    }
}
