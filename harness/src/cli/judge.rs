//! `revlab judge`: an old trace judged again, also by another scenario's expectations.

use std::path::{Path, PathBuf};

use super::told::{self, Done, RunFormat};
use super::{Refusal, lint, print};
use crate::judge;
use crate::kept::{self, Kept, KeptError};
use crate::scenario::{self, Scenario};

/// What `revlab judge` is given.
#[derive(Debug, clap::Args)]
pub(super) struct JudgeArgs {
    /// A folder that was given to `run --out`, or one of a run below it.
    folder: PathBuf,
    /// Judge by the expectations of this scenario file, not by those that were kept with the run.
    scenario: Option<PathBuf>,
    /// With a scenario file: by this variant of it, not by the one of the run's name.
    #[arg(long, value_name = "NAME", requires = "scenario")]
    variant: Option<String>,
    /// How to print the reports.
    #[arg(long, value_enum, default_value_t = RunFormat::Terminal)]
    format: RunFormat,
    /// Also tell checks step by step, as `run --explain`.
    #[arg(long)]
    explain: bool,
}

pub(super) fn judge(args: &JudgeArgs) -> Result<u8, Refusal> {
    let others = args.scenario.as_deref().map(load).transpose()?;
    let mut done = Vec::new();
    for folder in discover(&args.folder)? {
        let kept = match &others {
            None => read(&folder)?,
            Some(others) => by_another(&folder, others, args.variant.as_deref())?,
        };
        let judgement = judge::judge(&kept.scenario, &kept.trace);
        let (scenario, trace) = (&kept.scenario, &kept.trace);
        print(&told::text(args.format, args.explain, scenario, trace, &judgement))?;
        done.push(Done::new(scenario, trace, &judgement));
    }
    told::finish(args.format, None, &done, None)
}

pub(super) fn discover(folder: &Path) -> Result<Vec<PathBuf>, Refusal> {
    kept::discover(folder).map_err(refusal)
}

pub(super) fn read(folder: &Path) -> Result<Kept, Refusal> {
    kept::read(folder).map_err(refusal)
}

fn refusal(error: KeptError) -> Refusal {
    match error {
        KeptError::Scenario(ref errors) => {
            Refusal(format!("{}\nerror: {error}", errors.render(lint::colour()).trim_end()))
        }
        other => Refusal(format!("error: {other}")),
    }
}

fn load(file: &Path) -> Result<Vec<Scenario>, Refusal> {
    scenario::load(file).map_err(|errors| Refusal(errors.render(lint::colour())))
}

/// The trace of a run with a scenario that it was not run by.
fn by_another(folder: &Path, others: &[Scenario], variant: Option<&str>) -> Result<Kept, Refusal> {
    let trace = kept::read_trace(folder).map_err(refusal)?;
    let header = kept::header(&trace);
    let of_run = header.and_then(|h| h.variant.as_deref());
    let wanted = variant.or(of_run);
    let named = |s: &&Scenario| match (s.variant.as_deref(), wanted) {
        (None, _) => true,
        (Some(there), Some(wanted)) => there == wanted,
        (Some(_), None) => false,
    };
    let Some(scenario) = others.iter().find(named) else {
        let names = others.iter().filter_map(|s| s.variant.as_deref());
        let why = match wanted {
            Some(wanted) => format!("no variant `{wanted}`{}", scenario::hint(wanted, names)),
            None => "variants only; say which with `--variant`".to_owned(),
        };
        let place = folder.display();
        return Err(Refusal(format!("error: {place}: the scenario file has {why}")));
    };
    if let Some(header) = header {
        let duration = scenario.duration.as_millis();
        if (header.start, header.duration_ms) != (scenario.start, duration) {
            let ran = revlab_lab::Span::from_millis(header.duration_ms);
            return Err(Refusal(format!(
                "error: {}: the run was of {ran} from {}, and the scenario is of {} from {}: its \
                 expectations would look where nothing was run",
                folder.display(),
                header.start,
                scenario.duration,
                scenario.start
            )));
        }
    }
    Ok(Kept { folder: folder.to_owned(), scenario: scenario.clone(), trace })
}
