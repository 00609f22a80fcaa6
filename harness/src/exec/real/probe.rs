//! An attempt that is a command: it is run, and its end is an observation.

use std::process::Stdio;

use revlab_clients::{Observation, Seen, Times};
use revlab_lab::{Name, Outcome};
use revlab_sut::adapter::{Adapter, Verdict};
use tokio::process::Command;

/// What a program comes to that judges a certificate.
pub(super) async fn judged(mut command: Command, adapter: &Adapter) -> Observation {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = match command.kill_on_drop(true).output().await {
        Ok(output) => output,
        Err(error) => return verdict(Verdict::Failed, &format!("it does not start: {error}"), ""),
    };
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    let Some(probe) = &adapter.probe else { return verdict(Verdict::Failed, "nothing", "") };
    let (what, line) = probe.verdict(output.status.code(), &said);
    verdict(what, line.unwrap_or("it said nothing"), &said)
}

/// A verdict as a client's observation.
pub(super) fn verdict(what: Verdict, words: &str, said: &str) -> Observation {
    let outcome = match what {
        Verdict::Admitted => Outcome::Admitted,
        Verdict::Refused => Outcome::Refused,
        Verdict::Failed => Outcome::Failed,
    };
    let seen = Seen::Verdict { outcome, words: Name::from(words.trim()), said: said.into() };
    Observation { agreed: None, times: Times::default(), seen, stays_open: false }
}
