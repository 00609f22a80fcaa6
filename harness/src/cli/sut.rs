//! `--sut`: what stands in for the model of the system under test.

use revlab_lab::Instant;

use super::{Refusal, RunArgs};
use crate::exec::adapter::Adapter;
use crate::exec::{Cast, Prepare};
use crate::out::RunFolder;

/// What is asked for; none: the model.
pub(super) fn adapter(args: &RunArgs) -> Result<Option<Adapter>, Refusal> {
    let Some(text) = args.sut.as_deref() else { return Ok(None) };
    let adapter = Adapter::parse(text).map_err(|e| Refusal(format!("error: {e}")))?;
    let port = "`--port` is where a server of this run listens: the address of another has its own";
    match (&adapter, args.port) {
        (Some(Adapter::Elsewhere(_)), Some(_)) => Err(Refusal(format!("error: {port}"))),
        _ => Ok(adapter),
    }
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
