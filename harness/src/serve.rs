//! `revlab serve`: the CAs of a scenario in real time, for programs that are not revlab's.
//!
//! * `core`: what a request, a command or the passing of time comes to; pure;
//! * `control`: which command a request to the control API is; pure;
//! * `sites`: under which names the CAs are served;
//! * `laboratory`: the CAs and certificates that are served;
//! * `agenda`: what the scenario's administrators do, and when;
//! * `faults`: the faults as the control API shows and takes them;
//! * `journal`, `metrics`: what has been asked, one by one and counted;
//! * `openapi`: the description of the control API;
//! * `files`, `ready`: what is written and said when all is ready;
//! * `ways`: how sites and names stand; pure;
//! * `shell`, `doors`, `http`: sockets, signals and the clock.

mod agenda;
mod carry_out;
pub mod control;
mod core;
mod credential;
pub(crate) mod doors;
mod faults;
mod files;
mod http;
mod journal;
mod laboratory;
mod metrics;
mod openapi;
mod problem;
mod ready;
mod shell;
mod sites;
mod state;
mod token;
pub(crate) mod ways;

use std::net::SocketAddr;
use std::path::PathBuf;

use revlab_lab::Instant;

use crate::exec::SetupError;
use crate::out::OutError;
use crate::scenario::Mistake;
use crate::scenario::model::Scenario;

pub use ready::Ready;
pub(crate) use sites::served_at;

/// What `serve` is given beside its scenario.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the CAs' sites listen. With port 0 each takes a free one, else they take this and the
    /// following ones.
    pub listen: SocketAddr,
    /// Where the control API listens.
    pub control: SocketAddr,
    /// Lab time at the start; none: the wall clock's, in whole seconds.
    pub at: Option<Instant>,
    /// Where a name server for the CAs' hosts listens, by UDP and TCP; none: there is none. With it
    /// certificates name hosts as the scenario does, with the ports of their sites.
    pub dns: Option<SocketAddr>,
    /// Whether each site has a port for TLS, which a fault `https` opens.
    pub https: bool,
    /// Whether certificates keep the host names of the scenario.
    pub keep_names: bool,
    /// Whether keys are those of the scenario's seed, the same each time, and so anybody's. Otherwise
    /// they are fresh.
    pub reproducible_keys: bool,
    /// Where credentials and the token are written; none: a folder that is removed at the end.
    pub out: Option<PathBuf>,
}

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The scenario cannot be moved to the present.
    #[error("{}", .0.iter().map(|m| m.message.as_str()).collect::<Vec<_>>().join("; "))]
    Scenario(Vec<Mistake>),
    /// The CAs cannot be set up.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A file cannot be written.
    #[error(transparent)]
    Out(#[from] OutError),
    /// A socket, a folder or a random number cannot be had.
    #[error("{what}: {source}")]
    System {
        /// What for.
        what: String,
        /// What the system says.
        source: std::io::Error,
    },
}

impl ServeError {
    fn system(what: impl Into<String>, source: std::io::Error) -> ServeError {
        ServeError::System { what: what.into(), source }
    }
}

/// Serves a scenario until Ctrl-C or TERM; `ready` is told when all is ready, `asked` of each
/// request that was served.
///
/// # Errors
///
/// See [`ServeError`]. Nothing is served then.
pub fn serve(
    scenario: &Scenario,
    options: &Options,
    ready: impl FnOnce(&Ready),
    asked: impl FnMut(&str),
) -> Result<(), ServeError> {
    shell::run(scenario, options, ready, asked)
}
