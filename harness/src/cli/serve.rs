//! `revlab serve`: a scenario's CAs in real time, until Ctrl-C.

use std::net::SocketAddr;
use std::path::PathBuf;

use revlab_lab::Instant;

use super::{Format, Refusal, address, choose, print, talk};
use crate::serve::{self, Options};

/// What `revlab serve` is given.
#[derive(Debug, clap::Args)]
pub(super) struct ServeArgs {
    /// The scenario file whose CAs are served.
    scenario: PathBuf,
    /// Only this variant; needed where the scenario has several.
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Write credentials and the token into this folder; without it, into one that is removed at
    /// the end.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Where the CAs listen: an address, or an address and the first port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1", value_parser = address)]
    listen: SocketAddr,
    /// Where the control API listens.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1", value_parser = address)]
    control: SocketAddr,
    /// Start a name server for the CAs' hosts; certificates keep the hosts and name the ports.
    #[arg(
        long,
        value_name = "ADDR",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "127.0.0.1",
        value_parser = address
    )]
    dns: Option<SocketAddr>,
    /// Give each site a port for TLS too: closed until a fault `https` opens it.
    #[arg(long)]
    https: bool,
    /// Lab time at the start instead of the present.
    #[arg(long, value_name = "TIME")]
    at: Option<Instant>,
    /// Keep the host names of the scenario in certificates: for those who make them resolve.
    #[arg(long)]
    keep_names: bool,
    /// Use the keys of the scenario's seed, the same each time: anybody can draw them.
    #[arg(long)]
    reproducible_keys: bool,
    /// Do not print each request.
    #[arg(long, short)]
    quiet: bool,
    /// How to print what is ready.
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
}

pub(super) fn serve(args: &ServeArgs) -> Result<u8, Refusal> {
    if args.listen.ip().is_unspecified() && !args.keep_names && args.dns.is_none() {
        let why = "certificates would name it, and nobody can reach it there";
        let help = "name one address, or add `--keep-names` or `--dns`";
        return Err(Refusal(format!("error: `--listen {}`: {why}; {help}", args.listen.ip())));
    }
    let one = "only one variant can be served";
    let scenario = choose::the_one(&args.scenario, args.variant.as_deref(), one)?;
    let options = Options {
        listen: args.listen,
        control: args.control,
        dns: args.dns,
        https: args.https,
        at: args.at,
        keep_names: args.keep_names,
        reproducible_keys: args.reproducible_keys,
        out: args.out.clone(),
    };
    let ready = |ready: &serve::Ready| {
        for warning in &ready.warnings {
            talk(&format!("warning: {warning}"));
        }
        let text = match args.format {
            Format::Terminal => ready.text(),
            Format::Json => serde_json::to_string(ready).unwrap_or_default(),
        };
        // Somebody who has closed the pipe is served all the same.
        let _ = print(&text);
    };
    let asked = |line: &str| {
        if !args.quiet {
            talk(line);
        }
    };
    serve::serve(&scenario, &options, ready, asked)
        .map_err(|error| Refusal(format!("error: {}: {error}", scenario.name)))?;
    Ok(0)
}
