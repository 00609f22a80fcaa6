//! Writing DER (X.690): tags, lengths and the few types that PKI objects are made of.
//!
//! Everything here gives a complete encoding, so that objects are written from the inside out.

use const_oid::ObjectIdentifier;

/// Identifier octets of universal types (X.690 §8.1.2).
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const ENUMERATED: u8 = 0x0a;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const PRINTABLE_STRING: u8 = 0x13;
    pub(crate) const IA5_STRING: u8 = 0x16;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const BMP_STRING: u8 = 0x1e;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
}

/// An identifier octet, the length, the content.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 6);
    push(&mut out, tag, &[content]);
    out
}

/// Appends one element whose content is `parts`, one after the other.
pub(crate) fn push(out: &mut Vec<u8>, tag: u8, parts: &[&[u8]]) {
    push_header(out, tag, parts.iter().map(|part| part.len()).sum());
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// An identifier octet and the length of content that follows elsewhere.
pub(crate) fn header(tag: u8, length: usize) -> Vec<u8> {
    let mut out = Vec::new();
    push_header(&mut out, tag, length);
    out
}

/// Appends what [`header`] gives.
pub(crate) fn push_header(out: &mut Vec<u8>, tag: u8, length: usize) {
    out.push(tag);
    push_length(out, length);
}

/// How long an element is whose content is so long.
pub(crate) fn tlv_length(content: usize) -> usize {
    let octets = if content < 0x80 { 0 } else { significant(&content.to_be_bytes()).len() };
    2 + octets + content
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    push(&mut out, tag::SEQUENCE, parts);
    out
}

/// A constructed context-specific element, `[number]` EXPLICIT or IMPLICIT on a SEQUENCE.
pub(crate) fn constructed(number: u8, content: &[u8]) -> Vec<u8> {
    tlv(0xa0 | number, content)
}

/// A primitive context-specific element, `[number]` IMPLICIT.
pub(crate) fn primitive(number: u8, content: &[u8]) -> Vec<u8> {
    tlv(0x80 | number, content)
}

/// A non-negative INTEGER from its big-endian octets, with any number of leading zeros.
pub(crate) fn unsigned(big_endian: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(big_endian.len() + 3);
    push_unsigned(&mut out, big_endian);
    out
}

/// Appends what [`unsigned`] gives.
pub(crate) fn push_unsigned(out: &mut Vec<u8>, big_endian: &[u8]) {
    let octets = significant(big_endian);
    let pad: &[u8] = if needs_sign(octets) { &[0] } else { &[] };
    push(out, tag::INTEGER, &[pad, octets]);
}

/// How long what [`unsigned`] gives is.
pub(crate) fn unsigned_length(big_endian: &[u8]) -> usize {
    let octets = significant(big_endian);
    tlv_length(octets.len() + usize::from(needs_sign(octets)))
}

/// The first bit is the sign (X.690 §8.3.3), and zero has one octet.
fn needs_sign(octets: &[u8]) -> bool {
    octets.first().is_none_or(|first| first & 0x80 != 0)
}

pub(crate) fn number(value: u64) -> Vec<u8> {
    unsigned(&value.to_be_bytes())
}

pub(crate) fn oid(oid: ObjectIdentifier) -> Vec<u8> {
    tlv(tag::OID, oid.as_bytes())
}

pub(crate) fn boolean_true() -> Vec<u8> {
    tlv(tag::BOOLEAN, &[0xff])
}

pub(crate) fn octet_string(content: &[u8]) -> Vec<u8> {
    tlv(tag::OCTET_STRING, content)
}

/// A BIT STRING of whole octets.
pub(crate) fn bit_string(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len() + 7);
    push(&mut out, tag::BIT_STRING, &[&[0], octets]);
    out
}

/// A BIT STRING of up to eight named bits, bit 0 first; trailing zeros are left out
/// (X.690 §11.2.2).
pub(crate) fn named_bits(bits: u8) -> Vec<u8> {
    match bits {
        0 => tlv(tag::BIT_STRING, &[0]),
        _ => tlv(tag::BIT_STRING, &[bits.trailing_zeros() as u8, bits]),
    }
}

pub(crate) fn null() -> Vec<u8> {
    tlv(tag::NULL, &[])
}

/// Without leading zeros; empty for zero.
pub(crate) fn significant(big_endian: &[u8]) -> &[u8] {
    let zeros = big_endian.iter().take_while(|octet| **octet == 0).count();
    big_endian.get(zeros..).unwrap_or_default()
}

fn push_length(out: &mut Vec<u8>, length: usize) {
    if length < 0x80 {
        out.push(length as u8);
        return;
    }
    let octets = length.to_be_bytes();
    let octets = significant(&octets);
    out.push(0x80 | octets.len() as u8);
    out.extend_from_slice(octets);
}

#[cfg(test)]
mod tests {
    use der::asn1::AnyRef;
    use der::{Decode, Encode};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn named_bits_leave_out_trailing_zeros() {
        assert_eq!(named_bits(0x86), [3, 2, 1, 0x86]);
        assert_eq!(named_bits(0x80), [3, 2, 7, 0x80]);
        assert_eq!(named_bits(0), [3, 1, 0]);
    }

    proptest! {
        #[test]
        fn numbers_are_read_back_by_the_der_crate(value: u64) {
            prop_assert_eq!(u64::from_der(&number(value)).unwrap(), value);
            prop_assert_eq!(number(value), value.to_der().unwrap());
        }

        #[test]
        fn lengths_are_minimal_as_the_der_crate_demands(size in 0usize..70_000) {
            let written = octet_string(&vec![7; size]);
            prop_assert_eq!(AnyRef::from_der(&written).unwrap().value().len(), size);
        }
    }
}
