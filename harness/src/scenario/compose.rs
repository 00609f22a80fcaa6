//! Putting a scenario together: `extends`, `remove` and variants, as operations on trees.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use revlab_lab::Name;

use super::diagnostic::Diagnostic;
use super::nearest;
use super::source::{FileId, Place, Sources, read_text};
use super::tree::{Entry, Node, Table, Value, shortened};

/// A file that extends a file that extends … so often is a mistake.
const DEEPEST: usize = 8;

/// A scenario file with everything that it extends, its variants set apart.
#[derive(Debug)]
pub(super) struct Composed {
    /// Without `extends`, `remove`, `template` and `variant`.
    pub(super) base: Table,
    /// In the order of the file.
    pub(super) variants: Vec<Overlay>,
    /// Whether the file is only there to be extended.
    pub(super) template: bool,
    /// What was wrong without keeping the tree from being put together.
    pub(super) found: Vec<Diagnostic>,
}

/// A variant: what it removes, then what it merges over the rest.
#[derive(Debug)]
pub(super) struct Overlay {
    pub(super) name: Name,
    place: Place,
    remove: Vec<(String, Place)>,
    table: Table,
}

/// Reads a file and what it extends.
///
/// # Errors
///
/// It, or a file that it extends, cannot be read or is no TOML.
pub(super) fn from_file(path: &Path, sources: &mut Sources) -> Result<Composed, Vec<Diagnostic>> {
    let shown = path.display().to_string();
    let text = match read_text(path) {
        Ok(text) => text,
        Err(why) => {
            let file = sources.add(&shown, "");
            return Err(vec![Diagnostic::whole_file(file, format!("cannot be read: {why}"))]);
        }
    };
    let mut reader = Reader { sources, open: vec![identity(path)], found: Vec::new() };
    let folder = path.parent().unwrap_or(Path::new(""));
    let tree = reader.tree(&shown, &text, folder);
    let found = reader.found;
    tree.map_err(|mut errors| {
        errors.splice(0..0, found.clone());
        errors
    })
    .map(|tree| set_apart(tree, found))
}

/// Reads a text and what it extends, below the current folder.
///
/// # Errors
///
/// As [`from_file`].
pub(super) fn from_text(
    shown: &str,
    text: &str,
    sources: &mut Sources,
) -> Result<Composed, Vec<Diagnostic>> {
    let mut reader = Reader { sources, open: Vec::new(), found: Vec::new() };
    let tree = reader.tree(shown, text, Path::new(""))?;
    let found = reader.found;
    Ok(set_apart(tree, found))
}

struct Reader<'a> {
    sources: &'a mut Sources,
    /// The files that are being extended right now.
    open: Vec<PathBuf>,
    found: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn tree(&mut self, shown: &str, text: &str, folder: &Path) -> Result<Table, Vec<Diagnostic>> {
        let file = self.sources.add(shown, text);
        let mut own = Table::parse(file, text)?;
        let Some(extends) = own.remove("extends") else { return Ok(own) };
        let Value::Text(path) = &extends.node.value else {
            let is = extends.node.value.describe();
            let message = format!("`extends` must be the path of a file, but is {is}");
            return Err(vec![Diagnostic::at(extends.node.place, message)]);
        };
        let mut tree = self.extended(&folder.join(path), extends.node.place)?;
        tree.remove("template");
        if let Some(remove) = own.remove("remove") {
            for (path, place) in paths(&remove, &mut self.found) {
                self.found.extend(take_away(&mut tree, &path, place));
            }
        }
        tree.merge(own);
        Ok(tree)
    }

    fn extended(&mut self, path: &Path, place: Place) -> Result<Table, Vec<Diagnostic>> {
        let wrong = |message: String| Err(vec![Diagnostic::at(place, message)]);
        let shown = path.display().to_string();
        let id = identity(path);
        if self.open.contains(&id) {
            return wrong(format!("{shown} extends itself, directly or through other files"));
        }
        if self.open.len() > DEEPEST {
            return wrong(format!("files extend one another more than {DEEPEST} deep"));
        }
        let text = match read_text(path) {
            Ok(text) => text,
            Err(why) => return wrong(format!("{shown} cannot be read: {why}")),
        };
        self.open.push(id);
        let folder = path.parent().unwrap_or(Path::new(""));
        let tree = self.tree(&shown, &text, folder);
        self.open.pop();
        tree
    }
}

/// The same for every path that leads to the file.
fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn set_apart(mut tree: Table, mut found: Vec<Diagnostic>) -> Composed {
    let template = tree.remove("template").is_some_and(|entry| match entry.node.value {
        Value::Boolean(value) => value,
        other => {
            let message =
                format!("`template` must be `true` or `false`, but is {}", other.describe());
            found.push(Diagnostic::at(entry.node.place, message));
            false
        }
    });
    if let Some(entry) = tree.remove("remove") {
        let wrong = Diagnostic::at(entry.place, "`remove` without `extends`: nothing to remove");
        found.push(wrong.help("a variant can have a `remove` of its own"));
    }
    let variants = tree.remove("variant").map_or(Vec::new(), |entry| overlays(entry, &mut found));
    Composed { base: tree, variants, template, found }
}

fn overlays(entry: Entry, found: &mut Vec<Diagnostic>) -> Vec<Overlay> {
    let Value::Table(table) = entry.node.value else {
        let message = format!("`variant` must hold tables, but is {}", entry.node.value.describe());
        found.push(Diagnostic::at(entry.node.place, message).help("write `[variant.NAME]` tables"));
        return Vec::new();
    };
    table.into_entries().filter_map(|entry| overlay(entry, found)).collect()
}

fn overlay(entry: Entry, found: &mut Vec<Diagnostic>) -> Option<Overlay> {
    if let Err(message) = super::decode::check_name(&entry.key, "variant") {
        found.push(Diagnostic::at(entry.place, message));
        return None;
    }
    let Value::Table(mut table) = entry.node.value else {
        let is = entry.node.value.describe();
        let message = format!("variant `{}` must be a table, but is {is}", entry.key);
        found.push(Diagnostic::at(entry.node.place, message));
        return None;
    };
    let remove = table.remove("remove").map_or(Vec::new(), |entry| paths(&entry, found));
    let valid = super::decode::VARIANT.keys;
    let unknown: Vec<String> =
        table.keys().filter(|key| !valid.contains(key)).map(str::to_owned).collect();
    for wrong in unknown.iter().filter_map(|key| table.remove(key)) {
        let message = format!("unknown key `{}` in variant `{}`", wrong.key, entry.key);
        let mut diagnostic = Diagnostic::at(wrong.place, message);
        diagnostic.help = nearest::help(&wrong.key, valid.iter().copied(), "valid keys");
        found.push(diagnostic);
    }
    Some(Overlay { name: Arc::from(entry.key), place: entry.place, remove, table })
}

/// The dotted paths of a `remove`.
fn paths(entry: &Entry, found: &mut Vec<Diagnostic>) -> Vec<(String, Place)> {
    let needed = "must be a list of names such as `[\"expect.outage\"]`";
    let Value::List(items) = &entry.node.value else {
        let message = format!("`remove` {needed}, but is {}", entry.node.value.describe());
        found.push(Diagnostic::at(entry.node.place, message));
        return Vec::new();
    };
    let mut paths = Vec::new();
    for Node { place, value } in items {
        match value {
            Value::Text(path) => paths.push((path.clone(), *place)),
            other => found.push(Diagnostic::at(
                *place,
                format!("`remove` {needed}, but holds {}", other.describe()),
            )),
        }
    }
    paths
}

fn take_away(tree: &mut Table, path: &str, place: Place) -> Option<Diagnostic> {
    let (absent, present) = tree.remove_path(path).err()?;
    let path = shortened(path);
    let mut diagnostic =
        Diagnostic::at(place, format!("`remove` names `{path}`, which is not there"));
    diagnostic.help = nearest::help(&absent, present.iter().map(String::as_str), "there are");
    Some(diagnostic)
}

impl Overlay {
    /// The tree of this variant, and what it wants removed that is not there.
    pub(super) fn apply(&self, base: &Table) -> (Table, Vec<Diagnostic>) {
        let mut tree = base.clone();
        let found = self
            .remove
            .iter()
            .filter_map(|(path, place)| take_away(&mut tree, path, *place))
            .collect();
        tree.merge(self.table.clone());
        (tree, found)
    }
}

impl Composed {
    /// Whether a mistake stands in the table of a variant.
    pub(super) fn in_variant(&self, mistake: &Diagnostic) -> bool {
        let Some(span) = &mistake.span else { return false };
        let at = (mistake.file, span.start);
        self.variants.iter().any(|overlay| {
            (overlay.place.file, overlay.place.start) == at
                || overlay.remove.iter().any(|(_, place)| (place.file, place.start) == at)
                || stands_in(&overlay.table, at)
        })
    }
}

fn stands_in(table: &Table, at: (FileId, usize)) -> bool {
    table
        .iter()
        .any(|entry| (entry.place.file, entry.place.start) == at || stands_at(&entry.node, at))
}

fn stands_at(node: &Node, at: (FileId, usize)) -> bool {
    (node.place.file, node.place.start) == at
        || match &node.value {
            Value::Table(table) => stands_in(table, at),
            Value::List(items) => items.iter().any(|item| stands_at(item, at)),
            _ => false,
        }
}
