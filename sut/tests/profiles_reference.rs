//! `docs/src/reference/profiles.md` says what the code says: every parameter with its value, and
//! what hypotheses and updates change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use revlab_sut::profile::{Hypothesis, Parameters, Profile, Sheet, Update};

/// What stands around the parts that this test holds to the code.
const PARAMETERS: [&str; 2] = ["<!-- parameters -->", "<!-- end of parameters -->"];
const PROFILES: [&str; 2] = ["<!-- profiles -->", "<!-- end of profiles -->"];
const OTHERS: [&str; 2] = ["<!-- others -->", "<!-- end of others -->"];
const CHANGES: [&str; 2] = ["<!-- changes -->", "<!-- end of changes -->"];

/// The part of the page between two marks.
fn part(page: &str, marks: [&str; 2]) -> String {
    let (_, rest) = page.split_once(marks[0]).expect("the page has the first mark");
    let (part, _) = rest.split_once(marks[1]).expect("the page has the second mark");
    part.trim().to_owned()
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/reference/profiles.md")
}

fn page() -> String {
    std::fs::read_to_string(path()).expect("the page is there")
}

fn sheet() -> Arc<Sheet> {
    Sheet::named("windows-2008r2").expect("it is built in")
}

/// A value as a scenario would write it.
fn written(value: &serde_json::Value) -> String {
    format!("`{value}`")
}

fn described(hypothesis: Hypothesis, updates: &[Update]) -> BTreeMap<String, serde_json::Value> {
    let profile = Profile::new(sheet(), hypothesis, updates.to_vec());
    let mut map = profile.describe();
    for name in ["profile", "hypothesis", "updates"] {
        map.remove(name).expect("the profile says which it is");
    }
    map
}

/// H0 changes nothing, so it shows the values of the profile itself.
fn defaults() -> BTreeMap<String, serde_json::Value> {
    described(Hypothesis::H0, &[])
}

fn row(sheet: &Sheet, name: &str, doc: &str) -> String {
    let given = sheet.given(name).expect("every parameter is given");
    let value = written(&sheet.parameters().value(name));
    format!("| `{name}` | {value} | {} | {} | {doc} |", given.evidence.as_str(), given.source)
}

const HEAD: &str = "| parameter | value | evidence | source | meaning |\n|---|---|---|---|---|";

fn parameters_table() -> String {
    let mut table = String::from(HEAD);
    for info in Parameters::ALL {
        table.push_str(&format!("\n{}", row(&sheet(), info.name, info.doc.trim())));
    }
    table
}

fn profiles_table() -> String {
    let mut table =
        String::from("| profile | what it is | extends | hypothesis |\n|---|---|---|---|");
    for sheet in Sheet::library() {
        let extends = sheet.extends().map(|name| format!("`{name}`")).unwrap_or_default();
        let (name, title, hypothesis) = (sheet.name(), sheet.title(), sheet.hypothesis());
        table.push_str(&format!("\n| `{name}` | {title} | {extends} | `{hypothesis}` |"));
    }
    table
}

/// What the files of the other profiles give.
fn others() -> String {
    let of = |sheet: &Arc<Sheet>| {
        let mut text = format!("### `{}`\n\n{HEAD}", sheet.name());
        let own = |name: &str| sheet.given(name).is_some_and(|given| given.by == sheet.name());
        for info in Parameters::ALL.iter().filter(|info| own(info.name)) {
            text.push_str(&format!("\n{}", row(sheet, info.name, info.doc.trim())));
        }
        text
    };
    let others = Sheet::library().iter().filter(|sheet| sheet.name() != "windows-2008r2");
    others.map(of).collect::<Vec<_>>().join("\n\n")
}

/// What differs from the profile's own values.
fn changes(to: &BTreeMap<String, serde_json::Value>) -> String {
    let from = defaults();
    let changed: Vec<String> = to
        .iter()
        .filter(|(name, value)| from[*name] != **value)
        .map(|(name, value)| format!("`{name} = {value}`"))
        .collect();
    if changed.is_empty() { "nothing".into() } else { changed.join(", ") }
}

fn changes_table() -> String {
    let mut table =
        String::from("| hypothesis | changes | left of it by KB2666300 |\n|---|---|---|");
    for (name, hypothesis) in Hypothesis::NAMES {
        table.push_str(&format!(
            "\n| `{name}` | {} | {} |",
            changes(&described(hypothesis, &[])),
            changes(&described(hypothesis, &[Update::Kb2666300])),
        ));
    }
    table
}

/// Whether the parts are as they should be; with `REVLAB_WRITE_PROFILES=1` they are written.
#[test]
fn the_page_says_what_the_files_say() {
    let parts = [
        (PROFILES, profiles_table()),
        (PARAMETERS, parameters_table()),
        (OTHERS, others()),
        (CHANGES, changes_table()),
    ];
    let mut text = page();
    for (marks, expected) in parts {
        if std::env::var_os("REVLAB_WRITE_PROFILES").is_some() {
            let (before, rest) = text.split_once(marks[0]).expect("the first mark");
            let (_, after) = rest.split_once(marks[1]).expect("the second mark");
            text = format!("{before}{}\n\n{expected}\n\n{}{after}", marks[0], marks[1]);
        } else {
            let marked = part(&text, marks);
            assert!(
                marked == expected,
                "run this test with REVLAB_WRITE_PROFILES=1; it should be\n\n{expected}\n"
            );
        }
    }
    if std::env::var_os("REVLAB_WRITE_PROFILES").is_some() {
        std::fs::write(path(), text).expect("the page can be written");
    }
}

#[test]
fn h0_changes_nothing() {
    for sheet in Sheet::library() {
        let profile = Profile::new(sheet.clone(), Hypothesis::H0, Vec::new());
        assert_eq!(profile.parameters(), sheet.parameters());
    }
}
