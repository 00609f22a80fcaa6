//! A disk that is full in the middle of a run: what was written is a trace that proves nothing.
#![cfg(unix)]

use std::process::Command;

use crate::folder::{Folder, good_with};

/// No file may grow beyond 100 KiB, which stands for a disk that is full: a write fails, and kills
/// nobody.
const FULL: &str = r#"trap "" XFSZ; ulimit -f 200 && exec "$0" "$@""#;

const RUN: &str = "results/long/default/web";

#[test]
fn a_trace_that_no_longer_fits_is_said_and_judged_inconclusive() {
    let long = good_with("duration = \"1h\"", "duration = \"3d\"");
    let folder = Folder::with(&[("long.toml", &long)]);
    let command = folder.command(&["run", "long.toml", "--out", "results"]);
    let mut limited = Command::new("sh");
    limited.args(["-c", FULL]).arg(command.get_program()).args(command.get_args());
    let output = limited.current_dir(folder.path("")).output().expect("a shell");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("error: long: the trace cannot be written: "), "{said}");

    let records = folder.trace(&format!("{RUN}/trace.jsonl"));
    assert!(records.records().len() > 100 && !records.is_complete());
    let judged = folder.revlab(&["judge", RUN, "--format", "json"]);
    assert_eq!(judged.status, Some(3), "{judged:?}");
    assert_eq!(judged.json()[0]["status"], "inconclusive");
}
