//! Extensions of certificates and CRLs (RFC 5280 §4.2, §5.2) and the bodies that both share.

use const_oid::ObjectIdentifier;
use der::asn1::OctetStringRef;
use der::{Decode, SliceReader, Tag};
use revlab_lab::http::Url;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, CrlDistributionPoints};

use crate::decode::{self, number, sequence, sequence_of, whole};
use crate::distribution_point::DistributionPoint;
use crate::encode::{self, primitive};
use crate::{Malformed, time};

/// Microsoft's CA version: certificate index and key index (fact sheet §4.3).
pub(crate) const CA_VERSION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.21.1");
/// Microsoft's virtual base: the number of the base before, in deltas (fact sheet §4.3).
pub(crate) const VIRTUAL_BASE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.21.3");
/// Microsoft's Next CRL Publish (fact sheet §4.3).
pub(crate) const NEXT_PUBLISH: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.21.4");
/// Microsoft's Published CRL Locations (fact sheet §4.3).
pub(crate) const PUBLISHED_LOCATIONS: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.21.14");

/// One extension as it stands there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extension<'a> {
    pub(crate) oid: ObjectIdentifier,
    pub(crate) critical: bool,
    /// The extnValue's content.
    pub(crate) body: &'a [u8],
}

impl<'a> Extension<'a> {
    fn read(reader: &mut SliceReader<'a>) -> Result<Extension<'a>, Malformed> {
        sequence(reader, |r| {
            let oid = ObjectIdentifier::decode(r)?;
            // An explicit FALSE is not DER, but is out there and harmless.
            let critical = decode::next_is(r, Tag::Boolean)? && bool::decode(r)?;
            let body = <&OctetStringRef>::decode(r)?.as_bytes();
            Ok(Extension { oid, critical, body })
        })
    }

    /// The refusal of an extension that must be understood and is not.
    pub(crate) fn not_understood(&self) -> Malformed {
        Malformed::UnknownCritical { oid: self.oid.to_string() }
    }
}

/// Reads the next SEQUENCE OF Extension.
pub(crate) fn read_list<'a>(reader: &mut SliceReader<'a>) -> Result<Vec<Extension<'a>>, Malformed> {
    let mut list: Vec<Extension<'a>> = Vec::new();
    sequence_of(reader, |r| {
        let next = Extension::read(r)?;
        if list.iter().any(|earlier| earlier.oid == next.oid) {
            return Err(Malformed::Duplicate { oid: next.oid.to_string() });
        }
        list.push(next);
        Ok(())
    })?;
    Ok(list)
}

/// Reads a list in which nothing may be critical, because none of it is understood.
pub(crate) fn read_ignored(bytes: &[u8]) -> Result<(), Malformed> {
    match read_wrapped(bytes)?.iter().find(|extension| extension.critical) {
        Some(extension) => Err(extension.not_understood()),
        None => Ok(()),
    }
}

/// Writes one extension.
pub(crate) fn write(oid: ObjectIdentifier, critical: bool, body: &[u8]) -> Vec<u8> {
    let critical = if critical { encode::boolean_true() } else { Vec::new() };
    encode::sequence(&[&encode::oid(oid), &critical, &encode::octet_string(body)])
}

/// CRLDistributionPoints, as freshestCRL and the published locations have it too: one point that
/// names all URLs (RFC 5280 §4.2.1.13).
pub(crate) fn distribution_point(urls: &[Url]) -> Vec<u8> {
    let point = DistributionPoint::at(urls.iter().map(Url::as_str));
    encode::sequence(&[&point.write()])
}

/// The URLs of all points' full names.
pub(crate) fn read_distribution_points(body: &[u8]) -> Result<Vec<Url>, Malformed> {
    let points = CrlDistributionPoints::from_der(body)?;
    let names = points.0.iter().filter_map(|point| match &point.distribution_point {
        Some(DistributionPointName::FullName(names)) => Some(names),
        _ => None,
    });
    Ok(names.flatten().filter_map(read_uri).collect())
}

/// A name's URL; `None` for other names and for what is no URL with a host, unless it is one of a
/// directory that the client knows (`ldap:///CN=…`).
pub(crate) fn read_uri(name: &GeneralName) -> Option<Url> {
    match name {
        GeneralName::UniformResourceIdentifier(uri) => uri.as_str().parse().ok(),
        _ => None,
    }
}

/// AuthorityKeyIdentifier with the keyIdentifier alone (RFC 5280 §4.2.1.1).
pub(crate) fn authority_key_id(id: &[u8]) -> Vec<u8> {
    encode::sequence(&[&primitive(0, id)])
}

/// The keyIdentifier, where there is one.
pub(crate) fn read_authority_key_id(body: &[u8]) -> Result<Option<Vec<u8>>, Malformed> {
    let id = AuthorityKeyIdentifier::from_der(body)?.key_identifier;
    Ok(id.map(|octets| octets.as_bytes().to_vec()))
}

/// CA version: the certificate index in the low 16 bits, the key index above (fact sheet §4.3).
pub(crate) fn ca_version((certificate, key): (u16, u16)) -> Vec<u8> {
    encode::number(u64::from(key) << 16 | u64::from(certificate))
}

/// Certificate index and key index.
pub(crate) fn read_ca_version(body: &[u8]) -> Result<(u16, u16), Malformed> {
    let what = "the CA version";
    let both = read_number(body, what)?;
    let both = u32::try_from(both).map_err(|_| Malformed::Number { what })?;
    Ok(((both & 0xffff) as u16, (both >> 16) as u16))
}

/// A body that is one INTEGER.
pub(crate) fn read_number(body: &[u8], what: &'static str) -> Result<u64, Malformed> {
    whole(body, |r| number(r, what))
}

/// A body that is one Time.
pub(crate) fn read_time(body: &[u8]) -> Result<revlab_lab::Instant, Malformed> {
    whole(body, time::read)
}

/// A body that is one OCTET STRING.
pub(crate) fn read_octets(body: &[u8]) -> Result<Vec<u8>, Malformed> {
    whole(body, |r| Ok(<&OctetStringRef>::decode(r)?.as_bytes().to_vec()))
}

/// Reads a list that is the whole content of its explicit tag.
pub(crate) fn read_wrapped(content: &[u8]) -> Result<Vec<Extension<'_>>, Malformed> {
    whole(content, read_list)
}

#[cfg(test)]
mod tests {
    use const_oid::AssociatedOid;
    use const_oid::db::rfc5280::ID_CE_ISSUING_DISTRIBUTION_POINT;
    use x509_cert::ext::pkix::crl::IssuingDistributionPoint;

    use super::*;
    use crate::encode::constructed;

    #[test]
    fn a_duplicate_extension_is_refused() {
        let one = write(CA_VERSION, false, &ca_version((0, 0)));
        let list = encode::sequence(&[&one, &one]);
        let refused = whole(&list, |r| read_list(r).map(|_| ()));
        assert_eq!(refused, Err(Malformed::Duplicate { oid: CA_VERSION.to_string() }));
    }

    #[test]
    fn a_ca_version_holds_the_key_index_above_the_certificate_index() {
        assert_eq!(ca_version((1, 1)), [2, 3, 1, 0, 1]);
        assert_eq!(read_ca_version(&ca_version((3, 2))).unwrap(), (3, 2));
    }

    #[test]
    fn names_that_are_no_url_are_left_out_and_a_directory_needs_no_host() {
        let ldap = primitive(6, b"ldap:///CN=XXX-CA,CN=CDP?certificateRevocationList");
        let share = primitive(6, b"file:////server/share/XXX-CA.crl");
        let http = primitive(6, b"http://host/XXX-CA.crl");
        let names = constructed(0, &[ldap, share, http].concat());
        let body = encode::sequence(&[&encode::sequence(&[&constructed(0, &names)])]);
        let urls = read_distribution_points(&body).unwrap();
        let texts: Vec<&str> = urls.iter().map(Url::as_str).collect();
        let directory = "ldap:///CN=XXX-CA,CN=CDP?certificateRevocationList";
        assert_eq!(texts, [directory, "http://host/XXX-CA.crl"]);
    }

    /// Fails when x509-cert corrects the constant (RustCrypto/formats#2389): then this trap, and
    /// the note about it, can go.
    #[test]
    fn the_issuing_distribution_point_constant_of_x509_cert_is_still_wrong() {
        assert_ne!(IssuingDistributionPoint::OID, ID_CE_ISSUING_DISTRIBUTION_POINT);
        assert_eq!(ID_CE_ISSUING_DISTRIBUTION_POINT.to_string(), "2.5.29.28");
    }
}
