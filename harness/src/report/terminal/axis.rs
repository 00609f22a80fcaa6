//! Lab time in columns: where a moment lies, and the axis above the strip.

use revlab_lab::{Instant, Span};

/// Columns of the strip.
pub(super) const CELLS: usize = 72;

/// From lab time to cells.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    pub(super) start: Instant,
    pub(super) duration: Span,
}

impl Scale {
    /// The cell that `t` lies in, if it lies in the run.
    pub(super) fn cell(self, t: Instant) -> Option<usize> {
        let (after, whole) = ((t - self.start).as_millis(), self.duration.as_millis());
        if after < 0 || after >= whole {
            return None;
        }
        usize::try_from(i128::from(after) * CELLS as i128 / i128::from(whole)).ok()
    }

    /// Where a cell begins.
    fn begin(self, cell: usize) -> Instant {
        self.start + self.duration.scale(cell as i64, CELLS as i64)
    }

    /// The cells of which at least a twentieth lies in [from, to): a moment does not darken one.
    pub(super) fn covered(self, from: Instant, to: Instant) -> impl Iterator<Item = usize> {
        let least = self.duration.scale(1, CELLS as i64 * 20);
        (0..CELLS).filter(move |cell| {
            let (begin, end) = (self.begin(*cell), self.begin(cell + 1));
            let shared = end.min(to) - begin.max(from);
            shared > Span::ZERO && shared >= least
        })
    }
}

/// Labels at round times, and the rule with a mark below each, behind `indent` columns.
pub(super) fn draw(scale: Scale, indent: usize) -> (String, String) {
    let step = step(scale.duration);
    let mut labels: Vec<char> = vec![' '; CELLS];
    let mut rule: Vec<char> = vec!['-'; CELLS];
    let millis = step.as_millis().max(1);
    let first = scale.start.as_millis().div_euclid(millis) * millis;
    let mut tick = Instant::from_millis(first);
    let mut free = 0;
    while let Some(cell) = scale.cell(tick.max(scale.start)) {
        if tick >= scale.start {
            if let Some(mark) = rule.get_mut(cell) {
                *mark = '|';
            }
            let text = label(scale, tick, step);
            let fits = cell >= free && cell + text.chars().count() <= CELLS;
            if fits {
                free = cell + text.chars().count() + 1;
                for (place, c) in labels.iter_mut().skip(cell).zip(text.chars()) {
                    *place = c;
                }
            }
        }
        tick += step;
    }
    let (year, month, day, ..) = scale.start.civil();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let line = |head: &str, cells: Vec<char>| {
        format!("{head:indent$}{}", cells.iter().collect::<String>())
    };
    (line(&date, labels), line("", rule))
}

/// A round distance that leaves room for the labels.
fn step(duration: Span) -> Span {
    const MINUTES: [i64; 15] =
        [1, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 4320, 10_080];
    let round = MINUTES.into_iter().map(Span::from_mins);
    let fits = |step: &Span| duration.as_millis() / step.as_millis() <= 7;
    round.clone().find(fits).unwrap_or_else(|| {
        let weeks = duration.as_millis() / Span::from_days(7 * 7).as_millis() + 1;
        Span::from_days(7 * weeks)
    })
}

/// The date where a day begins, except the first, which stands at the left; else the time.
fn label(scale: Scale, t: Instant, step: Span) -> String {
    let (_, month, day, hour, minute, ..) = t.civil();
    match step < Span::from_days(1) {
        true if hour == 0 && minute == 0 && t != scale.start => format!("{month:02}-{day:02}"),
        true => format!("{hour:02}:{minute:02}"),
        false => format!("{month:02}-{day:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(duration: Span) -> Scale {
        Scale { start: "2014-04-16T00:00:00Z".parse().unwrap(), duration }
    }

    #[test]
    fn every_moment_of_the_run_has_a_cell_and_none_outside_it() {
        let day = scale(Span::from_days(1));
        assert_eq!(day.cell(day.start), Some(0));
        assert_eq!(day.cell(day.start + Span::from_mins(20)), Some(1));
        assert_eq!(day.cell(day.start + Span::from_days(1) - Span::from_millis(1)), Some(71));
        assert_eq!(day.cell(day.start + Span::from_days(1)), None);
        assert_eq!(day.cell(day.start - Span::from_millis(1)), None);
        assert_eq!(scale(Span::ZERO).cell(day.start), None);
    }

    #[test]
    fn an_hour_darkens_a_cell_of_seven_hours_and_a_moment_does_not() {
        let weeks = scale(Span::from_days(21));
        let from = weeks.start + Span::from_days(7);
        let cells = |length| weeks.covered(from, from + length).count();
        assert_eq!(cells(Span::from_hours(1)), 1);
        assert_eq!(cells(Span::from_secs(10)), 0);
    }

    #[test]
    fn the_axis_has_round_times_and_fits() {
        for (duration, expected) in [
            (Span::from_mins(3), "00:01"),
            (Span::from_hours(24), "20:00"),
            (Span::from_days(21), "04-19"),
            (Span::from_days(900), "06-05"),
        ] {
            let (labels, rule) = draw(scale(duration), 10);
            let longest = labels.chars().count().max(rule.chars().count());
            assert!(longest <= 10 + CELLS, "{labels}");
            let marks = rule.chars().filter(|c| *c == '|').count();
            assert!((2..=8).contains(&marks), "{duration}: {rule}");
            assert!(labels.contains(expected), "{duration}: {labels}");
        }
    }
}
