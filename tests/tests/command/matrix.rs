//! `revlab matrix`: one table of many runs, in parts, and against what is known.

use serde_json::Value;

use super::folder::{Folder, in_two_variants};

fn folder() -> Folder {
    Folder::with(&[("lab.toml", &in_two_variants())])
}

/// What is known of the cells of a matrix of the lab, as a baseline has it.
fn baseline(folder: &Folder) -> String {
    let said = folder.revlab(&["matrix", "lab.toml", "--write-baseline", "known.json"]);
    assert_eq!((said.status, &*said.err), (Some(0), ""), "{}", said.out);
    folder.read("known.json")
}

#[test]
fn a_matrix_has_a_cell_for_each_variant_and_says_how_to_run_it_alone() {
    let folder = folder();
    let said = folder.revlab(&["matrix", "lab.toml", "--format", "json", "--out", "out"]);
    assert_eq!(said.status, Some(0), "{}", said.err);
    let matrix: Value = serde_json::from_str(&said.out).expect("JSON");
    let cells = matrix["cells"].as_array().expect("cells");
    let commands: Vec<_> = cells.iter().filter_map(|cell| cell["command"].as_str()).collect();
    let line = |variant: &str| format!("revlab run lab.toml --variant {variant} --sut model");
    assert_eq!(commands, [line("unpatched"), line("patched")]);
    for cell in cells {
        let run = cell["folder"].as_str().expect("a folder");
        assert!(folder.path("out").join(run).join("trace.jsonl").is_file(), "{run}");
    }
    assert_eq!(matrix, folder.json("out/matrix.json"));
    for file in ["out/matrix.md", "out/matrix.html"] {
        assert!(folder.read(file).contains("patched"), "{file}");
    }
}

#[test]
fn what_is_known_holds_and_what_has_changed_is_status_1() {
    let folder = folder();
    let known = baseline(&folder);
    let again = |known: &str| {
        folder.put("known.json", known);
        folder.revlab(&["matrix", "lab.toml", "--baseline", "known.json"])
    };
    assert_eq!(again(&known).status, Some(0));
    let changed = again(&known.replacen("admitted", "refused", 1));
    assert_eq!(changed.status, Some(1), "{}", changed.err);
    assert!(changed.err.contains("changed"), "{}", changed.err);
    let renamed = again(&known.replacen(", patched @", ", mended @", 1));
    assert_eq!(renamed.status, Some(1), "{}", renamed.err);
    assert!(renamed.err.contains("new") && renamed.err.contains("vanished"), "{}", renamed.err);
    let broken = again("{");
    assert_eq!(broken.status, Some(2));
    assert!(broken.err.starts_with("error: known.json: "), "{}", broken.err);
}

#[test]
fn parts_come_together_to_the_whole_and_a_missing_one_is_inconclusive() {
    let folder = folder();
    let part = |part: &str| {
        let of = format!("{part}/2");
        let said = folder.revlab(&["matrix", "lab.toml", "--shard", &of, "--out", part]);
        assert_eq!(said.status, Some(0), "{}", said.err);
    };
    part("1");
    part("2");
    let json = |args: &[&str]| {
        let said = folder.revlab(&[&["matrix", "--format", "json"], args].concat());
        let cells = serde_json::from_str::<Value>(&said.out).expect("JSON")["cells"].clone();
        (said.status, cells.as_array().map(Vec::len), said.err)
    };
    assert_eq!(json(&["--merge", "1", "2"]), (Some(0), Some(2), String::new()));
    let (status, cells, said) = json(&["--merge", "1"]);
    assert_eq!((status, cells), (Some(3), Some(1)));
    assert!(said.contains("missing: lab, patched @ model"), "{said}");
}

#[test]
fn what_cannot_be_a_matrix_is_said() {
    let folder = folder();
    let refused = |args: &[&str]| {
        let said = folder.revlab(&[&["matrix", "lab.toml"], args].concat());
        assert_eq!((said.status, &*said.out), (Some(2), ""), "{}", said.err);
        said.err
    };
    let twice = refused(&["--sut", "model,model"]);
    assert_eq!(twice.trim_end(), "error: `--sut` names `model` twice");
    let unknown = refused(&["--sut", "modle"]);
    assert!(unknown.starts_with("error: there is no system under test `modle`"), "{unknown}");
    let real = refused(&["--sut", "https://127.0.0.1:8443"]);
    assert!(real.contains("lab time would be real time"), "{real}");
    assert!(refused(&["--across", "colour"]).contains("colour"));
}
