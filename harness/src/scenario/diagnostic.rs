//! Mistakes in scenario files, and how they are shown.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use revlab_lab::Name;

use super::source::{FileId, Place, Sources};

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file it stands in.
    pub file: FileId,
    /// The bytes that are wrong; none: the file as a whole.
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

/// Everything that is wrong with a scenario: at least one mistake, each once, in the order of the
/// files and of the places in them.
#[derive(Clone, Debug)]
pub struct Errors {
    sources: Sources,
    diagnostics: Vec<Diagnostic>,
}

impl Diagnostic {
    pub(super) fn at(place: Place, message: impl Into<String>) -> Diagnostic {
        let span = Some(place.start..place.end);
        Diagnostic { file: place.file, span, message: message.into(), help: None }
    }

    pub(super) fn whole_file(file: FileId, message: impl Into<String>) -> Diagnostic {
        Diagnostic { file, span: None, message: message.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    fn key(&self) -> (FileId, usize, &str) {
        (self.file, self.span.as_ref().map_or(0, |span| span.start), &self.message)
    }
}

impl Errors {
    pub(super) fn new(sources: Sources, mut diagnostics: Vec<Diagnostic>) -> Errors {
        diagnostics.sort_by(|a, b| a.key().cmp(&b.key()));
        diagnostics.dedup_by(|a, b| a.key() == b.key());
        Errors { sources, diagnostics }
    }

    /// The mistakes, in the order of the files and of the places in them.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// The path of a file, as the user wrote it.
    pub fn path(&self, file: FileId) -> &str {
        self.sources.path(file)
    }

    /// Line and column where a mistake begins, both from 1; columns count characters.
    pub fn position(&self, diagnostic: &Diagnostic) -> (usize, usize) {
        let start = diagnostic.span.as_ref().map_or(0, |span| span.start);
        self.sources.position(diagnostic.file, start)
    }

    /// Each mistake with the lines it stands in, for a terminal; `colour`: with ANSI styles.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let one = |diagnostic| renderer.render(&[self.group(diagnostic)]);
        let shown: Vec<String> = self.diagnostics.iter().map(one).collect();
        shown.join("\n\n")
    }

    /// One line for each mistake, for editors and logs: `file:line:column: message; help`. A
    /// mistake of the file as a whole has no line and column.
    pub fn lines(&self) -> Vec<String> {
        self.diagnostics.iter().map(|diagnostic| self.line(diagnostic)).collect()
    }

    fn line(&self, diagnostic: &Diagnostic) -> String {
        let mut line = self.path(diagnostic.file).to_owned();
        if diagnostic.span.is_some() {
            let (row, column) = self.position(diagnostic);
            line.push_str(&format!(":{row}:{column}"));
        }
        line.push_str(&format!(": {}", diagnostic.message));
        if let Some(help) = &diagnostic.help {
            line.push_str(&format!("; {help}"));
        }
        line.replace(char::is_control, " ")
    }

    fn group<'a>(&'a self, diagnostic: &'a Diagnostic) -> Group<'a> {
        let Some(span) = &diagnostic.span else {
            let message = format!("{}: {}", self.path(diagnostic.file), diagnostic.message);
            return Group::with_title(Level::ERROR.primary_title(message));
        };
        let snippet = Snippet::source(self.sources.text(diagnostic.file))
            .path(self.path(diagnostic.file))
            .annotation(AnnotationKind::Primary.span(span.clone()));
        let group = Level::ERROR.primary_title(diagnostic.message.as_str()).element(snippet);
        match &diagnostic.help {
            // Help repeats names from the file: styles in it must not reach the terminal.
            Some(help) => {
                group.element(Level::HELP.message(annotate_snippets::normalize_untrusted_str(help)))
            }
            None => group,
        }
    }
}

/// As [`Errors::render`] without colour.
impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Errors {}

/// The mistakes of all variants, each once. One that only some variants have although it stands
/// outside their own tables names them: the place alone would not explain it.
pub(super) fn shared(
    by_variant: Vec<(Name, Vec<Diagnostic>)>,
    in_variant: impl Fn(&Diagnostic) -> bool,
) -> Vec<Diagnostic> {
    let variants = by_variant.len();
    let mut seen: BTreeMap<(FileId, usize, String), (Diagnostic, Vec<Name>)> = BTreeMap::new();
    for (variant, mistakes) in by_variant {
        for mistake in mistakes {
            let (file, start, message) = mistake.key();
            let key = (file, start, message.to_owned());
            let (_, names) = seen.entry(key).or_insert_with(|| (mistake, Vec::new()));
            if !names.contains(&variant) {
                names.push(variant.clone());
            }
        }
    }
    let explain = |(mut mistake, names): (Diagnostic, Vec<Name>)| {
        if names.len() < variants && !in_variant(&mistake) {
            mistake.message.push_str(&format!(" (in variant `{}`)", names.join("`, `")));
        }
        mistake
    };
    seen.into_values().map(explain).collect()
}
