//! Comparing names as RFC 5280 §7.1 wants: by the string preparation of RFC 4518.

use const_oid::ObjectIdentifier;
use der::asn1::AnyRef;
use der::{Decode, Reader, SliceReader, Tag, Tagged};

use super::DistinguishedName;
use crate::{Malformed, decode};

/// emailAddress of PKCS #9 (RFC 2985 §5.2.1).
const EMAIL_ADDRESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1");

impl DistinguishedName {
    /// Whether both are the same name by RFC 5280 §7.1: the kind of string, upper and lower case,
    /// and the number of spaces do not matter.
    ///
    /// ```
    /// use revlab_pki::DistinguishedName;
    /// let one = DistinguishedName::common_name("Example  CA");
    /// assert!(one.matches(&DistinguishedName::common_name("example ca")));
    /// assert_ne!(one, DistinguishedName::common_name("example ca"));
    /// ```
    pub fn matches(&self, other: &DistinguishedName) -> bool {
        self.der == other.der || self.folded() == other.folded()
    }

    /// Whether this name lies in the subtree of `base`: begins, from the root on, with the same
    /// parts (RFC 5280 §4.2.1.10 with X.501).
    pub fn is_within(&self, base: &DistinguishedName) -> bool {
        self.folded().starts_with(base.folded())
    }

    /// Whether it has no part at all.
    pub fn is_empty(&self) -> bool {
        self.folded().is_empty()
    }

    /// The values of its emailAddress attributes, which name constraints on mail addresses are about
    /// where there are no alternative names (RFC 5280 §4.2.1.10).
    pub fn email_addresses(&self) -> Vec<String> {
        let mut found = Vec::new();
        // Own bytes are well formed; what is no text is no address.
        let _ = attributes(&self.der, |oid, value, _| {
            if oid == EMAIL_ADDRESS {
                found.extend(text(value));
            }
        });
        found
    }

    /// The name of one more part, given as the content of its SET, below this one: what
    /// nameRelativeToCRLIssuer means (RFC 5280 §4.2.1.13).
    pub fn with_relative(&self, part: &[u8]) -> DistinguishedName {
        let parts = decode::whole(&self.der, |r| decode::content(r, Tag::Sequence));
        let part = crate::encode::tlv(crate::encode::tag::SET, part);
        DistinguishedName::of(&[parts.unwrap_or_default(), &part].concat())
    }

    /// The prepared form: each part with its length before it, so that a subtree is a prefix.
    fn folded(&self) -> &[u8] {
        self.folded.get_or_init(|| folded(&self.der).unwrap_or_else(|_| self.der.to_vec()))
    }
}

fn folded(der: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut parts: Vec<Vec<Vec<u8>>> = Vec::new();
    attributes(der, |oid, value, first| {
        let attribute = [prefixed(oid.as_bytes()), prefixed(&prepared(value))].concat();
        match parts.last_mut() {
            Some(part) if !first => part.push(attribute),
            _ => parts.push(vec![attribute]),
        }
    })?;
    let whole = parts.into_iter().flat_map(|mut part| {
        part.sort();
        prefixed(&part.concat())
    });
    Ok(whole.collect())
}

/// Hands out each attribute, and whether it is the first of its part.
fn attributes(
    der: &[u8],
    mut each: impl FnMut(ObjectIdentifier, AnyRef<'_>, bool),
) -> Result<(), Malformed> {
    decode::whole(der, |r| {
        decode::sequence_of(r, |r| {
            let part = decode::content(r, Tag::Set)?;
            decode::whole(part, |r: &mut SliceReader<'_>| {
                let mut first = true;
                while !r.is_finished() {
                    decode::sequence(r, |r| {
                        let oid = ObjectIdentifier::decode(r)?;
                        each(oid, AnyRef::decode(r)?, first);
                        Ok(())
                    })?;
                    first = false;
                }
                Ok(())
            })
        })
    })
}

fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u64).to_be_bytes()[..], bytes].concat()
}

/// A value prepared by RFC 4518, marked as text; any other value as it stands there.
fn prepared(value: AnyRef<'_>) -> Vec<u8> {
    let Some(text) = text(value) else {
        let tag = u8::try_from(value.tag().number().value()).unwrap_or(u8::MAX);
        return [&[1, tag], value.value()].concat();
    };
    // What RFC 4518 §2.4 prohibits is compared as it stands there.
    let text = match stringprep::x520prep(&text, true) {
        Ok(prepared) => prepared.into_owned(),
        Err(_) => return [&[2], text.as_bytes()].concat(),
    };
    // Insignificant spaces (RFC 4518 §2.6.1): none around, one inside.
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    [&[0], words.join(" ").as_bytes()].concat()
}

/// The text of a DirectoryString or IA5String.
fn text(value: AnyRef<'_>) -> Option<String> {
    let bytes = value.value();
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::VisibleString => {
            std::str::from_utf8(bytes).ok().map(str::to_owned)
        }
        // T.61 is written by nobody; ISO 8859-1 is what stands there.
        Tag::TeletexString => Some(bytes.iter().map(|octet| char::from(*octet)).collect()),
        Tag::BmpString => {
            let (pairs, []) = bytes.as_chunks::<2>() else { return None };
            char::decode_utf16(pairs.iter().map(|pair| u16::from_be_bytes(*pair)))
                .collect::<Result<_, _>>()
                .ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::encode::{self, tag};

    fn name(parts: &[(&str, u8, &[u8])]) -> DistinguishedName {
        let part = |(oid, tag, value): &(&str, u8, &[u8])| {
            let attribute = encode::sequence(&[
                &encode::oid(ObjectIdentifier::new_unwrap(oid)),
                &encode::tlv(*tag, value),
            ]);
            encode::tlv(tag::SET, &attribute)
        };
        DistinguishedName::of(&parts.iter().flat_map(part).collect::<Vec<u8>>())
    }

    const CN: &str = "2.5.4.3";
    const O: &str = "2.5.4.10";

    #[test]
    fn case_spaces_and_the_kind_of_string_do_not_matter() {
        let one = name(&[(O, tag::PRINTABLE_STRING, b"revlab LAB"), (CN, 0x0c, "Ä b".as_bytes())]);
        let other = name(&[
            (O, tag::UTF8_STRING, b" Revlab  lab "),
            (CN, tag::BMP_STRING, b"\0\xe4\0 \0B"),
        ]);
        assert!(one.matches(&other));
    }

    #[test]
    fn another_value_order_or_attribute_is_another_name() {
        let one = name(&[(O, 0x13, b"a"), (CN, 0x13, b"b")]);
        for other in [
            name(&[(CN, 0x13, b"b"), (O, 0x13, b"a")]),
            name(&[(O, 0x13, b"a"), (CN, 0x13, b"c")]),
            name(&[(O, 0x13, b"a"), (O, 0x13, b"b")]),
            name(&[(O, 0x13, b"a")]),
            name(&[(O, 0x13, b"ab"), (CN, 0x13, b"")]),
        ] {
            assert!(!one.matches(&other), "{other}");
        }
    }

    #[test]
    fn a_subtree_is_what_begins_with_its_parts() {
        let base = name(&[(O, 0x13, b"Lab")]);
        assert!(name(&[(O, 0x0c, b"lab"), (CN, 0x13, b"b")]).is_within(&base));
        assert!(base.is_within(&base));
        assert!(!name(&[(O, 0x13, b"Laboratory")]).is_within(&base));
        assert!(!base.is_within(&name(&[(O, 0x13, b"lab"), (CN, 0x13, b"b")])));
    }

    proptest! {
        #[test]
        fn a_name_matches_itself_in_capitals(cn in "[a-zA-Z ]{1,12}", o in "[a-z]{1,9}") {
            let one = DistinguishedName::common_name(&cn).with_organization(&o);
            let up = |text: &str| text.to_uppercase();
            let other = DistinguishedName::common_name(&up(&cn)).with_organization(&up(&o));
            prop_assert!(one.matches(&other));
            let longer = DistinguishedName::common_name(&(cn + "x"));
            prop_assert!(!one.matches(&longer));
        }
    }
}
