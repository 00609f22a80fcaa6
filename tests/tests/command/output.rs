//! Standard output is data, standard error is talk, and either may be closed.

use std::process::Stdio;

use crate::folder::{Folder, GOOD, failing, in_two_variants};

#[test]
fn json_is_all_there_is_on_standard_output() {
    let folder = Folder::with(&[("two.toml", &in_two_variants()), ("fails.toml", &failing())]);
    let said = folder.revlab(&["run", ".", "--format", "json", "--out", "results"]);
    assert_eq!((said.status, &*said.err), (Some(1), ""));
    assert_eq!(said.json().as_array().map(Vec::len), Some(3));
}

/// The command with nobody to read one of its outputs: its status, and what the other one said.
fn unread(folder: &Folder, args: &[&str], output: bool) -> (Option<i32>, String) {
    let mut command = folder.command(args);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let (out, err) = (Stdio::piped(), Stdio::piped());
    let (out, err) = if output { (writer.into(), err) } else { (out, writer.into()) };
    let done = command.stdout(out).stderr(err).output().expect("run");
    let rest = if output { done.stderr } else { done.stdout };
    (done.status.code(), String::from_utf8(rest).expect("UTF-8"))
}

#[test]
fn a_reader_who_has_read_enough_changes_nothing() {
    let folder = Folder::with(&[("held.toml", GOOD), ("fails.toml", &failing())]);
    let quiet = |status| (Some(status), String::new());
    assert_eq!(unread(&folder, &["run", "held.toml"], true), quiet(0));
    assert_eq!(unread(&folder, &["run", "fails.toml", "--format", "json"], true), quiet(1));
    assert_eq!(unread(&folder, &["lint", "."], true), quiet(0));
    assert_eq!(unread(&folder, &["list", ".", "--format", "json"], true), quiet(0));
    assert_eq!(unread(&folder, &["run", "missing.toml"], false), quiet(2));
}

/// `/dev/full` takes no byte.
#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_printed_are_not_passed_over() {
    let folder = Folder::with(&[("held.toml", GOOD)]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    let done = folder.command(&["run", "held.toml"]).stdout(full).output().expect("run");
    assert_eq!(done.status.code(), Some(2));
    let said = String::from_utf8(done.stderr).expect("UTF-8");
    assert!(said.starts_with("error: standard output cannot be written: "), "{said}");
}
