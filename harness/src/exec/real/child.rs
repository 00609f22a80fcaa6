//! A server as a child process: it is ready when it says so, and never outlives the run.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant as Wall};

use revlab_sut::adapter::Signal;

use crate::exec::namespace;

/// How long a server may take to listen.
const READY: Duration = Duration::from_secs(15);
/// How long a server may take to end when it is asked to.
const ENDING: Duration = Duration::from_secs(2);
/// How often it is looked whether something has come about.
const STEP: Duration = Duration::from_millis(5);
/// The most that is kept of a server's log, in bytes: its end.
const KEPT: u64 = 16 << 20;

/// A command that runs `program`, which ends with revlab even where revlab is killed: by
/// util-linux' `setpriv`, where that is there. Otherwise [`Child`] sees to it as long as it can.
pub(super) fn bound(program: &str) -> Command {
    // Killed before the signal was asked for, revlab is no parent any more: then nothing is to begin.
    let begin = "[ \"$PPID\" = \"$0\" ] && exec \"$@\"";
    let revlab = std::process::id().to_string();
    let binding = |then: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "sh", "-c", begin, &revlab, then]);
        command
    };
    let works = |command: &mut Command| {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    match works(&mut binding("true")) {
        true => binding(program),
        false => Command::new(program),
    }
}

/// A child process with its log. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Child {
    process: std::process::Child,
    log: Tail,
    /// What asks it to end.
    stop: Signal,
}

/// A log that is read as it grows.
#[derive(Debug)]
pub(super) struct Tail {
    path: PathBuf,
    /// Up to where it has been looked at.
    read: u64,
}

impl Tail {
    /// What comes from now on.
    pub(super) fn end_of(path: PathBuf) -> Tail {
        let read = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        Tail { path, read }
    }

    /// The lines that have come since they were last asked for; a line without its end is one of the
    /// next time.
    pub(super) fn new_lines(&mut self) -> Vec<String> {
        let mut fresh = Vec::new();
        let from = self.read;
        let read = File::open(&self.path).and_then(|mut log| {
            log.seek(SeekFrom::Start(from))?;
            log.take(KEPT).read_to_end(&mut fresh)
        });
        let Some(whole) = read.ok().and_then(|_| fresh.iter().rposition(|b| *b == b'\n')) else {
            return Vec::new();
        };
        fresh.truncate(whole + 1);
        self.read += fresh.len() as u64;
        String::from_utf8_lossy(&fresh).lines().map(str::to_owned).collect()
    }
}

impl Child {
    /// Starts a program (which `command` runs, perhaps through another), with its output behind what is in
    /// the log already, and waits until `ready`, which is told each time what is new in it.
    ///
    /// # Errors
    ///
    /// It cannot be started, ends at once, or is not ready in time, in words with its last line.
    pub(super) fn start(
        program: &str,
        mut command: Command,
        log: &Path,
        stop: Signal,
        ready: &mut dyn FnMut(&[String]) -> bool,
    ) -> Result<Child, String> {
        let open = || File::options().create(true).append(true).open(log);
        let (out, errors) = open().and_then(|out| Ok((out.try_clone()?, out))).map_err(in_words)?;
        let log = Tail::end_of(log.to_owned());
        command.stdin(Stdio::null()).stdout(out).stderr(errors);
        // Of its own group, so that Ctrl-C at the terminal reaches revlab alone.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let process = command.spawn().map_err(|e| format!("`{program}` does not start: {e}"))?;
        let mut child = Child { process, log, stop };
        let began = wall();
        loop {
            let lines = child.new_lines();
            if let Some(words) = child.ended() {
                return Err(format!("`{program}` {words}"));
            }
            if ready(&lines) {
                return Ok(child);
            }
            if wall().duration_since(began) > READY {
                let seconds = READY.as_secs();
                return Err(format!("`{program}` was not ready after {seconds} s"));
            }
            nap();
        }
    }

    /// The process of the program itself, where another has started it within a process tree of its
    /// own; none: it is gone.
    pub(super) fn program(&self) -> Option<u32> {
        let id = self.process.id();
        if !namespace::is_inside() {
            return Some(id);
        }
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }

    /// Sends the program a signal.
    ///
    /// # Errors
    ///
    /// It is gone.
    pub(super) fn signal(&self, signal: Signal) -> Result<(), String> {
        let gone = || "it is gone".to_owned();
        let id = self.program().ok_or_else(gone)?;
        deliver(id, signal).ok_or_else(gone)
    }

    /// How it ended, in words with the last line of its log, if it has.
    pub(super) fn ended(&mut self) -> Option<String> {
        let status = self.process.try_wait().ok()??;
        let last = fs::read_to_string(&self.log.path).ok();
        let last = last.as_deref().and_then(|text| text.trim_end().lines().last());
        Some(format!("ended with {}: {}", words(status), last.unwrap_or("it said nothing")))
    }

    /// The lines that have come into its log since they were last asked for.
    pub(super) fn new_lines(&mut self) -> Vec<String> {
        self.log.new_lines()
    }

    /// Asks it to end, makes it end, and waits for it.
    pub(super) fn stop(&mut self) {
        if matches!(self.process.try_wait(), Ok(Some(_))) {
            return;
        }
        if self.stop != Signal::Kill {
            if self.signal(self.stop).is_err() {
                self.ask_to_end();
            }
            if self.ends() {
                return;
            }
        }
        // A process tree of its own ends with its first process, and who has started that sees to its end:
        // killed together they would leave that to a first process of the machine's that need not care.
        if namespace::is_inside() && self.signal(Signal::Kill).is_ok() && self.ends() {
            return;
        }
        let program = self.program();
        self.make_end();
        let _ = self.process.wait();
        // Who started it can be gone a little earlier than it is, and it listens until then.
        in_time(|| !program.is_some_and(is_there));
    }

    /// Whether it has ended in time.
    fn ends(&mut self) -> bool {
        in_time(|| !matches!(self.process.try_wait(), Ok(None)))
    }

    #[cfg(unix)]
    fn group(&self) -> Option<rustix::process::Pid> {
        rustix::process::Pid::from_raw(i32::try_from(self.process.id()).ok()?)
    }

    /// The whole group: a server may have children of its own.
    #[cfg(unix)]
    fn ask_to_end(&self) {
        if let Some(group) = self.group() {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
        }
    }

    #[cfg(unix)]
    fn make_end(&mut self) {
        if let Some(group) = self.group() {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }

    #[cfg(not(unix))]
    fn ask_to_end(&mut self) {
        let _ = self.process.kill();
    }

    #[cfg(not(unix))]
    fn make_end(&mut self) {
        let _ = self.process.kill();
    }
}

/// Whether something is so before [`ENDING`] is over.
fn in_time(mut is_so: impl FnMut() -> bool) -> bool {
    let began = wall();
    loop {
        if is_so() {
            return true;
        }
        if wall().duration_since(began) >= ENDING {
            return false;
        }
        nap();
    }
}

/// Whether a process has not ended. The first of its threads can be dead before the others, and stays on the list
/// until somebody asks for its end.
fn is_there(id: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{id}/task")).map_or(0, Iterator::count);
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let is_dead = stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with(['Z', 'X']));
    threads > 1 || !is_dead
}

#[cfg(unix)]
fn deliver(id: u32, signal: Signal) -> Option<()> {
    use rustix::process::Signal as System;
    let id = rustix::process::Pid::from_raw(i32::try_from(id).ok()?)?;
    let signal = match signal {
        Signal::Hup => System::HUP,
        Signal::Int => System::INT,
        Signal::Quit => System::QUIT,
        Signal::Term => System::TERM,
        Signal::Usr1 => System::USR1,
        Signal::Kill => System::KILL,
    };
    rustix::process::kill_process(id, signal).ok()
}

#[cfg(not(unix))]
fn deliver(_id: u32, _signal: Signal) -> Option<()> {
    None
}

impl Drop for Child {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The end of a log, as bytes.
pub(super) fn kept(log: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = File::open(log).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(KEPT)))?;
        file.take(KEPT).read_to_end(&mut bytes)
    });
    bytes
}

fn words(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("status {code}"),
        None => "a signal".to_owned(),
    }
}

fn in_words(error: io::Error) -> String {
    error.to_string()
}

#[expect(clippy::disallowed_methods, reason = "a foreign process is waited for in real time")]
fn wall() -> Wall {
    Wall::now()
}

/// Waits a little.
#[expect(clippy::disallowed_methods, reason = "a foreign process is waited for in real time")]
pub(super) fn nap() {
    std::thread::sleep(STEP);
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, log: &Path) -> Result<(Child, String), String> {
        let mut command = bound("sh");
        command.arg("-c").arg(script);
        let mut said = None;
        let mut ready = |lines: &[String]| {
            said = lines.iter().find_map(|line| line.strip_prefix("ready ").map(str::to_owned));
            said.is_some()
        };
        let child = Child::start("sh", command, log, Signal::Term, &mut ready)?;
        Ok((child, said.unwrap()))
    }

    fn lives(id: u32) -> bool {
        let id = rustix::process::Pid::from_raw(id as i32).unwrap();
        rustix::process::test_kill_process(id).is_ok()
    }

    #[test]
    fn a_child_is_ready_when_it_says_so_and_ends_with_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let (child, said) = shell("echo ready 7; exec sleep 60", &log).unwrap();
        assert_eq!(said, "7");
        let id = child.program().unwrap();
        assert!(lives(id) && is_there(id));
        drop(child);
        assert!(!lives(id));
        assert_eq!(kept(&log), b"ready 7\n");
    }

    #[test]
    fn a_child_that_does_not_heed_is_killed_with_its_own_children() {
        let folder = tempfile::tempdir().unwrap();
        let script = "trap '' TERM; sleep 60 & echo ready $!; wait; wait; sleep 60";
        let (child, grandchild) = shell(script, &folder.path().join("log")).unwrap();
        let (id, grandchild) = (child.program().unwrap(), grandchild.parse().unwrap());
        assert!(lives(grandchild) && is_there(grandchild));
        drop(child);
        assert!(!lives(id));
        // Killed with the group: it dies when the system gets to it, and who reaps it is not ours to
        // say.
        for _ in 0..1000 {
            if !is_there(grandchild) {
                return;
            }
            nap();
        }
        panic!("process {grandchild} is still there");
    }

    #[test]
    fn a_child_that_ends_at_once_is_told_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let error = shell("echo no such key >&2; exit 3", &folder.path().join("log")).unwrap_err();
        assert_eq!(error, "`sh` ended with status 3: no such key");
    }

    #[test]
    fn lines_are_told_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (mut child, _) =
            shell("echo ready; echo ready 1; exec sleep 60", &folder.path().join("log")).unwrap();
        let mut log = File::options().append(true).open(folder.path().join("log")).unwrap();
        io::Write::write_all(&mut log, b"one\ntw").unwrap();
        assert_eq!(child.new_lines(), ["one"]);
        io::Write::write_all(&mut log, b"o\n").unwrap();
        assert_eq!(child.new_lines(), ["two"]);
        assert!(child.new_lines().is_empty());
    }
}
