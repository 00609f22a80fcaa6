//! Times as X.509 writes them (RFC 5280 §4.1.2.5): whole seconds, UTC.

use der::asn1::AnyRef;
use der::{Decode, SliceReader, Tag, Tagged};
use revlab_lab::Instant;

use crate::Malformed;
use crate::encode::{tag, tlv};

/// UTCTime from 1950 to 2049, GeneralizedTime otherwise. Fractions of a second are cut off; years
/// outside 0 to 9999 become those.
pub(crate) fn time(at: Instant) -> Vec<u8> {
    let (year, ..) = at.civil();
    if (1950..2050).contains(&year) {
        let text = digits(at);
        tlv(tag::UTC_TIME, text.get(2..).unwrap_or_default().as_bytes())
    } else {
        generalized(at)
    }
}

/// GeneralizedTime, the only form of OCSP (RFC 6960 §4.2.1).
pub(crate) fn generalized(at: Instant) -> Vec<u8> {
    tlv(tag::GENERALIZED_TIME, digits(at).as_bytes())
}

/// Reads a UTCTime or GeneralizedTime.
pub(crate) fn read(reader: &mut SliceReader<'_>) -> Result<Instant, Malformed> {
    let any = AnyRef::decode(reader)?;
    match any.tag() {
        Tag::UtcTime => parse(any.value(), 2),
        Tag::GeneralizedTime => parse(any.value(), 4),
        other => Err(der::Error::from(other.unexpected_error(Some(Tag::UtcTime))).into()),
    }
}

/// Whether a time comes next.
pub(crate) fn is_next(reader: &SliceReader<'_>) -> Result<bool, Malformed> {
    use crate::decode::next_is;
    Ok(next_is(reader, Tag::UtcTime)? || next_is(reader, Tag::GeneralizedTime)?)
}

/// Whether this is the content of a UTCTime that [`read`] reads.
pub(crate) fn is_utc_time(text: &[u8]) -> bool {
    civil(text, 2).is_some()
}

/// `20140416105134Z`
fn digits(at: Instant) -> String {
    let (year, month, day, hour, minute, second, _) = at.civil();
    let year = year.max(0);
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z")
}

fn parse(text: &[u8], year_digits: usize) -> Result<Instant, Malformed> {
    civil(text, year_digits)
        .ok_or_else(|| Malformed::Time { text: String::from_utf8_lossy(text).into_owned() })
}

fn civil(text: &[u8], year_digits: usize) -> Option<Instant> {
    let (year, rest) = text.split_at_checked(year_digits)?;
    let year = match (decimal(year)?, year_digits) {
        (short, 2) if short < 50 => short + 2000,
        (short, 2) => short + 1900,
        (full, _) => full,
    };
    let rest: &[u8; 11] = rest.try_into().ok()?;
    let [m1, m2, d1, d2, h1, h2, i1, i2, s1, s2, b'Z'] = *rest else { return None };
    let (month, day) = (decimal(&[m1, m2])?, decimal(&[d1, d2])?);
    let (hour, minute, second) = (decimal(&[h1, h2])?, decimal(&[i1, i2])?, decimal(&[s1, s2])?);
    let in_range = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let seconds = (days_since_epoch(year, month, day) * 24 + hour) * 3600 + minute * 60 + second;
    in_range.then(|| Instant::from_millis(seconds * 1000))
}

fn decimal(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
    })
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, counted in years that begin in March so that
/// the leap day comes last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let march_year = if month > 2 { year } else { year - 1 };
    let era = march_year.div_euclid(400);
    let year_of_era = march_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn back(der: &[u8]) -> Result<Instant, Malformed> {
        read(&mut SliceReader::new(der).unwrap())
    }

    #[test]
    fn the_form_changes_with_the_year_2050() {
        let last: Instant = "2049-12-31T23:59:59.999Z".parse().unwrap();
        assert_eq!(time(last), [&[0x17, 13][..], b"491231235959Z"].concat());
        let next: Instant = "2050-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(time(next), [&[0x18, 15][..], b"20500101000000Z"].concat());
        assert_eq!(back(&time(last)).unwrap(), last.floor_to_second());
        assert_eq!(back(&time(next)).unwrap(), next);
    }

    #[test]
    fn what_no_calendar_has_is_refused() {
        for text in
            ["140229000000Z", "141301000000Z", "140416240000Z", "1404161051Z", "140416105134+"]
        {
            assert_eq!(
                back(&tlv(tag::UTC_TIME, text.as_bytes())),
                Err(Malformed::Time { text: text.to_owned() })
            );
        }
    }

    proptest! {
        #[test]
        fn times_are_read_back_to_the_second(ms in -62_167_219_200_000i64..253_402_300_799_999) {
            let at = Instant::from_millis(ms);
            prop_assert_eq!(back(&time(at)).unwrap(), at.floor_to_second());
            prop_assert_eq!(back(&generalized(at)).unwrap(), at.floor_to_second());
        }

        #[test]
        fn no_instant_is_without_a_readable_time(ms: i64) {
            prop_assert!(back(&time(Instant::from_millis(ms))).is_ok());
        }
    }
}
