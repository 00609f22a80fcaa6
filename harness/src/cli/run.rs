//! `revlab run`: everything is read and checked before the first event; then run, judge, report.

use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use revlab_lab::Seed;
use revlab_sut::profile::Hypothesis;

use super::{Format, Refusal, RunArgs, TransportArg, lint, print, talk};
use crate::exec::{self, Options, RunError, Transport};
use crate::judge::{self, Status};
use crate::out::{self, RunFolder};
use crate::report::{json, junit, terminal};
use crate::scenario::{self, Scenario};

/// Exit status after Ctrl-C.
const INTERRUPTED: u8 = 130;
/// Exit status of a run that proves nothing.
const INCONCLUSIVE: u8 = 3;

/// Set by Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

/// What one variant came to.
struct Done {
    status: Status,
    json: serde_json::Value,
    suite: junit::Suite,
}

pub(super) fn run(args: &RunArgs) -> Result<u8, Refusal> {
    let scenarios = load(args)?;
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out)
            .map_err(|e| Refusal(format!("error: {} cannot be written: {e}", out.display())))?;
    }
    // A second handler cannot be set, as when the library runs the command twice: the first stays.
    let _ = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed));
    let mut done = Vec::new();
    for scenario in &scenarios {
        match run_one(args, scenario)? {
            Some(one) => done.push(one),
            None => return Ok(finish(args, &done)?.max(INCONCLUSIVE)),
        }
        if STOP.load(Ordering::Relaxed) {
            finish(args, &done)?;
            talk("interrupted: the trace ends where it was, and is inconclusive");
            return Ok(INTERRUPTED);
        }
    }
    finish(args, &done)
}

/// Reads every file, applies what the command line replaces, and refuses what cannot be run.
fn load(args: &RunArgs) -> Result<Vec<Scenario>, Refusal> {
    let mut scenarios = Vec::new();
    let mut mistakes = Vec::new();
    for file in lint::discover(&args.scenarios)? {
        match scenario::load(&file) {
            Ok(variants) => scenarios.extend(variants),
            Err(errors) => mistakes.push(errors.render(lint::colour())),
        }
    }
    if !mistakes.is_empty() {
        return Err(Refusal(mistakes.join("\n")));
    }
    choose_variant(args, &mut scenarios)?;
    replace(args, &mut scenarios)?;
    for scenario in &scenarios {
        exec::try_set_up(scenario).map_err(|e| refusal(scenario, &e.to_string()))?;
    }
    Ok(scenarios)
}

fn choose_variant(args: &RunArgs, scenarios: &mut Vec<Scenario>) -> Result<(), Refusal> {
    let Some(wanted) = &args.variant else { return Ok(()) };
    let there: std::collections::BTreeSet<String> =
        scenarios.iter().filter_map(|s| s.variant.as_ref()).map(|v| v.to_string()).collect();
    scenarios.retain(|s| s.variant.as_deref() == Some(wanted));
    if !scenarios.is_empty() {
        return Ok(());
    }
    let hint = scenario::hint(wanted, there.iter().map(String::as_str));
    Err(Refusal(format!("error: no scenario here has a variant `{wanted}`{hint}")))
}

fn replace(args: &RunArgs, scenarios: &mut [Scenario]) -> Result<(), Refusal> {
    if let Some(sut) = args.sut.as_deref().filter(|sut| *sut != "model") {
        return Err(Refusal(format!(
            "error: there is no adapter `{sut}`: so far only `model`, the built-in one, is there"
        )));
    }
    let hypothesis = args.hypothesis.as_deref().map(hypothesis).transpose()?;
    for scenario in scenarios {
        if let Some(seed) = args.seed {
            scenario.seed = Seed(seed);
        }
        if let Some(hypothesis) = hypothesis {
            for sut in scenario.suts.values_mut() {
                sut.profile = sut.profile.with_hypothesis(hypothesis);
            }
        }
    }
    Ok(())
}

fn hypothesis(name: &str) -> Result<Hypothesis, Refusal> {
    let found = Hypothesis::NAMES.iter().find(|(n, _)| *n == name).map(|(_, h)| *h);
    found.ok_or_else(|| {
        let names = Hypothesis::NAMES.map(|(n, _)| n);
        let hint = scenario::hint(name, names);
        Refusal(format!("error: there is no hypothesis `{name}`{hint}"))
    })
}

/// Runs one variant; none: the run broke off, and has said why.
fn run_one(args: &RunArgs, scenario: &Scenario) -> Result<Option<Done>, Refusal> {
    let transport = match args.transport {
        TransportArg::Sim => Transport::Sim,
        TransportArg::Live => Transport::Live,
    };
    let folder = match &args.out {
        Some(out) => Some(RunFolder::create(out, scenario).map_err(|e| Refusal(format!("error: {e}")))?),
        None => None,
    };
    let mut to: Box<dyn Write + Send> = match &folder {
        Some(folder) => Box::new(folder.trace().map_err(|e| Refusal(format!("error: {e}")))?),
        None => Box::new(io::sink()),
    };
    let options = Options { port: args.port, stop: Some(&STOP) };
    let run = match exec::run(scenario, transport, &options, &mut *to) {
        Ok(run) => run,
        Err(error @ (RunError::Setup(_) | RunError::Live(_))) => {
            drop(to);
            if let (Some(folder), Some(out)) = (folder, &args.out) {
                folder.discard(out);
            }
            return Err(refusal(scenario, &error.to_string()));
        }
        Err(RunError::Trace(error)) => {
            talk(&format!("error: {}: the trace cannot be written: {error}", scenario.name));
            return Ok(None);
        }
    };
    let judgement = judge::judge(scenario, &run.trace);
    let json = json::report(scenario, &run.trace, &judgement);
    if args.format == Format::Terminal {
        let colour = anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
        print(&terminal::render(scenario, &run.trace, &judgement, colour));
    }
    if let Some(folder) = &folder {
        let text = format!("{json:#}\n");
        if let Err(error) = folder.keep(scenario, &run, &text) {
            talk(&format!("error: {error}"));
            return Ok(None);
        }
    }
    let suite = junit::suite(scenario, &run.trace, &judgement);
    Ok(Some(Done { status: judgement.status(), json, suite }))
}

/// Prints and keeps what is over all runs; gives the exit status.
fn finish(args: &RunArgs, done: &[Done]) -> Result<u8, Refusal> {
    if args.format == Format::Json {
        let all = serde_json::Value::from(done.iter().map(|d| d.json.clone()).collect::<Vec<_>>());
        print(&format!("{all:#}"));
    }
    if let Some(out) = &args.out {
        let text = junit::render(done.iter().map(|d| d.suite.clone()));
        keep_junit(out, &text)?;
    }
    Ok(Status::of_all(done.iter().map(|d| d.status)).exit_code())
}

fn keep_junit(out: &Path, text: &str) -> Result<(), Refusal> {
    out::junit(out, text).map_err(|e| Refusal(format!("error: {e}")))
}

fn refusal(scenario: &Scenario, why: &str) -> Refusal {
    let variant = scenario.variant.as_ref().map(|v| format!(", variant {v}")).unwrap_or_default();
    Refusal(format!("error: {}{variant}: {why}", scenario.name))
}
