//! `revlab compare`.

use insta::assert_snapshot;

use crate::folder::{Folder, GOOD, good_with};

/// The good scenario, and one in which the CA is gone for a while, each run and kept.
fn two() -> Folder {
    let down = good_with(
        "[expect.let-in]",
        r#"
[fault.down]
on = "issuing"
from = "15m"
for = "45m"
down = {}
[expect.let-in]"#,
    );
    let folder = Folder::with(&[("good.toml", GOOD), ("down.toml", &down)]);
    for (file, out) in [("good.toml", "a"), ("down.toml", "b")] {
        let said = folder.revlab(&["run", file, "--out", out]);
        assert!(said.status != Some(2), "{}", said.err);
    }
    folder
}

#[test]
fn what_became_worse_ends_with_status_1_and_what_became_better_with_0() {
    let folder = two();
    let worse = folder.revlab(&["compare", "a", "b"]);
    assert_eq!(worse.status, Some(1), "{}{}", worse.out, worse.err);
    assert_snapshot!(worse.out);
    let better = folder.revlab(&["compare", "b", "a"]);
    assert_eq!(better.status, Some(0), "{}", better.out);
    let allowed = folder.revlab(&["compare", "a", "b", "--worse", "exposure,latency=1000%"]);
    assert_eq!(allowed.status, Some(0), "{}", allowed.out);
    let json = folder.revlab(&["compare", "a", "b", "--format", "json"]).json();
    assert_eq!(json[0]["attempts"]["both"], 60);
    assert!(json[0]["worse"].as_array().is_some_and(|worse| !worse.is_empty()));
    for format in ["markdown", "html"] {
        let said = folder.revlab(&["compare", "a", "b", "--format", format]);
        assert!(said.out.contains("B is worse than A"), "{}", said.out);
    }
}

#[test]
fn folders_of_runs_are_paired_by_place_and_what_is_alone_is_named() {
    let folder = Folder::with(&[("one.toml", GOOD), ("two.toml", GOOD)]);
    for out in ["a", "b"] {
        assert_eq!(folder.revlab(&["run", ".", "--out", out]).status, Some(0));
    }
    let said = folder.revlab(&["compare", "a", "b", "--format", "json"]);
    assert_eq!((said.status, said.json().as_array().map(Vec::len)), (Some(0), Some(2)));
    folder.remove("b/two");
    folder.revlab(&["run", "one.toml", "--out", "b/more"]);
    let said = folder.revlab(&["compare", "a", "b"]);
    assert_eq!(said.status, Some(2));
    assert_snapshot!(said.err, @r"
    error: runs of one side that the other does not have:
      a/two/default/web
      b/more/one/default/web
    ");
}

#[test]
fn a_cut_run_proves_nothing_and_a_wrong_rule_is_refused() {
    let folder = two();
    let trace = "a/good/default/web/trace.jsonl";
    let text = folder.read(trace);
    folder.put(trace, &text[..text.len() / 2]);
    assert_eq!(folder.revlab(&["compare", "a", "a"]).status, Some(3));
    let said = folder.revlab(&["compare", "a", "b", "--worse", "newly-refusd"]);
    assert_eq!(said.status, Some(2));
    assert!(said.err.contains("valid: newly-refused"), "{}", said.err);
}
