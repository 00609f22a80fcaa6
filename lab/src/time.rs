//! Lab time: one scale, UTC, in milliseconds.
//!
//! The millisecond is the resolution of the trace. The lab has no finer tick, so that no order of
//! events exists which the trace cannot show.

use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point of lab time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

/// A signed length of time, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

impl Instant {
    /// The instant that is `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: i64) -> Instant {
        Instant(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded towards the past.
    ///
    /// X.509 times have no fraction: an artefact signed within a second bears that second.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The start of this instant's second.
    pub const fn floor_to_second(self) -> Instant {
        Instant(self.as_secs() * 1000)
    }

    /// The later of two instants.
    pub fn max(self, other: Instant) -> Instant {
        Ord::max(self, other)
    }

    /// Calendar fields in UTC: year, month, day, hour, minute, second, millisecond.
    pub fn civil(self) -> (i16, i8, i8, i8, i8, i8, i16) {
        let stamp = self.timestamp();
        let dt = jiff::tz::Offset::UTC.to_datetime(stamp);
        let millis = self.0.rem_euclid(1000) as i16;
        (dt.year(), dt.month(), dt.day(), dt.hour(), dt.minute(), dt.second(), millis)
    }

    /// Saturates at the ends of jiff's range (years -9999 to 9999): no scenario reaches them.
    fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }
}

/// RFC 3339, UTC, always three decimals: `2014-04-16T10:51:34.000Z`.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (y, mo, d, h, mi, s, ms) = self.civil();
        write!(f, "{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}.{ms:03}Z")
    }
}

/// The text was not an RFC 3339 time with an offset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a time such as `2014-04-16T10:51:34Z`")]
pub struct InstantError {
    text: String,
}

impl FromStr for Instant {
    type Err = InstantError;

    fn from_str(text: &str) -> Result<Instant, InstantError> {
        text.parse::<jiff::Timestamp>()
            .map(|t| Instant(t.as_millisecond()))
            .map_err(|_| InstantError { text: text.to_owned() })
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);

    /// A span of `n` milliseconds.
    pub const fn from_millis(n: i64) -> Span {
        Span(n)
    }

    /// A span of `n` seconds.
    pub const fn from_secs(n: i64) -> Span {
        Span(n * 1000)
    }

    /// A span of `n` minutes.
    pub const fn from_mins(n: i64) -> Span {
        Span(n * 60_000)
    }

    /// A span of `n` hours.
    pub const fn from_hours(n: i64) -> Span {
        Span(n * 3_600_000)
    }

    /// A span of `n` days of 24 hours.
    pub const fn from_days(n: i64) -> Span {
        Span(n * 86_400_000)
    }

    /// Length in milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Length in whole seconds, rounded towards zero.
    pub const fn as_secs(self) -> i64 {
        self.0 / 1000
    }

    /// Whether the span points to the past.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// This span times `num / den`, in 128-bit arithmetic, rounded towards zero.
    pub fn scale(self, num: i64, den: i64) -> Span {
        Span((i128::from(self.0) * i128::from(num) / i128::from(den)) as i64)
    }
}

/// As people write it, largest unit first: `1h 30m`, `7d 12h 10m`, `-5m`, `250ms`, `0s`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 5] =
            [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
        if self.0 == 0 {
            return f.pad("0s");
        }
        let mut text = String::from(if self.0 < 0 { "-" } else { "" });
        let mut rest = self.0.unsigned_abs();
        for (size, unit) in UNITS {
            if rest >= size {
                if text.len() > 1 {
                    text.push(' ');
                }
                text.push_str(&format!("{}{unit}", rest / size));
                rest %= size;
            }
        }
        f.pad(&text)
    }
}

/// Why a text is not a [`Span`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// Not a duration at all.
    #[error("`{0}` is not a duration such as `90s`, `1h 30m` or `7d`")]
    Syntax(String),
    /// A month or a year, which has no fixed length.
    #[error("`{0}` has no fixed length: months and years cannot be used, days and weeks can")]
    Calendar(String),
}

impl FromStr for Span {
    type Err = SpanError;

    /// Accepts jiff's friendly and ISO 8601 forms: `1h 30m`, `1.5h`, `-30s`, `PT15M`, `7d`, `1w`.
    ///
    /// ```
    /// use revlab_lab::Span;
    /// assert_eq!("1h 30m".parse::<Span>().unwrap(), Span::from_mins(90));
    /// assert_eq!("1w".parse::<Span>().unwrap().to_string(), "7d");
    /// assert!("1mo".parse::<Span>().is_err());
    /// ```
    fn from_str(text: &str) -> Result<Span, SpanError> {
        let span: jiff::Span = text.parse().map_err(|_| SpanError::Syntax(text.to_owned()))?;
        let length = span
            .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
            .map_err(|_| SpanError::Calendar(text.to_owned()))?;
        i64::try_from(length.as_millis()).map(Span).map_err(|_| SpanError::Syntax(text.to_owned()))
    }
}

impl Add<Span> for Instant {
    type Output = Instant;
    fn add(self, span: Span) -> Instant {
        Instant(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Span> for Instant {
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl Sub<Span> for Instant {
    type Output = Instant;
    fn sub(self, span: Span) -> Instant {
        Instant(self.0.saturating_sub(span.0))
    }
}

impl Sub for Instant {
    type Output = Span;
    fn sub(self, earlier: Instant) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Span;
    fn sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

impl Neg for Span {
    type Output = Span;
    fn neg(self) -> Span {
        Span(-self.0)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut text = [0u8; RFC3339_LEN];
        match self.write_rfc3339(&mut text) {
            Some(text) => s.serialize_str(text),
            None => s.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Instant, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// As whole milliseconds, so that the field's name can end in `_ms`.
impl Serialize for Span {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_i64(self.0)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Span, D::Error> {
        i64::deserialize(d).map(Span)
    }
}

const RFC3339_LEN: usize = 24;

impl Instant {
    /// The [`fmt::Display`] form without the formatting machinery: a trace of three weeks holds
    /// more than half a million of these. `None` outside the years 0 to 9999.
    fn write_rfc3339<'a>(&self, text: &'a mut [u8; RFC3339_LEN]) -> Option<&'a str> {
        let (y, mo, d, h, mi, s, ms) = self.civil();
        let year = u16::try_from(y).ok()?;
        let mut put = |at: usize, width: usize, mut value: u16| {
            for i in (0..width).rev() {
                text[at + i] = b'0' + (value % 10) as u8;
                value /= 10;
            }
        };
        put(0, 4, year);
        put(5, 2, mo as u16);
        put(8, 2, d as u16);
        put(11, 2, h as u16);
        put(14, 2, mi as u16);
        put(17, 2, s as u16);
        put(20, 3, ms as u16);
        for (at, mark) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.')] {
            text[at] = mark;
        }
        text[23] = b'Z';
        std::str::from_utf8(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spans_are_read_and_written_as_people_write_them() {
        for (text, back) in [
            ("1h 30m", "1h 30m"),
            ("1.5h", "1h 30m"),
            ("90m", "1h 30m"),
            ("PT15M", "15m"),
            ("-30s", "-30s"),
            ("1w", "7d"),
            ("7d 12h 10m", "7d 12h 10m"),
            ("250ms", "250ms"),
            ("0s", "0s"),
        ] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), back, "{text}");
        }
        assert!(matches!("1mo".parse::<Span>(), Err(SpanError::Calendar(_))));
        assert!(matches!("soon".parse::<Span>(), Err(SpanError::Syntax(_))));
    }

    proptest! {
        #[test]
        fn an_instant_survives_its_text(ms in -30_000_000_000_000i64..200_000_000_000_000) {
            let t = Instant::from_millis(ms);
            prop_assert_eq!(t.to_string().parse::<Instant>().unwrap(), t);
            let json = serde_json::to_string(&t).unwrap();
            prop_assert_eq!(json, format!("\"{t}\""));
        }

        #[test]
        fn a_span_survives_its_text(ms in -10_000_000_000i64..10_000_000_000) {
            let span = Span::from_millis(ms);
            prop_assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
        }
    }
}
