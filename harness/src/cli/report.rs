//! `revlab report`: the reports of runs that were kept, made again from trace and scenario alone.

use std::path::PathBuf;

use clap::ValueEnum;

use super::judge::{discover, read};
use super::told::{self, Done, RunFormat};
use super::{Refusal, print};
use crate::jmeter::{jtl, samples};
use crate::report::{attempts, html};
use crate::{judge, out};

/// What `revlab report` is given.
#[derive(Debug, clap::Args)]
pub(super) struct ReportArgs {
    /// A folder that was given to `run --out`, or one of a run below it.
    folder: PathBuf,
    /// Print this one; without it all are written into the folders of the runs, and `junit.xml` into
    /// the folder.
    #[arg(long, value_enum)]
    format: Option<ReportFormat>,
}

/// Which report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// For people.
    Terminal,
    /// `report.json`, in an array with an object for each run.
    Json,
    /// `junit.xml`, a suite for each run.
    Junit,
    /// `report.md`.
    Markdown,
    /// `report.html` of one run.
    Html,
    /// All attempts of one run, a line each.
    Csv,
    /// The attempts of one run as JMeter's results, CSV.
    Jtl,
    /// The attempts of one run as JMeter's results, XML.
    JtlXml,
}

pub(super) fn report(args: &ReportArgs) -> Result<u8, Refusal> {
    let folders = discover(&args.folder)?;
    let of_one = matches!(
        args.format,
        Some(ReportFormat::Csv | ReportFormat::Html | ReportFormat::Jtl | ReportFormat::JtlXml)
    );
    if of_one && folders.len() > 1 {
        let which: Vec<_> = folders.iter().map(|f| format!("  {}", f.display())).collect();
        return Err(Refusal(format!(
            "error: this report is of one run; there are {}:\n{}",
            folders.len(),
            which.join("\n")
        )));
    }
    let mut done = Vec::new();
    for folder in folders {
        let kept = read(&folder)?;
        let judgement = judge::judge(&kept.scenario, &kept.trace);
        let (scenario, trace) = (&kept.scenario, &kept.trace);
        let told = |format| print(&told::text(format, false, scenario, trace, &judgement));
        match args.format {
            Some(ReportFormat::Terminal) => told(RunFormat::Terminal)?,
            Some(ReportFormat::Markdown) => told(RunFormat::Markdown)?,
            Some(ReportFormat::Html) => print(&html::render(scenario, trace, &judgement))?,
            Some(ReportFormat::Csv) => print(&attempts::csv(trace))?,
            Some(ReportFormat::Jtl) => print(&jtl::csv(&samples::samples(scenario, trace)))?,
            Some(ReportFormat::JtlXml) => print(&jtl::xml(&samples::samples(scenario, trace)))?,
            None => {
                let refuse = |e: out::OutError| Refusal(format!("error: {e}"));
                let written = out::reports(&folder, scenario, trace, &judgement);
                let table = out::attempts(&folder, trace).map_err(refuse)?;
                for path in written.map_err(refuse)?.into_iter().chain([table]) {
                    print(&path.display().to_string())?;
                }
            }
            Some(_) => {}
        }
        done.push(Done::new(scenario, trace, &judgement));
    }
    over_all(args, &done)?;
    Ok(0)
}

/// What is made of all runs together.
fn over_all(args: &ReportArgs, done: &[Done]) -> Result<(), Refusal> {
    match args.format {
        Some(ReportFormat::Junit) => print(&told::suites(done)),
        Some(ReportFormat::Json) => told::finish(RunFormat::Json, None, done, None).map(drop),
        None => {
            let written = out::junit(&args.folder, &told::suites(done));
            written.map_err(|e| Refusal(format!("error: {e}")))?;
            print(&args.folder.join("junit.xml").display().to_string())
        }
        Some(_) => Ok(()),
    }
}
