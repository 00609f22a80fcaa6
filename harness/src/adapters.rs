//! What there is to tell about adapters: a list, and one of them whole. Pure.

use revlab_sut::adapter::{Adapter, Monotonic, Names};
use serde_json::{Value, json};

use crate::exec::adapter::Program;

/// One line of the list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The adapter with its default profile.
    pub program: Program,
    /// Whether it is built in.
    pub built_in: bool,
    /// Its version, or why it cannot be started, in words.
    pub installed: Result<String, String>,
}

/// The list, for people.
pub fn list(all: &[Listed]) -> String {
    let width = all.iter().map(|one| one.program.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for one in all {
        let adapter = &one.program.adapter;
        let there = match &one.installed {
            Ok(version) => version.clone(),
            Err(why) => format!("missing: {why}"),
        };
        let kind = kind(adapter);
        let own = if one.built_in { "" } else { ", of your own" };
        text.push_str(&format!("{:width$}  {kind}{own}; {there}\n", one.program.name));
        text.push_str(&format!("{:width$}  profiles: {}\n", "", profiles(adapter)));
    }
    text
}

/// The same for programs.
pub fn list_json(all: &[Listed]) -> Value {
    let one = |one: &Listed| {
        let mut told = explain_json(&one.program);
        if let Value::Object(fields) = &mut told {
            fields.insert("built_in".into(), one.built_in.into());
            match &one.installed {
                Ok(version) => fields.insert("version".into(), version.as_str().into()),
                Err(why) => fields.insert("missing".into(), why.as_str().into()),
            };
        }
        told
    };
    all.iter().map(one).collect()
}

/// One adapter, for people.
pub fn explain(program: &Program) -> String {
    let adapter = &program.adapter;
    let mut text = format!("{}: {}\n\n", program.name, adapter.about);
    let mut line = |what: &str, is: String| text.push_str(&format!("{what:<10} {is}\n"));
    line("kind", kind(adapter).to_owned());
    line("programs", adapter.programs.join(", "));
    line("Debian", format!("apt-get install {}", adapter.packages.join(" ")));
    line("names", names(adapter.names).to_owned());
    line("time", time(adapter));
    line("shows it", if adapter.time.told.is_some() { "yes" } else { "never" }.to_owned());
    let refuses: Vec<String> = adapter.refuses.status.iter().map(u16::to_string).collect();
    if !refuses.is_empty() {
        line("refuses by", format!("status {}, beside 401, 403 and alerts", refuses.join(", ")));
    }
    if !adapter.keys.is_empty() {
        line("keys", format!("of CAs it knows {} alone", adapter.keys.join(", ")));
    }
    if adapter.unchecked.is_none() {
        line("checks", "its checks of revocation cannot be switched off in a run".to_owned());
    }
    text.push_str("\nprofiles\n");
    let width = adapter.profiles.keys().map(String::len).max().unwrap_or(0);
    for (name, profile) in &adapter.profiles {
        let usual = if *name == adapter.default { " (the default)" } else { "" };
        let files = if profile.crl_files { "; a publisher brings the files" } else { "" };
        text.push_str(&format!("  {name:width$}  {}{files}{usual}\n", profile.about));
    }
    text
}

/// The same for programs.
pub fn explain_json(program: &Program) -> Value {
    let adapter = &program.adapter;
    let profiles = adapter.profiles.iter().map(|(name, profile)| {
        json!({
            "name": name,
            "about": profile.about,
            "crl_files": profile.crl_files,
            "default": *name == adapter.default,
        })
    });
    json!({
        "name": program.name,
        "about": adapter.about,
        "kind": kind(adapter),
        "programs": adapter.programs,
        "packages": adapter.packages,
        "profiles": profiles.collect::<Vec<_>>(),
    })
}

fn kind(adapter: &Adapter) -> &'static str {
    match (adapter.is_verifier(), adapter.probe.is_some()) {
        (true, _) => "verifier",
        (false, true) => "server with a client of its own",
        (false, false) => "server",
    }
}

fn profiles(adapter: &Adapter) -> String {
    adapter.profiles.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn names(names: Names) -> &'static str {
    match names {
        Names::Dns => "it looks them up: it needs a network of the lab's own (Linux, `unshare`)",
        Names::Proxy => "it asks a proxy: it needs none",
        Names::None => "it asks no CA",
    }
}

fn time(adapter: &Adapter) -> String {
    let time = &adapter.time;
    let clock =
        if time.runs { "goes on between two settings" } else { "stands still while bytes move" };
    let timers = match time.monotonic {
        Monotonic::Real => "its timers are real",
        Monotonic::Lab => "its timers are lab time too",
    };
    let patient = match time.patient {
        true => "; it sets no time-outs on what it fetches",
        false => "; what is held back from it is held back in real time",
    };
    format!("by libfaketime: its clock {clock}, {timers}{patient}")
}
