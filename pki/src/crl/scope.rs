//! What a CRL is about: the issuing distribution point (RFC 5280 §5.2.5).

use const_oid::db::rfc5280::ID_CE_ISSUING_DISTRIBUTION_POINT;
use der::Decode;
use revlab_lab::http::Url;
use x509_cert::ext::pkix::crl::IssuingDistributionPoint as Read;
use x509_cert::ext::pkix::name::DistributionPointName;

use super::CrlExtension;
use crate::encode::{self, constructed, primitive, tag};
use crate::general_name::uri;
use crate::{Malformed, extension};

/// An issuing distribution point: which certificates and reasons a CRL covers. One that says
/// nothing is no extension that a CRL may bear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrlScope {
    /// distributionPoint, fullName: where this CRL is fetched. Empty: left out.
    pub urls: Vec<Url>,
    /// Certificates of one kind alone.
    pub only: Option<CrlSubjects>,
    /// onlySomeReasons, as reason codes of RFC 5280 §5.3.1; those without a flag are left out.
    /// `None`: all reasons.
    pub reasons: Option<Vec<u8>>,
    /// indirectCRL: entries may be about certificates of other issuers.
    pub indirect: bool,
}

/// The kind of certificates that a CRL is limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrlSubjects {
    /// onlyContainsUserCerts.
    Users,
    /// onlyContainsCACerts.
    Authorities,
    /// onlyContainsAttributeCerts.
    Attributes,
}

/// Reason codes in the order of the bits of ReasonFlags, bit 1 first (RFC 5280 §4.2.1.13).
const FLAGS: [u8; 8] = [1, 2, 3, 4, 5, 6, 9, 10];

impl CrlScope {
    /// The extension, critical as RFC 5280 wants it.
    pub fn extension(&self) -> CrlExtension {
        let mut body = Vec::new();
        if !self.urls.is_empty() {
            let names: Vec<u8> = self.urls.iter().flat_map(|url| uri(url.as_str())).collect();
            body.extend(constructed(0, &constructed(0, &names)));
        }
        let only = |subjects| if self.only == Some(subjects) { TRUE } else { &[][..] };
        for (number, flag) in [(1, only(CrlSubjects::Users)), (2, only(CrlSubjects::Authorities))] {
            body.extend(flag.iter().flat_map(|octet| primitive(number, &[*octet])));
        }
        if let Some(reasons) = &self.reasons {
            body.extend(primitive(3, &reason_flags(reasons)));
        }
        if self.indirect {
            body.extend(primitive(4, TRUE));
        }
        if self.only == Some(CrlSubjects::Attributes) {
            body.extend(primitive(5, TRUE));
        }
        let value = encode::tlv(tag::SEQUENCE, &body);
        CrlExtension { oid: ID_CE_ISSUING_DISTRIBUTION_POINT, critical: true, value }
    }

    /// Whether a CRL with this scope says something about revocations for this reason.
    pub fn covers_reason(&self, reason: Option<u8>) -> bool {
        let listed = |reasons: &Vec<u8>| reason.is_some_and(|code| reasons.contains(&code));
        self.reasons.as_ref().is_none_or(listed)
    }

    pub(super) fn read(body: &[u8]) -> Result<CrlScope, Malformed> {
        let read = Read::from_der(body)?;
        let names = match read.distribution_point {
            Some(DistributionPointName::FullName(names)) => names,
            _ => Vec::new(),
        };
        let only = [
            (read.only_contains_user_certs, CrlSubjects::Users),
            (read.only_contains_ca_certs, CrlSubjects::Authorities),
            (read.only_contains_attribute_certs, CrlSubjects::Attributes),
        ];
        let reasons = read.only_some_reasons.map(|flags| {
            let bits = flags.bits();
            (1..).zip(FLAGS).filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, code)| code).collect()
        });
        Ok(CrlScope {
            urls: names.iter().filter_map(extension::read_uri).collect(),
            only: only.into_iter().find(|(set, _)| *set).map(|(_, subjects)| subjects),
            reasons,
            indirect: read.indirect_crl,
        })
    }
}

/// The content of a BOOLEAN that is true.
const TRUE: &[u8] = &[0xff];

/// The content of a BIT STRING of named bits, without trailing zeros (X.690 §11.2.2).
fn reason_flags(reasons: &[u8]) -> Vec<u8> {
    let set = (1u32..).zip(FLAGS).filter(|(_, code)| reasons.contains(code));
    let bits = set.fold(0u16, |bits, (bit, _)| bits | 0x8000 >> bit);
    match (bits, bits.to_be_bytes()) {
        (0, _) => vec![0],
        (_, [high, 0]) => vec![high.trailing_zeros() as u8, high],
        (_, [high, low]) => vec![low.trailing_zeros() as u8, high, low],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scopes() -> impl Strategy<Value = CrlScope> {
        let only = prop::option::of(prop_oneof![
            Just(CrlSubjects::Users),
            Just(CrlSubjects::Authorities),
            Just(CrlSubjects::Attributes),
        ]);
        let reasons = prop::option::of(prop::sample::subsequence(FLAGS.to_vec(), 0..=8));
        (0usize..3, only, reasons, any::<bool>()).prop_map(|(urls, only, reasons, indirect)| {
            let url = |n| format!("http://host/{n}.crl").parse().unwrap();
            CrlScope { urls: (0..urls).map(url).collect(), only, reasons, indirect }
        })
    }

    proptest! {
        #[test]
        fn a_scope_is_read_as_it_was_written(scope in scopes()) {
            prop_assert_eq!(CrlScope::read(&scope.extension().value).unwrap(), scope);
        }
    }

    #[test]
    fn a_scope_is_critical_and_has_the_bytes_of_rfc_5280() {
        let scope = CrlScope {
            only: Some(CrlSubjects::Users),
            reasons: Some(vec![1, 10]),
            ..CrlScope::default()
        };
        let extension = scope.extension();
        assert!(extension.critical);
        // [1] TRUE, [3] bits 1 and 8: 0x4080, of which seven are not used.
        assert_eq!(extension.value, [0x30, 8, 0x81, 1, 0xff, 0x83, 3, 7, 0x40, 0x80]);
        assert!(scope.covers_reason(Some(1)) && !scope.covers_reason(None));
        assert!(CrlScope::default().covers_reason(None));
    }
}
