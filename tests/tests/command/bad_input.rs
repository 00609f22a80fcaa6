//! Bad input: one clear message, status 2, nothing left behind.

use std::net::{Ipv4Addr, TcpListener};

use insta::assert_snapshot;

use crate::folder::{Folder, GOOD, good_with, in_two_variants};

/// What is said about a scenario when it is to be run with results kept.
fn said_of(scenario: &str) -> String {
    let folder = Folder::with(&[("bad.toml", scenario)]);
    folder.refused(&["run", "bad.toml", "--out", "results"])
}

/// What is said about the good scenario with these arguments.
fn said_to(args: &[&str]) -> String {
    let folder = Folder::with(&[("good.toml", GOOD)]);
    folder.refused(&[&["run", "good.toml", "--out", "results"], args].concat())
}

#[test]
fn an_unknown_key() {
    assert_snapshot!(said_of(&good_with("every =", "sesion = \"fresh\"\nevery =")), @r#"
    error: unknown key `sesion` in client `users`
      --> bad.toml:10:1
       |
    10 | sesion = "fresh"
       | ^^^^^^
       |
       = help: did you mean `session`?
    "#);
}

#[test]
fn a_wrong_type() {
    assert_snapshot!(said_of(&good_with("\"1m\"", "60")), @r#"
    error: `every` of client `users` must be a duration such as `"10s"`, or one that is drawn: `"5s..15s"`, `"gaussian 10s, 2s"`, `"poisson 10s"`, but is the number 60
      --> bad.toml:10:9
       |
    10 | every = 60
       |         ^^
    "#);
}

#[test]
fn a_negative_period() {
    assert_snapshot!(said_of(&good_with("period = \"1h\"", "period = \"-1h\"")), @r#"
    error: `period` of `crl` of CA `issuing`: `-1h` is not longer than zero
     --> bad.toml:7:18
      |
    7 | crl = { period = "-1h", delta_period = "30m" }
      |                  ^^^^^
    "#);
}

#[test]
fn an_overlap_longer_than_its_period() {
    assert_snapshot!(said_of(&good_with("delta_period", "overlap = \"2h\", delta_period")), @r#"
    error: `overlap` of `crl` of CA `issuing`: `2h` is longer than `period` (`1h`)
     --> bad.toml:7:34
      |
    7 | crl = { period = "1h", overlap = "2h", delta_period = "30m" }
      |                                  ^^^^
    "#);
}

#[test]
fn an_expectation_on_a_client_that_does_not_exist() {
    let scenario = good_with("\"admitted\"", "\"admitted\", clients = [\"user\"]");
    assert_snapshot!(said_of(&scenario), @r#"
    error: there is no client `user`
      --> bad.toml:12:62
       |
    12 | attempts = { share = "all", outcome = "admitted", clients = ["user"] }
       |                                                              ^^^^^^
       |
       = help: did you mean `users`?
    "#);
}

#[test]
fn a_window_beyond_the_duration() {
    assert_snapshot!(said_of(&good_with("attempts =", "to = \"2h\"\nattempts =")), @r#"
    error: `to` of expectation `let-in` is outside the run: 2024-03-01T02:00:00.000Z
      --> bad.toml:12:6
       |
    12 | to = "2h"
       |      ^^^^
       |
       = help: the run lasts 1h, from 2024-03-01T00:00:00.000Z to 2024-03-01T01:00:00.000Z
    "#);
}

#[test]
fn a_toml_syntax_error() {
    assert_snapshot!(said_of(&good_with("[sut.web]", "[sut.web")), @r#"
    error: TOML syntax: unclosed table, expected `]`
     --> bad.toml:8:9
      |
    8 | [sut.web
      |         ^
    "#);
}

#[test]
fn a_file_that_is_not_there() {
    let said = Folder::new().refused(&["run", "missing.toml", "--out", "results"]);
    assert_snapshot!(said, @"error: there is no scenario file or folder missing.toml");
}

#[test]
fn a_file_that_is_no_text() {
    let folder = Folder::new();
    std::fs::write(folder.path("bytes.toml"), b"format\xff").expect("written");
    let said = folder.refused(&["run", "bytes.toml", "--out", "results"]);
    assert_snapshot!(said, @"error: bytes.toml: cannot be read: byte 6 is not UTF-8; a scenario is UTF-8 text");
}

#[test]
fn a_folder_without_scenarios() {
    let folder = Folder::with(&[("empty/readme.txt", "nothing")]);
    let said = folder.refused(&["run", "empty", "--out", "results"]);
    assert_snapshot!(said, @"error: there is no scenario (`*.toml`) in the folder empty");
}

#[test]
fn an_unknown_variant() {
    assert_snapshot!(said_to(&["--variant", "patched"]), @"error: no scenario here has a variant `patched`: there are none");
    let folder = Folder::with(&[("two.toml", &in_two_variants())]);
    let said = folder.refused(&["run", "two.toml", "--variant", "patchd"]);
    assert_snapshot!(said, @"error: no scenario here has a variant `patchd`: did you mean `patched`?");
}

#[test]
fn a_port_without_sockets() {
    assert_snapshot!(said_to(&["--port", "8443"]), @"error: `--port` is for real sockets: add `--transport live`");
}

#[test]
fn an_unknown_hypothesis() {
    assert_snapshot!(said_to(&["--hypothesis", "H9"]), @"error: there is no hypothesis `H9`: there are: `H0`, `H1a`, `H1b`, `H1c`, `H1d`, `H2`, `H4`, `H5`");
}

#[test]
fn an_unknown_system_under_test() {
    let said = said_to(&["--sut", "ngnix"]);
    let wanted = "error: there is no system under test `ngnix`: did you mean `nginx`?";
    assert!(said.starts_with(wanted), "{said}");
}

#[test]
fn a_seed_that_no_scenario_could_have() {
    assert_snapshot!(said_to(&["--seed", "9223372036854775808"]), @r"
    error: invalid value '9223372036854775808' for '--seed <N>': 9223372036854775808 is not in 0..=9223372036854775807

    For more information, try '--help'.
    ");
}

/// What is said of a port that is in use, with the port made a word.
fn said_with_its_port_taken(
    folder: &Folder,
    args: &[&str],
    takes: impl Fn(&str) -> Vec<String>,
) -> String {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port of the test's own");
    let port = taken.local_addr().expect("an address").port().to_string();
    let more = takes(&port);
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let said = folder.refused(&[args, &more].concat()).replace(&port, "PORT");
    let (said, rest) = said.split_once(" (os error ").expect("the system's reason");
    let (number, help) = rest.split_once(')').expect("the end of the reason");
    assert!(number.parse::<u32>().is_ok(), "{number}");
    format!("{said}{help}").trim_end().to_owned()
}

/// The port of the front of the model.
fn of_the_front(port: &str) -> Vec<String> {
    ["--transport", "live", "--port", port].map(str::to_owned).to_vec()
}

#[cfg(unix)]
#[test]
fn a_port_in_use() {
    let folder = Folder::with(&[("good.toml", GOOD)]);
    let run = ["run", "good.toml", "--out", "results"];
    let said = said_with_its_port_taken(&folder, &run, of_the_front);
    assert_snapshot!(said, @"error: good: the live transport cannot be set up: front of `web`: cannot listen on 127.0.0.1:PORT: Address already in use; without `--port` one that is free is taken");
    let of_the_ca = |port: &str| vec![format!("--sut=https://127.0.0.1:9?ca={port}&for=1m")];
    let said = said_with_its_port_taken(&folder, &["run", "good.toml"], of_the_ca);
    assert_snapshot!(said, @"error: good: the live transport cannot be set up: 127.0.0.1:PORT for the CA cannot be had: Address already in use; port 0 (`ca=0`, `--listen ADDRESS:0`) takes one that is free");
}

#[test]
fn what_an_earlier_run_left_outlives_one_that_cannot_begin() {
    let folder = Folder::with(&[("good.toml", GOOD)]);
    let run = ["run", "good.toml", "--out", "results"];
    assert_eq!(folder.revlab(&run).status, Some(0));
    let before = folder.read("results/good/default/web/trace.jsonl");
    said_with_its_port_taken(&folder, &run, of_the_front);
    assert_eq!(folder.read("results/good/default/web/trace.jsonl"), before);
}

#[test]
fn a_file_where_results_should_go() {
    let folder = Folder::with(&[("good.toml", GOOD), ("taken", "mine"), ("half/good", "mine")]);
    let said = |out| folder.refused(&["run", "good.toml", "--out", out]);
    assert_snapshot!(said("taken"), @"error: taken cannot be written: it is not a folder");
    assert_snapshot!(said("taken/below"), @"error: taken cannot be written: it is not a folder");
    assert_snapshot!(said("half"), @"error: half/good cannot be written: it is not a folder");
}

#[test]
fn two_scenarios_that_would_be_kept_in_one_folder() {
    let folder = Folder::with(&[("good.toml", GOOD), ("other/good.toml", GOOD)]);
    let said = folder.refused(&["run", ".", "--out", "results"]);
    assert_snapshot!(said, @"error: good: a scenario before it has the same name, and both would be kept in one folder: run them one at a time");
    assert_eq!(folder.revlab(&["run", "."]).status, Some(0), "nothing is kept, nothing collides");
}

#[test]
fn an_unknown_flag() {
    assert_snapshot!(said_to(&["--frmat", "json"]), @r"
    error: unexpected argument '--frmat' found

      tip: a similar argument exists: '--format'

    Usage: revlab run --out <DIR> --format <FORMAT> <SCENARIOS>...

    For more information, try '--help'.
    ");
}

#[test]
fn an_unknown_subcommand() {
    assert_snapshot!(Folder::new().refused(&["rum", "good.toml"]), @r"
    error: unrecognized subcommand 'rum'

      tip: a similar subcommand exists: 'run'

    Usage: revlab <COMMAND>

    For more information, try '--help'.
    ");
}

#[test]
fn one_bad_file_among_good_ones_keeps_all_from_being_run() {
    let folder = Folder::with(&[("a.toml", GOOD), ("b.toml", &good_with("\"1m\"", "60"))]);
    let said = folder.refused(&["run", "a.toml", "b.toml", "--out", "results"]);
    assert!(said.contains("--> b.toml:10:9"), "{said}");
}

#[test]
fn a_server_that_is_not_there() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port of the test's own");
    let port = taken.local_addr().expect("it is bound").port();
    drop(taken);
    let url = format!("https://127.0.0.1:{port}?ready=50ms&for=1s");
    let folder = Folder::with(&[("good.toml", GOOD)]);
    let said = folder.refused(&["run", "good.toml", "--sut", &url]);
    let said = said.replace(&port.to_string(), "PORT");
    assert_snapshot!(said, @"error: good: the system under test cannot be had: https://127.0.0.1:PORT was not there within 50ms: Connection refused (os error 111)");
}

#[test]
fn real_time_for_what_is_not_started() {
    let folder = Folder::with(&[("good.toml", GOOD)]);
    let wanted = "error: `--real-time` is for a program that the run starts: add `--sut NAME`\n";
    assert_eq!(folder.refused(&["run", "good.toml", "--real-time"]), wanted);
    let elsewhere = ["run", "good.toml", "--real-time", "--sut", "https://127.0.0.1:8443"];
    assert_eq!(folder.refused(&elsewhere), wanted);
}

#[test]
fn a_real_server_that_would_take_hours() {
    let folder = Folder::with(&[("long.toml", &good_with("\"1h\"\n[ca", "\"8h\"\n[ca"))]);
    let said = folder.refused(&["run", "long.toml", "--sut", "https://127.0.0.1:8443"]);
    assert_snapshot!(said, @"error: long: it lasts 8h, and that is real time: add `for=10m` to stop after ten minutes, or give the server lab time by `clock=FILE`, or have the scenario say by how much its times may be divided (`real_time = { divide = 60 }`)");
}

#[test]
fn an_option_of_a_server_that_is_not_there() {
    assert_snapshot!(said_to(&["--sut", "https://127.0.0.1:8443?clok=x"]), @"error: `clok` is not an option of `https://…`: did you mean `clock`?");
}
