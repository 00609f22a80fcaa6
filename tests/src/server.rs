//! Runs with real servers, as the command makes them.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;

use revlab::kept;
use revlab_lab::trace::Trace;

use crate::program::{finish, skipped};

/// A port of loopback at which nobody listens.
///
/// # Panics
///
/// There is none.
pub fn free_port() -> u16 {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    taken.local_addr().unwrap().port()
}

/// Runs `lab.toml` of a folder with a server, and keeps the run in `out` there. What the command said, and
/// the trace where there is one; none, with a note, where the server is not installed or there are no
/// namespaces.
///
/// # Panics
///
/// `revlab` cannot be started, or its trace cannot be read.
pub fn run(revlab: &str, folder: &Path, sut: &str) -> Option<(String, Option<Trace>)> {
    let mut command = Command::new(revlab);
    command.args(["run", "lab.toml", "--out", "out", "--sut", sut]).current_dir(folder);
    let text = finish(command).text;
    for missing in ["is not installed", "there is no network of the lab's own"] {
        if text.contains(missing) {
            return skipped(&text);
        }
    }
    let kept = kept::discover(&folder.join("out")).unwrap_or_default();
    let trace = kept.first().map(|folder| kept::read_trace(folder).unwrap());
    Some((text, trace))
}
