//! Names of all kinds (RFC 5280 §4.2.1.6).

use std::net::IpAddr;

use crate::encode::{constructed, primitive};
use crate::{DistinguishedName, encode};

/// One name of a subject, a place or a name space.
///
/// A URI is kept as text: PKIs write `ldap:///CN=…` and `file://///server/share/CA.crl`, which have
/// no host and so are no [`Url`](revlab_lab::http::Url).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GeneralName {
    /// uniformResourceIdentifier, of any scheme.
    Uri(String),
    /// directoryName.
    Directory(DistinguishedName),
    /// dNSName; in name constraints the domain with everything below it.
    Dns(String),
    /// rfc822Name; in name constraints a host, or a domain behind a dot.
    Email(String),
    /// iPAddress of a network, as name constraints have it: address and length of the mask in bits.
    Network(IpAddr, u8),
}

impl GeneralName {
    /// The name as DER. Characters outside ASCII are percent-encoded in a URI, which maps an IRI to
    /// a URI (RFC 5280 §7.4); in a host or mail name they become `?`.
    pub(crate) fn write(&self) -> Vec<u8> {
        let ascii = |text: &str| text.replace(|c: char| !c.is_ascii(), "?");
        match self {
            GeneralName::Uri(text) => uri(text),
            // Name is a CHOICE, so its tag is explicit.
            GeneralName::Directory(name) => constructed(4, name.as_der()),
            GeneralName::Dns(name) => primitive(2, ascii(name).as_bytes()),
            GeneralName::Email(name) => primitive(1, ascii(name).as_bytes()),
            GeneralName::Network(address, bits) => primitive(7, &network(*address, *bits)),
        }
    }
}

/// GeneralName `uniformResourceIdentifier`.
pub(crate) fn uri(text: &str) -> Vec<u8> {
    let ascii = percent_encoding::utf8_percent_encode(text, percent_encoding::CONTROLS);
    primitive(6, ascii.to_string().as_bytes())
}

/// The content of GeneralNames.
pub(crate) fn write_all(names: &[GeneralName]) -> Vec<u8> {
    names.iter().flat_map(GeneralName::write).collect()
}

/// Address and mask, one after the other (RFC 5280 §4.2.1.10).
fn network(address: IpAddr, bits: u8) -> Vec<u8> {
    let octets = match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let mask = (0..octets.len()).map(|octet| {
        let ones = usize::from(bits).saturating_sub(octet * 8).min(8);
        // The highest `ones` bits of an octet.
        (0xff00u16 >> ones) as u8
    });
    let mask: Vec<u8> = mask.collect();
    [octets, mask].concat()
}

/// GeneralSubtrees' content: each name with the one minimum that RFC 5280 §4.2.1.10 allows, 0.
pub(crate) fn subtrees(names: &[GeneralName]) -> Vec<u8> {
    names.iter().flat_map(|name| encode::sequence(&[&name.write()])).collect()
}

#[cfg(test)]
mod tests {
    use der::{Decode, Encode};
    use x509_cert::ext::pkix::name::GeneralName as Theirs;

    use super::*;

    #[test]
    fn every_kind_of_name_is_read_back_by_x509_cert() {
        let names = [
            GeneralName::Uri("ldap:///CN=XXX-CA,CN=CDP?certificateRevocationList".into()),
            GeneralName::Uri("file://///server/share/XXX-CA.crl".into()),
            GeneralName::Directory(DistinguishedName::common_name("XXX-CA")),
            GeneralName::Dns("corp.example".into()),
            GeneralName::Email(".corp.example".into()),
            GeneralName::Network("10.0.0.0".parse().unwrap(), 9),
            GeneralName::Network("2001:db8::".parse().unwrap(), 32),
        ];
        for name in names {
            let theirs = Theirs::from_der(&name.write()).unwrap();
            assert_eq!(theirs.to_der().unwrap(), name.write());
        }
    }

    #[test]
    fn a_mask_has_as_many_ones_as_its_length() {
        let octets = network("10.0.0.0".parse().unwrap(), 9);
        assert_eq!(octets, [10, 0, 0, 0, 255, 128, 0, 0]);
        assert_eq!(network("10.0.0.0".parse().unwrap(), 0)[4..], [0; 4]);
        assert_eq!(network("10.0.0.0".parse().unwrap(), 32)[4..], [255; 4]);
    }
}
