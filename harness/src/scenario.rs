//! Scenario files: from text to what is meant.
//!
//! A file becomes a tree that remembers where everything stands; files named by `extends`
//! and the overlays of variants are merged as trees; the merged tree of each variant is
//! decoded into a [`Scenario`]. Every mistake on the way is a [`Diagnostic`] that points
//! into the file where the offending text stands, and all of them are reported at once.
//!
//! The language is described in `docs/src/reference/scenario.md`.

mod compose;
mod decode;
mod diagnostic;
pub mod library;
pub mod model;
mod nearest;
mod notation;
mod pattern;
mod source;
mod tree;

#[cfg(test)]
mod mistakes;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod totality;

use std::path::{Component, Path};

use revlab_lab::Name;

pub use diagnostic::{Diagnostic, Errors};
pub use model::Scenario;
pub use pattern::{Mistake, Pattern};
pub use source::FileId;

use compose::Composed;
use source::Sources;

/// Reads and checks a scenario file: every variant in the order of the file, or the one unnamed
/// run of a file without variants.
///
/// # Errors
///
/// Every mistake in the file, in the files that it extends, and in every variant; or that it
/// cannot be read.
pub fn load(path: &Path) -> Result<Vec<Scenario>, Errors> {
    let mut sources = Sources::default();
    let composed = compose::from_file(path, &mut sources);
    finish(&name_of(path), composed, sources)
}

/// Reads and checks a scenario from a text: as [`load`], for a scenario that is in no file.
/// `extends` is looked up below the current folder.
///
/// ```
/// let text = r#"
///     format = 1
///     title = "A healthy CA"
///     start = "2014-04-16T00:00:00Z"
///     duration = "1h"
///     ca.issuing = {}
///     sut.web.profile = "windows-2008r2"
///     clients.jmeter.every = "10s"
/// "#;
/// let scenarios = revlab::scenario::from_text("healthy", text).unwrap();
/// assert_eq!(scenarios.len(), 1);
/// ```
///
/// # Errors
///
/// Every mistake in the text.
pub fn from_text(name: &str, text: &str) -> Result<Vec<Scenario>, Errors> {
    let mut sources = Sources::default();
    let composed = compose::from_text(&format!("{name}.toml"), text, &mut sources);
    finish(name, composed, sources)
}

fn finish(
    name: &str,
    composed: Result<Composed, Vec<Diagnostic>>,
    sources: Sources,
) -> Result<Vec<Scenario>, Errors> {
    let found = match composed {
        Ok(composed) => match decode_all(name, composed, &sources) {
            Ok(scenarios) => return Ok(scenarios),
            Err(found) => found,
        },
        Err(found) => found,
    };
    Err(Errors::new(sources, found))
}

/// Decodes each variant by itself. A mistake that several variants share is reported once.
fn decode_all(
    name: &str,
    mut composed: Composed,
    sources: &Sources,
) -> Result<Vec<Scenario>, Vec<Diagnostic>> {
    let mut found = std::mem::take(&mut composed.found);
    if composed.variants.is_empty() {
        match decode::scenario(name, None, &composed.base, sources) {
            Ok(scenario) if found.is_empty() => return Ok(vec![scenario]),
            Ok(_) => {}
            Err(more) => found.extend(more),
        }
        return Err(found);
    }
    let mut scenarios = Vec::new();
    let mut by_variant: Vec<(Name, Vec<Diagnostic>)> = Vec::new();
    for overlay in &composed.variants {
        let (tree, mut mistakes) = overlay.apply(&composed.base);
        match decode::scenario(name, Some(overlay.name.clone()), &tree, sources) {
            Ok(scenario) => scenarios.push(scenario),
            Err(more) => mistakes.extend(more),
        }
        by_variant.push((overlay.name.clone(), mistakes));
    }
    found.extend(diagnostic::shared(by_variant, |place| composed.in_variant(place)));
    if found.is_empty() { Ok(scenarios) } else { Err(found) }
}

/// The scenario's name: its path below a folder called `scenarios`, without the ending; else the
/// file's own name. Names become folders of `--out`, so nothing may climb out of it.
fn name_of(path: &Path) -> String {
    let bare = path.with_extension("");
    let parts: Vec<_> = bare.components().collect();
    let library = parts.iter().rposition(|part| part.as_os_str() == "scenarios");
    let below = library.and_then(|at| parts.get(at + 1..)).unwrap_or_default();
    let plain = below.iter().all(|part| matches!(part, Component::Normal(_)));
    if below.is_empty() || !plain {
        let stem = path.file_stem().unwrap_or(path.as_os_str());
        return stem.to_string_lossy().into_owned();
    }
    let names: Vec<_> = below.iter().map(|part| part.as_os_str().to_string_lossy()).collect();
    names.join("/")
}

/// What may have been meant by a name that is not there, to be put behind a message.
pub(crate) fn hint<'a>(wrong: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    nearest::help(wrong, valid, "there are").map(|help| format!(": {help}")).unwrap_or_default()
}
