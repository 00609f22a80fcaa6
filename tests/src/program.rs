//! Programs that nobody here wrote: found or visibly skipped, run within a time-out.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take. The slowest, a JVM on a busy machine, takes a few seconds.
const TIME_OUT: Duration = Duration::from_secs(60);

/// What a program said.
#[derive(Clone, Debug)]
pub struct Said {
    /// Whether it ended with status 0.
    pub ok: bool,
    /// Its standard output and then its standard error.
    pub text: String,
}

/// Where a program is; `None`, with a note on standard error, where it is not installed.
///
/// # Panics
///
/// It is not installed and `REVLAB_NO_SKIPS` is set, as it is on CI.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|p| p.is_file());
    found.or_else(|| skipped(&format!("{name} is not installed")))
}

/// Says that a test is skipped, why, and how many this process has skipped. It goes straight to standard
/// error: of a test that passes, the runner keeps what `eprintln!` says to itself.
///
/// # Panics
///
/// `REVLAB_NO_SKIPS` is set.
pub fn skipped<T>(why: &str) -> Option<T> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    assert!(std::env::var_os("REVLAB_NO_SKIPS").is_none(), "{why}, and REVLAB_NO_SKIPS is set");
    let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    // Whoever has closed standard error does not want to know.
    let _ = writeln!(std::io::stderr(), "skipped ({count}): {why}");
    None
}

/// Runs a program in a folder, with the words of `line` as arguments, and waits for its end.
///
/// # Panics
///
/// It cannot be started, or is not done within a minute: then it is killed.
pub fn run(program: &Path, folder: &Path, line: &str) -> Said {
    let mut command = Command::new(program);
    command.args(line.split_whitespace()).current_dir(folder);
    finish(command)
}

/// Runs a command to its end.
///
/// # Panics
///
/// As [`run`].
pub fn finish(mut command: Command) -> Said {
    // Its own words, whatever the user's language is.
    command.env("LC_ALL", "C.UTF-8");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap_or_else(|e| panic!("{command:?} cannot be started: {e}"));
    let mut running = Running(child);
    let (output, errors) = (read(running.0.stdout.take()), read(running.0.stderr.take()));
    #[expect(clippy::disallowed_methods, reason = "a program is given wall time, and no more")]
    let end = Instant::now() + TIME_OUT;
    let mut text = String::new();
    for stream in [output, errors] {
        #[expect(clippy::disallowed_methods, reason = "what is left of that time")]
        let left = end.saturating_duration_since(Instant::now());
        match stream.recv_timeout(left) {
            Ok(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
            Err(RecvTimeoutError::Timeout) => panic!("{command:?} is not done:\n{text}"),
            Err(RecvTimeoutError::Disconnected) => panic!("{command:?}: its output is lost"),
        }
    }
    // With both streams at their end there is nothing left for it to do but end.
    let status = running.0.wait().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    Said { ok: status.success(), text }
}

/// A child that does not outlive its test.
#[derive(Debug)]
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Where it has ended and been waited for there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads a stream to its end, in a thread of its own: neither pipe may fill up.
fn read(stream: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (to, bytes) = channel();
    thread::spawn(move || {
        let mut read = Vec::new();
        if let Some(mut stream) = stream {
            // What came before an error is what the program said.
            let _ = stream.read_to_end(&mut read);
        }
        // Nobody waits any more when the test has failed.
        let _ = to.send(read);
    });
    bytes
}
