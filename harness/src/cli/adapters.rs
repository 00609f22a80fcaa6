//! `revlab sut`: which real servers there are, and whether they work here.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Format, Refusal, print, sut, talk};
use crate::adapters::{self, Listed};
use crate::exec::adapter::Program;
use crate::exec::{namespace, trial};

/// What is asked about systems under test.
#[derive(Debug, Subcommand)]
pub(super) enum SutCommand {
    /// List the adapters, and which of their programs are installed.
    List {
        /// Also those in the folder `adapters` of these folders.
        folders: Vec<PathBuf>,
        /// How to print the list.
        #[arg(long, value_enum, default_value_t = Format::Terminal)]
        format: Format,
    },
    /// Start a program and see whether it works and takes lab time. Status 0: it does; 3: it does not;
    /// 2: it is not installed.
    Probe {
        /// NAME or NAME/PROFILE.
        name: String,
        /// Also those in the folder `adapters` of these folders.
        folders: Vec<PathBuf>,
    },
    /// Tell what an adapter does, and its profiles.
    Explain {
        /// Its name.
        name: String,
        /// Also those in the folder `adapters` of these folders.
        folders: Vec<PathBuf>,
        /// How to print it.
        #[arg(long, value_enum, default_value_t = Format::Terminal)]
        format: Format,
    },
}

/// Exit status where something does not work.
const INCONCLUSIVE: u8 = 3;

pub(super) fn run(command: &SutCommand) -> Result<u8, Refusal> {
    match command {
        SutCommand::List { folders, format } => list(folders, *format),
        SutCommand::Probe { name, folders } => probe(name, folders),
        SutCommand::Explain { name, folders, format } => {
            let program = find(name, folders)?;
            match format {
                Format::Terminal => print(&adapters::explain(&program))?,
                Format::Json => print(&format!("{:#}", adapters::explain_json(&program)))?,
            }
            Ok(0)
        }
    }
}

fn find(name: &str, folders: &[PathBuf]) -> Result<Program, Refusal> {
    Program::find(name, folders).map_err(|e| Refusal(format!("error: {e}")))
}

fn list(folders: &[PathBuf], format: Format) -> Result<u8, Refusal> {
    let mut all = Vec::new();
    let mut status = 0;
    for (name, built_in) in Program::names(folders) {
        match Program::find(&name, folders) {
            Ok(program) => {
                let installed = trial::version(&program);
                all.push(Listed { program, built_in, installed });
            }
            Err(error) => {
                talk(&format!("error: {error}"));
                status = super::REFUSED;
            }
        }
    }
    match format {
        Format::Terminal => print(&adapters::list(&all))?,
        Format::Json => print(&format!("{:#}", adapters::list_json(&all)))?,
    }
    Ok(status)
}

fn probe(name: &str, folders: &[PathBuf]) -> Result<u8, Refusal> {
    let program = find(name, folders)?;
    let network = namespace::can_enter();
    sut::enter_network_for(&program)?;
    let tried = trial::try_out(&program).map_err(|why| Refusal(format!("error: {why}")))?;
    let mut text = format!("{program}\n");
    let mut line = |what: &str, is: String| text.push_str(&format!("  {what:<10} {is}\n"));
    line("installed", tried.version.clone());
    line(
        "network",
        match &network {
            Ok(()) => {
                "one of the lab's own: names and ports are those of the certificates".to_owned()
            }
            Err(why) => format!("this machine's: {why}"),
        },
    );
    line(
        "starts",
        match &tried.fails {
            None => "yes".to_owned(),
            Some(why) => format!("no: {why}"),
        },
    );
    line(
        "lab time",
        match &tried.time {
            Ok(()) => "yes: it has told the time, an hour apart".to_owned(),
            Err(why) => format!("not known: {why}"),
        },
    );
    if tried.fails.is_none() {
        line("a client", format!("{}; {} fetches", tried.attempts.join(", "), tried.fetches));
    }
    print(&text)?;
    let works =
        tried.fails.is_none() && (tried.time.is_ok() || program.adapter.time.told.is_none());
    Ok(if works { 0 } else { INCONCLUSIVE })
}
