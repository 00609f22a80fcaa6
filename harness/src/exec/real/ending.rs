//! A command that comes to an end by itself, or is brought to one.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Wall};

use super::child::nap;

/// How far a command may go.
pub(super) struct Bounds<'a> {
    pub(super) most: Duration,
    /// The most of what it says that is looked at, in octets: the begin.
    pub(super) said: u64,
    /// Set where it is to end at once.
    pub(super) stop: Option<&'a AtomicBool>,
}

/// How a command ended.
#[derive(Debug)]
pub(super) struct Finished {
    /// Or why it has none of its own.
    pub(super) status: Result<ExitStatus, String>,
    pub(super) said: String,
}

impl Finished {
    /// Why it counts as failed.
    pub(super) fn failed(&self) -> Option<String> {
        match &self.status {
            Ok(status) if status.success() => None,
            Ok(status) => Some(format!("ended with {status}")),
            Err(why) => Some(why.clone()),
        }
    }
}

/// Waits for the end of a command, and ends it, with all that it has started, where it goes too far.
/// What it says goes to a file: a pipe that nobody reads would hold it up.
pub(super) fn finish(command: Command, bounds: &Bounds<'_>) -> Finished {
    let nothing = |why| Finished { status: Err(why), said: String::new() };
    let files = tempfile::tempfile().and_then(|log| Ok((log.try_clone()?, log.try_clone()?, log)));
    let (out, errors, log) = match files {
        Ok(files) => files,
        Err(why) => return nothing(format!("cannot be heard: {why}")),
    };
    let mut command = grouped(command);
    let started = command.stdin(Stdio::null()).stdout(out).stderr(errors).spawn();
    match started {
        Ok(mut process) => {
            let status = status(&mut process, bounds);
            Finished { status, said: said(log, bounds.said) }
        }
        Err(why) => nothing(format!("does not start: {why}")),
    }
}

fn status(process: &mut Child, bounds: &Bounds<'_>) -> Result<ExitStatus, String> {
    let began = wall();
    let why = loop {
        match process.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) => {}
            Err(why) => break format!("cannot be waited for: {why}"),
        }
        if bounds.stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            break "was ended with the run".to_owned();
        }
        if wall().duration_since(began) >= bounds.most {
            break format!("had not ended after {} s", bounds.most.as_secs());
        }
        nap();
    };
    end(process);
    Err(why)
}

fn said(mut log: File, most: u64) -> String {
    let mut bytes = Vec::new();
    let read = log.seek(SeekFrom::Start(0)).and_then(|_| log.take(most).read_to_end(&mut bytes));
    read.map(|_| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// Of its own group, so that what it starts ends with it.
fn grouped(mut command: Command) -> Command {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

fn end(process: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(process.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = process.kill();
    let _ = process.wait();
}

#[expect(clippy::disallowed_methods, reason = "a foreign process is waited for in real time")]
fn wall() -> Wall {
    Wall::now()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const SAID: u64 = 4096;

    fn shell(script: &str, most: Duration, stop: Option<&AtomicBool>) -> Finished {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        finish(command, &Bounds { most, said: SAID, stop })
    }

    #[test]
    fn what_a_command_says_is_heard_however_much_it_is() {
        let finished = shell("echo one; echo two >&2; exit 3", Duration::MAX, None);
        assert_eq!(finished.said, "one\ntwo\n");
        assert_eq!(finished.failed().as_deref(), Some("ended with exit status: 3"));
        // More than a pipe holds.
        let much = shell("head -c 1000000 /dev/zero | tr '\\0' x", Duration::MAX, None);
        assert_eq!((much.failed(), much.said.len()), (None, SAID as usize));
    }

    #[test]
    fn one_that_has_no_end_is_brought_to_one() {
        let late = shell("sleep 1000", Duration::ZERO, None);
        assert_eq!(late.failed().as_deref(), Some("had not ended after 0 s"));
        let stop = AtomicBool::new(true);
        let stopped = shell("sleep 1000", Duration::MAX, Some(&stop));
        assert_eq!(stopped.failed().as_deref(), Some("was ended with the run"));
    }

    #[test]
    fn a_command_that_is_not_there_is_told() {
        let bounds = Bounds { most: Duration::MAX, said: SAID, stop: None };
        let error = finish(Command::new("no-such-program-of-the-lab"), &bounds).failed().unwrap();
        assert!(error.starts_with("does not start: "), "{error}");
    }
}
