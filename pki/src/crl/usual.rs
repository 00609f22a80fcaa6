//! Entries in the form that nearly all have, read with little work for each.
//!
//! What is taken here is a part of what [`super::read::entry`] takes: a positive serial number in
//! its shortest form, a UTCTime, and non-critical extensions of the arc 2.5.29, each in fewer than
//! 128 octets. Everything else, right or wrong, is left to that decoder and to its errors.

use crate::encode::tag;
use crate::time;

/// An entry at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usual<'a> {
    /// How many octets it has.
    pub(super) length: usize,
    /// Its serial number without leading zeros; of zero, one.
    pub(super) serial: &'a [u8],
}

/// Reads an entry that is in the usual form.
pub(super) fn read(bytes: &[u8]) -> Option<Usual<'_>> {
    let (entry, behind) = element(tag::SEQUENCE, bytes)?;
    let (serial, rest) = element(tag::INTEGER, entry)?;
    let (date, rest) = element(tag::UTC_TIME, rest)?;
    let serial = positive(serial)?;
    let sound = time::is_utc_time(date) && (rest.is_empty() || are_extensions(rest));
    sound.then_some(Usual { length: bytes.len() - behind.len(), serial })
}

/// The serial number of an entry that has been read before, whatever its form was; `None` of a
/// negative one, which is no certificate's.
pub(super) fn serial_of(bytes: &[u8]) -> Option<&[u8]> {
    let (_, entry) = header(bytes)?;
    let (length, serial) = header(entry)?;
    positive(serial.get(..length)?)
}

/// Content and what follows, of an element whose length has one octet.
fn element(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match bytes {
        [t, length @ 0..0x80, rest @ ..] if *t == tag => {
            rest.split_at_checked(usize::from(*length))
        }
        _ => None,
    }
}

/// The length of an element in any definite form, and the bytes behind its header.
fn header(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.get(1..)?.split_first()?;
    if *first < 0x80 {
        return Some((usize::from(*first), rest));
    }
    let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
    Some((length.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet)), rest))
}

/// The octets of a positive INTEGER in its shortest form, without the leading zero that its sign
/// may need.
fn positive(octets: &[u8]) -> Option<&[u8]> {
    match octets {
        [0] | [1..0x80, ..] => Some(octets),
        [0, rest @ ..] if rest.first().is_some_and(|first| *first >= 0x80) => Some(rest),
        _ => None,
    }
}

/// Whether these are extensions of the arc 2.5.29, none critical and none twice, of which the
/// reason is a reason. The certificate issuer is not among them: it needs more than a look.
fn are_extensions(bytes: &[u8]) -> bool {
    const REASON: u8 = 21;
    const ISSUER: u8 = 29;
    let Some((mut list, [])) = element(tag::SEQUENCE, bytes) else { return false };
    let mut seen = 0u128;
    while !list.is_empty() {
        let Some((extension, rest)) = element(tag::SEQUENCE, list) else { return false };
        let Some(([0x55, 0x1d, which @ 0..0x80], value)) = element(tag::OID, extension) else {
            return false;
        };
        let Some((body, [])) = element(tag::OCTET_STRING, value) else { return false };
        let sound = match *which {
            REASON => matches!(body, [tag::ENUMERATED, 1, 0..0x80]),
            other => other != ISSUER,
        };
        let bit = 1u128 << which;
        if !sound || seen & bit != 0 {
            return false;
        }
        seen |= bit;
        list = rest;
    }
    true
}
