//! The bars that show runs going on: on standard error, and only where that is a terminal.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::exec::Progress;
use crate::scenario::Scenario;

/// How often a bar is drawn; who is done before is never shown.
const TICK: Duration = Duration::from_millis(200);

/// How many characters a whole bar has.
const WIDTH: usize = 20;

/// The bars of several runs.
pub(super) struct Bars(MultiProgress);

/// One of them; it goes away with the run.
pub(super) struct Bar {
    bar: ProgressBar,
    progress: Arc<Progress>,
}

impl Bars {
    pub(super) fn new() -> Bars {
        Bars(MultiProgress::with_draw_target(ProgressDrawTarget::stderr()))
    }

    /// A bar for a run.
    pub(super) fn add(&self, scenario: &Scenario) -> Bar {
        let progress = Arc::new(Progress::new(scenario.start, scenario.duration));
        let bar = self.0.add(ProgressBar::new_spinner());
        let seen = progress.clone();
        let told = move |_: &ProgressState, to: &mut dyn std::fmt::Write| {
            let _ = write!(to, "{}", drawn(&seen));
        };
        let name = match &scenario.variant {
            Some(variant) => format!("{}, {variant}", scenario.name),
            None => scenario.name.clone(),
        };
        if let Ok(style) = ProgressStyle::with_template("{prefix}  {told}") {
            bar.set_style(style.with_key("told", told));
        }
        bar.set_prefix(name);
        bar.enable_steady_tick(TICK);
        Bar { bar, progress }
    }

    /// Prints with no bar in between.
    pub(super) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }
}

impl Bar {
    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// `[########------------]  40 %  2014-04-16 01:12:10  admitted 434, refused 2  fault: down`.
fn drawn(progress: &Progress) -> String {
    let share = progress.share();
    let full = ((share * WIDTH as f64) as usize).min(WIDTH);
    let (done, left) = ("#".repeat(full), "-".repeat(WIDTH - full));
    format!("[{done}{left}] {:3.0} %  {}", share * 100.0, progress.line())
}

#[cfg(test)]
mod tests {
    use revlab_lab::{Instant, Span};

    use super::*;

    #[test]
    fn a_run_that_has_not_begun_has_an_empty_bar() {
        let progress = Progress::new(Instant::from_millis(0), Span::from_hours(1));
        let expected = "[--------------------]   0 %  1970-01-01 00:00:00  no attempt yet";
        assert_eq!(drawn(&progress), expected);
    }
}
