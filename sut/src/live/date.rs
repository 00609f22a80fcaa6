//! The `Date` header field, in lab time.

use revlab_lab::Instant;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// IMF-fixdate of RFC 9110 §5.6.7: `Wed, 16 Apr 2014 10:51:34 GMT`.
pub(super) fn imf_fixdate(at: Instant) -> String {
    let (year, month, day, hour, minute, second, _) = at.civil();
    // 1970-01-01 was a Thursday.
    let day_name = name(&DAYS, at.as_secs().div_euclid(86_400).rem_euclid(7));
    let month_name = name(&MONTHS, i64::from(month) - 1);
    format!("{day_name}, {day:02} {month_name} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

fn name(names: &[&'static str], index: i64) -> &'static str {
    usize::try_from(index).ok().and_then(|i| names.get(i)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_written_as_rfc_9110_has_it() {
        for (text, date) in [
            ("1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("2014-04-16T10:51:34.999Z", "Wed, 16 Apr 2014 10:51:34 GMT"),
            ("1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 GMT"),
        ] {
            assert_eq!(imf_fixdate(text.parse().unwrap()), date);
        }
    }
}
