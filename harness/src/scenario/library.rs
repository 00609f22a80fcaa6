//! The scenario library: which files there are, and what `revlab list` says of each.

use std::path::{Path, PathBuf};

use revlab_lab::Name;

use super::compose;
use super::diagnostic::{Diagnostic, Errors};
use super::source::Sources;
use super::tree::{Table, Value};

/// Folders in folders so deep are a loop or a mistake.
const DEEPEST: usize = 16;

/// A scenario file in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The file.
    pub path: PathBuf,
    /// The scenario's name: its path below the library.
    pub name: String,
    /// One line.
    pub title: String,
    /// Its variants in the order of the file; empty: it is one run.
    pub variants: Vec<Name>,
    /// Labels to select by.
    pub tags: Vec<String>,
}

/// Why the scenario files under a path could not be found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoverError {
    /// There is nothing at the path.
    #[error("there is no scenario file or folder {}", .0.display())]
    Missing(PathBuf),
    /// A folder cannot be read.
    #[error("the folder {} cannot be read: {why}", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        why: String,
    },
    /// A folder holds no scenario.
    #[error("there is no scenario (`*.toml`) in the folder {}", .0.display())]
    Empty(PathBuf),
}

/// The scenario files that paths stand for, sorted, each once.
///
/// A file stands for itself. A folder stands for every `*.toml` in it and in its folders, except
/// those that are not run by themselves: hidden ones, `common*.toml`, files with
/// `template = true`, and the scenario that was kept with a run. Symbolic links to folders are not followed.
///
/// # Errors
///
/// A path that is not there, a folder that cannot be read or holds no scenario. Files are not
/// checked here: [`super::load`] does that.
pub fn discover(paths: &[PathBuf]) -> Result<Vec<PathBuf>, DiscoverError> {
    let mut files = Vec::new();
    for path in paths {
        let kind = std::fs::metadata(path).map_err(|_| DiscoverError::Missing(path.clone()))?;
        if !kind.is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        walk(path, DEEPEST, &mut files)?;
        if files.len() == before {
            return Err(DiscoverError::Empty(path.clone()));
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

fn walk(folder: &Path, deeper: usize, files: &mut Vec<PathBuf>) -> Result<(), DiscoverError> {
    let unreadable = |error: std::io::Error| DiscoverError::Unreadable {
        path: folder.to_owned(),
        why: error.to_string(),
    };
    if folder.join(crate::out::TRACE).is_file() {
        return Ok(());
    }
    for item in std::fs::read_dir(folder).map_err(unreadable)? {
        let item = item.map_err(unreadable)?;
        let path = item.path();
        let name = item.file_name().to_string_lossy().into_owned();
        let kind = item.file_type().map_err(unreadable)?;
        if name.starts_with('.') {
            continue;
        }
        if kind.is_dir() {
            if let Some(deeper) = deeper.checked_sub(1) {
                walk(&path, deeper, files)?;
            }
        } else if name.ends_with(".toml") && !name.starts_with("common") && !is_template(&path) {
            files.push(path);
        }
    }
    Ok(())
}

/// A file that cannot be read is none: it is kept, so that its mistakes are reported.
fn is_template(path: &Path) -> bool {
    compose::from_file(path, &mut Sources::default()).is_ok_and(|composed| composed.template)
}

/// Reads what `revlab list` says of a file, without checking the scenario.
///
/// # Errors
///
/// The file cannot be read, is no TOML, or has no title.
pub fn entry(path: &Path) -> Result<Entry, Errors> {
    let mut sources = Sources::default();
    let composed = match compose::from_file(path, &mut sources) {
        Ok(composed) => composed,
        Err(found) => return Err(Errors::new(sources, found)),
    };
    let Some(title) = text(&composed.base, "title") else {
        let place = super::decode::top(&composed.base);
        let missing = Diagnostic::at(place, "the scenario has no `title` in words");
        return Err(Errors::new(sources, vec![missing]));
    };
    Ok(Entry {
        path: path.to_owned(),
        name: super::name_of(path),
        title,
        variants: composed.variants.into_iter().map(|variant| variant.name).collect(),
        tags: texts(&composed.base, "tags"),
    })
}

fn text(table: &Table, key: &str) -> Option<String> {
    match &table.get(key)?.node.value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn texts(table: &Table, key: &str) -> Vec<String> {
    let Some(Value::List(items)) = table.get(key).map(|entry| &entry.node.value) else {
        return Vec::new();
    };
    let text = |value: &Value| match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    items.iter().filter_map(|item| text(&item.value)).collect()
}
