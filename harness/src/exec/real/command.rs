//! Commands that come to an end by themselves: a program's version, and what prepares its files.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant as Wall};

use super::child;
use super::launch::path_of;
use super::server::Server;
use crate::exec::adapter::Program;

/// How long such a command may take: a Java compiler on a busy machine takes some seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// The most of what it says that is looked at, in octets.
const SAID: u64 = 4096;

/// How a command ended.
struct Finished {
    status: ExitStatus,
    said: String,
}

impl Server {
    /// Runs a command that comes to an end, in the program's folder.
    ///
    /// # Errors
    ///
    /// It does not start, does not end, or says that it failed; with its own words.
    pub(super) fn run_to_its_end(&self, words: &[String]) -> Result<(), String> {
        let words = self.filled(words)?;
        let (program, arguments) = words.split_first().ok_or("an empty command")?;
        let mut command = self.launch.bare(program);
        command.args(arguments);
        let finished = finish(command).map_err(|why| format!("`{program}` {why}"))?;
        match finished.status.success() {
            true => Ok(()),
            false => {
                let (line, status) = (words.join(" "), finished.status);
                Err(format!("`{line}` ended with {status}: {}", finished.said.trim()))
            }
        }
    }
}

/// The version of a program.
///
/// # Errors
///
/// It is not installed, or another than is known.
pub(in crate::exec) fn version(program: &Program) -> Result<String, String> {
    let adapter = &program.adapter;
    let install = format!("Debian: `apt-get install {}`", adapter.packages.join(" "));
    for name in &adapter.programs {
        if path_of(name).is_none() {
            return Err(format!("`{name}` is not installed ({install})"));
        }
    }
    let (name, arguments) =
        adapter.version.run.split_first().ok_or("no command for the version")?;
    let mut command = Command::new(path_of(name).unwrap_or(name.into()));
    command.args(arguments);
    let said = finish(command).map_err(|e| format!("`{name}` {e} ({install})"))?.said;
    adapter.version_in(&said).ok_or_else(|| {
        let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("nothing");
        format!("`{}` says `{first}`, and another version is needed", adapter.version.run.join(" "))
    })
}

/// Waits for the end of a command, and ends it where it takes too long. What it says goes to a file: a
/// pipe that nobody reads would hold it up.
fn finish(mut command: Command) -> Result<Finished, String> {
    let unheard = |e: std::io::Error| format!("cannot be heard: {e}");
    let mut log = tempfile::tempfile().map_err(unheard)?;
    let again = |log: &File| log.try_clone().map(Stdio::from).map_err(unheard);
    command.stdin(Stdio::null()).stdout(again(&log)?).stderr(again(&log)?);
    let mut process = command.spawn().map_err(|e| format!("does not start: {e}"))?;
    let began = wall();
    let status = loop {
        match process.try_wait().map_err(unheard)? {
            Some(status) => break status,
            None if wall().duration_since(began) > PATIENCE => {
                let _ = process.kill();
                let _ = process.wait();
                return Err(format!("was not done after {} s", PATIENCE.as_secs()));
            }
            None => child::nap(),
        }
    };
    let mut said = Vec::new();
    log.seek(SeekFrom::Start(0)).map_err(unheard)?;
    log.take(SAID).read_to_end(&mut said).map_err(unheard)?;
    Ok(Finished { status, said: String::from_utf8_lossy(&said).into_owned() })
}

#[expect(clippy::disallowed_methods, reason = "a foreign process is waited for in real time")]
fn wall() -> Wall {
    Wall::now()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<Finished, String> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        finish(command)
    }

    #[test]
    fn what_a_command_says_is_heard_however_much_it_is() {
        let finished = shell("echo one; echo two >&2; exit 3").unwrap();
        assert_eq!((finished.status.code(), &*finished.said), (Some(3), "one\ntwo\n"));
        // More than a pipe holds.
        let much = shell("head -c 1000000 /dev/zero | tr '\\0' x").unwrap();
        assert_eq!((much.status.success(), much.said.len()), (true, SAID as usize));
    }

    #[test]
    fn a_command_that_is_not_there_is_told() {
        let error = finish(Command::new("no-such-program-of-the-lab")).err().unwrap();
        assert!(error.starts_with("does not start: "), "{error}");
    }
}
