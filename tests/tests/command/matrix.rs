//! `revlab matrix`: one table of many runs, in parts, and against what is known.

use std::collections::{BTreeMap, BTreeSet};

use revlab::matrix::baseline::Baseline;
use revlab::matrix::{Cell, FORMAT, Matrix, Mix, State};
use serde_json::{Value, json};

use super::folder::{Folder, GOOD, in_two_variants};

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

/// State and reason of each cell of a matrix.
fn states(folder: &Folder, args: &[&str]) -> Vec<String> {
    let said = folder.revlab(&[&["matrix", "lab.toml", "--format", "json"], args].concat());
    let matrix: Value =
        serde_json::from_str(&said.out).unwrap_or_else(|e| panic!("{e}: {}", said.err));
    let cells = matrix["cells"].as_array().expect("cells");
    let word = |cell: &Value, field: &str| cell[field].as_str().unwrap_or_default().to_owned();
    let words = |cell: &Value| {
        let parts = ["variant", "state", "reason"].map(|field| word(cell, field));
        parts.join(" ").trim_end().to_owned()
    };
    cells.iter().map(words).collect()
}

#[test]
fn a_tag_chooses_among_variants() {
    let text = in_two_variants() + "tags = [\"quick\"]\n";
    let folder = Folder::with(&[("lab.toml", &text)]);
    assert_eq!(states(&folder, &[]), ["unpatched ran", "patched ran"]);
    assert_eq!(states(&folder, &["--tag", "quick"]), ["patched ran"]);
}

#[test]
fn a_server_that_never_sees_what_goes_wrong_refuses() {
    let unseen =
        "[fault.wrong]\non = \"issuing.ocsp\"\nfrom = \"10m\"\nmust_be_met = false\ndown = {}\n";
    let spoiled =
        "[variant.files]\nsut.web.publisher.faults = [{ from = \"20m\", unreadable = {} }]\n";
    let text = format!("{GOOD}{unseen}[variant.ocsp]\n{spoiled}");
    let folder = Folder::with(&[("lab.toml", &text)]);
    let wanted = [
        "ocsp refused it never asks for `issuing.ocsp`, which fault `wrong` is on",
        "files refused its CRL files are spoiled, and it reads none",
    ];
    assert_eq!(states(&folder, &["--sut", "model"]), wanted);
}

/// Every link of a page to a trace.
fn traces(page: &str) -> Vec<&str> {
    let parts = page.split(['"', '<', '>']);
    parts.filter(|part| part.ends_with("/trace.jsonl")).collect()
}

#[test]
fn links_of_a_merged_matrix_lead_to_the_runs_of_its_shards() {
    let folder = folder();
    for part in ["1/2", "2/2"] {
        let out = format!("the shards/{}", &part[..1]);
        let said = folder.revlab(&["matrix", "lab.toml", "--shard", part, "--out", &out]);
        assert_eq!(said.status, Some(0), "{}", said.err);
    }
    let merge = |more: &[&str]| {
        let merge = ["matrix", "--merge", "the shards/1", "the shards/2"];
        let said = folder.revlab(&[&merge[..], more].concat());
        assert_eq!((said.status, &*said.err), (Some(0), ""));
        said.out
    };
    let lead = |page: &str, from: &str| {
        let links = traces(page);
        assert_eq!(links.len(), 2, "{page}");
        for link in links {
            let file = folder.path(from).join(link.replace("%20", " "));
            assert!(file.is_file(), "{link} from {from:?}");
        }
    };
    merge(&["--out", "some/where else"]);
    for page in ["matrix.html", "matrix.md"] {
        lead(&folder.read(&format!("some/where else/{page}")), "some/where else");
    }
    for format in ["html", "markdown"] {
        lead(&merge(&["--format", format]), "");
    }
    // What was merged can be merged again.
    let said = folder.revlab(&["matrix", "--merge", "some/where else", "--out", "again"]);
    assert_eq!(said.status, Some(0), "{}", said.err);
    lead(&folder.read("again/matrix.md"), "again");
}

/// An adapter of one's own whose program is installed nowhere.
fn put_server_that_is_not_there(folder: &Folder) {
    let nginx = concat!(env!("CARGO_MANIFEST_DIR"), "/../sut/adapters/nginx/");
    for name in ["adapter.toml", "nginx.conf"] {
        let text = std::fs::read_to_string(format!("{nginx}{name}")).expect("the adapter of nginx");
        let text = text.replace("programs = [\"nginx\"]", "programs = [\"nginx-of-next-year\"]");
        folder.put(&format!("adapters/mine/{name}"), &text);
    }
}

fn schema(text: &str) -> (Value, jsonschema::Validator) {
    let schema = serde_json::from_str(text).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    (schema, validator)
}

fn of_matrices() -> (Value, jsonschema::Validator) {
    schema(include_str!("../../../docs/src/reference/matrix.schema.json"))
}

fn of_baselines() -> (Value, jsonschema::Validator) {
    schema(include_str!("../../../docs/src/reference/matrix-baseline.schema.json"))
}

fn fits(schema: &jsonschema::Validator, it: &Value) {
    let wrong: Vec<String> = schema.iter_errors(it).map(|e| e.to_string()).collect();
    assert!(wrong.is_empty(), "{}\n{it:#}", wrong.join("\n"));
}

#[test]
fn what_is_written_is_what_the_schemas_say() {
    let folder = folder();
    put_server_that_is_not_there(&folder);
    let args = ["--sut", "model,mine", "--across", "tls=1.3", "--out", "out"];
    let known = ["--write-baseline", "known.json"];
    let said = folder.revlab(&[&["matrix", "lab.toml"][..], &args, &known].concat());
    assert_eq!(said.status, Some(0), "{}", said.err);
    let (_, schema) = of_matrices();
    let matrix = folder.json("out/matrix.json");
    fits(&schema, &matrix);
    let cells = matrix["cells"].as_array().expect("cells");
    let states: Vec<_> = cells.iter().filter_map(|cell| cell["state"].as_str()).collect();
    assert_eq!(states, ["ran", "skipped", "ran", "skipped"]);
    let (_, baselines) = of_baselines();
    fits(&baselines, &folder.json("known.json"));
    let with = |path: &str, value: Value| {
        let mut other = matrix.clone();
        *other.pointer_mut(path).expect("it is there") = value;
        other
    };
    assert!(!schema.is_valid(&with("/format", json!(2))));
    assert!(!schema.is_valid(&with("/cells/0/state", json!("fine"))));
    assert!(!schema.is_valid(&with("/cells/0/state", json!("skipped"))), "without a reason");
    assert!(!schema.is_valid(&with("/cells/0/phases/0", json!({ "phase": "throughout" }))));
    assert!(!schema.is_valid(&with("/cells/0/fetches", json!({ "pigeon": 1 }))));
    assert!(!baselines.is_valid(&matrix));
}

/// Each field has a value, so that each is written: a new one does not compile until it stands here.
fn every_field() -> Matrix {
    let counts = || BTreeMap::from([("admitted".to_owned(), 1)]);
    let mix = Mix { phase: "before".to_owned(), good: counts(), revoked: counts() };
    let cell = Cell {
        scenario: "lab".to_owned(),
        variant: Some("patched".to_owned()),
        crossing: Some("tls=1.3".to_owned()),
        sut: "model".to_owned(),
        state: State::Inconclusive,
        reason: Some("cut".to_owned()),
        version: Some("windows-2008r2".to_owned()),
        status: Some("inconclusive".to_owned()),
        phases: vec![mix],
        fetches: BTreeMap::from([("base".to_owned(), 1)]),
        refused_by: BTreeMap::from([("status 403.13".to_owned(), 1)]),
        exposure_ms: Some(0),
        slowest_ms: 0,
        fail_open: vec!["1 × revoked".to_owned()],
        lock_out: vec!["1 × good".to_owned()],
        died: Some("ended with status 1".to_owned()),
        folder: Some("model/lab".to_owned()),
        command: "revlab run lab.toml".to_owned(),
    };
    Matrix {
        format: FORMAT,
        revlab: "1.0.0".to_owned(),
        suts: vec!["model".to_owned()],
        planned: vec![cell.name()],
        chosen: true,
        cells: vec![cell],
    }
}

#[test]
fn the_schemas_have_the_fields_that_there_are() {
    let fields = |of: &Value| -> BTreeSet<String> {
        of.as_object().expect("an object").keys().cloned().collect()
    };
    let (schema, validator) = of_matrices();
    let matrix = serde_json::to_value(every_field()).expect("JSON");
    fits(&validator, &matrix);
    let cell = &matrix["cells"][0];
    let defs = &schema["$defs"];
    assert_eq!(fields(&schema["properties"]), fields(&matrix));
    assert_eq!(fields(&defs["cell"]["properties"]), fields(cell));
    assert_eq!(fields(&defs["mix"]["properties"]), fields(&cell["phases"][0]));
    let ran = Cell { state: State::Ran, reason: None, ..every_field().cells.remove(0) };
    let baseline = Baseline::of(&Matrix { cells: vec![ran], ..every_field() });
    let baseline: Value = serde_json::from_str(&baseline.text()).expect("JSON");
    let (schema, validator) = of_baselines();
    fits(&validator, &baseline);
    assert_eq!(fields(&schema["properties"]), fields(&baseline));
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
    let tag = refused(&["--tag", "ci"]);
    assert_eq!(tag.trim_end(), "error: no scenario here has a tag `ci`: there are none");
    let variant = refused(&["--variant", "patchd"]);
    assert!(variant.contains("did you mean `patched`?"), "{variant}");
}
