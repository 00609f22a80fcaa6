//! `revlab run`: everything is read and checked before the first event; then run, judge, report.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::choose::{self, refusal};
use super::jobs;
use super::progress::Bars;
use super::told::{self, Done};
use super::{Refusal, RunArgs, TransportArg, print, sut, talk};
use crate::exec::adapter::Adapter;
use crate::exec::{self, Options, RunError, Transport};
use crate::judge::{self, Status};
use crate::out::RunFolder;
use crate::scenario::Scenario;

/// Exit status after Ctrl-C or TERM.
const INTERRUPTED: u8 = 130;

/// Set by Ctrl-C or TERM.
static STOP: AtomicBool = AtomicBool::new(false);

/// What one run came to.
enum Ended {
    /// It was judged, and this is to be printed of it.
    Judged(Box<Done>, String),
    /// It broke off, for this reason.
    Broken(String),
    /// It could not begin.
    Refused(Refusal),
}

pub(super) fn run(args: &RunArgs) -> Result<u8, Refusal> {
    let mut adapter = sut::adapter(args)?;
    if args.port.is_some() && args.transport != TransportArg::Live && adapter.is_none() {
        let why = "`--port` is for real sockets: add `--transport live`";
        return Err(Refusal(format!("error: {why}")));
    }
    let jobs = jobs(args, adapter.as_ref())?;
    let tools = sut::tools(args, adapter.as_ref())?;
    let chosen = choose::chosen(args)?;
    sut::in_its_time(&mut adapter, &chosen);
    let scenarios = choose::made_ready(args, adapter.as_ref(), &tools, chosen)?;
    if let Some(out) = &args.out {
        can_be_kept(out, &scenarios)?;
    }
    // A second handler cannot be set, as when the library runs the command twice: the first stays.
    let _ = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed));
    if scenarios.is_empty() {
        talk("nothing to run in this shard");
    }
    let mut done = Vec::new();
    let mut broken = None;
    let bars = Bars::new();
    let work = |scenario: &Scenario| run_one(args, (adapter.as_ref(), &tools), scenario, &bars);
    let stop = || STOP.load(Ordering::Relaxed);
    let all = jobs::in_order(jobs, &scenarios, &stop, work, |ended| match ended {
        Ended::Judged(one, text) => {
            done.push(*one);
            bars.aside(|| print(&text)).map(|()| true)
        }
        Ended::Broken(why) => {
            bars.aside(|| talk(&why));
            broken = Some(Status::Inconclusive);
            Ok(false)
        }
        Ended::Refused(refusal) => Err(refusal),
    });
    if let Err(refusal) = all {
        // What was run before is not lost.
        if !done.is_empty() {
            finish(args, &done, None)?;
        }
        return Err(refusal);
    }
    let status = finish(args, &done, broken)?;
    if stop() && broken.is_none() {
        talk("interrupted: the trace ends where it was, and is inconclusive");
        return Ok(INTERRUPTED);
    }
    Ok(status)
}

/// How many runs at once: in `sim` as many as there are cores, else one after another.
fn jobs(args: &RunArgs, adapter: Option<&Adapter>) -> Result<NonZeroUsize, Refusal> {
    let several = args.jobs.is_some_and(|jobs| jobs.get() > 1);
    let alone = match (args.port, adapter) {
        (Some(_), _) => Some("`--port`"),
        (_, Some(_)) => Some("`--sut`"),
        (None, None) => None,
    };
    if let Some(alone) = alone.filter(|_| several) {
        let why = format!("with {alone} there can be one run at a time: leave `--jobs` out");
        return Err(Refusal(format!("error: {why}")));
    }
    let usual = match args.transport {
        TransportArg::Sim if alone.is_none() => {
            std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
        }
        _ => NonZeroUsize::MIN,
    };
    Ok(args.jobs.unwrap_or(usual))
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

/// Runs one variant, judges it and keeps what is to be kept.
fn run_one(
    args: &RunArgs,
    (adapter, tools): (Option<&Adapter>, &sut::Tools),
    scenario: &Scenario,
    bars: &Bars,
) -> Ended {
    let adapter = adapter.map(|adapter| adapter.of(scenario));
    let adapter = adapter.as_ref();
    let begun = match choose::begun(scenario, adapter, tools) {
        Ok(begun) => begun,
        Err(refusal) => return Ended::Refused(refusal),
    };
    let scenario = &*begun;
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
    let bar = bars.add(scenario);
    let options = Options {
        port: args.port,
        stop: Some(&STOP),
        sut: adapter,
        prepared: prepare.as_deref(),
        listen: tools.listen,
        hooks: tools.hooks.clone(),
        keys: tools.kit.as_ref().map(|kit| kit.keys()),
        progress: Some(bar.progress()),
    };
    let run = exec::run(scenario, transport, &options, &mut *to);
    drop(bar);
    let run = match run {
        Ok(run) => run,
        Err(error @ (RunError::Setup(_) | RunError::Live(_) | RunError::Sut(_))) => {
            return Ended::Refused(refusal(scenario, &error.to_string()));
        }
        Err(RunError::Trace(error)) => {
            let name = &scenario.name;
            return Ended::Broken(format!("error: {name}: the trace cannot be written: {error}"));
        }
    };
    let judgement = judge::judge(scenario, &run.trace);
    if let Some(folder) = &folder
        && let Err(error) = folder.keep(scenario, &run, &judgement)
    {
        return Ended::Broken(format!("error: {error}"));
    }
    let text = told::text(args.format, args.explain, scenario, &run.trace, &judgement);
    Ended::Judged(Box::new(Done::new(scenario, &run.trace, &judgement)), text)
}

fn finish(args: &RunArgs, done: &[Done], more: Option<Status>) -> Result<u8, Refusal> {
    told::finish(args.format, args.out.as_deref(), done, more)
}
