//! `revlab run`: everything is read and checked before the first event; then run, judge, report.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use revlab_lab::Instant;
use revlab_sut::profile::Hypothesis;

use super::{Format, Refusal, RunArgs, TransportArg, lint, print, sut, talk};
use crate::exec::adapter::Adapter;
use crate::exec::{self, Options, RunError, Transport};
use crate::judge::{self, Status};
use crate::out::{self, RunFolder};
use crate::report::{json, junit, terminal};
use crate::scenario::{self, Scenario};

/// Exit status after Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Set by Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

/// What one variant came to.
struct Done {
    status: Status,
    json: serde_json::Value,
    suite: junit::Suite,
}

pub(super) fn run(args: &RunArgs) -> Result<u8, Refusal> {
    let adapter = sut::adapter(args)?;
    if args.port.is_some() && args.transport != TransportArg::Live && adapter.is_none() {
        let why = "`--port` is for real sockets: add `--transport live`";
        return Err(Refusal(format!("error: {why}")));
    }
    let scenarios = load(args, adapter.as_ref())?;
    if let Some(out) = &args.out {
        can_be_kept(out, &scenarios)?;
    }
    // A second handler cannot be set, as when the library runs the command twice: the first stays.
    let _ = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed));
    let mut done = Vec::new();
    for scenario in &scenarios {
        match run_one(args, adapter.as_ref(), scenario) {
            Ok(Some(one)) => done.push(one),
            Ok(None) => return finish(args, &done, Some(Status::Inconclusive)),
            Err(refusal) => {
                // What was run before is not lost.
                if !done.is_empty() {
                    finish(args, &done, None)?;
                }
                return Err(refusal);
            }
        }
        if STOP.load(Ordering::Relaxed) {
            finish(args, &done, None)?;
            talk("interrupted: the trace ends where it was, and is inconclusive");
            return Ok(INTERRUPTED);
        }
    }
    finish(args, &done, None)
}

/// Whether each run can have its own folder below `out`.
fn can_be_kept(out: &Path, scenarios: &[Scenario]) -> Result<(), Refusal> {
    let mut taken = BTreeSet::new();
    for scenario in scenarios {
        let folder = RunFolder::new(out, scenario);
        folder.check().map_err(|e| Refusal(format!("error: {e}")))?;
        if !taken.insert(folder.path().to_owned()) {
            let why =
                "a scenario before it has the same name, and both would be kept in one folder";
            return Err(refusal(scenario, &format!("{why}: run them one at a time")));
        }
    }
    Ok(())
}

/// Reads every file, applies what the command line replaces, and refuses what cannot be run.
fn load(args: &RunArgs, adapter: Option<&Adapter>) -> Result<Vec<Scenario>, Refusal> {
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
    replace(args, adapter, &mut scenarios)?;
    for scenario in &scenarios {
        if let Some(why) = adapter.and_then(|adapter| adapter.refuses(scenario)) {
            return Err(refusal(scenario, &why));
        }
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
    let hint = match there.is_empty() {
        true => ": there are none".to_owned(),
        false => scenario::hint(wanted, there.iter().map(String::as_str)),
    };
    Err(Refusal(format!("error: no scenario here has a variant `{wanted}`{hint}")))
}

fn replace(
    args: &RunArgs,
    adapter: Option<&Adapter>,
    scenarios: &mut [Scenario],
) -> Result<(), Refusal> {
    let hypothesis = args.hypothesis.as_deref().map(hypothesis).transpose()?;
    let start = adapter.is_some_and(Adapter::in_real_time).then(sut::now);
    if args.seed.is_none() && hypothesis.is_none() && start.is_none() {
        return Ok(());
    }
    for scenario in scenarios {
        *scenario = replaced(scenario, args.seed, hypothesis, start)?;
    }
    Ok(())
}

/// The scenario with another seed, hypothesis and start, also in the text that is kept of it.
fn replaced(
    scenario: &Scenario,
    seed: Option<u64>,
    hypothesis: Option<&str>,
    start: Option<Instant>,
) -> Result<Scenario, Refusal> {
    let mut text = format!("{}\n[variant.replaced]\n", scenario.resolved);
    if let Some(seed) = seed {
        text.push_str(&format!("seed = {seed}\n"));
    }
    if let Some(start) = start {
        text.push_str(&format!("start = \"{start}\"\n"));
    }
    for (sut, hypothesis) in scenario.suts.keys().zip(hypothesis.into_iter().cycle()) {
        text.push_str(&format!("sut.{sut}.hypothesis = \"{hypothesis}\"\n"));
    }
    let variants = scenario::from_text(&scenario.name, &text)
        .map_err(|errors| Refusal(errors.render(lint::colour())))?;
    let again = variants.into_iter().next();
    let again = again.ok_or_else(|| refusal(scenario, "there is nothing to run in it"))?;
    let (head, _) = scenario.resolved.split_once('\n').unwrap_or_default();
    let (_, body) = again.resolved.split_once('\n').unwrap_or_default();
    let resolved = format!("{head}\n{body}");
    Ok(Scenario { variant: scenario.variant.clone(), resolved, ..again })
}

fn hypothesis(name: &str) -> Result<&str, Refusal> {
    let names = Hypothesis::NAMES.map(|(n, _)| n);
    if names.contains(&name) {
        return Ok(name);
    }
    let hint = scenario::hint(name, names);
    Err(Refusal(format!("error: there is no hypothesis `{name}`{hint}")))
}

/// Runs one variant; none: the run broke off, and has said why.
fn run_one(
    args: &RunArgs,
    adapter: Option<&Adapter>,
    scenario: &Scenario,
) -> Result<Option<Done>, Refusal> {
    let transport = match args.transport {
        TransportArg::Sim => Transport::Sim,
        TransportArg::Live => Transport::Live,
    };
    let folder = args.out.as_ref().map(|out| RunFolder::new(out, scenario));
    let mut to: Box<dyn Write + Send + '_> = match &folder {
        Some(folder) => Box::new(folder.trace()),
        None => Box::new(io::sink()),
    };
    let prepare = sut::prepare(adapter, folder.as_ref());
    let options =
        Options { port: args.port, stop: Some(&STOP), sut: adapter, prepared: prepare.as_deref() };
    let run = match exec::run(scenario, transport, &options, &mut *to) {
        Ok(run) => run,
        Err(error @ (RunError::Setup(_) | RunError::Live(_) | RunError::Sut(_))) => {
            return Err(refusal(scenario, &error.to_string()));
        }
        Err(RunError::Trace(error)) => {
            talk(&format!("error: {}: the trace cannot be written: {error}", scenario.name));
            return Ok(None);
        }
    };
    let judgement = judge::judge(scenario, &run.trace);
    let json = json::report(scenario, &run.trace, &judgement);
    if let Some(folder) = &folder {
        let text = format!("{json:#}\n");
        if let Err(error) = folder.keep(scenario, &run, &text) {
            talk(&format!("error: {error}"));
            return Ok(None);
        }
    }
    if args.format == Format::Terminal {
        let colour = anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
        print(&terminal::render(scenario, &run.trace, &judgement, colour))?;
        if args.explain {
            print(&terminal::explain(scenario, &run.trace, &judgement))?;
        }
    }
    let suite = junit::suite(scenario, &run.trace, &judgement);
    Ok(Some(Done { status: judgement.status(), json, suite }))
}

/// Prints and keeps what is over all runs; gives the exit status, of these and of `more`.
fn finish(args: &RunArgs, done: &[Done], more: Option<Status>) -> Result<u8, Refusal> {
    if let Some(out) = args.out.as_ref().filter(|_| !done.is_empty()) {
        let text = junit::render(done.iter().map(|d| d.suite.clone()));
        keep_junit(out, &text)?;
    }
    if args.format == Format::Json {
        let all = serde_json::Value::from(done.iter().map(|d| d.json.clone()).collect::<Vec<_>>());
        print(&format!("{all:#}"))?;
    }
    Ok(Status::of_all(done.iter().map(|d| d.status).chain(more)).exit_code())
}

fn keep_junit(out: &Path, text: &str) -> Result<(), Refusal> {
    out::junit(out, text).map_err(|e| Refusal(format!("error: {e}")))
}

fn refusal(scenario: &Scenario, why: &str) -> Refusal {
    let variant = scenario.variant.as_ref().map(|v| format!(", variant {v}")).unwrap_or_default();
    Refusal(format!("error: {}{variant}: {why}", scenario.name))
}
