//! `revlab matrix`: scenarios × crossings × systems under test, run and put into one table.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;

use super::choose::{self, Shard, choose_tags, choose_variants};
use super::{Refusal, jobs, lint, print, sut, talk};
use crate::exec::adapter::Adapter;
use crate::exec::{self, Options, RunError, Transport};
use crate::judge::{self, Status};
use crate::matrix::across::{self, Crossing, Dimension};
use crate::matrix::baseline::Baseline;
use crate::matrix::cell::{self, Asked};
use crate::matrix::{self, Cell, FORMAT, Matrix, State, findings, html, markdown, terminal};
use crate::out::RunFolder;
use crate::scenario::{self, Scenario};

/// Exit status after Ctrl-C or TERM.
const INTERRUPTED: u8 = 130;
/// What `--out` keeps of the whole.
const FILE: &str = "matrix.json";

/// Set by Ctrl-C or TERM.
static STOP: AtomicBool = AtomicBool::new(false);

/// What `revlab matrix` is given.
#[derive(Debug, clap::Args)]
pub(super) struct MatrixArgs {
    /// Scenario files, or folders of them.
    #[arg(required_unless_present = "merge")]
    scenarios: Vec<PathBuf>,
    /// The columns: what `revlab run --sut` takes, with commas between.
    #[arg(long, value_name = "A,B", value_delimiter = ',', default_value = "model")]
    sut: Vec<String>,
    /// Only this variant of each scenario; several times: these.
    #[arg(long, value_name = "NAME")]
    variant: Vec<String>,
    /// Only scenarios and variants with this tag; several times: with one of them.
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Cross with each value of tls, resumption, level (`tls=1.3`: with one), and tell the first and
    /// second handshake during the fault apart (handshake). Several, with commas between.
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    across: Vec<Dimension>,
    /// Only part k of n of the cells, so that n machines share them.
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    /// So many runs at once [default: the number of cores where all is the model, else 1].
    #[arg(long, value_name = "N", value_parser = jobs::number)]
    jobs: Option<NonZeroUsize>,
    /// Keep runs, `matrix.json`, `matrix.md` and `matrix.html` in this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Run nothing: put the `matrix.json` of these folders together.
    #[arg(long, value_name = "DIR", num_args = 1.., conflicts_with_all = ["scenarios", "sut", "across", "variant", "tag", "shard", "jobs"])]
    merge: Vec<PathBuf>,
    /// Hold it against what is known: status 1 when something is new, changed or vanished.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Accept what came out as known.
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    write_baseline: Option<PathBuf>,
    /// Write a page of what users of the servers would not expect.
    #[arg(long, value_name = "FILE")]
    findings: Option<PathBuf>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = MatrixFormat::Terminal)]
    format: MatrixFormat,
}

/// How a matrix is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MatrixFormat {
    /// For people.
    Terminal,
    /// For an issue, or the summary of a CI job.
    Markdown,
    /// A page for a browser.
    Html,
    /// For programs.
    Json,
}

/// A column.
struct Column {
    name: String,
    adapter: Option<Adapter>,
}

/// A cell that is to be run.
struct Planned<'a> {
    file: &'a Path,
    scenario: &'a Scenario,
    crossing: &'a Crossing,
    column: &'a Column,
}

pub(super) fn matrix(args: &MatrixArgs) -> Result<u8, Refusal> {
    let known = args.baseline.as_deref().map(read_baseline).transpose()?;
    let (made, incomplete) = match args.merge.is_empty() {
        true => (run_all(args)?, false),
        false => merged(args)?,
    };
    let stopped = STOP.load(Ordering::Relaxed);
    keep(args, &made)?;
    print(&match args.format {
        MatrixFormat::Terminal => terminal::render(&made, lint::colour()),
        MatrixFormat::Markdown => markdown::render(&made),
        MatrixFormat::Html => html::render(&made),
        MatrixFormat::Json => made.text(),
    })?;
    if stopped {
        talk("interrupted: cells that were not run are missing");
        return Ok(INTERRUPTED);
    }
    let doubtful = incomplete || made.count(State::Inconclusive) > 0;
    let mut status = if doubtful { Status::Inconclusive } else { Status::Held };
    if let Some(known) = known {
        let found = known.against(&made);
        talk(&found.words());
        if !found.is_none() {
            status = Status::Failed;
        }
    }
    Ok(status.exit_code())
}

fn wrong(path: &Path, why: impl std::fmt::Display) -> Refusal {
    Refusal(format!("error: {}: {why}", path.display()))
}

fn read_baseline(path: &Path) -> Result<Baseline, Refusal> {
    let text = std::fs::read_to_string(path).map_err(|e| wrong(path, e))?;
    Baseline::read(&text).map_err(|e| wrong(path, e))
}

/// The shards of these folders, and whether cells are missing or there twice.
fn merged(args: &MatrixArgs) -> Result<(Matrix, bool), Refusal> {
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out).map_err(|e| wrong(out, e))?;
    }
    let read = |folder: &PathBuf| {
        let mut shard = read_shard(&folder.join(FILE))?;
        let there = shard_from(args.out.as_deref(), folder)?;
        for folder in shard.cells.iter_mut().filter_map(|cell| cell.folder.as_mut()) {
            *folder = matrix::links::moved(folder, &there);
        }
        Ok(shard)
    };
    let shards = args.merge.iter().map(read).collect::<Result<Vec<_>, Refusal>>()?;
    let merged = matrix::merge::merge(shards).map_err(|e| Refusal(format!("error: {e}")))?;
    let merged = merged.ok_or_else(|| Refusal("error: there is no shard".to_owned()))?;
    for name in &merged.missing {
        talk(&format!("missing: {name}: no shard has it"));
    }
    for name in &merged.duplicate {
        talk(&format!("twice: {name}: the first counts"));
    }
    let incomplete = !merged.missing.is_empty() || !merged.duplicate.is_empty();
    Ok((merged.matrix, incomplete))
}

fn read_shard(file: &Path) -> Result<Matrix, Refusal> {
    let text = std::fs::read_to_string(file).map_err(|e| wrong(file, e))?;
    let shard: Matrix =
        serde_json::from_str(&text).map_err(|e| wrong(file, format!("no matrix: {e}")))?;
    match shard.format {
        FORMAT => Ok(shard),
        other => Err(wrong(file, format!("format {other}: this revlab reads {FORMAT}"))),
    }
}

/// A shard's folder as seen from where the whole is kept; where it is only printed, as it was named:
/// links lead from the current folder then.
fn shard_from(out: Option<&Path>, shard: &Path) -> Result<PathBuf, Refusal> {
    let Some(out) = out else { return Ok(shard.to_owned()) };
    let real = |path: &Path| path.canonicalize().map_err(|e| wrong(path, e));
    Ok(matrix::links::way(&real(out)?, &real(shard)?))
}

fn run_all(args: &MatrixArgs) -> Result<Matrix, Refusal> {
    let columns = columns(args)?;
    let program = columns.iter().find_map(|column| column.adapter.as_ref()?.program());
    program.map_or(Ok(()), sut::enter_network_for)?;
    let scenarios = scenarios(args)?;
    let crossings = across::crossings(&args.across);
    let mut all = Vec::new();
    for (file, scenario) in &scenarios {
        for crossing in &crossings {
            let each = columns.iter().map(|column| Planned { file, scenario, crossing, column });
            all.extend(each);
        }
    }
    let planned: Vec<String> = all.iter().map(|it| not_run(args, it).name()).collect();
    let all = match args.shard {
        Some(shard) => shard.keep(all),
        None => all,
    };
    // A second handler cannot be set, as when the library runs the command twice: the first stays.
    let _ = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed));
    let mut cells = Vec::new();
    let stop = || STOP.load(Ordering::Relaxed);
    let number = args.jobs.unwrap_or_else(|| usual_jobs(&columns));
    jobs::in_order(
        number,
        &all,
        &stop,
        |it| run_one(args, it),
        |cell| {
            cells.push(cell?);
            Ok::<_, Refusal>(true)
        },
    )?;
    let suts = columns.into_iter().map(|column| column.name).collect();
    Ok(Matrix {
        format: FORMAT,
        revlab: env!("CARGO_PKG_VERSION").to_owned(),
        suts,
        planned,
        chosen: !args.variant.is_empty() || !args.tag.is_empty(),
        cells,
    })
}

/// Servers share the machine's ports and cores: one after another unless told otherwise.
fn usual_jobs(columns: &[Column]) -> NonZeroUsize {
    match columns.iter().all(|column| column.adapter.is_none()) {
        true => std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        false => NonZeroUsize::MIN,
    }
}

fn columns(args: &MatrixArgs) -> Result<Vec<Column>, Refusal> {
    let beside = sut::beside(&args.scenarios);
    let mut columns: Vec<Column> = Vec::new();
    for name in &args.sut {
        if columns.iter().any(|column| column.name == *name) {
            return Err(Refusal(format!("error: `--sut` names `{name}` twice")));
        }
        let adapter = Adapter::parse(name, &beside);
        let adapter = adapter.map_err(|e| Refusal(format!("error: {e}")))?;
        if adapter.as_ref().is_some_and(Adapter::in_real_time) {
            let why = "lab time would be real time: use `revlab run`, or add `?clock=FILE`";
            return Err(Refusal(format!("error: `{name}` cannot be in a matrix: {why}")));
        }
        columns.push(Column { name: name.clone(), adapter });
    }
    Ok(columns)
}

fn scenarios(args: &MatrixArgs) -> Result<Vec<(PathBuf, Scenario)>, Refusal> {
    let mut all = Vec::new();
    let mut mistakes = Vec::new();
    for file in lint::discover(&args.scenarios)? {
        match scenario::load(&file) {
            Ok(variants) => all.extend(variants.into_iter().map(|s| (file.clone(), s))),
            Err(errors) => mistakes.push(errors.render(lint::colour())),
        }
    }
    if !mistakes.is_empty() {
        return Err(Refusal(mistakes.join("\n")));
    }
    choose_variants(&args.variant, &mut all, |(_, scenario)| scenario)?;
    choose_tags(&args.tag, &mut all, |(_, scenario)| scenario)?;
    let mut names: Vec<_> = all.iter().map(|(_, s)| (s.name.clone(), s.variant.clone())).collect();
    names.sort();
    if let Some([twice, _]) = names.array_windows::<2>().find(|[a, b]| a == b) {
        let why = "two of the scenarios have this name: run them one at a time";
        return Err(Refusal(format!("error: {}: {why}", twice.0)));
    }
    Ok(all)
}

fn asked<'a>(args: &MatrixArgs, it: &Planned<'a>) -> Asked<'a> {
    Asked {
        variant: it.scenario.variant.as_deref(),
        crossing: it.crossing.words(),
        sut: &it.column.name,
        handshakes: across::tells_handshakes(&args.across),
        folder: None,
        command: command(it),
    }
}

fn not_run(args: &MatrixArgs, it: &Planned<'_>) -> Cell {
    cell::not_run(&it.scenario.name, asked(args, it), State::Refused, String::new())
}

/// The line that runs this cell alone.
fn command(it: &Planned<'_>) -> String {
    let what = if it.crossing.is_empty() { "run" } else { "matrix" };
    let mut command = format!("revlab {what} {}", it.file.display());
    if let Some(variant) = &it.scenario.variant {
        command.push_str(&format!(" --variant {variant}"));
    }
    if !it.crossing.is_empty() {
        command.push_str(&format!(" --across {}", it.crossing));
    }
    match it.column.name.contains(['?', '&']) {
        true => command.push_str(&format!(" --sut '{}'", it.column.name)),
        false => command.push_str(&format!(" --sut {}", it.column.name)),
    }
    command
}

/// A name of a system under test as a folder.
fn folder_of(sut: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    sut.chars().map(plain).collect()
}

fn run_one(args: &MatrixArgs, it: &Planned<'_>) -> Result<Cell, Refusal> {
    let none = |state, why| Ok(cell::not_run(&it.scenario.name, asked(args, it), state, why));
    let scenario = match it.crossing.over(it.scenario) {
        Ok(scenario) => scenario,
        Err(why) => return none(State::Refused, why),
    };
    let adapter = it.column.adapter.as_ref().map(|adapter| adapter.of(&scenario));
    let adapter = adapter.as_ref();
    let scenario = choose::begun(&scenario, adapter, &sut::Tools::default())?;
    if let Some(why) = adapter.and_then(|adapter| adapter.refuses(&scenario)) {
        return none(State::Refused, why);
    }
    if let Some(why) = reads_no_files(&scenario, adapter) {
        return none(State::Refused, why);
    }
    let below = folder_of(&it.column.name);
    let folder = args.out.as_ref().map(|out| RunFolder::new(&out.join(&below), &scenario));
    let mut to: Box<dyn Write + Send + '_> = match &folder {
        Some(folder) => Box::new(folder.trace()),
        None => Box::new(std::io::sink()),
    };
    let options = Options { stop: Some(&STOP), sut: adapter, ..Options::default() };
    let run = match exec::run(&scenario, Transport::Sim, &options, &mut *to) {
        Ok(run) => run,
        Err(RunError::Sut(why)) => return none(State::Skipped, why),
        Err(error @ RunError::Setup(_)) => return none(State::Refused, error.to_string()),
        // A port that is taken says nothing of the server.
        Err(error @ RunError::Live(_)) => return none(State::Inconclusive, error.to_string()),
        Err(RunError::Trace(error)) => {
            return Err(Refusal(format!(
                "error: {}: the trace cannot be written: {error}",
                scenario.name
            )));
        }
    };
    drop(to);
    let mut asked = asked(args, it);
    if let Some((folder, out)) = folder.as_ref().zip(args.out.as_ref()) {
        let judgement = judge::judge(&scenario, &run.trace);
        folder.keep(&scenario, &run, &judgement).map_err(|e| Refusal(format!("error: {e}")))?;
        let relative = folder.path().strip_prefix(out).unwrap_or(folder.path());
        asked.folder = Some(relative.display().to_string());
    }
    Ok(cell::ran(&scenario, &run.trace, asked))
}

/// Why nothing can go wrong with CRL files for it, where the scenario wants that; none: it reads them, or
/// nothing goes wrong with them.
fn reads_no_files(scenario: &Scenario, adapter: Option<&Adapter>) -> Option<String> {
    let reads = adapter.and_then(Adapter::program).is_some_and(|p| p.options().crl_files);
    let spoiled = scenario.suts.values().any(|sut| !sut.publisher.faults.is_empty());
    (spoiled && !reads).then(|| "its CRL files are spoiled, and it reads none".to_owned())
}

/// Writes what is to be kept of the whole.
fn keep(args: &MatrixArgs, made: &Matrix) -> Result<(), Refusal> {
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out).map_err(|e| wrong(out, e))?;
        files.push((out.join(FILE), made.text()));
        files.push((out.join("matrix.md"), markdown::render(made)));
        files.push((out.join("matrix.html"), html::render(made)));
    }
    files.extend(args.write_baseline.clone().map(|file| (file, Baseline::of(made).text())));
    files.extend(args.findings.clone().map(|file| (file, findings::render(made))));
    for (file, text) in files {
        write(&file, &text).map_err(|e| wrong(&file, e))?;
    }
    Ok(())
}

/// Beside the file first, so that nobody finds half of it.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, file)
}
