//! The texts that a scenario was read from.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A scenario file is written by hand: anything longer is another file given by mistake.
const LONGEST: u64 = 1 << 20;
/// A keystore of ten thousand RSA keys has some 50 MB.
const LARGEST: u64 = 64 << 20;

/// One of the files that a scenario was read from: the file itself first, then what it extends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(usize);

impl FileId {
    /// How many were added before it.
    pub(super) fn number(self) -> usize {
        self.0
    }
}

/// Where something stands: bytes `start..end` of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) file: FileId,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Place {
    /// The start of the file itself.
    pub(super) const START: Place = Place { file: FileId(0), start: 0, end: 0 };
}

/// The files of one scenario.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources(Vec<Source>);

#[derive(Clone, Debug)]
struct Source {
    path: String,
    text: String,
}

impl Sources {
    pub(super) fn add(&mut self, path: &str, text: &str) -> FileId {
        self.0.push(Source { path: path.to_owned(), text: text.to_owned() });
        FileId(self.0.len() - 1)
    }

    /// As the user wrote it.
    pub(super) fn path(&self, file: FileId) -> &str {
        self.0.get(file.0).map_or("", |source| &source.path)
    }

    /// As the user wrote them, in the order of their [`FileId`]s.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|source| source.path.as_str())
    }

    pub(super) fn text(&self, file: FileId) -> &str {
        self.0.get(file.0).map_or("", |source| &source.text)
    }

    /// Line and column of a byte, both from 1; columns count characters.
    pub(super) fn position(&self, file: FileId, byte: usize) -> (usize, usize) {
        let text = self.text(file);
        let before = text.get(..byte).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }
}

/// The text of a file, or why it could not be read, in words.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let kind = std::fs::metadata(path).map_err(|error| reason(&error))?;
    if kind.is_dir() {
        return Err("it is a folder; a scenario file is needed".into());
    }
    let bytes = octets(path, &kind, LONGEST)?;
    if bytes.len() as u64 > LONGEST {
        return Err("it is longer than 1 MiB, so it is no scenario".into());
    }
    String::from_utf8(bytes).map_err(|error| {
        format!("byte {} is not UTF-8; a scenario is UTF-8 text", error.utf8_error().valid_up_to())
    })
}

/// The octets of a file beside a scenario, or why it could not be read, in words.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    let kind = std::fs::metadata(path).map_err(|error| reason(&error))?;
    if kind.is_dir() {
        return Err("it is a folder; a file is needed".into());
    }
    let bytes = octets(path, &kind, LARGEST)?;
    if bytes.len() as u64 > LARGEST {
        return Err("it is longer than 64 MiB".into());
    }
    Ok(bytes)
}

/// At most one octet more than `longest`.
fn octets(path: &Path, kind: &std::fs::Metadata, longest: u64) -> Result<Vec<u8>, String> {
    if !kind.is_file() {
        return Err("it is not a regular file".into());
    }
    let file = File::open(path).map_err(|error| reason(&error))?;
    let mut bytes = Vec::new();
    file.take(longest + 1).read_to_end(&mut bytes).map_err(|error| reason(&error))?;
    Ok(bytes)
}

/// The operating system's reason without its number, which differs between systems.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let mut sources = Sources::default();
        let file = sources.add("x.toml", "äb = 1\ncd = 2");
        assert_eq!(sources.position(file, 0), (1, 1));
        assert_eq!(sources.position(file, 2), (1, 2));
        assert_eq!(sources.position(file, 8), (2, 1));
        assert_eq!(sources.position(file, 999), (2, 7));
    }

    #[test]
    fn what_is_no_readable_text_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read_text(folder.path()).unwrap_err().contains("it is a folder"));
        assert_eq!(read_text(&folder.path().join("x")).unwrap_err(), "there is no such file");
        let path = folder.path().join("bytes.toml");
        std::fs::write(&path, b"ab\xff").unwrap();
        assert!(read_text(&path).unwrap_err().starts_with("byte 2 is not UTF-8"));
        std::fs::write(&path, vec![b' '; (1 << 20) + 1]).unwrap();
        assert!(read_text(&path).unwrap_err().contains("1 MiB"));
    }
}
