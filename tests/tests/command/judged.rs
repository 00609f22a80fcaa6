//! `revlab judge`, `revlab report`, and which runs are chosen.

use insta::assert_snapshot;

use crate::folder::{Folder, GOOD, failing, good_with, in_two_variants};

const RUN: &str = "results/good/default/web";

fn kept() -> Folder {
    let folder = Folder::with(&[("good.toml", GOOD)]);
    assert_eq!(folder.revlab(&["run", "good.toml", "--out", "results"]).status, Some(0));
    folder
}

#[test]
fn a_kept_run_is_judged_as_when_it_was_run() {
    let folder = kept();
    let ran = folder.revlab(&["run", "good.toml"]);
    for place in ["results", "results/good", RUN] {
        let again = folder.revlab(&["judge", place]);
        assert_eq!((again.status, &again.out, &*again.err), (Some(0), &ran.out, ""), "{place}");
    }
    let explained = folder.revlab(&["judge", "results", "--explain"]);
    assert!(explained.out.starts_with(ran.out.trim_end()) && explained.out.len() > ran.out.len());
}

#[test]
fn another_scenario_may_expect_otherwise_but_not_of_another_time() {
    let folder = kept();
    let strict = failing();
    let later = good_with("duration = \"1h\"", "duration = \"2h\"");
    folder.put("strict.toml", &strict);
    folder.put("later.toml", &later);
    let said = folder.revlab(&["judge", "results", "strict.toml"]);
    assert_eq!(said.status, Some(1), "{}", said.out);
    assert!(said.out.contains("FAILED"), "{}", said.out);
    let said = folder.revlab(&["judge", "results", "later.toml"]);
    assert_eq!((said.status, &*said.out), (Some(2), ""));
    assert_snapshot!(said.err, @"error: results/good/default/web: the run was of 1h from 2024-03-01T00:00:00.000Z, and the scenario is of 2h from 2024-03-01T00:00:00.000Z: its expectations would look where nothing was run");
}

#[test]
fn of_variants_the_one_of_the_runs_name_judges_it() {
    let two = in_two_variants();
    let folder = Folder::with(&[("two.toml", &two), ("good.toml", GOOD)]);
    assert_eq!(folder.revlab(&["run", "two.toml", "--out", "results"]).status, Some(0));
    let said = folder.revlab(&["judge", "results", "two.toml", "--format", "json"]);
    assert_eq!(said.status, Some(0), "{}", said.err);
    let reports: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let variants: Vec<_> = reports.as_array().unwrap().iter().map(|r| &r["variant"]).collect();
    assert_eq!(variants, ["patched", "unpatched"]);
    folder.revlab(&["run", "good.toml", "--out", "alone"]);
    let said = folder.revlab(&["judge", "alone", "two.toml"]);
    assert_eq!(said.status, Some(2));
    assert!(said.err.contains("variants only; say which with `--variant`"), "{}", said.err);
    let said = folder.revlab(&["judge", "alone", "two.toml", "--variant", "unpached"]);
    assert!(said.err.contains("no variant `unpached`"), "{}", said.err);
    let said = folder.revlab(&["judge", "alone", "two.toml", "--variant", "unpatched"]);
    assert_eq!(said.status, Some(0), "{}", said.err);
}

#[test]
fn reports_are_made_again_byte_for_byte_from_trace_and_scenario_alone() {
    let folder = kept();
    let names = ["report.json", "report.md", "report.html"].map(|name| format!("{RUN}/{name}"));
    let before: Vec<String> = names.iter().map(|name| folder.read(name)).collect();
    let junit = folder.read("results/junit.xml");
    for gone in ["report.json", "report.md", "report.html", "logs", "cache", "pki"] {
        folder.remove(&format!("{RUN}/{gone}"));
    }
    folder.remove("results/junit.xml");
    let said = folder.revlab(&["report", "results"]);
    assert_eq!((said.status, &*said.err), (Some(0), ""));
    assert_snapshot!(said.out, @r"
    results/good/default/web/report.json
    results/good/default/web/report.md
    results/good/default/web/report.html
    results/good/default/web/attempts.csv
    results/junit.xml
    ");
    let after: Vec<String> = names.iter().map(|name| folder.read(name)).collect();
    assert_eq!(before, after);
    assert_eq!(folder.read("results/junit.xml"), junit);
    let printed = folder.revlab(&["report", RUN, "--format", "markdown"]);
    assert_eq!(printed.out.trim_end(), after[1].trim_end());
    let table = folder.revlab(&["report", RUN, "--format", "csv"]);
    assert_eq!(table.out.lines().count(), 61);
    assert_eq!(
        folder.revlab(&["report", RUN, "--format", "junit"]).out.trim_end(),
        junit.trim_end()
    );
}

#[test]
fn a_run_that_was_cut_is_inconclusive_and_a_folder_without_one_is_refused() {
    let folder = kept();
    let trace = folder.read(&format!("{RUN}/trace.jsonl"));
    folder.put(&format!("{RUN}/trace.jsonl"), &trace[..trace.len() / 3]);
    let said = folder.revlab(&["judge", "results"]);
    assert_eq!(said.status, Some(3), "{}", said.err);
    assert!(said.out.contains("INCONCLUSIVE"), "{}", said.out);
    folder.put(&format!("{RUN}/trace.jsonl"), "{}\n");
    let said = folder.revlab(&["judge", "results"]);
    assert_eq!((said.status, &*said.out), (Some(2), ""));
    assert_snapshot!(said.err, @"error: results/good/default/web/trace.jsonl: line 1: not a trace record: missing field `n`, column 2");
    folder.remove(RUN);
    for place in ["results", "nowhere"] {
        let said = folder.revlab(&["report", place]);
        assert_eq!((said.status, &*said.out), (Some(2), ""), "{}", said.err);
    }
}

#[test]
fn shards_make_up_the_whole_and_jobs_change_nothing() {
    let folder = Folder::with(&[("two.toml", &in_two_variants()), ("good.toml", GOOD)]);
    let whole = folder.revlab(&["run", ".", "--format", "markdown"]).out;
    let one = folder.revlab(&["run", ".", "--format", "markdown", "--jobs", "1"]).out;
    assert_eq!(whole, one);
    let runs = |text: &str| text.lines().filter(|l| l.starts_with("### ")).count();
    assert_eq!(runs(&whole), 3);
    let shard = |k: u32| {
        let said =
            folder.revlab(&["run", ".", "--format", "markdown", "--shard", &format!("{k}/4")]);
        assert_eq!(said.status, Some(0), "{}", said.err);
        (runs(&said.out), said.err)
    };
    assert_eq!([shard(1).0, shard(2).0, shard(3).0, shard(4).0], [1, 1, 1, 0]);
    assert!(shard(4).1.contains("nothing to run in this shard"));
}

#[test]
fn tags_choose_and_a_tag_that_nothing_has_is_a_mistake() {
    let tagged = format!("tags = [\"nightly\"]\n{GOOD}");
    let folder = Folder::with(&[("tagged.toml", &tagged), ("good.toml", GOOD)]);
    let said = folder.revlab(&["run", ".", "--tag", "nightly", "--format", "json"]);
    let reports: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(reports.as_array().unwrap().len(), 1);
    assert_eq!(reports[0]["scenario"], "tagged");
    let said = folder.revlab(&["run", ".", "--tag", "nightli"]);
    assert_eq!(said.status, Some(2));
    assert!(said.err.contains("`nightly`"), "{}", said.err);
}

#[test]
fn what_is_known_to_fail_passes_until_it_is_cured() {
    let failing = failing();
    let known = |text: &str| text.replace("attempts = {", "known = \"LAB-7\"\nattempts = {");
    let folder = Folder::with(&[("f.toml", &known(&failing)), ("c.toml", &known(GOOD))]);
    let said = folder.revlab(&["run", "f.toml", "--out", "results"]);
    assert_eq!(said.status, Some(0), "{}{}", said.out, said.err);
    assert!(said.out.contains("known: ") && said.out.contains("LAB-7"), "{}", said.out);
    assert!(folder.read("results/junit.xml").contains("<skipped message=\"known: LAB-7\""));
    let said = folder.revlab(&["run", "c.toml"]);
    assert_eq!(said.status, Some(1));
    assert!(said.out.contains("CURED"), "{}", said.out);
}
