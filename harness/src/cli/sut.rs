//! `--sut`: what stands in for the model of the system under test.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use revlab_lab::Instant;

use super::{Refusal, RunArgs, talk};
use crate::exec::adapter::{Adapter, Program};
use crate::exec::hooks::{Hooks, SET_CLOCK};
#[cfg(feature = "live")]
use crate::exec::namespace;
use crate::exec::{Cast, Prepare};
use crate::kit::lab::Lab;
use crate::out::RunFolder;
use crate::scenario::Scenario;

/// What is asked for; none: the model.
pub(super) fn adapter(args: &RunArgs) -> Result<Option<Adapter>, Refusal> {
    let not_started = || {
        let why = "`--real-time` is for a program that the run starts: add `--sut NAME`";
        Refusal(format!("error: {why}"))
    };
    let Some(text) = args.sut.as_deref() else {
        return if args.real_time { Err(not_started()) } else { Ok(None) };
    };
    let mut adapter = Adapter::parse(text, &beside(&args.scenarios))
        .map_err(|e| Refusal(format!("error: {e}")))?;
    if args.real_time {
        match &mut adapter {
            Some(Adapter::Program(program)) => program.in_real_time = true,
            _ => return Err(not_started()),
        }
    }
    let port = "`--port` is where a server of this run listens: the address of another has its own";
    enter_network(adapter.as_ref())?;
    match (&adapter, args.port) {
        (Some(Adapter::Elsewhere(_)), Some(_)) => Err(Refusal(format!("error: {port}"))),
        _ => Ok(adapter),
    }
}

/// Where a program cannot be told lab time and all scenarios allow it, it lives in real time.
pub(super) fn in_its_time(adapter: &mut Option<Adapter>, scenarios: &[Scenario]) {
    let Some(Adapter::Program(program)) = adapter else { return };
    let divisors: Option<Vec<u32>> = scenarios.iter().map(|scenario| scenario.divide).collect();
    let (Some(divisors), Err(why)) = (divisors, can_tell_time()) else { return };
    let (Some(least), Some(most)) = (divisors.iter().min(), divisors.iter().max()) else { return };
    program.in_real_time = true;
    let (name, why) = (&program.name, why.split(',').next().unwrap_or_default());
    let by = if least == most { least.to_string() } else { format!("{least} to {most}") };
    talk(&format!("note: {why}: `{name}` lives in real time, and times are divided by {by}"));
}

#[cfg(feature = "live")]
fn can_tell_time() -> Result<(), String> {
    crate::exec::trial::lab_time()
}

#[cfg(not(feature = "live"))]
fn can_tell_time() -> Result<(), String> {
    Ok(())
}

/// What a run with a machine elsewhere is given beside its address.
#[derive(Debug, Default)]
pub(super) struct Tools {
    pub(super) kit: Option<Lab>,
    pub(super) listen: Option<SocketAddr>,
    pub(super) hooks: Hooks,
}

/// What the command line says of a machine elsewhere.
pub(super) fn tools(args: &RunArgs, adapter: Option<&Adapter>) -> Result<Tools, Refusal> {
    let wrong = |why: String| Refusal(format!("error: {why}"));
    let given = [
        ("--kit", args.kit.is_some()),
        ("--listen", args.listen.is_some()),
        ("--hook", !args.hook.is_empty()),
    ];
    let Some(Adapter::Elsewhere(there)) = adapter else {
        return match given.iter().find(|(_, given)| *given) {
            Some((flag, _)) => Err(wrong(format!(
                "`{flag}` is for a machine elsewhere: add `--sut https://HOST:PORT`"
            ))),
            None => Ok(Tools::default()),
        };
    };
    let kit = args.kit.as_deref().map(Lab::read).transpose().map_err(wrong)?;
    let hooks = Hooks::parse(args.hook.iter().map(String::as_str)).map_err(wrong)?;
    let listen = args.listen.or(kit.as_ref().map(|kit| kit.listen));
    if listen.is_some() && there.ca != 0 {
        return Err(wrong(
            "`ca=PORT` and `--listen` (or `--kit`) both say where the CA listens: leave `ca` out"
                .into(),
        ));
    }
    if let Some(listen) = listen.filter(|listen| !listen.ip().is_loopback()) {
        talk(&format!("note: the CA listens at {listen}: other machines than this one reach it"));
    }
    Ok(Tools { kit, listen, hooks })
}

impl Tools {
    /// When a run in real time begins: a clock of the server's that is ahead is met by a lab that is behind.
    pub(super) fn start(&self, scenario: &Scenario) -> Instant {
        let clock = scenario.suts.values().next().map(|sut| sut.clock.skew(scenario.start));
        match self.hooks.of(SET_CLOCK) {
            Some(_) => now(),
            None => now() - clock.unwrap_or_default(),
        }
    }
}

/// A program of the run lives in a network of the lab's own, where it can be had; one that looks names
/// up cannot do without, and says so when it is started.
fn enter_network(adapter: Option<&Adapter>) -> Result<(), Refusal> {
    adapter.and_then(Adapter::program).map_or(Ok(()), enter_network_for)
}

/// The same for one program.
#[cfg(feature = "live")]
pub(super) fn enter_network_for(_program: &Program) -> Result<(), Refusal> {
    if namespace::can_enter().is_err() {
        return Ok(());
    }
    namespace::enter().map_err(|e| Refusal(format!("error: {e}")))
}

#[cfg(not(feature = "live"))]
pub(super) fn enter_network_for(_program: &Program) -> Result<(), Refusal> {
    Ok(())
}

/// The folders of the scenarios: adapters of one's own lie there.
pub(super) fn beside(scenarios: &[PathBuf]) -> Vec<PathBuf> {
    let folder = |path: &PathBuf| match path.is_dir() {
        true => Some(path.clone()),
        false => path.parent().map(Path::to_owned),
    };
    scenarios.iter().filter_map(folder).collect()
}

/// Real time, in whole seconds: the start of a run in it.
#[expect(clippy::disallowed_methods, reason = "a foreign server lives in real time")]
pub(super) fn now() -> Instant {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    Instant::from_millis(i64::try_from(seconds).unwrap_or(0).saturating_mul(1000))
}

/// Puts the certificates into the run's folder, so that the server can be started from them.
pub(super) fn prepare<'a>(
    adapter: Option<&Adapter>,
    folder: Option<&'a RunFolder>,
) -> Option<Box<Prepare<'a>>> {
    let folder = folder.filter(|_| matches!(adapter, Some(Adapter::Elsewhere(_))))?;
    Some(Box::new(|cast: &Cast| folder.prepare(cast).map_err(|e| e.to_string())))
}
