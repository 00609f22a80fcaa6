//! `revlab lint`: every mistake of every file, with its place.

use std::path::PathBuf;

use super::{REFUSED, Refusal, print, talk};
use crate::{exec, scenario};

pub(super) fn lint(paths: &[PathBuf]) -> Result<u8, Refusal> {
    let files = discover(paths)?;
    let mut bad = 0;
    for file in &files {
        match scenario::load(file) {
            Ok(variants) => bad += usize::from(!sets_up(file, &variants)),
            Err(errors) => {
                talk(&errors.render(colour()));
                bad += 1;
            }
        }
    }
    let all = files.len();
    let noun = if all == 1 { "file" } else { "files" };
    if bad == 0 {
        print(&format!("{all} scenario {noun}: no mistakes"))?;
        return Ok(0);
    }
    talk(&format!("error: {bad} of {all} scenario {noun} cannot be run"));
    Ok(REFUSED)
}

/// What only shows when certificates are issued is a mistake too.
fn sets_up(file: &std::path::Path, variants: &[scenario::model::Scenario]) -> bool {
    let mistakes: std::collections::BTreeSet<String> =
        variants.iter().filter_map(|v| exec::try_set_up(v).err()).map(|e| e.to_string()).collect();
    mistakes.iter().for_each(|m| talk(&format!("error: {}: {m}", file.display())));
    mistakes.is_empty()
}

pub(super) fn discover(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Refusal> {
    scenario::library::discover(paths).map_err(|e| Refusal(format!("error: {e}")))
}

/// Whether standard error takes colour.
pub(super) fn colour() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}
