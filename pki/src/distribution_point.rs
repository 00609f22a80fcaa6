//! Distribution points of CRLs (RFC 5280 §4.2.1.13), as certificates name them.

use crate::DistinguishedName;
use crate::encode::{self, constructed, primitive};
use crate::general_name::{self, GeneralName};

/// One point: where a CRL is, for which reasons, and who issues it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistributionPoint {
    /// Where the CRL is; RFC 5280 wants this or `crl_issuer`.
    pub name: Option<PointName>,
    /// The reasons for which that CRL revokes; none: all.
    pub reasons: Option<ReasonFlags>,
    /// Who issues the CRL, where that is not who issued the certificate: an indirect CRL.
    pub crl_issuer: Option<DistinguishedName>,
}

/// The name of a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PointName {
    /// fullName: all of them lead to the same CRL.
    Full(Vec<GeneralName>),
    /// nameRelativeToCRLIssuer: the parts of this name below that of the CRL's issuer. RFC 5280
    /// §4.2.1.13 advises against it.
    RelativeToIssuer(DistinguishedName),
}

impl DistributionPoint {
    /// A point with these URIs, for all reasons, of the certificate's own issuer.
    pub fn at<T: Into<String>>(uris: impl IntoIterator<Item = T>) -> DistributionPoint {
        let names = uris.into_iter().map(|uri| GeneralName::Uri(uri.into())).collect();
        DistributionPoint { name: Some(PointName::Full(names)), ..DistributionPoint::default() }
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let name = self.name.as_ref().map(|name| constructed(0, &name.write()));
        let reasons = self.reasons.map(|reasons| primitive(1, &reasons.bits()));
        let issuer = self.crl_issuer.as_ref().map(|issuer| {
            let names = general_name::write_all(&[GeneralName::Directory(issuer.clone())]);
            constructed(2, &names)
        });
        encode::sequence(&[
            &name.unwrap_or_default(),
            &reasons.unwrap_or_default(),
            &issuer.unwrap_or_default(),
        ])
    }
}

impl PointName {
    /// DistributionPointName.
    pub(crate) fn write(&self) -> Vec<u8> {
        match self {
            PointName::Full(names) => constructed(0, &general_name::write_all(names)),
            PointName::RelativeToIssuer(name) => constructed(1, &name.attributes()),
        }
    }
}

/// A set of reasons for revocation (ReasonFlags, RFC 5280 §4.2.1.13).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReasonFlags(u16);

impl ReasonFlags {
    /// The set of these reason codes (RFC 5280 §5.3.1): 1 to 6, 9 and 10. Others have no flag and
    /// are left out.
    pub fn of(codes: impl IntoIterator<Item = u8>) -> ReasonFlags {
        let bits = codes.into_iter().filter_map(|code| match code {
            1..=6 => Some(code),
            // privilegeWithdrawn and aACompromise: the bits do not jump as the codes do.
            9 => Some(7),
            10 => Some(8),
            _ => None,
        });
        ReasonFlags(bits.fold(0, |set, bit| set | 0x8000 >> bit))
    }

    /// The content of a BIT STRING without trailing zeros (X.690 §11.2.2).
    pub(crate) fn bits(self) -> Vec<u8> {
        let octets = self.0.to_be_bytes();
        let used = octets.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
        let octets = octets.get(..used).unwrap_or_default();
        let unused = octets.last().map_or(0, |last| last.trailing_zeros() as u8);
        [&[unused], octets].concat()
    }
}

#[cfg(test)]
mod tests {
    use der::{Decode, Encode};
    use x509_cert::ext::pkix::CrlDistributionPoints;
    use x509_cert::ext::pkix::name::DistributionPointName;

    use super::*;

    #[test]
    fn points_are_read_back_by_x509_cert() {
        let issuer = DistinguishedName::common_name("CRL-ISSUER").with_organization("lab");
        let relative = DistinguishedName::common_name("CRL1");
        let points = [
            DistributionPoint::at(["ldap:///CN=a?b", "http://host/a.crl", "file:////s/a.crl"]),
            DistributionPoint {
                name: Some(PointName::RelativeToIssuer(relative)),
                reasons: Some(ReasonFlags::of([1, 10])),
                crl_issuer: Some(issuer.clone()),
            },
            DistributionPoint { crl_issuer: Some(issuer), ..DistributionPoint::default() },
        ];
        let der = encode::sequence(&[&points.each_ref().map(DistributionPoint::write).concat()]);
        let theirs = CrlDistributionPoints::from_der(&der).unwrap();
        assert_eq!(theirs.to_der().unwrap(), der);
        assert_eq!(theirs.0.len(), 3);
        assert!(matches!(&theirs.0[0].distribution_point,
            Some(DistributionPointName::FullName(names)) if names.len() == 3));
        assert!(matches!(
            theirs.0[1].distribution_point,
            Some(DistributionPointName::NameRelativeToCRLIssuer(_))
        ));
    }

    #[test]
    fn reasons_are_named_bits_without_trailing_zeros() {
        assert_eq!(ReasonFlags::of([1]).bits(), [6, 0x40]);
        assert_eq!(ReasonFlags::of([10]).bits(), [7, 0, 0x80]);
        assert_eq!(ReasonFlags::of([]).bits(), [0]);
        assert_eq!(ReasonFlags::of([0, 8, 200]), ReasonFlags::default());
    }
}
