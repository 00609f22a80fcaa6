//! Hooks under way: each is a process of its own with a bound on its time, while the lab goes on.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::time::Duration;

use revlab_lab::Instant;

use super::child;
use super::ending::{Bounds, Finished, finish};
use crate::exec::hooks::{Hooks, LONGEST};

/// Where the output of hooks goes below `logs/`.
pub(super) const LOG: &str = "hooks.log";
/// The most that is kept of what a hook says, in bytes.
const KEPT: u64 = 1 << 20;

/// The hooks of a run.
pub(super) struct Hooked {
    hooks: Hooks,
    running: Vec<Running>,
    log: String,
    stop: Arc<AtomicBool>,
}

struct Running {
    operation: String,
    ended: Receiver<Finished>,
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

    fn note(&mut self, operation: &str, ended: Finished) -> Option<String> {
        self.log.push_str(&ended.said);
        if !ended.said.is_empty() && !ended.said.ends_with('\n') {
            self.log.push('\n');
        }
        let why = ended.failed()?;
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

fn died() -> Finished {
    Finished { status: Err("came to no end".to_owned()), said: String::new() }
}

fn shell(command: &str) -> Command {
    let (name, flag) = if cfg!(unix) { ("sh", "-c") } else { ("cmd", "/C") };
    let mut shell = child::bound(name);
    shell.args([flag, command]);
    shell
}

/// Runs a command to its end, or to that of its time.
fn run(command: Command, stop: &AtomicBool) -> Finished {
    let most = Duration::from_millis(LONGEST.as_millis().unsigned_abs());
    finish(command, &Bounds { most, said: KEPT, stop: Some(stop) })
}
