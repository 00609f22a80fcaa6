//! The schedule of an Open Model Thread Group: `rate(10/s) random_arrivals(1 min) rate(50/s)`.

use revlab_lab::Span;

/// A stretch in which the rate goes evenly from one value to another, in arrivals a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stage {
    pub(super) length: Span,
    pub(super) from: f64,
    pub(super) to: f64,
}

/// The stages of a schedule, and whether arrivals are random in any of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Schedule {
    pub(super) stages: Vec<Stage>,
    pub(super) random: bool,
}

/// Reads a schedule. A rate behind arrivals is what they go to; two rates one behind the other are a jump.
///
/// # Errors
///
/// The step that is not understood.
pub(super) fn read(text: &str) -> Result<Schedule, String> {
    let mut schedule = Schedule::default();
    let mut rate = 0.0;
    // The stage whose end the next rate says.
    let mut open = false;
    for step in steps(text)? {
        let (name, argument) = step;
        let bad = || format!("{name}({argument})");
        match name {
            "rate" => {
                let next = per_second(argument).ok_or_else(bad)?;
                if let Some(last) = schedule.stages.last_mut().filter(|_| open) {
                    last.to = next;
                }
                (rate, open) = (next, false);
            }
            "random_arrivals" | "even_arrivals" => {
                let length = duration(argument).ok_or_else(bad)?;
                schedule.random |= name == "random_arrivals";
                schedule.stages.push(Stage { length, from: rate, to: rate });
                open = true;
            }
            "pause" => {
                let length = duration(argument).ok_or_else(bad)?;
                schedule.stages.push(Stage { length, from: 0.0, to: 0.0 });
                open = false;
            }
            _ => return Err(bad()),
        }
    }
    Ok(schedule)
}

/// Name and argument of each step.
fn steps(text: &str) -> Result<Vec<(&str, &str)>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let step = rest.split_once('(').and_then(|(name, tail)| {
            tail.split_once(')').map(|(argument, tail)| (name.trim(), argument.trim(), tail.trim()))
        });
        let Some((name, argument, tail)) = step else { return Err(rest.to_owned()) };
        found.push((name, argument));
        rest = tail;
    }
    Ok(found)
}

/// `10/s`, `10 per min`.
fn per_second(text: &str) -> Option<f64> {
    let (count, unit) =
        text.split_once('/').or_else(|| text.split_once("per")).unwrap_or((text, "s"));
    let count: f64 = count.trim().parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0)?;
    (count == 0.0).then_some(0.0).or_else(|| Some(count * 1000.0 / unit_ms(unit.trim())? as f64))
}

/// `1 min 30 s`, `90s`; a number alone is one of seconds.
fn duration(text: &str) -> Option<Span> {
    let mut total = 0.0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        let number: f64 = number.parse().ok()?;
        let tail = tail.trim_start();
        let end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let unit = if unit.is_empty() { 1000 } else { unit_ms(unit)? };
        total += number * unit as f64;
        rest = tail.trim_start();
    }
    let ms = total.round() as i64;
    (1..=3_155_760_000_000).contains(&ms).then(|| Span::from_millis(ms))
}

fn unit_ms(unit: &str) -> Option<i64> {
    Some(match unit {
        "ms" => 1,
        "s" | "sec" | "second" | "seconds" => 1000,
        "m" | "min" | "minute" | "minutes" => 60_000,
        "h" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rates_arrivals_and_pauses_become_stages() {
        let read = read(
            "rate(1/s) random_arrivals(2 min) rate(3/s) rate(60/min) even_arrivals(30s) pause(5)",
        );
        let stage = |s, from, to| Stage { length: Span::from_secs(s), from, to };
        let stages = vec![stage(120, 1.0, 3.0), stage(30, 1.0, 1.0), stage(5, 0.0, 0.0)];
        assert_eq!(read, Ok(Schedule { stages, random: true }));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert_eq!(super::read("rate(1/s) what(5)"), Err("what(5)".to_owned()));
        assert_eq!(super::read("rate(x/s)"), Err("rate(x/s)".to_owned()));
        assert_eq!(super::read("rate"), Err("rate".to_owned()));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_not(text in "[a-z_(0-9)/. ]{0,60}|(rate\\([0-9./smin ]{0,9}\\) ?){0,4}") {
            let _ = super::read(&text);
        }
    }
}
