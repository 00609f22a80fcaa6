//! `revlab compare`: two kept runs, or two folders of them, against one another.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::judge::{discover, read};
use super::{Refusal, print};
use crate::compare::rules::{self, Rule};
use crate::compare::{self, Comparison, html, markdown, terminal};
use crate::judge::Status;

/// What `revlab compare` is given.
#[derive(Debug, clap::Args)]
pub(super) struct CompareArgs {
    /// The folder of the run that it is held against, or of several.
    a: PathBuf,
    /// The folder of the run that is held against it. Of several, the runs of the same name are.
    b: PathBuf,
    /// What makes B worse [default: newly-refused, new-episodes, expectations, exposure]; also
    /// fetches=N% and latency=N% (the 99th percentile). Several, with commas between.
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    worse: Vec<Rule>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = CompareFormat::Terminal)]
    format: CompareFormat,
}

/// How a comparison is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CompareFormat {
    /// For people.
    Terminal,
    /// For programs: an array with an object for each pair.
    Json,
    /// For an issue, or the summary of a CI job.
    Markdown,
    /// A page for a browser.
    Html,
}

pub(super) fn compare(args: &CompareArgs) -> Result<u8, Refusal> {
    let rules = if args.worse.is_empty() { &Rule::USUAL[..] } else { &args.worse };
    let mut done: Vec<(Comparison, Vec<String>)> = Vec::new();
    for (a, b) in pairs(&args.a, &args.b)? {
        let (a, b) = (read(&a)?, read(&b)?);
        let it = compare::compare((&a.scenario, &a.trace), (&b.scenario, &b.trace));
        let worse = rules::worse(&it, rules);
        done.push((it, worse));
    }
    let told = |render: fn(&Comparison, &[String]) -> String| {
        done.iter().map(|(it, worse)| render(it, worse)).collect::<Vec<_>>().join("\n")
    };
    match args.format {
        CompareFormat::Terminal => print(&told(terminal::render))?,
        CompareFormat::Markdown => print(&told(markdown::render))?,
        CompareFormat::Html => {
            let all: Vec<_> = done.iter().map(|(it, worse)| (it, worse.clone())).collect();
            print(&html::render(&all))?;
        }
        CompareFormat::Json => print(&json(&done))?,
    }
    let status = |(it, worse): &(Comparison, Vec<String>)| {
        let counts = it.a.inconclusive.is_empty() && it.b.inconclusive.is_empty();
        match (worse.is_empty(), counts) {
            (false, _) => Status::Failed,
            (true, false) => Status::Inconclusive,
            (true, true) => Status::Held,
        }
    };
    Ok(Status::of_all(done.iter().map(status)).exit_code())
}

fn json(done: &[(Comparison, Vec<String>)]) -> String {
    let each = done.iter().map(|(it, worse)| {
        // Only maps with keys that are not text can make this fail.
        let mut value = serde_json::to_value(it).unwrap_or_default();
        if let Some(fields) = value.as_object_mut() {
            fields.insert("worse".to_owned(), worse.clone().into());
        }
        value
    });
    format!("{:#}", serde_json::Value::from(each.collect::<Vec<_>>()))
}

/// Which run is held against which.
fn pairs(a: &Path, b: &Path) -> Result<Vec<(PathBuf, PathBuf)>, Refusal> {
    let (left, right) = (discover(a)?, discover(b)?);
    if let ([left], [right]) = (&left[..], &right[..]) {
        return Ok(vec![(left.clone(), right.clone())]);
    }
    // Below the two folders runs lie at places named after scenario, variant and SUT.
    let place = |folder: &Path, top: &Path| folder.strip_prefix(top).map(Path::to_owned).ok();
    let mut found = Vec::new();
    for folder in &right {
        let there = place(folder, b);
        let other = left.iter().find(|l| place(l, a) == there);
        found.extend(other.map(|other| (other.clone(), folder.clone())));
    }
    let alone = |all: &[PathBuf], paired: &dyn Fn(&PathBuf) -> bool| -> Vec<String> {
        all.iter().filter(|f| !paired(f)).map(|f| format!("  {}", f.display())).collect()
    };
    let mut lone = alone(&left, &|f| found.iter().any(|(l, _)| l == f));
    lone.extend(alone(&right, &|f| found.iter().any(|(_, r)| r == f)));
    if !lone.is_empty() {
        let why = "runs of one side that the other does not have";
        return Err(Refusal(format!("error: {why}:\n{}", lone.join("\n"))));
    }
    Ok(found)
}
