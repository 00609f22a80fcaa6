//! Commands that come to an end by themselves: a program's version, and what prepares its files.

use std::process::Command;
use std::time::Duration;

use super::ending::{Bounds, finish};
use super::launch::path_of;
use super::server::Server;
use crate::exec::adapter::Program;

/// How long such a command may take, a Java compiler on a busy machine takes some seconds; and the most of
/// what it says that is looked at.
const BOUNDS: Bounds<'_> = Bounds { most: Duration::from_secs(60), said: 4096, stop: None };

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
        let finished = finish(command, &BOUNDS);
        match finished.failed() {
            None => Ok(()),
            Some(why) => Err(format!("`{}` {why}: {}", words.join(" "), finished.said.trim())),
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
    let finished = finish(command, &BOUNDS);
    // Some end with a status of failure when they are asked for it.
    finished.status.map_err(|why| format!("`{name}` {why} ({install})"))?;
    let said = finished.said;
    adapter.version_in(&said).ok_or_else(|| {
        let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("nothing");
        format!("`{}` says `{first}`, and another version is needed", adapter.version.run.join(" "))
    })
}
