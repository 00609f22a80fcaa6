//! The `revlab` command: what is typed, and what it comes to.
//!
//! Data goes to standard output, talk to standard error. Exit statuses: 0 every expectation held,
//! 1 one failed, 2 nothing was run, 3 inconclusive, 70 a defect of revlab, 130 Ctrl-C; of `verify`:
//! 0 good, 1 refused, 2 unreadable input, 3 undetermined.

#[cfg(feature = "live")]
mod adapters;
mod cache;
mod choose;
mod compare;
mod hypotheses;
mod import_sut_logs;
mod jmeter;
mod jobs;
mod judge;
mod kit;
mod lint;
mod list;
mod manual;
mod matrix;
mod profiles;
mod progress;
mod report;
mod run;
#[cfg(feature = "live")]
mod serve;
mod sut;
mod told;
mod verify;

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

/// Reproduces certificate-revocation incidents.
#[derive(Debug, Parser)]
#[command(name = "revlab", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios and judge them.
    Run(RunArgs),
    /// Judge a run that was kept with `--out` again, also by another scenario's expectations.
    Judge(judge::JudgeArgs),
    /// Hold a kept run against another: what a patch changed, and whether it made anything worse.
    Compare(compare::CompareArgs),
    /// Run scenarios on several systems under test, and put what each of them did into one table.
    Matrix(Box<matrix::MatrixArgs>),
    /// Make the reports of a run that was kept with `--out` again.
    Report(report::ReportArgs),
    /// Read plans and results of Apache JMeter, and write plans.
    #[command(name = "jmeter")]
    JMeter {
        #[command(subcommand)]
        command: jmeter::JMeterCommand,
    },
    /// Tell which real servers can be systems under test, and try them.
    #[cfg(feature = "live")]
    Sut {
        #[command(subcommand)]
        command: adapters::SutCommand,
    },
    /// Serve the CAs of a scenario in real time, for other programs.
    #[cfg(feature = "live")]
    Serve(serve::ServeArgs),
    /// Write what a machine elsewhere needs to be the system under test of a scenario.
    Kit(kit::KitArgs),
    /// Put what a machine elsewhere has logged into the trace of its run, and judge it anew.
    ImportSutLogs(import_sut_logs::ImportArgs),
    /// Judge a certificate by given CRLs and OCSP responses, at a given time, without a network
    /// unless it is told to fetch.
    Verify(Box<verify::VerifyArgs>),
    /// Show what is in the disk caches of a run that was kept with `--out`.
    Cache(cache::CacheArgs),
    /// Read and check scenario files; run nothing.
    Lint {
        /// Scenario files, or folders of them.
        #[arg(required = true)]
        scenarios: Vec<PathBuf>,
    },
    /// List the scenario library.
    List {
        /// Folders to look in.
        #[arg(default_value = "scenarios")]
        folders: Vec<PathBuf>,
        /// How to print the list.
        #[arg(long, value_enum, default_value_t = Format::Terminal)]
        format: Format,
    },
    /// List the profiles of systems under test, explain one, or compare two.
    Profiles {
        /// None, one or two: names, or files that end in `.toml`.
        #[arg(num_args = 0..=2)]
        names: Vec<String>,
        /// How to print it.
        #[arg(long, value_enum, default_value_t = Format::Terminal)]
        format: Format,
    },
    /// Run the KB2666300 scenarios under every hypothesis and print which observations each meets.
    Hypotheses {
        /// The folder of the scenarios.
        #[arg(default_value = "scenarios/kb2666300")]
        folder: PathBuf,
        /// Put the table into this page of the book.
        #[arg(long, value_name = "PAGE", conflicts_with = "check")]
        write: Option<PathBuf>,
        /// Say whether this page of the book is up to date.
        #[arg(long, value_name = "PAGE")]
        check: Option<PathBuf>,
    },
    /// Print the script by which a shell completes commands and options.
    Completions {
        /// Which shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write manual pages: `revlab.1`, and one for each command.
    Man {
        /// Into this folder.
        folder: PathBuf,
    },
}

/// What `revlab run` is given.
#[derive(Debug, clap::Args)]
struct RunArgs {
    /// Scenario files, or folders of them.
    #[arg(required = true)]
    scenarios: Vec<PathBuf>,
    /// Only this variant; several times: these.
    #[arg(long, value_name = "NAME")]
    variant: Vec<String>,
    /// Only scenarios with this tag; several times: with one of them.
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Only part k of n of what would be run, so that n machines share it.
    #[arg(long, value_name = "K/N")]
    shard: Option<choose::Shard>,
    /// So many runs at once [default: in `sim` the number of cores, else 1].
    #[arg(long, value_name = "N", value_parser = jobs::number)]
    jobs: Option<std::num::NonZeroUsize>,
    /// How cores are connected: directly, or through real sockets on loopback.
    #[arg(long, value_enum, default_value_t = TransportArg::Sim)]
    transport: TransportArg,
    /// What stands in for the model of the system under test: `model`, NAME or NAME/PROFILE of an adapter
    /// (`revlab sut list`), or `https://HOST:PORT[?clock=FILE&ca=PORT&for=SPAN&ready=SPAN]` for a server
    /// that runs already.
    #[arg(long, value_name = "NAME|URL")]
    sut: Option<String>,
    /// Replace the scenario's seed.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: Option<u64>,
    /// Replace the hypothesis of every model (H0, H1a, H1b, H1c, H1d, H2, H4, H5).
    #[arg(long, value_name = "H")]
    hypothesis: Option<String>,
    /// In `live` and with `--sut s_server`: the port on 127.0.0.1 that the system under test
    /// listens on.
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// With `--sut NAME`: let the program live in real time, as where it cannot be told another (the
    /// scenario says by how much its times are divided then, `real_time.divide`).
    #[arg(long)]
    real_time: bool,
    /// With `--sut https://…`: take CAs and clients from this folder, which `revlab kit` has written.
    #[arg(long, value_name = "DIR")]
    kit: Option<PathBuf>,
    /// With `--sut https://…`: where the CA listens, an address and a port [default: as the kit says,
    /// else 127.0.0.1 and a free port].
    #[arg(long, value_name = "ADDR", value_parser = address)]
    listen: Option<SocketAddr>,
    /// With `--sut https://…`: run this command where the operation is to happen, such as
    /// `restart_service='ssh admin@web iisreset'`; several times for several operations.
    #[arg(long, value_name = "OPERATION=COMMAND")]
    hook: Vec<String>,
    /// Keep traces, logs, certificates and reports in this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How to print the reports.
    #[arg(long, value_enum, default_value_t = told::RunFormat::Terminal)]
    format: told::RunFormat,
    /// Also tell checks step by step, each step with its source: that of the first attempt of each
    /// outcome, and the nearest to each expectation that failed.
    #[arg(long)]
    explain: bool,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Terminal,
    /// For programs.
    Json,
}

/// `--transport`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TransportArg {
    /// Directly, with modelled latency.
    Sim,
    /// Through real HTTP and TLS on loopback.
    Live,
}

/// What ends a command before anything was run: one message, status 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refusal(String);

/// Exit status of a refusal (DESIGN: "nothing was run").
const REFUSED: u8 = 2;
/// Exit status of a defect of revlab itself.
const DEFECT: u8 = 70;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = std::panic::catch_unwind(|| match &cli.command {
        Command::Run(args) => run::run(args),
        Command::Judge(args) => judge::judge(args),
        Command::Compare(args) => compare::compare(args),
        Command::Matrix(args) => matrix::matrix(args),
        Command::Report(args) => report::report(args),
        Command::JMeter { command } => jmeter::jmeter(command),
        #[cfg(feature = "live")]
        Command::Sut { command } => adapters::run(command),
        #[cfg(feature = "live")]
        Command::Serve(args) => serve::serve(args),
        Command::ImportSutLogs(args) => import_sut_logs::import(args),
        Command::Kit(args) => kit::kit(args),
        Command::Verify(args) => verify::verify(args),
        Command::Cache(args) => cache::cache(args),
        Command::Lint { scenarios } => lint::lint(scenarios),
        Command::List { folders, format } => list::list(folders, *format),
        Command::Profiles { names, format } => profiles::profiles(names, *format),
        Command::Hypotheses { folder, write, check } => {
            let what = match (write, check) {
                (Some(page), _) => hypotheses::Use::Write(page),
                (None, Some(page)) => hypotheses::Use::Check(page),
                (None, None) => hypotheses::Use::Print,
            };
            hypotheses::hypotheses(folder, &what)
        }
        Command::Completions { shell } => manual::completions(*shell),
        Command::Man { folder } => manual::man(folder),
    });
    match outcome {
        Ok(Ok(status)) => ExitCode::from(status),
        Ok(Err(Refusal(message))) => {
            talk(&message);
            ExitCode::from(REFUSED)
        }
        Err(_) => {
            talk("error: this is a defect of revlab; please report it with the scenario");
            ExitCode::from(DEFECT)
        }
    }
}

/// Says something to the person at the terminal. One who has gone away is not told.
fn talk(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", text.trim_end());
}

/// Prints a result, unless there is nothing. A reader who closes the pipe early has read enough.
fn print(text: &str) -> Result<(), Refusal> {
    if text.is_empty() {
        return Ok(());
    }
    let mut to = anstream::stdout();
    match writeln!(to, "{}", text.trim_end()).and_then(|()| to.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Refusal(format!("error: standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// An address with or without a port; none is 0.
fn address(text: &str) -> Result<SocketAddr, String> {
    let whole = text.parse::<SocketAddr>().ok();
    let alone = || text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 0));
    let localhost = || (text == "localhost").then_some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    whole.or_else(alone).or_else(localhost).ok_or_else(|| {
        "not an address such as `127.0.0.1`, `[::1]:8080` or `192.0.2.1:8080`".to_owned()
    })
}
