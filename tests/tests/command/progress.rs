//! The bar: where standard error is a terminal, and nowhere else.

use std::process::Command;

use revlab_tests::program::program;

use crate::folder::Folder;

/// Three weeks: long enough for a bar to be drawn, on any machine.
fn arguments() -> [String; 4] {
    let file = revlab_tests::library().join("kb2666300/production.toml");
    ["run".into(), file.display().to_string(), "--variant".into(), "patched".into()]
}

#[test]
fn a_terminal_shows_lab_time_and_outcomes() {
    let Some(_) = program("script") else { return };
    let line = format!("{} {}", env!("CARGO_BIN_EXE_revlab-as-tested"), arguments().join(" "));
    let mut command = Command::new("script");
    command.args(["-q", "-e", "-c", &line, "/dev/null"]).env("TERM", "xterm");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let drawn = |part: &&str| part.contains("%  2014-") && part.contains("  admitted ");
    let bar = said.lines().flat_map(|line| line.split('\r')).find(drawn);
    assert!(bar.is_some_and(|bar| bar.contains("production, patched  [")), "no bar: {said}");
}

#[test]
fn what_is_no_terminal_gets_no_bar() {
    let said = Folder::new().revlab(&arguments());
    assert_eq!(said.err, "");
    assert!(!said.out.contains('\r'));
}
