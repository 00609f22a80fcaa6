//! `revlab cache`: what is in the disk caches of a finished run.

use std::fs;
use std::path::{Path, PathBuf};

use revlab_lab::Instant;
use revlab_sut::cache::files::MACHINE;
use revlab_sut::cache::{Caches, Files};

use super::{Format, Refusal, print};
use crate::caches;

/// What `revlab cache` is given.
#[derive(Debug, clap::Args)]
pub(super) struct CacheArgs {
    /// What `run --out` was given, or a folder below it.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Say what is fresh and what is stale at this time, such as `2024-03-01T12:00:00Z`; otherwise at
    /// the end of the run, by the machine's clock.
    #[arg(long, value_name = "TIME")]
    at: Option<Instant>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
}

/// How deep below the folder a machine may lie, and a file below the machine.
const DEEPEST: usize = 8;

pub(super) fn cache(args: &CacheArgs) -> Result<u8, Refusal> {
    let mut machines = Vec::new();
    find(&args.folder, DEEPEST, &mut machines)?;
    machines.sort();
    if machines.is_empty() {
        let folder = args.folder.display();
        return Err(Refusal(format!(
            "error: there are no caches in {folder}: no file `{MACHINE}` is in it or below it\n\
             `revlab run --out DIR` keeps the caches of the model in \
             `DIR/<scenario>/<variant>/<sut>/cache`"
        )));
    }
    let mut texts = Vec::new();
    let mut values = Vec::new();
    for machine in &machines {
        let caches = read(machine)?;
        match args.format {
            Format::Terminal => {
                texts.push(format!("{}\n{}", machine.display(), caches::words(&caches, args.at)));
            }
            Format::Json => {
                let mut value = caches::json(&caches, args.at);
                if let Some(fields) = value.as_object_mut() {
                    fields.insert("folder".into(), machine.display().to_string().into());
                }
                values.push(value);
            }
        }
    }
    print(&match args.format {
        Format::Terminal => texts.join("\n"),
        Format::Json => format!("{:#}", serde_json::Value::from(values)),
    })?;
    Ok(0)
}

/// The folders of machines in this folder and below it.
fn find(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Refusal> {
    if folder.join(MACHINE).is_file() {
        found.push(folder.to_owned());
        return Ok(());
    }
    for (path, is_folder) in list(folder)? {
        if is_folder && depth > 0 {
            find(&path, depth - 1, found)?;
        }
    }
    Ok(())
}

fn read(machine: &Path) -> Result<Caches, Refusal> {
    let mut files = Files::new();
    gather(machine, "", DEEPEST, &mut files)?;
    let folder = machine.display();
    Caches::from_files(&files).map_err(|why| {
        Refusal(format!("error: the caches in {folder} cannot be read\n  --> {folder}/{why}"))
    })
}

fn gather(folder: &Path, below: &str, depth: usize, files: &mut Files) -> Result<(), Refusal> {
    for (path, is_folder) in list(folder)? {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let name = format!("{below}{name}");
        if is_folder && depth > 0 {
            gather(&path, &format!("{name}/"), depth - 1, files)?;
        } else if !is_folder {
            let bytes = fs::read(&path).map_err(|error| unreadable(&path, &error))?;
            files.insert(name, bytes.into());
        }
    }
    Ok(())
}

/// What lies in a folder, and whether that is a folder itself. Links are not followed.
fn list(folder: &Path) -> Result<Vec<(PathBuf, bool)>, Refusal> {
    let failed = |error: std::io::Error| unreadable(folder, &error);
    let mut there = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() || kind.is_file() {
            there.push((entry.path(), kind.is_dir()));
        }
    }
    there.sort();
    Ok(there)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Refusal {
    Refusal(format!("error: {} cannot be read: {error}", path.display()))
}
