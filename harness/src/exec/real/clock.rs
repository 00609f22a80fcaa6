//! How a foreign process gets lab time: a file that libfaketime reads.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use revlab_lab::Instant;

/// The file that libfaketime reads at each look at the clock.
///
/// It holds an absolute time, so the clock stands still between two writes: what a run sees does
/// not depend on the speed of the machine. A reader needs `TZ=UTC0`, for libfaketime takes the time
/// as local.
#[derive(Debug)]
pub(super) struct ClockFile {
    path: PathBuf,
    fresh: PathBuf,
    says: Option<Instant>,
}

impl ClockFile {
    pub(super) fn new(path: PathBuf) -> ClockFile {
        let mut fresh = path.clone().into_os_string();
        fresh.push(".new");
        ClockFile { path, fresh: PathBuf::from(fresh), says: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Sets the clock. Renamed into place: no reader sees half a time.
    pub(super) fn set(&mut self, reading: Instant) -> io::Result<()> {
        if self.says == Some(reading) {
            return Ok(());
        }
        fs::write(&self.fresh, text(reading))?;
        fs::rename(&self.fresh, &self.path)?;
        self.says = Some(reading);
        Ok(())
    }
}

/// `2024-03-01 01:00:00.500`, as libfaketime reads it.
fn text(reading: Instant) -> String {
    let (y, mo, d, h, mi, s, ms) = reading.civil();
    format!("{y:04}-{mo:02}-{d:02} {h:02}:{mi:02}:{s:02}.{ms:03}\n")
}

/// Where distributions and builds by hand put the library.
const FOLDERS: [&str; 5] = [
    "/usr/lib/faketime",
    "/usr/lib64/faketime",
    "/usr/local/lib/faketime",
    "/usr/lib/*/faketime",
    "/usr/local/lib/*/faketime",
];

/// The library, where it is installed. The one for programs with threads serves all.
pub(super) fn library() -> Option<PathBuf> {
    FOLDERS.iter().flat_map(|folder| folders(folder)).find_map(|folder| {
        let file = folder.join("libfaketimeMT.so.1");
        file.is_file().then_some(file)
    })
}

/// The folder itself, or what stands for its one `*`, in order of name.
fn folders(pattern: &str) -> Vec<PathBuf> {
    let Some((above, below)) = pattern.split_once("/*/") else {
        return vec![PathBuf::from(pattern)];
    };
    let mut found: Vec<PathBuf> =
        fs::read_dir(above).into_iter().flatten().flatten().map(|e| e.path().join(below)).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_written_as_libfaketime_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut clock = ClockFile::new(folder.path().join("clock"));
        clock.set(Instant::from_millis(1_709_254_800_500)).unwrap();
        assert_eq!(fs::read_to_string(clock.path()).unwrap(), "2024-03-01 01:00:00.500\n");
        clock.set(Instant::from_millis(1_709_254_801_000)).unwrap();
        assert_eq!(fs::read_to_string(clock.path()).unwrap(), "2024-03-01 01:00:01.000\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_library() {
        assert_eq!(folders("/nowhere/*/faketime"), Vec::<PathBuf>::new());
        assert_eq!(folders("/nowhere/faketime"), [PathBuf::from("/nowhere/faketime")]);
    }
}
