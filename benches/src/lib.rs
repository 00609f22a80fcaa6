//! The figures revlab promises, measured: `cargo bench -p revlab-benches`.
//!
//! What was seen, and on what machine, is in `docs/src/reference/figures.md`.

pub mod ca;
pub mod jmeter;
pub mod load;
pub mod mutual;
pub mod nginx;
pub mod processor;
pub mod server;
pub mod site;

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use revlab::exec::{self, Options, Transport};
use revlab::scenario::{self, Scenario};

/// One variant of a scenario of the library.
///
/// # Panics
///
/// The file or the variant is not there: a benchmark of something else would be worthless.
pub fn variant(file: &str, variant: &str) -> Scenario {
    let path = library().join(file);
    let variants = scenario::load(&path).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let found = variants.into_iter().find(|s| s.variant.as_deref() == Some(variant));
    found.unwrap_or_else(|| panic!("{file} has no variant {variant}"))
}

/// The scenario library of this checkout.
pub fn library() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

/// Runs a scenario with its full trace written to a file; gives the size of the trace.
///
/// # Panics
///
/// The run could not be set up, or the trace not be written.
pub fn run_to_file(scenario: &Scenario, transport: Transport, file: &Path) -> u64 {
    let opened = std::fs::File::create(file).unwrap_or_else(|e| panic!("{e}"));
    let mut to = BufWriter::with_capacity(1 << 20, opened);
    exec::run(scenario, transport, &Options::default(), &mut to).unwrap_or_else(|e| panic!("{e}"));
    to.flush().unwrap_or_else(|e| panic!("{e}"));
    std::fs::metadata(file).map_or(0, |m| m.len())
}
