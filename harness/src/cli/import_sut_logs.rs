//! `revlab import-sut-logs`: what a machine elsewhere has logged, put into the trace of its run.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use revlab_lab::Name;
use revlab_lab::trace::{Trace, Writer};
use revlab_pki::Certificate;

use super::told::{self, Done, RunFormat};
use super::{Refusal, judge as judging, print, talk};
use crate::kept::{self, Kept};
use crate::out::{self, TRACE};
use crate::sut_logs::Logs;
use crate::{judge, sut_logs};

/// What `revlab import-sut-logs` is given.
#[derive(Debug, clap::Args)]
pub(super) struct ImportArgs {
    /// The folder of the logs, as `Collect.ps1` of a kit leaves it; folders below it are read too.
    logs: PathBuf,
    /// The folder of the run, which was given to `run --out`, or one below it.
    #[arg(long, value_name = "DIR", default_value = ".")]
    run: PathBuf,
    /// How to print the reports.
    #[arg(long, value_enum, default_value_t = RunFormat::Terminal)]
    format: RunFormat,
}

/// The trace as it was before logs were put into it.
const WIRE: &str = "trace.wire.jsonl";
/// Where the logs go below a run's `logs/`.
const BELOW: &str = "sut";
/// Folders within one another.
const DEEPEST: usize = 16;

pub(super) fn import(args: &ImportArgs) -> Result<u8, Refusal> {
    let files = files(&args.logs)?;
    let folders = judging::discover(&args.run)?;
    let mut ready = Vec::new();
    for folder in &folders {
        ready.push(with_logs(folder, &files)?);
    }
    let mut done = Vec::new();
    for (kept, trace, joined) in &ready {
        keep(kept, trace, &files)?;
        let judgement = judge::judge(&kept.scenario, trace);
        out::reports(&kept.folder, &kept.scenario, trace, &judgement).map_err(refused)?;
        print(&told::text(args.format, false, &kept.scenario, trace, &judgement))?;
        talk(&format!(
            "{}: {} log records; {} refused attempts got a code or a sub-status from them, {} have no code",
            kept.folder.display(),
            joined.records,
            joined.told,
            joined.untold
        ));
        done.push(Done::new(&kept.scenario, trace, &judgement));
    }
    told::finish(args.format, None, &done, None)
}

/// A file of logs, by its name below the folder.
struct Found {
    name: String,
    path: PathBuf,
    bytes: Vec<u8>,
}

/// Every file that may be a log, in order of name.
fn files(folder: &Path) -> Result<Vec<Found>, Refusal> {
    let mut found = Vec::new();
    walk(folder, folder, DEEPEST, &mut found)?;
    found.sort_by(|a, b| a.name.cmp(&b.name));
    let mut logs = Logs::default();
    let mut known = Vec::new();
    for file in found {
        if logs.read(&file.path, &file.name, &file.bytes).map_err(refused)? {
            known.push(file);
        }
    }
    match known.is_empty() {
        true => Err(Refusal(format!(
            "error: {}: there are no logs of IIS, http.sys or CAPI2 in it (expected what `Collect.ps1` of a kit leaves)",
            folder.display()
        ))),
        false => Ok(known),
    }
}

fn walk(top: &Path, folder: &Path, deeper: usize, found: &mut Vec<Found>) -> Result<(), Refusal> {
    let cannot = |path: &Path, why: io::Error| {
        Refusal(format!("error: {} cannot be read: {why}", path.display()))
    };
    for item in fs::read_dir(folder).map_err(|why| cannot(folder, why))? {
        let item = item.map_err(|why| cannot(folder, why))?;
        let (path, kind) = (item.path(), item.file_type().map_err(|why| cannot(folder, why))?);
        let ending =
            path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        if kind.is_dir() && deeper > 0 {
            walk(top, &path, deeper - 1, found)?;
        } else if kind.is_file() && matches!(ending.as_deref(), Some("xml" | "log")) {
            let bytes = fs::read(&path).map_err(|why| cannot(&path, why))?;
            let below = path.strip_prefix(top).unwrap_or(&path);
            let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
            found.push(Found { name: parts.join("/"), path, bytes });
        }
    }
    Ok(())
}

/// A run with its trace as it will be.
fn with_logs(folder: &Path, files: &[Found]) -> Result<(Kept, Trace, sut_logs::Joined), Refusal> {
    let mut kept = judging::read(folder)?;
    // A second time begins where the first one did.
    let before = folder.join(WIRE);
    if before.is_file() {
        kept.trace = kept::read_file(before).map_err(refused)?;
    }
    let mut logs = Logs::default();
    for file in files {
        logs.read(&file.path, &format!("{BELOW}/{}", file.name), &file.bytes).map_err(refused)?;
    }
    let header = kept::header(&kept.trace);
    let sut = header.and_then(|header| kept.scenario.suts.get(header.sut.as_str()));
    let place = folder.display();
    let sut = sut.ok_or_else(|| {
        Refusal(format!("error: {place}: the trace was cut before it began: no log belongs to it"))
    })?;
    let known = thumbprints(folder);
    let (trace, joined) =
        logs.into_trace(&kept.trace, &sut.clock, &|sha1| known.get(sha1).cloned());
    Ok((kept, trace, joined))
}

/// Whose certificate has which SHA-1.
fn thumbprints(folder: &Path) -> BTreeMap<String, Name> {
    let files = fs::read_dir(folder.join("pki")).into_iter().flatten().flatten();
    let known = files.filter_map(|file| {
        let name = file.file_name().into_string().ok()?;
        let name = name.strip_prefix("client-")?.strip_suffix(".pem")?.to_owned();
        let text = fs::read_to_string(file.path()).ok()?;
        let own = Certificate::parse_pem(&text).ok()?.into_iter().next()?;
        Some((own.sha1(), Name::from(name)))
    });
    known.collect()
}

/// Writes the new trace beside the old one, and the logs that it names.
fn keep(kept: &Kept, trace: &Trace, files: &[Found]) -> Result<(), Refusal> {
    for file in files {
        let path = kept.folder.join("logs").join(BELOW).join(&file.name);
        out::file(path, &file.bytes).map_err(refused)?;
    }
    let (now, before) = (kept.folder.join(TRACE), kept.folder.join(WIRE));
    if !before.exists() {
        replaced(&before, &mut |to| io::copy(&mut fs::File::open(&now)?, to).map(drop))?;
    }
    replaced(&now, &mut |to| Writer::copy(trace, to))
}

/// Writes a file in place of another, which stays until the new one is whole.
fn replaced(
    path: &Path,
    write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Refusal> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = tempfile::NamedTempFile::new_in(folder).and_then(|fresh| {
        let mut to = BufWriter::new(fresh);
        write(&mut to)?;
        let fresh = to.into_inner().map_err(io::IntoInnerError::into_error)?;
        fresh.persist(path).map(drop).map_err(|error| error.error)
    });
    written.map_err(|why| Refusal(format!("error: {} cannot be written: {why}", path.display())))
}

fn refused(why: impl std::fmt::Display) -> Refusal {
    Refusal(format!("error: {why}"))
}
