//! Exit statuses of `run`, and what is said with them.

use serde_json::Value;

use crate::folder::{Folder, GOOD, Said, failing, good_with, in_two_variants, unmet};

fn said_of(scenario: &str, args: &[&str]) -> Said {
    let folder = Folder::with(&[("it.toml", scenario)]);
    folder.revlab(&[&["run", "it.toml"], args].concat())
}

#[test]
fn every_expectation_held() {
    let said = said_of(GOOD, &["--format", "json"]);
    assert_eq!((said.status, &*said.err), (Some(0), ""));
    let json = said.json();
    assert_eq!(json.as_array().expect("an array").len(), 1);
    assert_eq!(json[0]["status"], "held");
    assert_eq!(json[0]["scenario"], "it");
    assert_eq!(json[0]["findings"][0]["seen"], "60 of 60 attempts admitted");
}

#[test]
fn each_variant_is_run_unless_one_is_chosen() {
    let variants = |said: &Said| -> Vec<Value> {
        let json = said.json();
        json.as_array().expect("an array").iter().map(|run| run["variant"].clone()).collect()
    };
    let said = said_of(&in_two_variants(), &["--format", "json"]);
    assert_eq!(variants(&said), ["unpatched", "patched"]);
    let said = said_of(&in_two_variants(), &["--format", "json", "--variant", "patched"]);
    assert_eq!(variants(&said), ["patched"]);
}

#[test]
fn an_expectation_that_failed_is_shown_with_what_was_seen_instead() {
    let said = said_of(&failing(), &[]);
    assert_eq!((said.status, &*said.err), (Some(1), ""));
    let (_, expectations) = said.out.split_once("Expectations\n").expect("a part of their own");
    assert!(expectations.starts_with("FAILED"), "{expectations}");
    assert!(expectations.contains("none of the attempts admitted"), "{expectations}");
    assert!(expectations.contains("60 of 60 attempts admitted"), "{expectations}");
}

#[test]
fn a_fault_that_no_fetch_met_makes_the_run_inconclusive() {
    let said = said_of(&unmet(), &[]);
    assert_eq!((said.status, &*said.err), (Some(3), ""));
    assert!(said.out.contains("fault `no-ocsp` was met by no fetch"), "{}", said.out);
}

#[test]
fn of_several_results_two_comes_before_one_before_three_before_nought() {
    let folder = Folder::with(&[
        ("bad.toml", &good_with("\"1m\"", "60")),
        ("failed.toml", &failing()),
        ("held.toml", GOOD),
        ("unmet.toml", &unmet()),
    ]);
    let run = |files: &[&str]| folder.revlab(&[&["run", "--format", "json"], files].concat());
    assert_eq!(run(&["held.toml"]).status, Some(0));
    assert_eq!(run(&["held.toml", "unmet.toml"]).status, Some(3));
    let said = run(&["unmet.toml", "held.toml", "failed.toml"]);
    assert_eq!(said.status, Some(1));
    let json = said.json();
    let status = |n: usize| json[n]["status"].as_str().expect("a status");
    assert_eq!([status(0), status(1), status(2)], ["failed", "held", "inconclusive"]);
    let said = run(&["bad.toml", "failed.toml", "held.toml", "unmet.toml"]);
    assert_eq!((said.status, &*said.out), (Some(2), ""), "nothing was run");
}
