//! How people write durations, counts, shares and ranges in a scenario.
//!
//! Every function says in its error what is wrong and what would be right, ready to follow
//! "`key` of …: ".

use revlab_clients::load::{Gap, Rate};
use revlab_clients::plan::StatusRange;
use revlab_lab::clock::Drift;
use revlab_lab::{Instant, Span};

use super::model::{Count, Share, SpanRange};
use super::tree::shortened;

/// The highest rate: beyond it a mistake is likelier than a load.
const MOST_PER_MS: i64 = 100;

/// No length of a scenario is longer: a century. It keeps every sum of lab times in the calendar.
pub(super) const LONGEST: Span = Span::from_days(36_525);

/// A duration of either sign.
pub(super) fn span(text: &str) -> Result<Span, String> {
    // Longer texts are not durations, and jiff's messages would repeat them.
    if text.len() > 64 {
        return Err(format!("`{}` is not a duration such as `1h 30m`", shortened(text)));
    }
    let span: Span = text.parse().map_err(|error| format!("{error}"))?;
    if span > LONGEST || span < -LONGEST {
        return Err(format!("`{text}` is longer than a century (36525 d)"));
    }
    Ok(span)
}

/// A point of lab time as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// RFC 3339.
    Absolute(Instant),
    /// After the start.
    Relative(Span),
}

/// `2014-04-16T10:51:34Z`, or a duration after the start.
pub(super) fn moment(text: &str) -> Result<Moment, String> {
    let dated = text.as_bytes().get(4) == Some(&b'-')
        && text.bytes().take(4).all(|byte| byte.is_ascii_digit());
    if dated {
        return instant(text).map(Moment::Absolute);
    }
    span(text).map(Moment::Relative).map_err(|_| {
        let text = shortened(text);
        format!(
            "`{text}` is neither a time since the start such as `3h` nor one such as \
             `2014-04-16T10:51:34Z`"
        )
    })
}

/// RFC 3339, in the years 1970 to 2999: artefacts reach some decades to both sides.
pub(super) fn instant(text: &str) -> Result<Instant, String> {
    let bad = || format!("`{}` is not a time such as `2014-04-16T10:51:34Z`", shortened(text));
    if text.len() > 64 {
        return Err(bad());
    }
    let instant: Instant = text.parse().map_err(|_| bad())?;
    let (year, ..) = instant.civil();
    if !(1970..=2999).contains(&year) {
        return Err(format!("`{text}` is outside the years 1970 to 2999"));
    }
    Ok(instant)
}

/// `>= 1`, `<= 3`, `= 0`, `2..5` (inclusive), `2..`, `..5`.
pub(super) fn count(text: &str) -> Result<Count, String> {
    let bad = || format!("`{}` is not a count such as `>= 1`, `= 0` or `2..5`", shortened(text));
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| bad());
    if let Some(rest) = text.trim().strip_prefix(">=") {
        return Ok(Count { min: number(rest)?, max: None });
    }
    if let Some(rest) = text.trim().strip_prefix("<=") {
        return Ok(Count { min: 0, max: Some(number(rest)?) });
    }
    if let Some(rest) = text.trim().strip_prefix('=') {
        let n = number(rest)?;
        return Ok(Count { min: n, max: Some(n) });
    }
    let (low, high) = text.split_once("..").ok_or_else(bad)?;
    let (low, high) = (low.trim(), high.trim());
    if low.is_empty() && high.is_empty() {
        return Err(bad());
    }
    let min = if low.is_empty() { 0 } else { number(low)? };
    let max = if high.is_empty() { None } else { Some(number(high)?) };
    if max.is_some_and(|max| max < min) {
        return Err(format!("`{text}` ends below where it begins"));
    }
    Ok(Count { min, max })
}

/// `all`, `none`, `>= 95%`, `<= 5%`.
pub(super) fn share(text: &str) -> Result<Share, String> {
    let bad = || {
        format!("`{}` is not a share such as `all`, `none`, `>= 95%` or `<= 5%`", shortened(text))
    };
    let text = text.trim();
    let part = |rest: &str| {
        let percent: f64 =
            rest.trim().strip_suffix('%').and_then(|n| n.trim().parse().ok()).ok_or_else(bad)?;
        if (0.0..=100.0).contains(&percent) {
            Ok(percent / 100.0)
        } else {
            Err(format!("`{}` is not between 0% and 100%", shortened(text)))
        }
    };
    match (text, text.strip_prefix(">="), text.strip_prefix("<=")) {
        ("all", ..) => Ok(Share::All),
        ("none", ..) => Ok(Share::None),
        (_, Some(rest), _) => part(rest).map(Share::AtLeast),
        (_, _, Some(rest)) => part(rest).map(Share::AtMost),
        _ => Err(bad()),
    }
}

/// `30m..75m`, `..2h`, `7d..`, both ends included.
pub(super) fn span_range(text: &str) -> Result<SpanRange, String> {
    let bad =
        || format!("`{}` is not a range such as `30m..75m`, `..2h` or `7d..`", shortened(text));
    let (low, high) = text.split_once("..").ok_or_else(bad)?;
    let end = |text: &str| match text.trim() {
        "" => Ok(None),
        text => span(text).map(Some),
    };
    let (min, max) = (end(low)?, end(high)?);
    match (min, max) {
        (None, None) => Err(bad()),
        (Some(min), Some(max)) if max < min => Err(format!("`{text}` ends below where it begins")),
        _ if min.or(max).is_some_and(Span::is_negative) => {
            Err(format!("`{text}` is negative; a range of durations begins at `0s`"))
        }
        _ => Ok(SpanRange { min, max }),
    }
}

/// `10s`; drawn: `5s..15s`, `gaussian 10s, 2s`, `poisson 10s`.
pub(super) fn gap(text: &str) -> Result<Gap, String> {
    let positive = |text: &str| match span(text.trim())? {
        span if span.is_negative() => Err(format!("`{text}` is negative")),
        span => Ok(span),
    };
    if let Some(mean) = text.strip_prefix("poisson ") {
        return Ok(Gap::Poisson { mean: positive(mean)? });
    }
    if let Some(both) = text.strip_prefix("gaussian ") {
        let bad =
            || format!("`{}` needs a mean and a deviation: `gaussian 10s, 2s`", shortened(text));
        let (mean, deviation) = both.split_once(',').ok_or_else(bad)?;
        return Ok(Gap::Gaussian { mean: positive(mean)?, deviation: positive(deviation)? });
    }
    if text.contains("..") {
        return match span_range(text)? {
            SpanRange { min: Some(from), max: Some(to) } => Ok(Gap::Uniform { from, to }),
            _ => Err(format!("`{text}` needs both ends, such as `5s..15s`")),
        };
    }
    positive(text).map(Gap::Fixed)
}

/// `10 per 1s`.
pub(super) fn rate(text: &str) -> Result<Rate, String> {
    let bad = || format!("`{}` is not a rate such as `10 per 1s`", shortened(text));
    let (count, per) = text.split_once(" per ").ok_or_else(bad)?;
    let count = count.trim().parse().map_err(|_| bad())?;
    let per = span(per.trim())?;
    if per <= Span::ZERO {
        return Err(format!("`{text}` is in no time: what follows `per` must be positive"));
    }
    let rate = Rate { count, per };
    if is_too_many(rate) {
        return Err(format!("`{text}` is more than {MOST_PER_MS} a millisecond"));
    }
    Ok(rate)
}

/// Whether nobody can send so many.
pub(super) fn is_too_many(rate: Rate) -> bool {
    i64::from(rate.count) > rate.per.as_millis().saturating_mul(MOST_PER_MS)
}

/// `24s per 1h`: gained in every hour; negative: lost.
pub(super) fn drift(text: &str) -> Result<Drift, String> {
    let bad = || format!("`{}` is not a drift such as `24s per 1h`", shortened(text));
    let (gain, per) = text.split_once(" per ").ok_or_else(bad)?;
    let (gain, per) = (span(gain.trim())?, span(per.trim())?);
    if per <= Span::ZERO {
        return Err(format!("`{text}` drifts in no time: what follows `per` must be positive"));
    }
    if gain >= per || gain <= -per {
        return Err(format!(
            "`{text}` is a drift of 100 % or more: no clock and no timer is so bad"
        ));
    }
    Ok(Drift { gain, per })
}

/// `2xx`, `200`, `200..299`.
pub(super) fn statuses(text: &str) -> Result<StatusRange, String> {
    let bad =
        || format!("`{}` is no HTTP status: write `2xx`, `200` or `200..299`", shortened(text));
    let status = |text: &str| {
        let n: Option<u16> = text.trim().parse().ok();
        n.filter(|n| (200..=599).contains(n)).ok_or_else(bad)
    };
    match (text.strip_suffix("xx"), text.split_once("..")) {
        (Some(class), _) => {
            let class: u16 = class.parse().map_err(|_| bad())?;
            if !(2..=5).contains(&class) {
                return Err(bad());
            }
            Ok(StatusRange { from: class * 100, to: class * 100 + 99 })
        }
        (_, Some((from, to))) => {
            let range = StatusRange { from: status(from)?, to: status(to)? };
            if range.to < range.from {
                return Err(format!("`{text}` ends below where it begins"));
            }
            Ok(range)
        }
        _ => status(text).map(|n| StatusRange { from: n, to: n }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_are_read_as_people_write_them() {
        let of = |min, max| Ok(Count { min, max });
        assert_eq!(count(">= 1"), of(1, None));
        assert_eq!(count("<=3"), of(0, Some(3)));
        assert_eq!(count("= 0"), of(0, Some(0)));
        assert_eq!(count("2..5"), of(2, Some(5)));
        assert_eq!(count("2 .."), of(2, None));
        assert_eq!(count("..5"), of(0, Some(5)));
        assert_eq!(count("5..2"), Err("`5..2` ends below where it begins".into()));
        for bad in ["", "..", "some", ">= -1", "> 1", "1.5"] {
            assert!(count(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shares_are_all_none_or_a_bound_in_percent() {
        assert_eq!(share("all"), Ok(Share::All));
        assert_eq!(share("none"), Ok(Share::None));
        assert_eq!(share(">= 95%"), Ok(Share::AtLeast(0.95)));
        assert_eq!(share("<= 2.5 %"), Ok(Share::AtMost(0.025)));
        assert_eq!(share(">= 120%"), Err("`>= 120%` is not between 0% and 100%".into()));
        for bad in ["", "most", ">= 0.95", "95%", ">= nan%"] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_range_of_durations_may_be_open_at_one_end() {
        let range = span_range("30m..75m").unwrap();
        assert_eq!((range.min, range.max), (Some(Span::from_mins(30)), Some(Span::from_mins(75))));
        assert_eq!(span_range("..2h").unwrap().min, None);
        assert_eq!(span_range("7d..").unwrap().max, None);
        for bad in ["..", "1h", "2h..1h", "-1h..1h", "..-1h", "a..b"] {
            assert!(span_range(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_drift_is_a_gain_in_a_positive_time_below_all_of_it() {
        let lost = Drift { gain: Span::from_secs(-24), per: Span::from_hours(1) };
        assert_eq!(drift("-24s per 1h"), Ok(lost));
        for bad in ["24s", "24s per 0s", "1h per 1h", "-2h per 1h", "24s per -1h"] {
            assert!(drift(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn statuses_are_a_class_a_number_or_a_range() {
        assert_eq!(statuses("2xx"), Ok(StatusRange::SUCCESS));
        assert_eq!(statuses("200..299"), Ok(StatusRange::SUCCESS));
        assert_eq!(statuses("403"), Ok(StatusRange { from: 403, to: 403 }));
        for bad in ["9xx", "xx", "42", "299..200", "100"] {
            assert!(statuses(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_moment_is_absolute_when_it_looks_like_a_date() {
        assert_eq!(moment("7d 12h"), Ok(Moment::Relative(Span::from_hours(180))));
        let at = Instant::from_millis(1_397_645_494_000);
        assert_eq!(moment("2014-04-16T10:51:34Z"), Ok(Moment::Absolute(at)));
        for bad in ["", "soon", "2014-04-16", "2014-04-16T10:51:34", "0001-01-01T00:00:00Z"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
        assert!(moment("40000d").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_a_reader_panic(text in ".{0,40}") {
            let _ = (moment(&text), count(&text), share(&text));
            let _ = (span_range(&text), drift(&text), statuses(&text));
        }

        #[test]
        fn a_count_admits_what_its_text_says(min in 0u64..1000, more in 0u64..1000) {
            let max = min + more;
            prop_assert_eq!(count(&format!("{min}..{max}")), Ok(Count { min, max: Some(max) }));
        }

        #[test]
        fn a_range_survives_its_text(a in 0i64..10_000_000_000, b in 0i64..10_000_000_000) {
            let (min, max) = (Span::from_millis(a.min(b)), Span::from_millis(a.max(b)));
            let range = span_range(&format!("{min}..{max}")).unwrap();
            prop_assert_eq!(range, SpanRange { min: Some(min), max: Some(max) });
        }
    }
}
