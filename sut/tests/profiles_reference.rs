//! `docs/src/reference/profiles.md` says what the code says: every parameter with its value, and
//! what hypotheses and updates change.

use std::collections::BTreeMap;
use std::path::Path;

use revlab_sut::profile::{Hypothesis, Parameters, Profile, ProfileName, Update};

/// What stands around the parts that this test holds to the code.
const PARAMETERS: [&str; 2] = ["<!-- parameters -->", "<!-- end of parameters -->"];
const CHANGES: [&str; 2] = ["<!-- changes -->", "<!-- end of changes -->"];

/// The part of the page between two marks.
fn part(page: &str, marks: [&str; 2]) -> String {
    let (_, rest) = page.split_once(marks[0]).expect("the page has the first mark");
    let (part, _) = rest.split_once(marks[1]).expect("the page has the second mark");
    part.trim().to_owned()
}

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/reference/profiles.md");
    std::fs::read_to_string(path).expect("the page is there")
}

/// A value as a scenario would write it.
fn written(value: &serde_json::Value) -> String {
    format!("`{value}`")
}

fn described(hypothesis: Hypothesis, updates: &[Update]) -> BTreeMap<String, serde_json::Value> {
    let profile = Profile::new(ProfileName::Windows2008R2, hypothesis, updates.to_vec());
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

fn parameters_table() -> String {
    let values = defaults();
    let mut table =
        String::from("| parameter | value | evidence | source | meaning |\n|---|---|---|---|---|");
    for info in Parameters::ALL {
        table.push_str(&format!(
            "\n| `{}` | {} | {} | {} | {} |",
            info.name,
            written(&values[info.name]),
            info.evidence.as_str(),
            info.source,
            info.doc.trim(),
        ));
    }
    table
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

#[test]
fn the_page_lists_every_parameter_with_its_value_evidence_and_source() {
    let expected = parameters_table();
    assert!(part(&page(), PARAMETERS) == expected, "the table should be\n\n{expected}\n");
}

#[test]
fn the_page_says_what_hypotheses_and_the_hotfix_change() {
    let expected = changes_table();
    assert!(part(&page(), CHANGES) == expected, "the table should be\n\n{expected}\n");
}

#[test]
fn h0_changes_nothing() {
    let defaults = Parameters::windows_2008r2();
    let profile = Profile::new(ProfileName::Windows2008R2, Hypothesis::H0, Vec::new());
    assert_eq!(*profile.parameters(), defaults);
}
