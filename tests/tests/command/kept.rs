//! What `--out` keeps.

use insta::assert_snapshot;
use revlab_lab::trace::{Attempt, Kind, Trace};

use crate::folder::{Folder, GOOD, in_two_variants};

const KEPT: &str = "results/good/default/web";

/// A folder in which the good scenario was run, with these arguments beside `--out`.
fn kept(args: &[&str]) -> Folder {
    let folder = Folder::with(&[("good.toml", GOOD)]);
    run(&folder, args);
    folder
}

fn run(folder: &Folder, args: &[&str]) {
    let said = folder.revlab(&[&["run", "good.toml", "--out", "results"], args].concat());
    assert_eq!((said.status, &*said.err), (Some(0), ""));
}

fn in_kept(name: &str) -> String {
    format!("{KEPT}/{name}")
}

#[test]
fn the_layout_is_the_documented_one() {
    let listing = kept(&[]).listing("results");
    // What the names of cached objects and certificates are made of is told elsewhere.
    let (cached, others): (Vec<&str>, Vec<&str>) =
        listing.lines().partition(|path| path.contains("/cache/") && !path.ends_with('/'));
    let mut endings: Vec<&str> = cached.iter().filter_map(|path| path.rsplit('.').next()).collect();
    endings.sort_unstable();
    assert_eq!(endings, ["cer", "cer", "crl", "crl", "json", "json", "json"]);
    assert_snapshot!(others.join("\n"), @r"
    good/
    good/default/
    good/default/web/
    good/default/web/cache/
    good/default/web/cache/certificates/
    good/default/web/cache/systemprofile/
    good/default/web/cache/systemprofile/Content/
    good/default/web/cache/systemprofile/MetaData/
    good/default/web/logs/
    good/default/web/logs/Microsoft-Windows-CAPI2/
    good/default/web/logs/Microsoft-Windows-CAPI2/Operational.xml
    good/default/web/logs/W3SVC1/
    good/default/web/logs/W3SVC1/u_ex240301.log
    good/default/web/logs/ca-access.log
    good/default/web/pki/
    good/default/web/pki/ca-issuing.pem
    good/default/web/pki/client-users-1.key
    good/default/web/pki/client-users-1.p12
    good/default/web/pki/client-users-1.pem
    good/default/web/pki/server-web.key
    good/default/web/pki/server-web.p12
    good/default/web/pki/server-web.pem
    good/default/web/report.html
    good/default/web/report.json
    good/default/web/report.md
    good/default/web/scenario.toml
    good/default/web/trace.jsonl
    junit.xml
    ");
}

#[test]
fn each_variant_has_a_folder_and_junit_covers_all() {
    let folder = Folder::with(&[("two.toml", &in_two_variants())]);
    assert_eq!(folder.revlab(&["run", "two.toml", "--out", "results"]).status, Some(0));
    for variant in ["unpatched", "patched"] {
        let report = folder.json(&format!("results/two/{variant}/web/report.json"));
        assert_eq!(report["variant"], variant);
        assert_eq!(report["status"], "held");
        let header = folder.header(&format!("results/two/{variant}/web/trace.jsonl"));
        assert_eq!(header.variant.as_deref(), Some(variant));
    }
    let junit = folder.read("results/junit.xml");
    assert_eq!(junit.matches("<testsuite ").count(), 2, "{junit}");
    assert!(junit.contains("unpatched") && junit.contains("let-in"), "{junit}");
}

#[test]
fn the_trace_is_readable_and_complete() {
    let trace = kept(&[]).trace(&in_kept("trace.jsonl"));
    assert!(trace.is_complete());
    assert_eq!(attempts(&trace).len(), 60);
}

#[test]
fn the_report_is_the_one_that_is_printed() {
    let folder = Folder::with(&[("good.toml", GOOD)]);
    let said = folder.revlab(&["run", "good.toml", "--out", "results", "--format", "json"]);
    assert_eq!(said.json()[0], folder.json(&in_kept("report.json")));
}

/// Everything but the header, which names the scenario.
fn happened(trace: &Trace) -> &[revlab_lab::trace::Record] {
    trace.records().get(1..).unwrap_or_default()
}

#[test]
fn the_kept_scenario_is_the_one_of_the_trace_and_runs_again_to_the_same() {
    let folder = kept(&["--seed", "7", "--hypothesis", "H0"]);
    let (text, header) =
        (folder.read(&in_kept("scenario.toml")), folder.header(&in_kept("trace.jsonl")));
    assert_eq!(revlab::digest::sha256_hex(text.as_bytes()), header.digest);
    let again = folder.revlab(&["run", &in_kept("scenario.toml"), "--out", "again"]);
    assert_eq!((again.status, &*again.err), (Some(0), ""));
    let kept_again = "again/scenario/default/web";
    let second = folder.header(&format!("{kept_again}/trace.jsonl"));
    assert_eq!((second.seed, &second.profiles), (header.seed, &header.profiles));
    let first = folder.trace(&in_kept("trace.jsonl"));
    let second = folder.trace(&format!("{kept_again}/trace.jsonl"));
    assert!(happened(&first).len() > 60);
    assert_eq!(happened(&first), happened(&second));
    // The first line names the scenario, which is another file's now.
    let body = |text: &str| text.split_once('\n').map(|(_, body)| body.to_owned());
    assert_eq!(body(&folder.read(&format!("{kept_again}/scenario.toml"))), body(&text));
}

#[test]
fn seed_and_hypothesis_of_the_command_line_are_in_the_header() {
    let folder = kept(&[]);
    let header = folder.header(&in_kept("trace.jsonl"));
    assert_eq!((header.seed, &header.profiles["web"]["hypothesis"]), (1, &"H1d".into()));
    assert_eq!(header.transport, "sim");
    run(&folder, &["--seed", "7", "--hypothesis", "H0"]);
    let replaced = folder.header(&in_kept("trace.jsonl"));
    assert_eq!((replaced.seed, &replaced.profiles["web"]["hypothesis"]), (7, &"H0".into()));
    assert_ne!(replaced.digest, header.digest);
}

#[test]
fn another_seed_gives_other_keys() {
    let folder = kept(&[]);
    let key = folder.read(&in_kept("pki/client-users-1.key"));
    run(&folder, &["--seed", "7"]);
    assert_ne!(folder.read(&in_kept("pki/client-users-1.key")), key);
}

#[test]
fn a_second_run_replaces_the_first_byte_by_byte() {
    let folder = kept(&[]);
    let (listing, trace) = (folder.listing("results"), folder.read(&in_kept("trace.jsonl")));
    folder.put(&in_kept("logs/W3SVC1/u_ex140416.log"), "of another run");
    folder.put(&in_kept("pki/client-other-1.key"), "of another run");
    run(&folder, &[]);
    assert_eq!(folder.listing("results"), listing);
    assert!(folder.read(&in_kept("trace.jsonl")) == trace, "the trace differs");
}

fn attempts(trace: &Trace) -> Vec<Attempt> {
    let attempt = |record: &revlab_lab::trace::Record| match &record.kind {
        Kind::Attempt(attempt) => Some(Attempt { wall_ms: None, ..attempt.clone() }),
        _ => None,
    };
    trace.records().iter().filter_map(attempt).collect()
}

#[test]
fn over_real_sockets_the_same_attempts_come_in_the_same_order() {
    let folder = kept(&[]);
    let sim = folder.trace(&in_kept("trace.jsonl"));
    run(&folder, &["--transport", "live"]);
    let live = folder.trace(&in_kept("trace.jsonl"));
    assert_eq!(folder.header(&in_kept("trace.jsonl")).transport, "live");
    assert!(live.is_complete());
    assert_eq!(attempts(&live).len(), 60);
    assert_eq!(attempts(&live), attempts(&sim));
}

#[cfg(unix)]
#[test]
fn private_keys_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = kept(&[]);
    // A key of an earlier run that anybody may read must not lend its mode to the next.
    let key = folder.path(&in_kept("pki/server-web.key"));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("set");
    run(&folder, &[]);
    for name in ["server-web.key", "client-users-1.key"] {
        let path = folder.path(&in_kept(&format!("pki/{name}")));
        let mode = std::fs::metadata(path).expect("a key").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
