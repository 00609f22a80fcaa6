//! Dates of HTTP fields: IMF-fixdate (RFC 9110 §5.6.7), such as `Wed, 16 Apr 2014 10:51:34 GMT`.

use revlab_lab::Instant;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Writes a date; fractions of a second are cut.
pub(crate) fn imf_fixdate(at: Instant) -> String {
    let (year, month, day, hour, minute, second, _) = at.civil();
    // 1970-01-01, day 0 of the count, was a Thursday.
    let weekday = at.as_secs().div_euclid(86_400).rem_euclid(7);
    let weekday = DAYS.get(weekday as usize).unwrap_or(&"Thu");
    let month = MONTHS.get(usize::from(month.unsigned_abs()).wrapping_sub(1)).unwrap_or(&"Jan");
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Reads a date; `None` where it has another form. The weekday is not compared with the date.
pub(super) fn parse_imf_fixdate(text: &str) -> Option<Instant> {
    let (_, date) = text.trim().split_once(", ")?;
    let mut parts = date.split(' ');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let (time, zone) = (parts.next()?, parts.next()?);
    if zone != "GMT" || parts.next().is_some() {
        return None;
    }
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    format!("{year}-{month:02}-{day}T{time}Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_dates_are_written_as_http_writes_them() {
        for (millis, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777_000, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (1_397_645_494_999, "Wed, 16 Apr 2014 10:51:34 GMT"),
        ] {
            assert_eq!(imf_fixdate(Instant::from_millis(millis)), text);
        }
    }

    proptest! {
        #[test]
        fn a_date_survives_its_text(secs in -60_000_000_000i64..200_000_000_000) {
            let at = Instant::from_millis(secs * 1000);
            prop_assert_eq!(parse_imf_fixdate(&imf_fixdate(at)), Some(at));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            parse_imf_fixdate(&text);
        }
    }
}
