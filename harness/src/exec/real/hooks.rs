//! Hooks under way: each is a process of its own with a bound on its time, while the lab goes on.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::time::{Duration, Instant as Wall};

use revlab_lab::Instant;

use super::child;
use crate::exec::hooks::{Hooks, LONGEST};

/// Where the output of hooks goes below `logs/`.
pub(super) const LOG: &str = "hooks.log";
/// The most that is kept of what a hook says, in bytes.
const KEPT: u64 = 1 << 20;
/// How often it is looked whether a hook has ended.
const STEP: Duration = Duration::from_millis(20);

/// The hooks of a run.
pub(super) struct Hooked {
    hooks: Hooks,
    running: Vec<Running>,
    log: String,
    stop: Arc<AtomicBool>,
}

struct Running {
    operation: String,
    ended: Receiver<Ended>,
}

/// What a hook said, and why it counts as failed.
struct Ended {
    said: String,
    failed: Option<String>,
}

/// What a hook is told by its environment.
pub(super) struct Occasion<'a> {
    pub(super) operation: &'a str,
    pub(super) on: &'a str,
    pub(super) lab: Instant,
    /// What the clock of the system under test is to read now.
    pub(super) reading: Instant,
}

impl Hooked {
    pub(super) fn new(hooks: Hooks) -> Hooked {
        Hooked { hooks, running: Vec::new(), log: String::new(), stop: Arc::default() }
    }

    /// Begins the hook for an operation; whether there is one.
    pub(super) fn begin(&mut self, occasion: &Occasion<'_>) -> bool {
        let Some(command) = self.hooks.of(occasion.operation).map(str::to_owned) else {
            return false;
        };
        let (lab, reading) = (occasion.lab.to_string(), occasion.reading.to_string());
        self.log.push_str(&format!("{lab} {}: {command}\n", occasion.operation));
        let mut process = shell(&command);
        process
            .env("REVLAB_OPERATION", occasion.operation)
            .env("REVLAB_ON", occasion.on)
            .env("REVLAB_LAB_TIME", &lab)
            .env("REVLAB_SUT_TIME", &reading);
        let (to, ended) = channel();
        let stop = Arc::clone(&self.stop);
        std::thread::spawn(move || {
            let _ = to.send(run(process, &stop));
        });
        self.running.push(Running { operation: occasion.operation.to_owned(), ended });
        true
    }

    /// Whether one is under way.
    pub(super) fn busy(&self) -> bool {
        !self.running.is_empty()
    }

    /// Takes note of those that have ended; the first failure among them, in words.
    pub(super) fn poll(&mut self) -> Option<String> {
        let mut trouble = None;
        for one in std::mem::take(&mut self.running) {
            let ended = match one.ended.try_recv() {
                Ok(ended) => ended,
                Err(TryRecvError::Empty) => {
                    self.running.push(one);
                    continue;
                }
                Err(TryRecvError::Disconnected) => died(),
            };
            if let Some(why) = self.note(&one.operation, ended) {
                trouble.get_or_insert(why);
            }
        }
        trouble
    }

    fn note(&mut self, operation: &str, ended: Ended) -> Option<String> {
        self.log.push_str(&ended.said);
        if !ended.said.is_empty() && !ended.said.ends_with('\n') {
            self.log.push('\n');
        }
        let why = ended.failed?;
        let last = ended.said.trim_end().lines().last().unwrap_or("it said nothing").to_owned();
        self.log.push_str(&format!("{operation} {why}\n"));
        Some(format!("the hook `{operation}` {why}: {last}"))
    }

    /// Ends those that are under way; what all have said, where there was one.
    pub(super) fn finish(mut self) -> Option<Vec<u8>> {
        self.stop.store(true, Ordering::Relaxed);
        for one in std::mem::take(&mut self.running) {
            let ended = match one.ended.recv_timeout(Duration::from_secs(10)) {
                Ok(ended) => ended,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => died(),
            };
            self.note(&one.operation, ended);
        }
        (!self.log.is_empty()).then(|| self.log.clone().into_bytes())
    }
}

impl Drop for Hooked {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn died() -> Ended {
    Ended { said: String::new(), failed: Some("came to no end".to_owned()) }
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = child::command("sh");
    shell.args(["-c", command]);
    // Of its own group, so that what it starts ends with it.
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    shell
}

#[cfg(not(unix))]
fn shell(command: &str) -> Command {
    let mut shell = child::command("cmd");
    shell.args(["/C", command]);
    shell
}

/// Runs a command to its end, or to that of its time.
fn run(mut command: Command, stop: &AtomicBool) -> Ended {
    let failed = |why: String| Ended { said: String::new(), failed: Some(why) };
    let file =
        tempfile::tempfile().and_then(|file| Ok((file.try_clone()?, file.try_clone()?, file)));
    let (out, errors, mut said) = match file {
        Ok(file) => file,
        Err(why) => return failed(format!("has nowhere to write to: {why}")),
    };
    let started = command.stdin(Stdio::null()).stdout(out).stderr(errors).spawn();
    let mut process = match started {
        Ok(process) => process,
        Err(why) => return failed(format!("does not start: {why}")),
    };
    let began = wall();
    let most = Duration::from_millis(LONGEST.as_millis().unsigned_abs());
    let failed = loop {
        match process.try_wait() {
            Ok(Some(status)) if status.success() => break None,
            Ok(Some(status)) => break Some(format!("ended with {status}")),
            Ok(None) => {}
            Err(why) => break Some(format!("cannot be waited for: {why}")),
        }
        let why = match stop.load(Ordering::Relaxed) {
            true => Some("was ended with the run".to_owned()),
            false => (wall().duration_since(began) >= most)
                .then(|| format!("had not ended after {LONGEST}")),
        };
        if let Some(why) = why {
            end(&mut process);
            break Some(why);
        }
        nap();
    };
    Ended { said: text(&mut said), failed }
}

fn text(said: &mut File) -> String {
    let mut bytes = Vec::new();
    let read = said.seek(SeekFrom::Start(0)).and_then(|_| said.take(KEPT).read_to_end(&mut bytes));
    read.map(|_| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

#[cfg(unix)]
fn end(process: &mut std::process::Child) {
    let group = i32::try_from(process.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = process.wait();
}

#[cfg(not(unix))]
fn end(process: &mut std::process::Child) {
    let _ = process.kill();
    let _ = process.wait();
}

#[expect(clippy::disallowed_methods, reason = "a foreign process lives in real time")]
fn wall() -> Wall {
    Wall::now()
}

#[expect(clippy::disallowed_methods, reason = "a foreign process is waited for in real time")]
fn nap() {
    std::thread::sleep(STEP);
}
