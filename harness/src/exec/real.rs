//! A real system under test: a program that is not ours, on sockets, in a loop of its own.
//!
//! * `lab`: the loop, in which the CA answers what the server asks;
//! * `attempts`: from their begin to their end: one at a time, or as they are due in real time;
//!   `charge`: what connecting costs;
//! * `peer`: sockets and time;
//! * `begin`: a program begins its part; `place`: the addresses of a run;
//! * `probe`: an attempt that is a command;
//! * `sites`: the CA's sites and names, as a server finds them;
//! * `server`: a program by its adapter; `folder`: the files that it is started from; `reload`: its CRL
//!   files; `command`: commands that prepare it;
//! * `ending`: a command that comes to an end; `launch`: how programs are started;
//! * `publisher`: the script that brings CRLs to those that read files;
//! * `child`: child processes in general;
//! * `clock`: lab time for foreign processes;
//! * `hooks`: commands that do what administrators do to a server elsewhere;
//! * `fetch`: what comes of a request at the CA's site;
//! * `operations`: what administrators do.
//!
//! The trace has no `check` records and no codes: what such a program does not tell is not there,
//! and what an expectation asks of it is inconclusive.

mod admin_socket;
mod attempts;
mod begin;
mod charge;
mod child;
mod clock;
mod command;
mod ending;
mod fetch;
mod folder;
mod hooks;
mod lab;
mod launch;
mod operations;
mod peer;
mod place;
mod probe;
mod publisher;
mod reload;
mod server;
mod sites;

pub(super) use self::command::version;

/// Whether programs can be told lab time here.
pub(super) fn lab_time() -> Result<(), String> {
    clock::Library::find().map(drop)
}

use std::collections::BTreeMap;

use self::lab::RealLab;
use self::peer::Peer;
use super::adapter::Adapter;
use super::recorder::Recorder;
use super::setup::{Cast, Lab};
use super::{Options, RunError};
use crate::scenario::model::Scenario;

/// Runs a scenario with a real system under test; gives the logs that it wrote, by their path
/// below `logs/`.
pub(super) fn run(
    scenario: &Scenario,
    adapter: &Adapter,
    options: &Options<'_>,
    lab: Lab,
    recorder: Recorder<'_>,
) -> Result<(Cast, BTreeMap<String, Vec<u8>>), RunError> {
    if let Some(why) = adapter.refuses_with(scenario, &options.hooks) {
        return Err(RunError::Sut(why));
    }
    let sut = scenario.suts.values().next();
    let sut = sut.ok_or_else(|| RunError::Sut("there is none".to_owned()))?;
    if let Some(prepared) = options.prepared {
        prepared(&lab.cast).map_err(RunError::Sut)?;
    }
    let peer = Peer::new(scenario, &lab, sut, adapter, options)?;
    let mut lab = RealLab::new(scenario, sut, adapter, lab, peer, recorder);
    lab.hooks = hooks::Hooked::new(options.hooks.clone());
    Ok(lab.run(options.stop))
}
