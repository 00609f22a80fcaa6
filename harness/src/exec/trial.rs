//! Whether a program can be a system under test on this machine: it is tried.

use revlab_lab::trace::Kind;

use super::adapter::{Adapter, Program};
use super::{Options, RunError, Transport};
use crate::scenario;

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Its version.
    pub version: String,
    /// Why it could not be started; none: it was, and listened.
    pub fails: Option<String>,
    /// What is known of its clock: it has shown that it takes lab time, or why that is not known.
    pub time: Result<(), String>,
    /// What became of the attempts of a good client, one at the start and one an hour later, in the words
    /// of the trace.
    pub attempts: Vec<String>,
    /// How many requests came to the CA.
    pub fetches: usize,
}

/// Whether programs can be told lab time here.
///
/// # Errors
///
/// Why they cannot, and what would help.
pub fn lab_time() -> Result<(), String> {
    super::real::lab_time()
}

/// The version of a program, asked of it.
///
/// # Errors
///
/// It is not installed, or is another than is known; in words.
pub fn version(program: &Program) -> Result<String, String> {
    super::real::version(program)
}

/// Starts a program, and lets a good client ask it twice, with an hour of lab time in between.
///
/// # Errors
///
/// It is not installed.
pub fn try_out(program: &Program) -> Result<Tried, String> {
    let version = version(program)?;
    let key = program.adapter.keys.first().map_or("p256", String::as_str);
    let text = format!(
        "format = 1\ntitle = \"a trial\"\nstart = \"2024-03-01T00:00:00Z\"\nduration = \"1h 1m\"\n\
         [ca.issuing]\nkey = \"{key}\"\nhost = \"pki.lab.example\"\ncrl = {{ period = \"1h\", delta_period = \"none\" }}\n\
         aia = {{ ocsp = [\"http://pki.lab.example/ocsp\"] }}\nresponder = {{ signer = \"delegated\" }}\n\
         [sut.web]\n[clients.user]\nevery = \"1h\"\n"
    );
    let scenarios = scenario::from_text("trial", &text)
        .map_err(|e| e.render(false).trim_start_matches("error: ").to_owned())?;
    let scenario = scenarios.first().ok_or("there is nothing to run")?;
    let adapter = Adapter::Program(program.clone());
    let options = Options { sut: Some(&adapter), ..Options::default() };
    let none = |fails: String| Tried {
        version: version.clone(),
        time: Err("it was not started".to_owned()),
        fails: Some(fails),
        attempts: Vec::new(),
        fetches: 0,
    };
    let run = match super::run(scenario, Transport::Live, &options, &mut Vec::new()) {
        Ok(run) => run,
        Err(RunError::Sut(why)) => return Ok(none(why)),
        Err(error) => return Ok(none(error.to_string())),
    };
    let (mut attempts, mut fetches, mut reason) = (Vec::new(), 0, String::new());
    for record in run.trace.records() {
        match &record.kind {
            Kind::Attempt(attempt) => attempts.push(attempt.outcome.as_str().to_owned()),
            Kind::Fetch(_) => fetches += 1,
            Kind::End(end) => reason.clone_from(&end.reason),
            _ => {}
        }
    }
    let time = match (program.adapter.time.told.is_some(), &*reason) {
        (true, "complete") => Ok(()),
        (true, reason) => Err(reason.to_owned()),
        (false, _) => {
            Err("it never tells the time: that libfaketime is loaded is all that is known".into())
        }
    };
    Ok(Tried { version, fails: None, time, attempts, fetches })
}
