//! `--sut`: what stands in for the model of the system under test.

use std::path::{Path, PathBuf};

use revlab_lab::Instant;

use super::{Refusal, RunArgs};
use crate::exec::adapter::{Adapter, Program};
#[cfg(feature = "live")]
use crate::exec::namespace;
use crate::exec::{Cast, Prepare};
use crate::out::RunFolder;

/// What is asked for; none: the model.
pub(super) fn adapter(args: &RunArgs) -> Result<Option<Adapter>, Refusal> {
    let Some(text) = args.sut.as_deref() else { return Ok(None) };
    let adapter = Adapter::parse(text, &beside(&args.scenarios))
        .map_err(|e| Refusal(format!("error: {e}")))?;
    let port = "`--port` is where a server of this run listens: the address of another has its own";
    enter_network(adapter.as_ref())?;
    match (&adapter, args.port) {
        (Some(Adapter::Elsewhere(_)), Some(_)) => Err(Refusal(format!("error: {port}"))),
        _ => Ok(adapter),
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
