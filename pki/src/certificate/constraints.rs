//! What a certificate says for the validation of its path (RFC 5280 §6.1), beyond what every check
//! of the lab needs.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280::*;
use const_oid::db::rfc6960::ID_PKIX_OCSP_NOCHECK;
use der::asn1::BitStringRef;
use der::{Decode, Reader, SliceReader, Tag};
use x509_cert::ext::pkix::ExtendedKeyUsage;

use super::extras::{STATUS_REQUEST, TLS_FEATURE};
use crate::decode::{self, constructed, next_is, number, optional, primitive, sequence, whole};
use crate::extension::{self, Extension};
use crate::{Malformed, PointRead, SubjectName};

/// The extensions that path validation asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraints {
    /// The version as people count: 1, 2 or 3, or a number that does not exist.
    pub version: u64,
    /// Key usage (RFC 5280 §4.2.1.3).
    pub key_usage: Option<KeyUsage>,
    /// Basic constraints (RFC 5280 §4.2.1.9); `None`: the extension is not there.
    pub basic: Option<Basic>,
    /// Extended key usage (RFC 5280 §4.2.1.12); `None`: the extension is not there.
    pub purposes: Option<Vec<ObjectIdentifier>>,
    /// Subject alternative names (RFC 5280 §4.2.1.6).
    pub names: Vec<SubjectName>,
    /// permittedSubtrees and excludedSubtrees (RFC 5280 §4.2.1.10).
    pub name_limits: Option<NameLimits>,
    /// Certificate policies (RFC 5280 §4.2.1.4); `None`: the extension is not there.
    pub policies: Option<Vec<ObjectIdentifier>>,
    /// Policy mappings, from the issuer's policy to the subject's (RFC 5280 §4.2.1.5).
    pub mappings: Vec<(ObjectIdentifier, ObjectIdentifier)>,
    /// requireExplicitPolicy: after how many certificates (RFC 5280 §4.2.1.11).
    pub require_explicit_policy: Option<u64>,
    /// inhibitPolicyMapping, the same.
    pub inhibit_mapping: Option<u64>,
    /// inhibitAnyPolicy (RFC 5280 §4.2.1.14).
    pub inhibit_any_policy: Option<u64>,
    /// CRL distribution points (RFC 5280 §4.2.1.13).
    pub crl_points: Vec<PointRead>,
    /// Whether freshestCRL is there, with URLs that this crate reads or without.
    pub has_freshest: bool,
    /// Whether id-pkix-ocsp-nocheck is there (RFC 6960 §4.2.2.2.1).
    pub no_check: bool,
    /// Whether its TLS server must staple: the TLS feature status_request (RFC 7633 §4.2.3.1).
    pub must_staple: bool,
    /// Critical extensions that are not among those above.
    pub unknown_critical: Vec<ObjectIdentifier>,
}

/// Basic constraints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Basic {
    /// cA.
    pub ca: bool,
    /// pathLenConstraint: how many certificates that are not self-issued may lie between this one
    /// and the last.
    pub path_length: Option<u64>,
}

/// Key usage: the bits of RFC 5280 §4.2.1.3 by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// digitalSignature.
    pub fn digital_signature(self) -> bool {
        self.bit(0)
    }

    /// keyCertSign.
    pub fn certificate_sign(self) -> bool {
        self.bit(5)
    }

    /// cRLSign.
    pub fn crl_sign(self) -> bool {
        self.bit(6)
    }

    fn bit(self, number: u32) -> bool {
        self.0 & (0x8000 >> number) != 0
    }
}

/// Name constraints as they are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameLimits {
    /// Names must lie in one of these, where one of their kind is there.
    pub permitted: Vec<SubjectName>,
    /// Names must lie in none of these.
    pub excluded: Vec<SubjectName>,
    /// Whether a subtree has a minimum other than 0 or a maximum, which RFC 5280 §4.2.1.10 does not
    /// use and nobody processes.
    pub has_distances: bool,
}

impl Constraints {
    pub(super) fn read(tbs: &[u8]) -> Result<Constraints, Malformed> {
        whole(tbs, |r| {
            sequence(r, |r| {
                let version = match optional(r, constructed(0))? {
                    Some(version) => whole(version, |r| number(r, "the version"))?,
                    None => 0,
                };
                // serialNumber to subjectPublicKeyInfo.
                for _ in 0..6 {
                    r.tlv_bytes()?;
                }
                optional(r, primitive(1))?;
                optional(r, primitive(2))?;
                let mut read =
                    Constraints { version: version.saturating_add(1), ..Constraints::default() };
                if let Some(wrapped) = optional(r, constructed(3))? {
                    for extension in extension::read_wrapped(wrapped)? {
                        read.take(&extension)?;
                    }
                }
                Ok(read)
            })
        })
    }

    fn take(&mut self, extension: &Extension<'_>) -> Result<(), Malformed> {
        let body = extension.body;
        match extension.oid {
            ID_CE_KEY_USAGE => self.key_usage = Some(key_usage(body)?),
            ID_CE_BASIC_CONSTRAINTS => self.basic = Some(basic(body)?),
            ID_CE_EXT_KEY_USAGE => self.purposes = Some(ExtendedKeyUsage::from_der(body)?.0),
            ID_CE_SUBJECT_ALT_NAME => {
                self.names = whole(body, |r| sequence(r, SubjectName::read_all))?;
            }
            ID_CE_NAME_CONSTRAINTS => self.name_limits = Some(name_limits(body)?),
            ID_CE_CERTIFICATE_POLICIES => self.policies = Some(policies(body)?),
            ID_CE_POLICY_MAPPINGS => self.mappings = mappings(body)?,
            ID_CE_POLICY_CONSTRAINTS => self.policy_constraints(body)?,
            ID_CE_INHIBIT_ANY_POLICY => {
                self.inhibit_any_policy =
                    Some(extension::read_number(body, "the count of inhibitAnyPolicy")?);
            }
            ID_CE_CRL_DISTRIBUTION_POINTS => self.crl_points = PointRead::read_list(body)?,
            ID_CE_FRESHEST_CRL => self.has_freshest = true,
            ID_PKIX_OCSP_NOCHECK => self.no_check = true,
            TLS_FEATURE => {
                self.must_staple = Vec::<u64>::from_der(body)?.contains(&STATUS_REQUEST);
            }
            // Read elsewhere, or about nothing that a path depends on.
            ID_CE_SUBJECT_KEY_IDENTIFIER
            | ID_CE_AUTHORITY_KEY_IDENTIFIER
            | ID_PE_AUTHORITY_INFO_ACCESS
            | extension::CA_VERSION => {}
            oid if extension.critical => self.unknown_critical.push(oid),
            _ => {}
        }
        Ok(())
    }

    fn policy_constraints(&mut self, body: &[u8]) -> Result<(), Malformed> {
        let what = "a count of the policy constraints";
        let (explicit, mapping) = whole(body, |r| {
            sequence(r, |r| Ok((optional(r, primitive(0))?, optional(r, primitive(1))?)))
        })?;
        self.require_explicit_policy = explicit.map(|octets| count(octets, what)).transpose()?;
        self.inhibit_mapping = mapping.map(|octets| count(octets, what)).transpose()?;
        Ok(())
    }
}

/// An implicitly tagged INTEGER of a few octets.
fn count(octets: &[u8], what: &'static str) -> Result<u64, Malformed> {
    match octets {
        [first, ..] if *first < 0x80 && octets.len() <= 8 => {
            Ok(octets.iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet)))
        }
        _ => Err(Malformed::Number { what }),
    }
}

fn key_usage(body: &[u8]) -> Result<KeyUsage, Malformed> {
    let bits = whole(body, |r| Ok(BitStringRef::decode(r)?))?;
    let octet = |n| bits.raw_bytes().get(n).copied().unwrap_or_default();
    Ok(KeyUsage(u16::from_be_bytes([octet(0), octet(1)])))
}

fn basic(body: &[u8]) -> Result<Basic, Malformed> {
    whole(body, |r| {
        sequence(r, |r| {
            let ca = next_is(r, Tag::Boolean)? && bool::decode(r)?;
            let path_length =
                if r.is_finished() { None } else { Some(number(r, "the path length")?) };
            Ok(Basic { ca, path_length })
        })
    })
}

fn name_limits(body: &[u8]) -> Result<NameLimits, Malformed> {
    let mut limits = NameLimits::default();
    let parts = whole(body, |r| {
        sequence(r, |r| Ok([optional(r, constructed(0))?, optional(r, constructed(1))?]))
    })?;
    let [permitted, excluded] = parts.map(|part| subtrees(part.unwrap_or_default(), &mut limits));
    (limits.permitted, limits.excluded) = (permitted?, excluded?);
    Ok(limits)
}

fn subtrees(content: &[u8], limits: &mut NameLimits) -> Result<Vec<SubjectName>, Malformed> {
    let mut names = Vec::new();
    whole(content, |r: &mut SliceReader<'_>| {
        while !r.is_finished() {
            sequence(r, |r| {
                names.push(SubjectName::read(r)?);
                let minimum = optional(r, primitive(0))?;
                let maximum = optional(r, primitive(1))?;
                let zero = |octets: &[u8]| octets.iter().all(|octet| *octet == 0);
                limits.has_distances |= !minimum.is_none_or(zero) || maximum.is_some();
                Ok(())
            })?;
        }
        Ok(())
    })?;
    Ok(names)
}

fn policies(body: &[u8]) -> Result<Vec<ObjectIdentifier>, Malformed> {
    let mut list = Vec::new();
    whole(body, |r| {
        decode::sequence_of(r, |r| {
            list.push(sequence(r, |r| {
                let oid = ObjectIdentifier::decode(r)?;
                // Qualifiers are for people.
                if !r.is_finished() {
                    r.tlv_bytes()?;
                }
                Ok(oid)
            })?);
            Ok(())
        })
    })?;
    Ok(list)
}

fn mappings(body: &[u8]) -> Result<Vec<(ObjectIdentifier, ObjectIdentifier)>, Malformed> {
    let mut list = Vec::new();
    whole(body, |r| {
        decode::sequence_of(r, |r| {
            let pair =
                sequence(r, |r| Ok((ObjectIdentifier::decode(r)?, ObjectIdentifier::decode(r)?)));
            list.push(pair?);
            Ok(())
        })
    })?;
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{authority, template};
    use crate::general_name::GeneralName;
    use crate::{
        CertificateExtension, CertificateExtras, DistinguishedName, DistributionPoint,
        KeyAlgorithm, NameConstraints, PointName, ReasonFlags, Usage,
    };

    fn issued(usage: Usage, extras: &CertificateExtras) -> Constraints {
        let ca = authority(KeyAlgorithm::EcdsaP256);
        let (_, key) = ca.issue(&template("a", &[7], usage));
        let issuer = crate::Issuer::Certificate(&ca.certificate, &ca.key);
        let template = template("a", &[7], usage);
        let certificate = template.issue_with(extras, key.public_key_info(), &issuer).unwrap();
        certificate.constraints().unwrap().clone()
    }

    #[test]
    fn usage_and_basic_constraints_are_read_back() {
        let ca = issued(Usage::Authority, &CertificateExtras::default());
        assert_eq!(ca.basic, Some(Basic { ca: true, path_length: None }));
        let usage = ca.key_usage.unwrap();
        assert!(usage.certificate_sign() && usage.crl_sign() && usage.digital_signature());
        let signer = issued(Usage::OcspSigner, &CertificateExtras::default());
        assert!(signer.no_check && signer.basic.is_none());
        assert!(!signer.key_usage.unwrap().certificate_sign());
        assert_eq!((ca.version, ca.crl_points.len(), ca.has_freshest), (3, 1, true));
    }

    #[test]
    fn names_limits_and_points_are_read_back() {
        let names = [GeneralName::Dns("corp.example".into()), GeneralName::Email(".x".into())];
        let issuer = DistinguishedName::common_name("Lists");
        let point = DistributionPoint {
            name: Some(PointName::RelativeToIssuer(DistinguishedName::common_name("CRL1"))),
            reasons: Some(ReasonFlags::of([1, 10])),
            crl_issuer: Some(issuer.clone()),
        };
        let extras = CertificateExtras {
            name_constraints: Some(NameConstraints {
                permitted: names[..1].to_vec(),
                excluded: names[1..].to_vec(),
            }),
            crl_points: vec![point],
            ..CertificateExtras::default()
        };
        let read = issued(Usage::Authority, &extras);
        let limits = read.name_limits.unwrap();
        assert_eq!(limits.permitted, [SubjectName::Dns("corp.example".into())]);
        assert_eq!(limits.excluded, [SubjectName::Email(".x".into())]);
        assert!(!limits.has_distances);
        let point = &read.crl_points[1];
        assert_eq!(point.crl_issuer, std::slice::from_ref(&issuer));
        let full = point.names_below(&issuer);
        assert_eq!(full.len(), 1);
        assert!(matches!(&full[0], SubjectName::Directory(n)
            if n.to_string() == "CN=CRL1,CN=Lists"));
        assert_eq!(
            point.reasons.map(|r| (r.covers(1), r.covers(2), r.covers(10))),
            Some((true, false, true))
        );
    }

    #[test]
    fn an_unknown_critical_extension_is_named_and_another_is_not() {
        let extension = |critical| CertificateExtension {
            oid: ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999.1"),
            critical,
            value: vec![5, 0],
        };
        let with = |e| CertificateExtras { extensions: vec![e], ..CertificateExtras::default() };
        let read = issued(Usage::Client, &with(extension(true)));
        assert_eq!(read.unknown_critical, [extension(true).oid]);
        assert!(issued(Usage::Client, &with(extension(false))).unknown_critical.is_empty());
    }
}
