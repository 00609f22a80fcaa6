//! `revlab kit`: what a machine outside the lab needs.

use std::net::SocketAddr;
use std::path::PathBuf;

use revlab_lab::{Instant, Seed};

use super::choose::refusal;
use super::{Refusal, choose, print, talk};
use crate::kit::{self, Wish};
use crate::out;

/// What `revlab kit` is given.
#[derive(Debug, clap::Args)]
pub(super) struct KitArgs {
    /// The scenario file.
    scenario: PathBuf,
    /// Only this variant; needed where the scenario has several.
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Write the kit into this folder, which must be new or empty.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Where the other machine reaches the lab's CA: an address, or an address and a port [port 80].
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1", value_parser = address)]
    listen: SocketAddr,
    /// The port at which the other machine serves.
    #[arg(long, value_name = "N", default_value_t = 443, value_parser = clap::value_parser!(u16).range(1..))]
    https_port: u16,
    /// When the kit is made, instead of now: its certificates begin 8 days before.
    #[arg(long, value_name = "TIME")]
    at: Option<Instant>,
    /// Use the keys of the scenario's seed, the same each time: anybody can draw them.
    #[arg(long)]
    reproducible_keys: bool,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let address = super::address(text)?;
    let port = if address.port() == 0 { 80 } else { address.port() };
    match address.ip().is_unspecified() {
        true => Err("nobody can reach that: name the address of this machine".to_owned()),
        false => Ok(SocketAddr::new(address.ip(), port)),
    }
}

pub(super) fn kit(args: &KitArgs) -> Result<u8, Refusal> {
    let scenario =
        choose::the_one(&args.scenario, args.variant.as_deref(), "a kit is for one variant")?;
    let wish = Wish {
        at: args.at.unwrap_or_else(super::sut::now).floor_to_second(),
        listen: args.listen,
        https_port: args.https_port,
        keys: if args.reproducible_keys { scenario.seed } else { fresh()? },
        reproducible: args.reproducible_keys,
        password: String::new(),
    };
    let password = kit::password(wish.keys);
    let wish = Wish { password, ..wish };
    let kit = kit::make(&scenario, &wish).map_err(|why| refusal(&scenario, &why))?;
    let files: Vec<_> = kit
        .files
        .iter()
        .map(|file| (file.name.as_str(), file.bytes.as_slice(), file.secret))
        .collect();
    out::whole(&args.out, &files).map_err(|error| Refusal(format!("error: {error}")))?;
    for file in &kit.files {
        print(&args.out.join(&file.name).display().to_string())?;
    }
    for note in &kit.notes {
        talk(&format!("note: {note}"));
    }
    Ok(0)
}

/// A seed that nobody knows.
fn fresh() -> Result<Seed, Refusal> {
    let mut octets = [0; 8];
    let none = |_| Refusal("error: no random numbers can be had for the keys".to_owned());
    aws_lc_rs::rand::fill(&mut octets).map_err(none)?;
    Ok(Seed(u64::from_be_bytes(octets)))
}
