//! How a foreign process gets lab time: a file that libfaketime reads.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use revlab_lab::{Instant, Span};

/// The file that libfaketime reads at each look at the clock.
///
/// It holds an absolute time, so the clock stands still between two writes: what a run sees does
/// not depend on the speed of the machine. A reader needs `TZ=UTC0`, for libfaketime takes the time
/// as local. For programs whose timers need a clock that goes on it holds the distance from real time
/// instead.
#[derive(Debug)]
pub(super) struct ClockFile {
    path: PathBuf,
    fresh: PathBuf,
    says: Option<Instant>,
    /// Whether the clock goes on between two settings.
    runs: bool,
    /// How far it is ahead of real time, where it goes on.
    ahead: Option<Span>,
}

/// A clock that goes on is set anew when it is further from lab time than this.
const APART: Span = Span::from_millis(500);

impl ClockFile {
    pub(super) fn new(path: PathBuf, runs: bool) -> ClockFile {
        let mut fresh = path.clone().into_os_string();
        fresh.push(".new");
        ClockFile { path, fresh: PathBuf::from(fresh), says: None, runs, ahead: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Sets the clock. Renamed into place: no reader sees half a time.
    pub(super) fn set(&mut self, reading: Instant) -> io::Result<()> {
        if self.says == Some(reading) {
            return Ok(());
        }
        let text = match self.runs {
            false => text(reading),
            true => {
                let ahead = reading - real();
                let near = |set: Span| (-APART..=APART).contains(&(ahead - set));
                if self.ahead.is_some_and(near) {
                    return Ok(());
                }
                self.ahead = Some(ahead);
                distance(ahead)
            }
        };
        fs::write(&self.fresh, text)?;
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

/// `+3600.500`, as libfaketime reads a distance from real time, in seconds.
fn distance(ahead: Span) -> String {
    let ms = ahead.as_millis();
    let sign = if ms < 0 { '-' } else { '+' };
    format!("{sign}{}.{:03}\n", ms.unsigned_abs() / 1000, ms.unsigned_abs() % 1000)
}

#[expect(clippy::disallowed_methods, reason = "a foreign clock is set by the wall's")]
fn real() -> Instant {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let ms = since.map_or(0, |since| since.as_millis());
    Instant::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// Where distributions and builds by hand put the library.
const FOLDERS: [&str; 5] = [
    "/usr/lib/faketime",
    "/usr/lib64/faketime",
    "/usr/local/lib/faketime",
    "/usr/lib/*/faketime",
    "/usr/local/lib/*/faketime",
];

/// The library that gives foreign programs lab time.
pub(super) struct Library;

impl Library {
    /// Where it is.
    ///
    /// # Errors
    ///
    /// It is not installed.
    pub(super) fn find() -> Result<PathBuf, String> {
        library().ok_or_else(|| {
            "libfaketime is not installed, and nothing else gives a foreign program lab time \
             (Debian: `apt-get install libfaketime`; or have the scenario say by how much its times \
             may be divided, `real_time = { divide = 60 }`)"
                .to_owned()
        })
    }
}

/// The library, where it is installed. The one for programs with threads serves all.
fn library() -> Option<PathBuf> {
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
        let mut clock = ClockFile::new(folder.path().join("clock"), false);
        clock.set(Instant::from_millis(1_709_254_800_500)).unwrap();
        assert_eq!(fs::read_to_string(clock.path()).unwrap(), "2024-03-01 01:00:00.500\n");
        clock.set(Instant::from_millis(1_709_254_801_000)).unwrap();
        assert_eq!(fs::read_to_string(clock.path()).unwrap(), "2024-03-01 01:00:01.000\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_clock_that_goes_on_is_a_distance() {
        assert_eq!(distance(Span::from_millis(3_600_500)), "+3600.500\n");
        assert_eq!(distance(Span::from_millis(-1_001)), "-1.001\n");
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_library() {
        assert_eq!(folders("/nowhere/*/faketime"), Vec::<PathBuf>::new());
        assert_eq!(folders("/nowhere/faketime"), [PathBuf::from("/nowhere/faketime")]);
    }
}
