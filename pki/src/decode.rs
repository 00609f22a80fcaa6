//! Reading DER: the steps that every object takes, on the `der` crate's slice reader.

use std::ops::Range;

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, BitStringRef, IntRef, Null};
use der::{Decode, Error, ErrorKind, Reader, SliceReader, Tag, TagNumber, Tagged};

use crate::Malformed;
use crate::encode::significant;

/// `[number]`, constructed.
pub(crate) const fn constructed(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
}

/// `[number]`, primitive.
pub(crate) const fn primitive(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: false, number: TagNumber(number) }
}

/// Reads the whole of `bytes` by `read`; bytes left over are an error.
pub(crate) fn whole<'a, T>(
    bytes: &'a [u8],
    read: impl FnOnce(&mut SliceReader<'a>) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    let mut reader = SliceReader::new(bytes)?;
    let value = read(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

/// The content of the next element, which must bear `tag`.
pub(crate) fn content<'a>(reader: &mut SliceReader<'a>, tag: Tag) -> Result<&'a [u8], Malformed> {
    let any = AnyRef::decode(reader)?;
    any.tag().assert_eq(tag)?;
    Ok(any.value())
}

/// The content of the next element if it bears `tag`; otherwise nothing is consumed.
pub(crate) fn optional<'a>(
    reader: &mut SliceReader<'a>,
    tag: Tag,
) -> Result<Option<&'a [u8]>, Malformed> {
    if next_is(reader, tag)? { content(reader, tag).map(Some) } else { Ok(None) }
}

/// Whether an element with `tag` comes next.
pub(crate) fn next_is(reader: &SliceReader<'_>, tag: Tag) -> Result<bool, Malformed> {
    Ok(!reader.is_finished() && Tag::peek(reader)? == tag)
}

/// Reads the next SEQUENCE, to its end, by `read`.
pub(crate) fn sequence<'a, T>(
    reader: &mut SliceReader<'a>,
    read: impl FnOnce(&mut SliceReader<'a>) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    whole(content(reader, Tag::Sequence)?, read)
}

/// Reads the next SEQUENCE OF, element by element.
pub(crate) fn sequence_of<'a>(
    reader: &mut SliceReader<'a>,
    mut each: impl FnMut(&mut SliceReader<'a>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    sequence(reader, |items| {
        while !items.is_finished() {
            each(items)?;
        }
        Ok(())
    })
}

/// An INTEGER's octets without leading zeros, except that zero is one zero octet.
pub(crate) fn serial<'a>(reader: &mut SliceReader<'a>) -> Result<&'a [u8], Malformed> {
    Ok(canonical(IntRef::decode(reader)?.as_bytes()))
}

/// The form in which serial numbers are compared: without leading zeros, and one octet for zero.
pub(crate) fn canonical(serial: &[u8]) -> &[u8] {
    match significant(serial) {
        // The last of the zeros, so that the result lies within what was read.
        [] => serial.last().map_or(&[0], std::slice::from_ref),
        octets => octets,
    }
}

/// An INTEGER between 0 and 2⁶⁴ − 1; `what` names it in the error.
pub(crate) fn number(reader: &mut SliceReader<'_>, what: &'static str) -> Result<u64, Malformed> {
    let octets = IntRef::decode(reader)?.as_bytes();
    let negative = octets.first().is_some_and(|first| first & 0x80 != 0);
    let octets = significant(octets);
    if negative || octets.len() > 8 {
        return Err(Malformed::Number { what });
    }
    Ok(octets.iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet)))
}

/// A BIT STRING of whole octets.
pub(crate) fn bits<'a>(reader: &mut SliceReader<'a>) -> Result<&'a [u8], Malformed> {
    let bits = BitStringRef::decode(reader)?;
    let octets = bits.as_bytes();
    octets.ok_or_else(|| Error::from(ErrorKind::Value { tag: Tag::BitString }).into())
}

/// An ENUMERATED of one octet, as a revocation reason or an OCSP status is.
pub(crate) fn enumerated(reader: &mut SliceReader<'_>) -> Result<u8, Malformed> {
    match content(reader, Tag::Enumerated)? {
        [value] if *value < 0x80 => Ok(*value),
        _ => Err(Error::from(ErrorKind::Value { tag: Tag::Enumerated }).into()),
    }
}

/// The OID of a hash function's AlgorithmIdentifier, whose parameters are NULL or absent
/// (RFC 4055 §2.1).
pub(crate) fn hash_algorithm(reader: &mut SliceReader<'_>) -> Result<ObjectIdentifier, Malformed> {
    sequence(reader, |r| {
        let oid = ObjectIdentifier::decode(r)?;
        if !r.is_finished() {
            Null::decode(r)?;
        }
        Ok(oid)
    })
}

/// Where `part`, a slice of `whole`, lies in it.
pub(crate) fn place(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr().saturating_sub(whole.as_ptr().addr());
    start..start.saturating_add(part.len())
}
