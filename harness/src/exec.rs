//! Running a scenario: one executor, two transports.
//!
//! * `setup`: certificates, identities and machines, before the first event;
//! * `world`: the loop that pops the earliest event, asks a core and performs what it says;
//! * `wire`: what the loop needs of a transport;
//! * `sim`: cores connected directly, with modelled latency;
//! * `live`: the same cores through real sockets, HTTP and TLS on loopback (feature `live`);
//! * `real`: a program that is not ours as the system under test (feature `live`);
//! * [`adapter`]: which program that is; [`hooks`]: commands that do to it what administrators do;
//! * [`trial`]: whether it works here (feature `live`);
//! * [`namespace`]: a network in which it finds the lab and nothing else;
//! * `operations`: what administrators do, on the timeline;
//! * `progress`: how far a run has come, for whoever watches;
//! * `recorder`: the trace, in memory and as JSON Lines.
//!
//! In both transports lab time jumps from event to event. In `live` it stands still while bytes
//! move, and each exchange is charged the modelled duration: outcomes and order are the same.

pub mod adapter;
mod choices;
mod exchanged;
pub mod hooks;
#[cfg(feature = "live")]
mod live;
mod minting;
#[cfg(feature = "live")]
pub mod namespace;
mod operations;
mod progress;
#[cfg(feature = "live")]
mod real;
mod recorder;
mod setup;
mod sim;
mod timeline;
#[cfg(feature = "live")]
pub mod trial;
mod wire;
mod world;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;

use revlab_lab::trace::Trace;
use revlab_lab::{Name, Seed};
use revlab_sut::cache::Caches;

pub use progress::Progress;
pub(crate) use setup::authorities;
#[cfg(feature = "live")]
pub(crate) use setup::chain;
pub use setup::{Cast, Identity, SetupError};

use self::adapter::Adapter;
use self::hooks::Hooks;
use self::recorder::Recorder;
use crate::scenario::model::Scenario;

/// How cores are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Directly.
    Sim,
    /// Through real sockets on loopback.
    Live,
}

impl Transport {
    /// The name in traces and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Sim => "sim",
            Transport::Live => "live",
        }
    }
}

/// Why a run did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Nothing was run.
    #[error("the lab cannot be set up: {0}")]
    Setup(#[from] SetupError),
    /// The trace could not be written.
    #[error("the trace cannot be written")]
    Trace(#[source] std::io::Error),
    /// The sockets of the live transport could not be had.
    #[error("the live transport cannot be set up: {0}")]
    Live(String),
    /// The program that was to be the system under test is missing, unfit or not to be reached.
    #[error("the system under test cannot be had: {0}")]
    Sut(String),
}

/// What is left of a run.
#[derive(Debug)]
pub struct Run {
    /// Every record, as written.
    pub trace: Trace,
    /// The certificates and keys of the run.
    pub cast: Cast,
    /// What the models of systems under test had on their disks at the end.
    pub caches: BTreeMap<Name, Caches>,
    /// What a real system under test wrote, by its path below `logs/`.
    pub logs: BTreeMap<String, Vec<u8>>,
}

/// What is done with the certificates of a run before its server is looked for.
pub type Prepare<'a> = dyn Fn(&Cast) -> Result<(), String> + 'a;

/// What a run is given beside its scenario.
#[derive(Default)]
pub struct Options<'a> {
    /// The port of the SUT's front in `live`; none: one that is free.
    pub port: Option<u16>,
    /// Set from outside (Ctrl-C) to end the run with a readable trace.
    pub stop: Option<&'a AtomicBool>,
    /// What stands in for the model of the system under test; the transport is `live` then.
    pub sut: Option<&'a Adapter>,
    /// With `sut`: called with the certificates before the server is looked for, so that it can be
    /// started from them. Its error, in words, ends the run before it has begun.
    pub prepared: Option<&'a Prepare<'a>>,
    /// With `sut`: where the CA's site listens; none: on 127.0.0.1.
    pub listen: Option<SocketAddr>,
    /// With `sut`: what is run where an operation is to happen to the system under test.
    pub hooks: Hooks,
    /// By which seed the keys of CAs and of what they issue are drawn; none: the scenario's, which
    /// the trace tells to everybody.
    pub keys: Option<Seed>,
    /// Who wants to know, while the run goes on, how far it has come.
    pub progress: Option<&'a Progress>,
}

/// Runs a scenario and writes its trace to `trace_to`, which should be buffered.
///
/// # Errors
///
/// See [`RunError`]. Whatever was written to `trace_to` before is a readable trace.
pub fn run(
    scenario: &Scenario,
    transport: Transport,
    options: &Options<'_>,
    trace_to: &mut (dyn Write + Send),
) -> Result<Run, RunError> {
    let lab = setup::set_up_by(scenario, options.keys.unwrap_or(scenario.seed))?;
    let failed = AtomicBool::new(false);
    let (to, from) = std::sync::mpsc::sync_channel(recorder::WAITING);
    let expected = expected_records(scenario);
    std::thread::scope(|scope| {
        let scribe = scope.spawn(|| recorder::transcribe(from, trace_to, expected, &failed));
        let ran = connect(
            scenario,
            transport,
            options,
            lab,
            Recorder::new(to, &failed).told(options.progress),
        );
        let trace = scribe.join().unwrap_or_else(|_| Err(io::Error::other("the writer died")));
        let Left { cast, caches, logs } = ran?;
        Ok(Run { cast, caches, logs, trace: trace.map_err(RunError::Trace)? })
    })
}

/// What a run leaves beside its trace, as in [`Run`].
struct Left {
    cast: Cast,
    caches: BTreeMap<Name, Caches>,
    logs: BTreeMap<String, Vec<u8>>,
}

/// Runs the lab on a transport.
fn connect(
    scenario: &Scenario,
    transport: Transport,
    options: &Options<'_>,
    lab: setup::Lab,
    recorder: Recorder<'_>,
) -> Result<Left, RunError> {
    #[cfg(feature = "live")]
    if let Some(adapter) = options.sut {
        let (cast, logs) = real::run(scenario, adapter, options, lab, recorder)?;
        return Ok(Left { cast, caches: BTreeMap::new(), logs });
    }
    match transport {
        #[cfg(not(feature = "live"))]
        _ if options.sut.is_some() => {
            Err(RunError::Sut("revlab was built without the feature `live`".into()))
        }
        Transport::Sim => {
            let wire = sim::SimWire::new(scenario, &lab.cast);
            let world = world::World::new(scenario, transport, lab, wire, recorder);
            Ok(world.run(options.stop))
        }
        #[cfg(feature = "live")]
        Transport::Live => {
            let wire = live::LiveWire::new(scenario, &lab, options.port)?;
            let world = world::World::new(scenario, transport, lab, wire, recorder);
            Ok(world.run(options.stop))
        }
        #[cfg(not(feature = "live"))]
        Transport::Live => {
            Err(RunError::Live("revlab was built without the feature `live`".into()))
        }
    }
}

/// Two records an attempt (itself and its check), and some more; bounded, for it is only a guess.
fn expected_records(scenario: &Scenario) -> usize {
    let all: u64 = scenario.clients.values().map(|plan| plan.load.expected(plan)).sum();
    usize::try_from(all).unwrap_or(0).min(1_000_000) * 2 + 4096
}

/// Sets a lab up and drops it: finds what only shows when certificates are issued.
///
/// # Errors
///
/// What [`run`] would refuse.
pub fn try_set_up(scenario: &Scenario) -> Result<(), SetupError> {
    setup::set_up(scenario).map(|_| ())
}
