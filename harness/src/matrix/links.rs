//! Where the runs of a matrix lie, seen from the matrix.

use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::Cell;

/// What cannot stand in the path of a link (RFC 3986 §3.3), nor between `<` and `>` in Markdown.
const UNSAFE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The link to a file of the run; none: the run was not kept.
pub fn to(cell: &Cell, file: &str) -> Option<String> {
    let folder = cell.folder.as_ref()?;
    // A colon in the first part would be read as a scheme.
    let relative = if folder.starts_with(['/', '.']) { "" } else { "./" };
    Some(format!("{relative}{}/{file}", utf8_percent_encode(folder, UNSAFE)))
}

/// A run's folder relative to the matrix, when the matrix moves away from the shard's folder:
/// `there` is the shard's folder as seen from the matrix.
pub fn moved(folder: &str, there: &Path) -> String {
    match there.as_os_str().is_empty() {
        true => folder.to_owned(),
        false => there.join(folder).display().to_string(),
    }
}

/// The way from one folder to another, both absolute and without links; empty: they are the same.
pub fn way(from: &Path, to: &Path) -> PathBuf {
    let (mut down, mut up) = (to.components().peekable(), from.components().peekable());
    while up.peek().is_some() && up.peek() == down.peek() {
        up.next();
        down.next();
    }
    up.map(|_| Component::ParentDir).chain(down).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_way_between_folders_goes_up_and_down() {
        let way = |from: &str, to: &str| way(Path::new(from), Path::new(to)).display().to_string();
        assert_eq!(way("/a/out", "/a/shards/1"), "../shards/1");
        assert_eq!(way("/a", "/a/1"), "1");
        assert_eq!(way("/a/1", "/a/1"), "");
        assert_eq!(way("/a/1/2", "/a"), "../..");
    }

    #[test]
    fn what_has_a_meaning_in_links_is_written_otherwise() {
        let cell =
            Cell { folder: Some("my #1/50%".to_owned()), ..sample::cell("model", "admitted") };
        assert_eq!(to(&cell, "trace.jsonl").as_deref(), Some("./my%20%231/50%25/trace.jsonl"));
        assert_eq!(to(&sample::skipped(), "trace.jsonl"), None);
    }

    #[test]
    fn a_folder_moves_with_its_shard() {
        assert_eq!(moved("model/lab", Path::new("../1")), "../1/model/lab");
        assert_eq!(moved("model/lab", Path::new("")), "model/lab");
    }
}
