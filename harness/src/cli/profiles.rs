//! `revlab profiles`: how systems under test check, and how two of them differ.

use std::path::Path;
use std::sync::Arc;

use revlab_sut::profile::Sheet;

use super::{Format, Refusal, print};
use crate::profiles;

pub(super) fn profiles(names: &[String], format: Format) -> Result<u8, Refusal> {
    let sheets = names.iter().map(|name| sheet(name)).collect::<Result<Vec<_>, _>>()?;
    let text = match (sheets.as_slice(), format) {
        ([], Format::Terminal) => profiles::list(Sheet::library().iter().map(|sheet| &**sheet)),
        ([], Format::Json) => {
            let all = Sheet::library().iter().map(|sheet| profiles::explain_json(sheet));
            format!("{:#}", serde_json::Value::from(all.collect::<Vec<_>>()))
        }
        ([one], Format::Terminal) => profiles::explain(one),
        ([one], Format::Json) => format!("{:#}", profiles::explain_json(one)),
        ([one, other, ..], Format::Terminal) => profiles::differences(one, other),
        ([one, other, ..], Format::Json) => {
            format!("{:#}", profiles::differences_json(one, other))
        }
    };
    print(&text)?;
    Ok(0)
}

/// A built-in profile, or a file.
pub(super) fn sheet(name: &str) -> Result<Arc<Sheet>, Refusal> {
    if let Some(sheet) = Sheet::named(name) {
        return Ok(sheet);
    }
    if !name.ends_with(".toml") {
        let there_are: Vec<&str> = Sheet::library().iter().map(|sheet| sheet.name()).collect();
        let likeness = |other: &&&str| (strsim::jaro_winkler(other, name) * 1e6) as u64;
        let nearest = there_are.iter().max_by_key(likeness).copied().unwrap_or_default();
        let there_are = there_are.join(", ");
        let message = format!(
            "error: there is no profile `{name}`; did you mean `{nearest}`? There are {there_are}"
        );
        return Err(Refusal(format!("{message}, and files that end in `.toml`")));
    }
    let text = std::fs::read_to_string(Path::new(name))
        .map_err(|error| Refusal(format!("error: {name} cannot be read: {error}")))?;
    let refused = |error: revlab_sut::profile::SheetError| {
        let place = error.place(&text);
        let place = place.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
        Refusal(format!("error: {}\n  --> {name}{place}", error.message))
    };
    Sheet::read(name, &text).map(Arc::new).map_err(refused)
}
