//! Profiles put into words: the list of them, one explained, two compared.

use revlab_sut::profile::{Info, Parameters, Profile, Sheet};
use serde_json::{Value, json};

/// One line for each profile.
pub fn list<'a>(sheets: impl Iterator<Item = &'a Sheet> + Clone) -> String {
    let width = sheets.clone().map(|sheet| sheet.name().len()).max().unwrap_or(0);
    let lines = sheets.map(|sheet| format!("{:width$}  {}\n", sheet.name(), sheet.title()));
    lines.collect()
}

/// Every parameter of a profile: its value, how well that is known, from where, and what it is for.
pub fn explain(sheet: &Sheet) -> String {
    let mut text = format!("{}: {}\n", sheet.name(), sheet.title());
    if let Some(parent) = sheet.extends() {
        text.push_str(&format!("extends {parent}\n"));
    }
    text.push_str(&format!("hypothesis {}, unless a scenario names another\n", sheet.hypothesis()));
    let updates: Vec<&str> = sheet.updates().iter().map(|update| update.as_str()).collect();
    let updates = if updates.is_empty() { "none".to_owned() } else { updates.join(", ") };
    text.push_str(&format!("updates that there are: {updates}\n"));
    let (own, in_force) = (sheet.parameters(), in_force(sheet));
    for info in Parameters::ALL {
        let Some(given) = sheet.given(info.name) else { continue };
        let (value, now) = (own.value(info.name), in_force.value(info.name));
        text.push_str(&format!("\n{} = {value}\n", info.name));
        text.push_str(&format!("    {}\n", meaning(info)));
        text.push_str(&format!("    {}: {}", given.evidence.as_str(), given.source));
        if given.by != sheet.name() {
            text.push_str(&format!(" (from {})", given.by));
        }
        text.push('\n');
        if now != value {
            text.push_str(&format!("    inferred: {} makes it {now}\n", sheet.hypothesis()));
        }
    }
    text
}

/// What differs between two profiles, each under its own hypothesis.
pub fn differences(one: &Sheet, other: &Sheet) -> String {
    let rows = differing(one, other);
    if rows.is_empty() {
        return format!("{} and {} differ in nothing\n", one.name(), other.name());
    }
    let mut text = String::new();
    for (info, values) in rows {
        text.push_str(&format!("{}\n    {}\n", info.name, meaning(info)));
        let width = Ord::max(one.name().len(), other.name().len());
        for (sheet, value) in [one, other].into_iter().zip(values) {
            let why = rests_on(sheet, info, &value);
            text.push_str(&format!("    {:width$}  {value}  {why}\n", sheet.name()));
        }
        text.push('\n');
    }
    text
}

/// The same for programs: of one profile, all parameters.
pub fn explain_json(sheet: &Sheet) -> Value {
    let in_force = in_force(sheet);
    let parameter = |info: &Info| {
        let given = sheet.given(info.name)?;
        let object = json!({
            "name": info.name,
            "value": sheet.parameters().value(info.name),
            "in_force": in_force.value(info.name),
            "evidence": given.evidence.as_str(),
            "source": given.source,
            "given_by": given.by,
            "meaning": meaning(info),
        });
        Some(object)
    };
    json!({
        "name": sheet.name(),
        "title": sheet.title(),
        "extends": sheet.extends(),
        "hypothesis": sheet.hypothesis().as_str(),
        "updates": sheet.updates().iter().map(|update| update.as_str()).collect::<Vec<_>>(),
        "parameters": Parameters::ALL.iter().filter_map(parameter).collect::<Vec<_>>(),
    })
}

/// The same for programs: of two profiles, what differs.
pub fn differences_json(one: &Sheet, other: &Sheet) -> Value {
    let row = |(info, [a, b]): (&Info, [Value; 2])| json!({ "name": info.name, one.name(): a, other.name(): b, "meaning": meaning(info) });
    Value::from(differing(one, other).into_iter().map(row).collect::<Vec<_>>())
}

fn differing(one: &Sheet, other: &Sheet) -> Vec<(&'static Info, [Value; 2])> {
    let (a, b) = (in_force(one), in_force(other));
    let values =
        Parameters::ALL.iter().map(|info| (info, [a.value(info.name), b.value(info.name)]));
    values.filter(|(_, [a, b])| a != b).collect()
}

/// The values with the profile's own hypothesis applied.
fn in_force(sheet: &Sheet) -> Parameters {
    let sheet = std::sync::Arc::new(sheet.clone());
    let hypothesis = sheet.hypothesis();
    Profile::new(sheet, hypothesis, Vec::new()).parameters().clone()
}

fn rests_on(sheet: &Sheet, info: &Info, value: &Value) -> String {
    match sheet.given(info.name) {
        Some(given) if sheet.parameters().value(info.name) == *value => {
            format!("({}: {})", given.evidence.as_str(), given.source)
        }
        _ => format!("(inferred: {})", sheet.hypothesis()),
    }
}

fn meaning(info: &Info) -> &'static str {
    info.doc.trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_profiles_differ_in_what_their_files_and_hypotheses_say() {
        let named = |name| Sheet::named(name).unwrap();
        let (r2, later) = (named("windows-2008r2"), named("windows-2012r2"));
        insta::assert_snapshot!(differences(&r2, &later), @r#"
        user_agent
            User-Agent of retrievals.
            windows-2008r2  "Microsoft-CryptoAPI/6.1"  (reported: §2.8, the incident's CA log)
            windows-2012r2  "Microsoft-CryptoAPI/6.3"  (inferred: §2.8)

        skip_crl_on_ocsp_wire_error
            What an OCSP failure on the wire does to the CRL in the same pass.
            windows-2008r2  "refresh_only"  (inferred: H1d)
            windows-2012r2  "never"  (inferred: §7.1: no text says in which version the defect is gone)

        ocsp_error_mark
            Whether an OCSP failure on the wire writes an offline mark on the base CRL's entry.
            windows-2008r2  "when_skipped"  (inferred: H1d)
            windows-2012r2  "none"  (inferred: §7.1: marks per URL, as with the hotfix)
        "#);
        assert_eq!(
            differences(&later, &later),
            "windows-2012r2 and windows-2012r2 differ in nothing\n"
        );
        let json = differences_json(&r2, &later);
        assert_eq!(json[0]["windows-2012r2"], "Microsoft-CryptoAPI/6.3");
    }

    #[test]
    fn a_profile_is_explained_parameter_by_parameter() {
        let sheet = Sheet::named("windows-10").unwrap();
        let text = explain(&sheet);
        insta::assert_snapshot!(text.lines().take(9).collect::<Vec<_>>().join("\n"), @r#"
        windows-10: Windows 10 and Windows Server 2016 and later, IIS 10
        extends windows-2012r2
        hypothesis H0, unless a scenario names another
        updates that there are: none

        staple = "use"
            What becomes of an OCSP response that a server has stapled to its certificate (RFC 6066 §8).
            documented: §2.1: a stapled response goes first (from windows-2008r2)
        "#);
        let json = explain_json(&sheet);
        assert_eq!(json["parameters"].as_array().map(Vec::len), Some(Parameters::ALL.len()));
        let defect = explain(&Sheet::named("windows-2008r2").unwrap());
        assert!(defect.contains("    inferred: H1d makes it \"refresh_only\"\n"), "{defect}");
    }
}
