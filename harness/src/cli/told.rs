//! What the commands that judge runs print of them, and the exit status that it comes to.

use std::io;
use std::path::Path;

use clap::ValueEnum;
use revlab_lab::trace::Trace;

use super::{Refusal, print};
use crate::judge::{Judgement, Status};
use crate::out;
use crate::report::{json, junit, markdown, terminal};
use crate::scenario::Scenario;

/// How runs are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RunFormat {
    /// For people.
    Terminal,
    /// For programs: an array with an object for each run.
    Json,
    /// For an issue, or the summary of a CI job.
    Markdown,
}

/// What one run came to.
pub(super) struct Done {
    status: Status,
    json: serde_json::Value,
    suite: junit::Suite,
}

impl Done {
    pub(super) fn new(scenario: &Scenario, trace: &Trace, judgement: &Judgement) -> Done {
        Done {
            status: judgement.status(),
            json: json::report(scenario, trace, judgement),
            suite: junit::suite(scenario, trace, judgement),
        }
    }
}

/// What is printed of each run by itself; empty where all are printed at once.
pub(super) fn text(
    format: RunFormat,
    explain: bool,
    scenario: &Scenario,
    trace: &Trace,
    judgement: &Judgement,
) -> String {
    match format {
        RunFormat::Terminal => {
            let mut text = terminal::render(scenario, trace, judgement, colour());
            if explain {
                text.push_str(&terminal::explain(scenario, trace, judgement));
            }
            text
        }
        RunFormat::Markdown => markdown::render(scenario, trace, judgement) + "\n",
        RunFormat::Json => String::new(),
    }
}

/// Whether standard output takes colour.
fn colour() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// Prints and keeps what is over all runs; gives the exit status, of these and of `more`.
pub(super) fn finish(
    format: RunFormat,
    out: Option<&Path>,
    done: &[Done],
    more: Option<Status>,
) -> Result<u8, Refusal> {
    if let Some(out) = out.filter(|_| !done.is_empty()) {
        out::junit(out, &suites(done)).map_err(|e| Refusal(format!("error: {e}")))?;
    }
    if format == RunFormat::Json {
        let all = serde_json::Value::from(done.iter().map(|d| d.json.clone()).collect::<Vec<_>>());
        print(&format!("{all:#}"))?;
    }
    Ok(Status::of_all(done.iter().map(|d| d.status).chain(more)).exit_code())
}

/// All runs as one JUnit document.
pub(super) fn suites(done: &[Done]) -> String {
    junit::render(done.iter().map(|d| d.suite.clone()))
}
