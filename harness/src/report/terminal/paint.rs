//! Colour, where it is asked for. Nothing is said by colour alone.

use anstyle::{AnsiColor, Style};

use crate::judge::Status;

/// Whether there is colour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    on: bool,
}

/// What a colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Nothing.
    Plain,
    /// As it should be.
    Good,
    /// What one looks for in an outage.
    Bad,
    /// Not sure.
    Doubt,
    /// A heading.
    Heading,
    /// Less important than the rest.
    Quiet,
}

impl Paint {
    pub(super) fn new(on: bool) -> Paint {
        Paint { on }
    }

    pub(super) fn text(self, tone: Tone, text: &str) -> String {
        let style = match tone {
            _ if !self.on => return text.to_owned(),
            Tone::Plain => return text.to_owned(),
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
            Tone::Doubt => AnsiColor::Yellow.on_default().bold(),
            Tone::Heading => Style::new().bold(),
            Tone::Quiet => Style::new().dimmed(),
        };
        format!("{style}{text}{style:#}")
    }

    /// Cells of a lane, each run of one tone painted at once.
    pub(super) fn cells(self, cells: &[(char, Tone)]) -> String {
        let same = |a: &(char, Tone), b: &(char, Tone)| a.1 == b.1;
        let runs = cells.chunk_by(same).map(|run| {
            let text: String = run.iter().map(|(c, _)| c).collect();
            self.text(run.first().map_or(Tone::Plain, |(_, tone)| *tone), &text)
        });
        runs.collect()
    }
}

/// The tone of a status.
pub(super) fn tone(status: Status) -> Tone {
    match status {
        Status::Held | Status::Cured => Tone::Good,
        Status::Failed => Tone::Bad,
        Status::Inconclusive | Status::Known => Tone::Doubt,
    }
}
