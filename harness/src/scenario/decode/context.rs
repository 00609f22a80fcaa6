//! What all decoders share: where mistakes go, the run's time, the actors.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use revlab_lab::{Instant, Name, Span};

use super::super::diagnostic::Diagnostic;
use super::super::nearest;
use super::super::source::{Place, Sources};
use super::super::tree::{Entry, Table, Value, shortened};
use super::actors::Actors;

/// The frame of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) start: Instant,
    pub(super) duration: Span,
}

impl Run {
    pub(super) fn end(self) -> Instant {
        self.start + self.duration
    }
}

/// Shared by all decoders of one variant.
#[derive(Debug, Default)]
pub(super) struct Context {
    found: RefCell<Vec<Diagnostic>>,
    /// None when the file does not say it rightly: then nothing is judged by it.
    pub(super) run: Option<Run>,
    /// By how much durations are divided that are no property of the network; 0: by nothing.
    pub(super) divisor: i64,
    pub(super) actors: Actors,
    /// The folder of each file that was read.
    folders: Vec<PathBuf>,
}

impl Context {
    pub(super) fn of(sources: &Sources) -> Context {
        let folder = |path: &str| Path::new(path).parent().unwrap_or(Path::new("")).to_owned();
        Context { folders: sources.paths().map(folder).collect(), ..Context::default() }
    }

    /// The folder of the file in which this stands: relative paths begin there.
    pub(super) fn folder(&self, place: Place) -> &Path {
        self.folders.get(place.file.number()).map_or(Path::new(""), PathBuf::as_path)
    }

    /// A duration of the calendar as the run has it.
    pub(super) fn divided(&self, span: Span) -> Span {
        Span::from_millis(span.as_millis() / self.divisor.max(1))
    }

    pub(super) fn into_found(self) -> Vec<Diagnostic> {
        self.found.into_inner()
    }

    pub(super) fn push(&self, diagnostic: Diagnostic) {
        self.found.borrow_mut().push(diagnostic);
    }

    pub(super) fn report(&self, place: Place, message: impl Into<String>) {
        self.push(Diagnostic::at(place, message));
    }

    pub(super) fn report_with(
        &self,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Diagnostic::at(place, message).help(help));
    }

    /// `wrong` is none of `valid`, which are called `what` in the plural.
    pub(super) fn report_name<'a>(
        &self,
        place: Place,
        message: impl Into<String>,
        wrong: &str,
        valid: impl IntoIterator<Item = &'a str>,
        what: &str,
    ) {
        let mut diagnostic = Diagnostic::at(place, message);
        diagnostic.help = nearest::help(wrong, valid, what);
        self.push(diagnostic);
    }

    /// The table `[ca]` and the like, which holds nothing but tables.
    pub(super) fn section<'a>(&self, entry: &'a Entry) -> Option<&'a Table> {
        match &entry.node.value {
            Value::Table(table) => Some(table),
            other => {
                let message =
                    format!("`{}` must hold tables, but is {}", entry.key, other.describe());
                let help = format!("write `[{}.NAME]` tables", entry.key);
                self.report_with(entry.node.place, message, help);
                None
            }
        }
    }
}

/// Names appear in file names, in `ca.endpoint` and in `client-1`: letters, digits, `-` and `_`.
pub(in crate::scenario) fn check_name(name: &str, section: &str) -> Result<Name, String> {
    const LONGEST: usize = 64;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.len() <= LONGEST && name.chars().all(plain) {
        return Ok(Name::from(name));
    }
    Err(format!(
        "`{}` cannot name a {}: at most {LONGEST} ASCII letters, digits, `-` and `_` can",
        shortened(name),
        noun(section)
    ))
}

/// What a table `[section.NAME]` describes.
pub(super) fn noun(section: &str) -> &str {
    match section {
        "ca" => "CA",
        "sut" => "SUT",
        "clients" => "client",
        "expect" => "expectation",
        other => other,
    }
}
