//! Runs that were kept with `--out`, read back: what `judge`, `report` and `compare` start from.
//!
//! Only the trace and the scenario of a run are read. A trace that was cut, by Ctrl-C or a full
//! disk, is read as far as it goes, and judged inconclusive.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use revlab_lab::trace::{self, Header, Kind, ReadError, Trace};

use crate::out::{SCENARIO, TRACE};
use crate::scenario::{self, Errors, Scenario};

/// `DIR/<scenario>/<variant>/<sut>`, where the name of a scenario may have folders in it.
const DEEPEST: usize = 16;

/// A run that was kept.
#[derive(Debug)]
pub struct Kept {
    /// Its folder.
    pub folder: PathBuf,
    /// The scenario, as resolved when it was run.
    pub scenario: Scenario,
    /// What happened.
    pub trace: Trace,
}

/// Why a run that was kept cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// There is no run.
    #[error(
        "no run is kept in {}: there is no `trace.jsonl` in it or below (expected the folder given \
         to `run --out`, or one below it)", .0.display()
    )]
    Nothing(PathBuf),
    /// A file or folder cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no trace.
    #[error("{}: {}", path.display(), in_words(source))]
    Trace {
        /// Which file.
        path: PathBuf,
        /// Where it goes wrong.
        source: ReadError,
    },
    /// The scenario has mistakes, as when a newer revlab wrote it.
    #[error("the scenario that was kept with the run cannot be read")]
    Scenario(Errors),
}

fn in_words(error: &ReadError) -> String {
    match error {
        ReadError::Io { line, source } => format!("line {line}: cannot be read: {source}"),
        ReadError::Syntax { line, source } => {
            // A record is on one line, whose number is another one here.
            let why = source.to_string().replace(" at line 1 column", ", column");
            format!("line {line}: not a trace record: {why}")
        }
    }
}

/// The folders of the runs in a folder that was given to `run --out`, or of the one run that the
/// folder itself is; sorted.
///
/// # Errors
///
/// There is none, or a folder cannot be read.
pub fn discover(folder: &Path) -> Result<Vec<PathBuf>, KeptError> {
    let mut found = Vec::new();
    walk(folder, DEEPEST, &mut found)?;
    if found.is_empty() {
        return Err(KeptError::Nothing(folder.to_owned()));
    }
    found.sort();
    Ok(found)
}

fn walk(folder: &Path, deeper: usize, found: &mut Vec<PathBuf>) -> Result<(), KeptError> {
    let unreadable = |source| KeptError::Unreadable { path: folder.to_owned(), source };
    if folder.join(TRACE).is_file() {
        found.push(folder.to_owned());
        return Ok(());
    }
    if deeper == 0 {
        return Ok(());
    }
    for item in fs::read_dir(folder).map_err(unreadable)? {
        let item = item.map_err(unreadable)?;
        if item.file_type().map_err(unreadable)?.is_dir() {
            walk(&item.path(), deeper - 1, found)?;
        }
    }
    Ok(())
}

/// Reads a run that was kept.
///
/// # Errors
///
/// See [`KeptError`].
pub fn read(folder: &Path) -> Result<Kept, KeptError> {
    let trace = read_trace(folder)?;
    let path = folder.join(SCENARIO);
    let text = fs::read_to_string(&path)
        .map_err(|source| KeptError::Unreadable { path: path.clone(), source })?;
    let (name, variant) = named(&text, header(&trace), folder);
    let read = scenario::from_text(&name, &text).map_err(KeptError::Scenario)?;
    let missing = || io::Error::other("there is nothing to run in it");
    let scenario =
        read.into_iter().next().ok_or_else(|| KeptError::Unreadable { path, source: missing() })?;
    // What was kept was resolved from a variant and has none itself.
    let scenario = Scenario { variant, resolved: text, ..scenario };
    Ok(Kept { folder: folder.to_owned(), scenario, trace })
}

/// The trace of a run that was kept.
///
/// # Errors
///
/// It is not there, cannot be read, or has a line in it that is no record.
pub fn read_trace(folder: &Path) -> Result<Trace, KeptError> {
    read_file(folder.join(TRACE))
}

/// The same of a file by any name.
///
/// # Errors
///
/// As [`read_trace`].
pub(crate) fn read_file(path: PathBuf) -> Result<Trace, KeptError> {
    let file =
        File::open(&path).map_err(|source| KeptError::Unreadable { path: path.clone(), source })?;
    trace::read(BufReader::with_capacity(1 << 20, file))
        .map_err(|source| KeptError::Trace { path, source })
}

/// Which run a trace is of; none: it was cut before it began.
pub fn header(trace: &Trace) -> Option<&Header> {
    match trace.records().first().map(|r| &r.kind) {
        Some(Kind::Header(header)) => Some(header),
        _ => None,
    }
}

/// Name and variant: as the trace has them; else as the first line of the resolved scenario does;
/// else after the folder.
fn named(
    resolved: &str,
    header: Option<&Header>,
    folder: &Path,
) -> (String, Option<revlab_lab::Name>) {
    if let Some(header) = header {
        return (header.scenario.clone(), header.variant.as_deref().map(Into::into));
    }
    let first = resolved.lines().next().unwrap_or_default();
    let said = first.strip_prefix("# ").and_then(|line| line.strip_suffix(", as resolved"));
    match said.map(|said| said.rsplit_once(", variant ").unwrap_or((said, ""))) {
        Some((name, "")) => (name.to_owned(), None),
        Some((name, variant)) => (name.to_owned(), Some(variant.into())),
        None => (folder.display().to_string(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::{self, Options, Transport};
    use crate::judge::{Status, judge};
    use crate::out::RunFolder;

    const TEXT: &str = r#"
        format = 1
        title = "two variants"
        start = "2024-03-01T00:00:00Z"
        duration = "1h"
        [ca.issuing]
        [sut.web]
        [clients.users]
        every = "1m"
        [expect.let-in]
        attempts = { share = "all", outcome = "admitted" }
        [variant.a]
        [variant.b]
        duration = "2h"
    "#;

    fn keep(out: &Path) -> Vec<(Scenario, Trace)> {
        let scenarios = scenario::from_text("some/lab", TEXT).unwrap();
        let kept = scenarios.into_iter().map(|scenario| {
            let folder = RunFolder::new(out, &scenario);
            let mut to = folder.trace();
            let run = exec::run(&scenario, Transport::Sim, &Options::default(), &mut to).unwrap();
            (scenario, run.trace)
        });
        kept.collect()
    }

    #[test]
    fn a_run_is_read_back_as_it_was_and_judged_alike() {
        let out = tempfile::tempdir().unwrap();
        let ran = keep(out.path());
        let folders = discover(out.path()).unwrap();
        assert_eq!(folders.len(), 2);
        for ((scenario, trace), folder) in ran.iter().zip(&folders) {
            let kept = read(folder).unwrap();
            assert_eq!(kept.trace, *trace);
            assert_eq!(kept.scenario.name, "some/lab");
            assert_eq!(kept.scenario.variant, scenario.variant);
            assert_eq!(kept.scenario.duration, scenario.duration);
            assert_eq!(judge(&kept.scenario, &kept.trace), judge(scenario, trace));
            assert_eq!(discover(folder).unwrap(), std::slice::from_ref(folder));
        }
    }

    #[test]
    fn a_trace_that_was_cut_anywhere_is_judged_inconclusive() {
        let out = tempfile::tempdir().unwrap();
        keep(out.path());
        let folder = discover(out.path()).unwrap().remove(0);
        let whole = fs::read(folder.join(TRACE)).unwrap();
        for cut in [0, 1, 200, whole.len() / 2, whole.len() - 2] {
            fs::write(folder.join(TRACE), &whole[..cut]).unwrap();
            let kept = read(&folder).unwrap();
            assert_eq!(kept.scenario.name, "some/lab", "{cut}");
            let judgement = judge(&kept.scenario, &kept.trace);
            assert_eq!(judgement.status(), Status::Inconclusive, "{cut}");
        }
    }

    #[test]
    fn what_is_no_run_is_said_in_one_line() {
        let out = tempfile::tempdir().unwrap();
        let why = discover(out.path()).unwrap_err().to_string();
        assert!(why.contains("no run is kept in"), "{why}");
        assert!(discover(&out.path().join("nowhere")).is_err());
        fs::write(out.path().join(TRACE), "not json\n").unwrap();
        let why = read(out.path()).unwrap_err().to_string();
        assert!(why.contains("trace.jsonl: line 1: not a trace record"), "{why}");
        fs::write(out.path().join(TRACE), [0xff, b'\n', b'{']).unwrap();
        let why = read(out.path()).unwrap_err().to_string();
        assert!(why.contains("line 1: cannot be read"), "{why}");
        fs::write(out.path().join(TRACE), "").unwrap();
        assert!(read(out.path()).unwrap_err().to_string().contains("scenario.toml"));
    }
}
