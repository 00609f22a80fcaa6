//! `revlab list`: the scenario library.

use std::path::PathBuf;

use super::{Format, Refusal, lint::discover, print, talk};
use crate::scenario::library::{self, Entry};

pub(super) fn list(folders: &[PathBuf], format: Format) -> Result<u8, Refusal> {
    let mut entries = Vec::new();
    let mut status = 0;
    for file in discover(folders)? {
        match library::entry(&file) {
            Ok(entry) => entries.push(entry),
            Err(errors) => {
                talk(&errors.render(super::lint::colour()));
                status = super::REFUSED;
            }
        }
    }
    match format {
        Format::Terminal => print(&table(&entries))?,
        Format::Json => print(&json(&entries))?,
    }
    Ok(status)
}

fn table(entries: &[Entry]) -> String {
    let width = entries.iter().map(|e| e.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for entry in entries {
        text.push_str(&format!("{:width$}  {}\n", entry.name, entry.title));
        if !entry.variants.is_empty() {
            let variants: Vec<&str> = entry.variants.iter().map(|v| &**v).collect();
            text.push_str(&format!("{:width$}  variants: {}\n", "", variants.join(", ")));
        }
    }
    text
}

fn json(entries: &[Entry]) -> String {
    let list: Vec<_> = entries
        .iter()
        .map(|e| {
            let variants: Vec<&str> = e.variants.iter().map(|v| &**v).collect();
            serde_json::json!({
                "name": e.name,
                "path": e.path.display().to_string(),
                "title": e.title,
                "variants": variants,
                "tags": e.tags,
            })
        })
        .collect();
    format!("{:#}", serde_json::Value::from(list))
}
