//! `revlab jmeter`: plans and results of Apache JMeter, read and written.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use revlab_lab::Instant;
use revlab_lab::trace::{Trace, Writer};

use super::choose::{refusal, the_one};
use super::told::{self, Done, RunFormat};
use super::{Refusal, print, talk};
use crate::jmeter::journal::Journal;
use crate::jmeter::{export, import, jtl, judged};
use crate::out::{self, RunFolder};
use crate::scenario::{self, Scenario};
use crate::{exec, judge};

/// What `revlab jmeter` is told to do.
#[derive(Debug, Subcommand)]
pub(super) enum JMeterCommand {
    /// Read a plan (`.jmx`) and write the skeleton of a scenario.
    Import(ImportArgs),
    /// Write a plan of a scenario's clients, with keystore, CSV files and properties.
    Export(ExportArgs),
    /// Judge a JTL, CSV or XML, by a scenario's expectations.
    Judge(JudgeArgs),
}

/// What `revlab jmeter judge` is given.
#[derive(Debug, clap::Args)]
pub(super) struct JudgeArgs {
    /// The results of JMeter (`jmeter -l`), as CSV with column names or as XML.
    results: PathBuf,
    /// The scenario file whose clients JMeter stood for.
    scenario: PathBuf,
    /// Only this variant; needed where the scenario has several.
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// When the scenario began by the wall clock, such as `2026-11-26T17:00:00Z`.
    #[arg(long, value_name = "TIME")]
    start: Option<Instant>,
    /// What `GET /journal` of `revlab serve` answered: the requests to the CAs.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Keep trace, scenario and reports in this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How to print the report.
    #[arg(long, value_enum, default_value_t = RunFormat::Terminal)]
    format: RunFormat,
}

/// What `revlab jmeter import` is given.
#[derive(Debug, clap::Args)]
pub(super) struct ImportArgs {
    /// The plan.
    plan: PathBuf,
    /// Write the scenario into this file [default: standard output].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What `revlab jmeter export` is given.
#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    /// The scenario file whose clients JMeter is to stand for.
    scenario: PathBuf,
    /// Only this variant; needed where the scenario has several.
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Write the files into this folder.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Where the server is: its name or address [default: as the scenario says].
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// The server's port [default: 443].
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Issue the certificates as if the scenario began then [default: now].
    #[arg(long, value_name = "TIME")]
    at: Option<Instant>,
    /// Certificates name this address, at which `revlab serve` will listen (`--listen`): an address and a
    /// port [default: the hosts of the scenario].
    #[cfg(feature = "live")]
    #[arg(long, value_name = "ADDR")]
    listen: Option<std::net::SocketAddr>,
}

/// Why there must be one variant.
const ONE: &str = "JMeter stands for the clients of one variant";

pub(super) fn jmeter(command: &JMeterCommand) -> Result<u8, Refusal> {
    match command {
        JMeterCommand::Import(args) => read_plan(args),
        JMeterCommand::Export(args) => write_plan(args),
        JMeterCommand::Judge(args) => judge_results(args),
    }
}

fn read_plan(args: &ImportArgs) -> Result<u8, Refusal> {
    let place = args.plan.display().to_string();
    let import = import::import(&place, &text(&args.plan)?);
    let import = import.map_err(|why| Refusal(format!("error: {place}: {why}")))?;
    match &args.out {
        Some(file) => {
            let written = out::file(file.clone(), import.scenario.as_bytes());
            written.map_err(|why| Refusal(format!("error: {why}")))?;
            print(&file.display().to_string())?;
        }
        None => print(&import.scenario)?,
    }
    for note in &import.notes {
        talk(&format!("note: {note}"));
    }
    Ok(0)
}

fn write_plan(args: &ExportArgs) -> Result<u8, Refusal> {
    let scenario = the_one(&args.scenario, args.variant.as_deref(), ONE)?;
    let why = |why: &dyn std::fmt::Display| refusal(&scenario, &why.to_string());
    if scenario.clients.is_empty() {
        return Err(why(&"it has no clients: there is nothing that JMeter could do"));
    }
    let moved = moved(args, &scenario)?;
    let (_, cast) = exec::authorities(&moved).map_err(|error| why(&error))?;
    let target = export::Target { host: args.host.clone(), port: args.port };
    let export = export::export(&moved, &cast, &target);
    for file in &export.files {
        let path = args.out.join(&file.name);
        let written = match file.secret {
            true => out::secret(&path, &file.bytes),
            false => out::file(path.clone(), &file.bytes),
        };
        written.map_err(|error| Refusal(format!("error: {error}")))?;
        print(&path.display().to_string())?;
    }
    for note in &export.notes {
        talk(&format!("note: {note}"));
    }
    Ok(0)
}

/// The scenario as it is when it begins at another time, under other addresses.
fn moved(args: &ExportArgs, scenario: &Scenario) -> Result<Scenario, Refusal> {
    let told = |found: Vec<scenario::Mistake>| {
        let all: Vec<String> = found.into_iter().map(|mistake| mistake.message).collect();
        refusal(scenario, &all.join("; "))
    };
    let mut pattern = scenario::Pattern::of(scenario).map_err(told)?;
    let start = args.at.unwrap_or_else(super::sut::now).floor_to_second();
    pattern.begin(scenario.start, start, scenario.duration);
    #[cfg(feature = "live")]
    if let Some(listen) = args.listen {
        return crate::serve::served_at(pattern, scenario, listen)
            .map_err(|why| refusal(scenario, &format!("`--listen {listen}`: {why}")));
    }
    pattern.scenario().map_err(told)
}

fn judge_results(args: &JudgeArgs) -> Result<u8, Refusal> {
    let scenario = the_one(&args.scenario, args.variant.as_deref(), ONE)?;
    let wrong = |file: &Path, why: &dyn std::fmt::Display| {
        Refusal(format!("error: {}: {why}", file.display()))
    };
    let samples = jtl::read(&text(&args.results)?).map_err(|why| wrong(&args.results, &why))?;
    let journal = match &args.journal {
        Some(file) => Some(Journal::read(&text(file)?).map_err(|why| wrong(file, &why))?),
        None => None,
    };
    let run = judged::judged(&scenario, &samples, journal.as_ref(), args.start)
        .map_err(|why| wrong(&args.results, &why))?;
    for note in std::iter::once(run.start.words()).chain(run.notes) {
        talk(&format!("note: {note}"));
    }
    let judgement = judge::judge(&scenario, &run.trace);
    if let Some(out) = &args.out {
        keep(out, &scenario, &run.trace, &judgement)?;
    }
    print(&told::text(args.format, false, &scenario, &run.trace, &judgement))?;
    let done = [Done::new(&scenario, &run.trace, &judgement)];
    told::finish(args.format, args.out.as_deref(), &done, None)
}

/// Trace, scenario and reports, so that `judge`, `report` and `compare` read them as those of a run.
fn keep(
    out: &Path,
    scenario: &Scenario,
    trace: &Trace,
    judgement: &judge::Judgement,
) -> Result<(), Refusal> {
    let refuse = |why: &dyn std::fmt::Display| Refusal(format!("error: {why}"));
    let folder = RunFolder::new(out, scenario);
    folder.check().map_err(|why| refuse(&why))?;
    let mut to = folder.trace();
    let written = Writer::copy(trace, &mut to);
    written.map_err(|why| refuse(&format!("the trace cannot be written: {why}")))?;
    out::reports(folder.path(), scenario, trace, judgement).map_err(|why| refuse(&why))?;
    Ok(())
}

/// A text file, whatever its bytes are: what is not UTF-8 in it is no name of ours.
fn text(file: &Path) -> Result<String, Refusal> {
    let cannot = |why| Refusal(format!("error: {} cannot be read: {why}", file.display()));
    Ok(String::from_utf8_lossy(&fs::read(file).map_err(cannot)?).into_owned())
}
