//! From the merged tree of one variant to the typed scenario.
//!
//! One file for each table of the language. Each declares its keys as a [`Spec`]; what a file may
//! say is what is declared there, and the reference in the book is tested against it.

mod actors;
mod ca;
mod clients;
mod clock;
mod context;
mod expect;
mod fault;
mod fields;
mod filter;
mod head;
mod identities;
mod imported;
mod issued;
mod load;
mod operation;
mod profile;
mod publisher;
mod publishing;
mod renewed;
mod responder;
mod sut;
mod times;
mod validator;
mod validity;

use std::collections::BTreeMap;

use revlab_lab::Name;

use super::diagnostic::Diagnostic;
use super::model::Scenario;
use super::source::Sources;
use super::tree::{Entry, Table};

pub(super) use actors::top;
pub(super) use context::check_name;
pub(super) use head::VARIANT;

use actors::Actors;
use context::Context;

/// A table of the language: the keys that it may have.
#[derive(Debug)]
pub(super) struct Spec {
    /// Its path in a scenario, with `NAME` for what the scenario names: `fault.NAME.down`.
    pub(super) path: &'static str,
    /// Keys in the order of the reference.
    pub(super) keys: &'static [&'static str],
    /// Tables of which exactly one must be there; empty: there is no such choice.
    pub(super) kinds: &'static [&'static Spec],
}

impl Spec {
    /// The last part of the path: the key under which the table stands.
    fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }
}

/// Every table of the language.
#[cfg(test)]
pub(super) fn specs() -> Vec<&'static Spec> {
    let own = [
        head::SPECS,
        clock::SPECS,
        ca::SPECS,
        issued::SPECS,
        publishing::SPECS,
        renewed::SPECS,
        responder::SPECS,
        publisher::SPECS,
        sut::SPECS,
        validator::SPECS,
        clients::SPECS,
        fault::SPECS,
        operation::SPECS,
        filter::SPECS,
        expect::SPECS,
    ];
    own.concat()
        .into_iter()
        .flat_map(|spec| std::iter::once(spec).chain(spec.kinds.iter().copied()))
        .collect()
}

/// Decodes the merged tree of one variant.
///
/// # Errors
///
/// Every mistake in it.
pub(super) fn scenario(
    name: &str,
    variant: Option<Name>,
    tree: &Table,
    sources: &Sources,
) -> Result<Scenario, Vec<Diagnostic>> {
    let mut cx = Context::of(sources);
    let head = head::decode(&mut cx, tree);
    cx.run = head.as_ref().and_then(|head| head.run);
    cx.actors = Actors::survey(&cx, tree);

    let cas = each(&cx, tree, "ca", ca::decode);
    ca::check_parents(&cx, tree, &cas);
    let suts = each(&cx, tree, "sut", sut::decode);
    let validators = each(&cx, tree, "validator", validator::decode);
    let clients =
        each(&cx, tree, "clients", |cx, name, entry| clients::decode(cx, &suts, name, entry));
    let mut faults = each(&cx, tree, "fault", fault::decode);
    fault::of_cas(&cx, tree, &mut faults);
    let operations = each(&cx, tree, "operation", |cx, name, entry| {
        operation::decode(cx, &cas, &clients, name, entry)
    });
    identities::check_states(&cx, tree, &clients, &operations);
    let expectations = in_order(&cx, tree, "expect", expect::decode);

    let absolute = imported::absolute(&cx, tree);
    let found = cx.into_found();
    let (Some(head), true) = (head, found.is_empty()) else { return Err(found) };
    let Some(run) = head.run else { return Err(found) };
    Ok(Scenario {
        name: name.to_owned(),
        title: head.title,
        description: head.description,
        resolved: resolved(name, variant.as_ref(), &absolute),
        variant,
        tags: head.tags,
        start: run.start,
        duration: run.duration,
        divide: head.divide,
        always_real: head.always_real,
        seed: head.seed,
        network: head.network,
        cas,
        suts,
        validators,
        clients,
        faults,
        operations,
        expectations: expectations.into_iter().map(|(_, expectation)| expectation).collect(),
    })
}

/// The tables `[section.NAME]`, each decoded, in the order of the file.
fn in_order<T>(
    cx: &Context,
    tree: &Table,
    section: &str,
    decode: impl Fn(&Context, Name, &Entry) -> Option<T>,
) -> Vec<(Name, T)> {
    let Some(entry) = tree.get(section) else { return Vec::new() };
    let Some(table) = cx.section(entry) else { return Vec::new() };
    let mut decoded = Vec::new();
    for entry in table.iter() {
        match check_name(&entry.key, section) {
            Ok(name) => decoded.extend(decode(cx, name.clone(), entry).map(|value| (name, value))),
            Err(message) => cx.report(entry.place, message),
        }
    }
    decoded
}

fn each<T>(
    cx: &Context,
    tree: &Table,
    section: &str,
    decode: impl Fn(&Context, Name, &Entry) -> Option<T>,
) -> BTreeMap<Name, T> {
    in_order(cx, tree, section, decode).into_iter().collect()
}

/// The merged tree as a scenario file of its own. The first line tells variants apart that come to
/// the same.
fn resolved(name: &str, variant: Option<&Name>, tree: &Table) -> String {
    let which = variant.map_or(String::new(), |variant| format!(", variant {variant}"));
    let name = name.replace(char::is_control, " ");
    format!("# {name}{which}, as resolved\n{}", tree.to_text())
}
