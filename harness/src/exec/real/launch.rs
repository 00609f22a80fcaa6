//! How a program is started: with lab time, the lab's names, and an end that comes with revlab's.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use revlab_sut::adapter::Monotonic;

use super::child;
use super::folder::mode;
use crate::exec::namespace;

/// Folders that hold programs of the system's administrator, which a user's path may lack.
const MORE: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

/// What a program is started with.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    pub(super) folder: PathBuf,
    /// The file of the clock and the library that reads it; none: real time.
    pub(super) lab_time: Option<(PathBuf, PathBuf)>,
    pub(super) monotonic: Monotonic,
    pub(super) proxy: Option<SocketAddr>,
    pub(super) resolver: Option<SocketAddr>,
    /// Paths of the system, by the files and folders that stand there in the program's eyes.
    pub(super) binds: BTreeMap<String, String>,
    pub(super) environment: BTreeMap<String, String>,
}

/// Puts files in place of the system's, by pairs up to `--`, and becomes the program. Everything comes
/// as an argument: nothing is quoted.
const SCRIPT: &str = "while [ \"$1\" != -- ]; do mount --bind \"$1\" \"$2\" || exit 71; shift 2; done; \
                      shift; exec \"$@\"";

impl Launch {
    /// Writes the files by which it finds names.
    pub(super) fn prepare(&self) -> io::Result<()> {
        // Workers of a server that root has started are other accounts.
        mode(&self.folder, 0o711)?;
        if let Some(resolver) = self.resolver {
            let servers = format!("nameserver {}\noptions timeout:2 attempts:1\n", resolver.ip());
            fs::write(self.folder.join("resolv.conf"), servers)?;
            fs::write(self.folder.join("hosts"), "127.0.0.1 localhost\n")?;
        }
        for below in self.binds.values() {
            fs::create_dir_all(self.folder.join(below))?;
        }
        Ok(())
    }

    /// What stands in place of what of the system's.
    fn mounts(&self) -> Vec<(PathBuf, &str)> {
        // A whole /etc of its own comes before the files in it.
        let own = self.binds.iter().map(|(there, below)| (self.folder.join(below), there.as_str()));
        let mut mounts: Vec<_> = own.collect();
        if self.resolver.is_some() {
            mounts.push((self.folder.join("resolv.conf"), "/etc/resolv.conf"));
            mounts.push((self.folder.join("hosts"), "/etc/hosts"));
        }
        mounts
    }

    /// A command of a moment: in its folder, without lab time.
    pub(super) fn bare(&self, program: &str) -> Command {
        let mut command = Command::new(path_of(program).unwrap_or(program.into()));
        command.current_dir(&self.folder).stdin(std::process::Stdio::null());
        command
    }

    /// Its environment: of the caller's only where programs are; no proxy, no configuration, no time
    /// zone of this machine.
    fn environment(&self) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = self.environment.clone().into_iter().collect();
        let mut set = |name: &str, value: String| all.push((name.to_owned(), value));
        let path = std::env::var("PATH").unwrap_or_default();
        set("PATH", format!("{path}:{}", MORE.join(":")));
        set("TZ", "UTC0".to_owned());
        set("LC_ALL", "C".to_owned());
        set("HOME", self.folder.display().to_string());
        if let Some(proxy) = self.proxy {
            set("http_proxy", format!("http://{proxy}"));
        }
        let Some((clock, library)) = &self.lab_time else { return all };
        set("LD_PRELOAD", library.display().to_string());
        set("FAKETIME_TIMESTAMP_FILE", clock.display().to_string());
        // Read at each look at the clock.
        set("FAKETIME_NO_CACHE", "1".to_owned());
        if self.monotonic == Monotonic::Real {
            set("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned());
        }
        all
    }
}

/// The command that starts a program, with its name.
pub(super) fn launched(launch: &Launch, words: &[String]) -> Option<(String, Command)> {
    let (program, arguments) = words.split_first()?;
    let path = path_of(program).unwrap_or(PathBuf::from(program));
    let environment = launch.environment();
    let command = match namespace::is_inside() {
        true => {
            // A process tree of its own ends with its first process, whatever becomes of revlab.
            let mut command = child::bound("unshare");
            command.args(["--mount", "--propagation", "private", "--pid", "--fork"]);
            command.args(["--kill-child=KILL", "sh", "-c", SCRIPT, "sh"]);
            for (file, there) in launch.mounts() {
                if Path::new(there).exists() {
                    command.arg(file).arg(there);
                }
            }
            // Only the program itself has lab time.
            command.args(["--", "env", "-i"]);
            command.args(environment.iter().map(|(name, value)| format!("{name}={value}")));
            command.arg(path).args(arguments);
            command
        }
        false => {
            let mut command = child::bound(&path.display().to_string());
            command.args(arguments).env_clear().envs(environment);
            command
        }
    };
    let mut command = command;
    command.current_dir(&launch.folder);
    Some((program.clone(), command))
}

/// Where a program is.
pub(super) fn path_of(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| path.is_file());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = MORE.iter().map(PathBuf::from);
    let found = std::env::split_paths(&path).chain(more).map(|folder| folder.join(program));
    found.into_iter().find(|path| path.is_file())
}
