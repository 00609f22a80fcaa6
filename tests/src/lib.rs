//! End-to-end tests of revlab: through the library, through the command, and by programs that nobody
//! here wrote.

pub mod differential;
pub mod live_ca;
pub mod program;
pub mod server;

use std::path::{Path, PathBuf};

use revlab::exec::{self, Options, Run, Transport};
use revlab::scenario::{self, Scenario};
use revlab_lab::trace::{Kind, Record};

/// The scenario library of this checkout.
pub fn library() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

/// Every variant of a scenario of the library.
///
/// # Panics
///
/// The file has mistakes.
pub fn load(file: &str) -> Vec<Scenario> {
    scenario::load(&library().join(file)).unwrap_or_else(|e| panic!("{}", e.render(false)))
}

/// One variant of a scenario of the library.
///
/// # Panics
///
/// The file or the variant is not there.
pub fn variant(file: &str, name: &str) -> Scenario {
    let found = load(file).into_iter().find(|s| s.variant.as_deref() == Some(name));
    found.unwrap_or_else(|| panic!("{file} has no variant {name}"))
}

/// Runs a scenario; gives the run and the bytes of its trace.
///
/// # Panics
///
/// The lab cannot be set up.
pub fn run(scenario: &Scenario, transport: Transport) -> (Run, Vec<u8>) {
    let mut trace = Vec::new();
    let run = exec::run(scenario, transport, &Options::default(), &mut trace);
    (run.unwrap_or_else(|e| panic!("{}: {e}", scenario.name)), trace)
}

/// Bytes as PEM.
pub fn pem(label: &str, der: &[u8]) -> String {
    let key = "-----";
    let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der);
    let mut lines = vec![format!("{key}BEGIN {label}{key}")];
    let bytes = text.as_bytes();
    lines.extend(bytes.chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()));
    lines.push(format!("{key}END {label}{key}\n"));
    lines.join("\n")
}

/// What both transports must agree on: everything but wall time and the transport's name.
pub fn compared(records: &[Record]) -> Vec<Kind> {
    let strip = |record: &Record| match record.kind.clone() {
        Kind::Header(mut header) => {
            header.transport.clear();
            Kind::Header(header)
        }
        Kind::Attempt(mut attempt) => {
            attempt.wall_ms = None;
            Kind::Attempt(attempt)
        }
        other => other,
    };
    records.iter().map(strip).collect()
}

/// Runs a scenario on both transports and compares the traces record by record.
///
/// # Panics
///
/// They differ.
pub fn sim_and_live_agree(scenario: &Scenario) {
    let (sim, _) = run(scenario, Transport::Sim);
    let (live, _) = run(scenario, Transport::Live);
    let (sim, live) = (compared(sim.trace.records()), compared(live.trace.records()));
    for (n, (one, other)) in sim.iter().zip(&live).enumerate() {
        assert_eq!(one, other, "record {n} of {}", scenario.name);
    }
    assert_eq!(sim.len(), live.len());
}
