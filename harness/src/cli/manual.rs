//! `revlab completions` and `revlab man`: what a shell and `man` know about the command, made from its own
//! definition.

use std::fs;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, Refusal, print};

/// Prints the script that makes a shell complete `revlab`.
pub(super) fn completions(shell: Shell) -> Result<u8, Refusal> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "revlab", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}

/// Writes `revlab.1` and a page for each of its commands into a folder.
pub(super) fn man(folder: &Path) -> Result<u8, Refusal> {
    let failed = |error: std::io::Error| {
        let folder = folder.display();
        Refusal(format!("error: the pages cannot be written into {folder}: {error}"))
    };
    fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(failed)?;
    Ok(0)
}
