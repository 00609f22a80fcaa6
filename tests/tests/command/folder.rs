//! A folder of a test's own, and the command in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use revlab_lab::trace::{self, Header, Kind, Trace};
use tempfile::TempDir;

/// The name of the binary that is tested, as clap repeats it.
const BINARY: &str = "revlab-as-tested";

/// A scenario of an hour and 60 attempts without a mistake, whose one expectation holds.
pub(crate) const GOOD: &str = r#"
format = 1
title = "A client is let in"
start = "2024-03-01T00:00:00Z"
duration = "1h"
[ca.issuing]
crl = { period = "1h", delta_period = "30m" }
[sut.web]
[clients.users]
every = "1m"
[expect.let-in]
attempts = { share = "all", outcome = "admitted" }
"#;

/// The good scenario with something else in it.
pub(crate) fn good_with(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "{old}");
    GOOD.replacen(old, new, 1)
}

/// The good scenario with an expectation that does not hold.
pub(crate) fn failing() -> String {
    good_with("\"all\"", "\"none\"")
}

/// The good scenario with a fault that no fetch meets: there is no OCSP.
pub(crate) fn unmet() -> String {
    format!("{GOOD}[fault.no-ocsp]\non = \"issuing.ocsp\"\nfrom = \"10m\"\ndown = {{}}\n")
}

/// The good scenario with two variants.
pub(crate) fn in_two_variants() -> String {
    format!("{GOOD}[variant.unpatched]\n[variant.patched]\nsut.web.updates = [\"KB2666300\"]\n")
}

/// The current folder of a command.
pub(crate) struct Folder(TempDir);

/// What became of a command.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Folder {
    pub(crate) fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a temporary folder"))
    }

    /// A folder with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Folder {
        let folder = Folder::new();
        files.iter().for_each(|(name, text)| folder.put(name, text));
        folder
    }

    pub(crate) fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Removes a file, or a folder with all that is in it.
    pub(crate) fn remove(&self, name: &str) {
        let path = self.path(name);
        let gone = match path.is_dir() {
            true => std::fs::remove_dir_all(&path),
            false => std::fs::remove_file(&path),
        };
        gone.expect("it was there");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    pub(crate) fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_str(&self.read(name)).expect("JSON")
    }

    pub(crate) fn trace(&self, name: &str) -> Trace {
        trace::read(self.read(name).as_bytes()).expect("a readable trace")
    }

    pub(crate) fn header(&self, name: &str) -> Header {
        match self.trace(name).records().first().map(|r| r.kind.clone()) {
            Some(Kind::Header(header)) => header,
            other => panic!("a trace begins with its header, not with {other:?}"),
        }
    }

    /// Every file and folder below a folder of this one, sorted, one a line; folders end in `/`.
    pub(crate) fn listing(&self, below: &str) -> String {
        let mut found = Vec::new();
        list(&self.path(below), "", &mut found);
        found.sort();
        found.join("\n")
    }

    /// The command, not yet run; nothing of the terminal's settings shows in what it says.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_revlab-as-tested"));
        command.args(args).current_dir(self.0.path()).env("NO_COLOR", "1");
        for name in ["CLICOLOR_FORCE", "COLUMNS", "RUST_BACKTRACE"] {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn revlab<S: AsRef<OsStr>>(&self, args: &[S]) -> Said {
        Said::from(self.command(args).output().expect("the command can be run"))
    }

    /// Runs a command that must be refused before the first event: gives the whole of what it
    /// says, having seen that it printed no result and left everything as it was.
    pub(crate) fn refused<S: AsRef<OsStr>>(&self, args: &[S]) -> String {
        let before = self.listing("");
        let said = self.revlab(args);
        assert_eq!(said.status, Some(2), "{said:?}");
        assert_eq!(said.out, "");
        assert_eq!(self.listing(""), before, "nothing is left behind");
        said.err
    }
}

impl Said {
    /// Standard output, which must be JSON and nothing else.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Said {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8").replace(BINARY, "revlab");
        let status = output.status.code();
        Said { status, out: text(output.stdout), err: text(output.stderr) }
    }
}

fn list(folder: &Path, name: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        let name = format!("{name}{}", path.file_name().expect("a name").to_string_lossy());
        if path.is_dir() {
            found.push(format!("{name}/"));
            list(&path, &format!("{name}/"), found);
        } else {
            found.push(name);
        }
    }
}
