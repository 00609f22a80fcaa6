//! Keys `profile`, `hypothesis`, `updates` and `parameters` of `[sut.NAME]`: how a SUT checks.

use std::sync::Arc;

use revlab_sut::profile::{Hypothesis, Parameters, Profile, Sheet, Update, ValueError};

use super::super::source::read_text;
use super::super::tree::{Entry, Value, shortened};
use super::fields::Fields;

/// The profile of a SUT that names none, or one that cannot be had: mistakes are found all the
/// same.
const USUAL: &str = "windows-2008r2";

pub(super) fn decode(fields: &Fields<'_>) -> Profile {
    let sheet = sheet(fields).or_else(|| Sheet::named(USUAL));
    let sheet = sheet.expect("the usual profile is built in");
    let hypothesis =
        fields.choice("hypothesis", &Hypothesis::NAMES).unwrap_or_else(|| sheet.hypothesis());
    let updates = updates(fields, &sheet);
    let mut profile = Profile::new(sheet, hypothesis, updates);
    if let Some(entry) = fields.entry("parameters") {
        parameters(fields, entry, &mut profile);
    }
    profile
}

/// A built-in profile by its name, or a file of the user's.
fn sheet(fields: &Fields<'_>) -> Option<Arc<Sheet>> {
    let name = fields.text("profile")?;
    if is_file(name) {
        return of_file(fields, name);
    }
    let found = Sheet::named(name);
    if found.is_none() {
        let message = format!("`profile` of {} cannot be `{}`", fields.label, shortened(name));
        let valid = Sheet::library().iter().map(|sheet| sheet.name());
        fields.cx.report_name(fields.place_of("profile"), message, name, valid, "there are");
    }
    found
}

/// Whether the text names a file rather than a built-in profile.
pub(super) fn is_file(profile: &str) -> bool {
    profile.ends_with(".toml")
}

/// Reads a file, from the folder of the scenario file on.
fn of_file(fields: &Fields<'_>, path: &str) -> Option<Arc<Sheet>> {
    let whole = fields.cx.folder(fields.place_of("profile")).join(path);
    let text = read_text(&whole)
        .map_err(|why| {
            fields.report("profile", format!("`{}` cannot be read: {why}", shortened(path)));
        })
        .ok()?;
    let refused = |error: revlab_sut::profile::SheetError| {
        let place = error
            .place(&text)
            .map(|(line, column)| format!(":{line}:{column}"))
            .unwrap_or_default();
        fields.report("profile", format!("{}{place}: {}", shortened(path), error.message));
    };
    Sheet::read(path, &text).map_err(refused).map(Arc::new).ok()
}

fn updates(fields: &Fields<'_>, sheet: &Sheet) -> Vec<Update> {
    let mut updates = Vec::new();
    for (text, place) in fields.texts("updates").unwrap_or_default() {
        let Some(update) = fields.chosen("updates", place, text, &Update::NAMES) else { continue };
        if sheet.updates().contains(&update) {
            updates.push(update);
        } else {
            let message = format!("there is no {text} for the profile `{}`", sheet.name());
            fields.cx.report(place, message);
        }
    }
    updates
}

fn parameters(fields: &Fields<'_>, entry: &Entry, profile: &mut Profile) {
    let Value::Table(table) = &entry.node.value else {
        let example = "write `parameters = { ocsp_offline_memory = \"6h\" }`";
        let message = format!("must be a table, but is {}; {example}", entry.node.value.describe());
        return fields.report("parameters", message);
    };
    for entry in table.iter() {
        let value = match &entry.node.value {
            Value::Text(text) => revlab_sut::profile::Value::Text(text),
            Value::Integer(number) => revlab_sut::profile::Value::Integer(*number),
            Value::Boolean(value) => revlab_sut::profile::Value::Boolean(*value),
            other => {
                let message = format!("parameter `{}` cannot be {}", entry.key, other.describe());
                fields.cx.report(entry.node.place, message);
                continue;
            }
        };
        match profile.set(&entry.key, value) {
            Ok(()) => {}
            Err(ValueError::Unknown(name)) => {
                let message = format!("there is no parameter `{}`", shortened(&name));
                let valid = Parameters::ALL.iter().map(|info| info.name);
                fields.cx.report_name(entry.place, message, &name, valid, "there are");
            }
            Err(ValueError::Bad(why)) => {
                let is = entry.node.value.describe();
                let message = format!("parameter `{}`: {why}, but it is {is}", entry.key);
                fields.cx.report(entry.node.place, message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use revlab_sut::profile::Hypothesis;

    use crate::scenario::load;

    /// A folder with a scenario whose SUT has these lines, and a profile of the user's beside it.
    fn folder(sut: &str, profile: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let scenario = format!(
            "format = 1\ntitle = \"x\"\nstart = \"2024-01-01T00:00:00Z\"\nduration = \"1h\"\n\
             [ca.issuing]\n[clients.users]\nevery = \"1m\"\n[sut.web]\n{sut}\n"
        );
        fs::write(folder.path().join("lab.toml"), scenario).unwrap();
        fs::create_dir(folder.path().join("profiles")).unwrap();
        fs::write(folder.path().join("profiles/ours.toml"), profile).unwrap();
        folder
    }

    const OURS: &str = "title = \"ours\"\nextends = \"windows-10\"\n[parameters]\n\
                        prefetch = { value = false, reported = \"our policy\" }\n";

    #[test]
    fn a_profile_can_be_a_file_beside_the_scenario() {
        let folder = folder("profile = \"profiles/ours.toml\"", OURS);
        let scenario = load(&folder.path().join("lab.toml")).unwrap().remove(0);
        let profile = &scenario.suts["web"].profile;
        assert_eq!(profile.name(), "profiles/ours.toml");
        assert!(!profile.parameters().prefetch);
        assert_eq!(profile.parameters().user_agent, "Microsoft-CryptoAPI/10.0");
        assert_eq!(profile.hypothesis(), Hypothesis::H0);
        // What is kept of a run can be read again from anywhere.
        let whole = folder.path().join("profiles/ours.toml").display().to_string();
        assert!(scenario.resolved.contains(&whole), "{}", scenario.resolved);
    }

    #[test]
    fn what_is_wrong_with_it_is_said_with_its_place_in_the_file() {
        let said = |sut: &str, profile: &str| {
            let folder = folder(sut, profile);
            load(&folder.path().join("lab.toml")).unwrap_err().lines().join("\n")
        };
        let ours = "profile = \"profiles/ours.toml\"";
        let mistakes = [
            said("profile = \"profiles/theirs.toml\"", OURS),
            said(ours, &OURS.replace("false", "0")),
            said(ours, &OURS.replace("title", "tilte")),
            said(&format!("{ours}\nupdates = [\"KB2666300\"]"), OURS),
        ];
        let names = |line: &String| line.rsplit_once("lab.toml").unwrap().1.to_owned();
        insta::assert_snapshot!(mistakes.iter().map(names).collect::<Vec<_>>().join("\n"), @r#"
        :9:11: `profile` of SUT `web`: `profiles/theirs.toml` cannot be read: there is no such file
        :9:11: `profile` of SUT `web`: profiles/ours.toml:4:12: `prefetch`: `true` or `false` is needed
        :9:11: `profile` of SUT `web`: profiles/ours.toml:1:1: unknown field `tilte`, expected one of `title`, `extends`, `hypothesis`, `updates`, `parameters`
        :10:12: there is no KB2666300 for the profile `profiles/ours.toml`
        "#);
    }
}
