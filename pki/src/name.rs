//! Names of issuers and subjects.

use std::cmp::Ordering;
use std::fmt;
use std::sync::{Arc, OnceLock};

use const_oid::ObjectIdentifier;
use const_oid::db::rfc4519::{
    COMMON_NAME, DOMAIN_COMPONENT, ORGANIZATION_NAME, ORGANIZATIONAL_UNIT_NAME,
};
use der::Decode;

use crate::encode::{self, tag};
use crate::{Malformed, decode};

mod matching;

/// A distinguished name (RFC 5280 §4.1.2.4), kept byte for byte. Cloning shares it.
///
/// Names are equal when their DER is, as Windows compares them (inferred); the comparison of
/// RFC 5280 §7.1 is [`DistinguishedName::matches`]. The text is that of RFC 4514: most specific part
/// first.
///
/// ```
/// use revlab_pki::DistinguishedName;
/// let name = DistinguishedName::common_name("XXX-CA").with_organization("revlab LAB");
/// assert_eq!(name.to_string(), "CN=XXX-CA,O=revlab LAB");
/// ```
#[derive(Clone)]
pub struct DistinguishedName {
    der: Arc<[u8]>,
    text: Arc<str>,
    /// See [`matching`]; made when it is first needed.
    folded: Arc<OnceLock<Vec<u8>>>,
}

impl DistinguishedName {
    /// A name of one part, `CN=…`. RFC 5280 allows 64 characters.
    pub fn common_name(name: &str) -> DistinguishedName {
        DistinguishedName::of(&part(COMMON_NAME, directory_string(name)))
    }

    /// This name below the organization `O=…`.
    #[must_use]
    pub fn with_organization(&self, name: &str) -> DistinguishedName {
        self.below(&part(ORGANIZATION_NAME, directory_string(name)))
    }

    /// This name below the organizational unit `OU=…`.
    #[must_use]
    pub fn with_organizational_unit(&self, name: &str) -> DistinguishedName {
        self.below(&part(ORGANIZATIONAL_UNIT_NAME, directory_string(name)))
    }

    /// This name below a domain such as `corp.example`: `DC=corp,DC=example`, as names of an
    /// Active Directory forest are. Characters outside ASCII become `?`.
    #[must_use]
    pub fn with_domain(&self, domain: &str) -> DistinguishedName {
        domain.split('.').filter(|label| !label.is_empty()).fold(self.clone(), |name, label| {
            let ascii = label.replace(|c: char| !c.is_ascii(), "?");
            name.below(&part(DOMAIN_COMPONENT, encode::tlv(tag::IA5_STRING, ascii.as_bytes())))
        })
    }

    /// Reads a name as RFC 4514 writes it, most specific part first: `CN=XXX-CA,DC=corp`. Values
    /// get the string types that this crate gives them, so that a name reads the same as one that
    /// was made here. `None` where the text is no such name, or an empty one, and where a backslash
    /// stands before another escaped character, which x509-cert 0.3 does not read.
    pub fn parse(text: &str) -> Option<DistinguishedName> {
        let name: x509_cert::name::Name = text.parse().ok()?;
        let mut parts = Vec::new();
        for rdn in name.iter_rdn() {
            let mut attributes = Vec::new();
            for attribute in rdn.iter() {
                attributes.push(rewritten(attribute)?);
            }
            // A SET OF is sorted by its encodings (X.690 §11.6).
            attributes.sort();
            parts.extend(encode::tlv(tag::SET, &attributes.concat()));
        }
        (!parts.is_empty()).then(|| DistinguishedName::of(&parts))
    }

    /// The value of its first common name, from the most specific part on.
    pub fn common_name_value(&self) -> Option<String> {
        let name = x509_cert::name::Name::from_der(&self.der).ok()?;
        let parts: Vec<_> = name.iter_rdn().collect();
        let attributes = parts.iter().rev().flat_map(|part| part.iter());
        attributes.filter(|attribute| attribute.oid == COMMON_NAME).find_map(text_of)
    }

    /// Reads the next Name.
    pub(crate) fn read(reader: &mut der::SliceReader<'_>) -> Result<DistinguishedName, Malformed> {
        use der::Reader;
        let der = reader.tlv_bytes()?;
        let text = x509_cert::name::Name::from_der(der)?.to_string();
        Ok(DistinguishedName { der: der.into(), text: text.into(), folded: Arc::default() })
    }

    /// The Name as DER.
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The attributes of all parts, one after the other: the content of one
    /// RelativeDistinguishedName, as nameRelativeToCRLIssuer has it.
    pub(crate) fn attributes(&self) -> Vec<u8> {
        let mut attributes = Vec::new();
        // Own bytes are always well formed: both ways of making a name have read them.
        let _ = decode::whole(&self.der, |r| {
            decode::sequence_of(r, |r| {
                attributes.extend_from_slice(decode::content(r, der::Tag::Set)?);
                Ok(())
            })
        });
        attributes
    }

    /// The same parts, with one more at the root's end.
    fn below(&self, part: &[u8]) -> DistinguishedName {
        let parts = decode::whole(&self.der, |r| decode::content(r, der::Tag::Sequence));
        DistinguishedName::of(&[part, parts.unwrap_or_default()].concat())
    }

    /// A name of these RelativeDistinguishedNames, from the root on.
    fn of(parts: &[u8]) -> DistinguishedName {
        let der = encode::tlv(tag::SEQUENCE, parts);
        let text = x509_cert::name::Name::from_der(&der).map(|name| name.to_string());
        let text = text.unwrap_or_default().into();
        DistinguishedName { der: der.into(), text, folded: Arc::default() }
    }
}

/// A RelativeDistinguishedName of one attribute.
fn part(oid: ObjectIdentifier, value: Vec<u8>) -> Vec<u8> {
    encode::tlv(tag::SET, &encode::sequence(&[&encode::oid(oid), &value]))
}

/// The value, where it is a text.
fn text_of(attribute: &x509_cert::attr::AttributeTypeAndValue) -> Option<String> {
    use der::Tagged;
    use der::asn1::{Ia5StringRef, PrintableStringRef, Utf8StringRef};
    let value = &attribute.value;
    match value.tag() {
        der::Tag::Utf8String => Utf8StringRef::try_from(value).ok().map(|s| s.as_str().to_owned()),
        der::Tag::PrintableString => {
            PrintableStringRef::try_from(value).ok().map(|s| s.as_str().to_owned())
        }
        der::Tag::Ia5String => Ia5StringRef::try_from(value).ok().map(|s| s.as_str().to_owned()),
        _ => None,
    }
}

/// The attribute with the string type that this crate gives such values; `None` for a value that
/// is no text.
fn rewritten(attribute: &x509_cert::attr::AttributeTypeAndValue) -> Option<Vec<u8>> {
    let text = text_of(attribute)?;
    let value = match attribute.oid {
        DOMAIN_COMPONENT if text.is_ascii() => encode::tlv(tag::IA5_STRING, text.as_bytes()),
        _ => directory_string(&text),
    };
    Some(encode::sequence(&[&encode::oid(attribute.oid), &value]))
}

/// PrintableString where its alphabet suffices, UTF8String otherwise.
fn directory_string(text: &str) -> Vec<u8> {
    let printable = |c: char| c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c);
    let tag = if text.chars().all(printable) { tag::PRINTABLE_STRING } else { tag::UTF8_STRING };
    encode::tlv(tag, text.as_bytes())
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DistinguishedName({})", self.text)
    }
}

impl PartialEq for DistinguishedName {
    fn eq(&self, other: &DistinguishedName) -> bool {
        self.der == other.der
    }
}

impl Eq for DistinguishedName {}

impl PartialOrd for DistinguishedName {
    fn partial_cmp(&self, other: &DistinguishedName) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DistinguishedName {
    fn cmp(&self, other: &DistinguishedName) -> Ordering {
        self.der.cmp(&other.der)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_text_begins_with_the_most_specific_part() {
        let name = DistinguishedName::common_name("XXX-CA")
            .with_organizational_unit("PKI")
            .with_domain("corp.example");
        assert_eq!(name.to_string(), "CN=XXX-CA,OU=PKI,DC=corp,DC=example");
        assert_eq!(name.common_name_value().as_deref(), Some("XXX-CA"));
    }

    #[test]
    fn names_outside_the_printable_alphabet_are_utf8() {
        let name = DistinguishedName::common_name("認証局_1");
        assert_eq!(name.to_string(), "CN=認証局_1");
        assert!(name.as_der().contains(&tag::UTF8_STRING));
        assert_ne!(name, DistinguishedName::common_name("認証局_2"));
    }

    /// Fails when x509-cert reads it: then the restriction of the property below can go.
    #[test]
    fn a_backslash_before_an_escaped_sign_is_still_not_read() {
        let name = DistinguishedName::common_name("\\+");
        assert_eq!(DistinguishedName::parse(&name.to_string()), None);
    }

    proptest! {
        #[test]
        fn the_text_of_a_name_is_parsed_to_the_same_name(
            cn in "[a-zA-Z0-9äé認.:/(),+;<>=\"'_-]{1,20}", o in "[a-zA-Z0-9 ,+]{0,9}z") {
            let name = DistinguishedName::common_name(&cn).with_organization(&o);
            let name = name.with_domain("corp.example");
            prop_assert_eq!(DistinguishedName::parse(&name.to_string()), Some(name));
        }

        #[test]
        fn any_text_can_be_parsed_as_a_name_without_panic(text: String) {
            let _ = DistinguishedName::parse(&text);
        }

        #[test]
        fn any_text_makes_a_name_that_is_read_back(cn: String, o: String) {
            let name = DistinguishedName::common_name(&cn).with_organization(&o);
            let back =
                DistinguishedName::read(&mut der::SliceReader::new(name.as_der()).unwrap());
            let back = back.unwrap();
            prop_assert_eq!(&back, &name);
            prop_assert_eq!(back.to_string(), name.to_string());
        }
    }
}
