//! A plan of JMeter as the skeleton of a scenario.
//!
//! Each thread group becomes a client with its load, each host that is asked a system under test. What is
//! not understood, or means something else in a scenario, is listed with its path in the plan.

mod group;
mod load;
mod open_model;
mod values;

use super::plan::{self, Node};
pub use super::xml::XmlError;
use values::Variables;

/// The skeleton of a scenario, and what did not go into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// TOML, with the list as comments at its head.
    pub scenario: String,
    /// What is not understood or left out, each with its path in the plan.
    pub notes: Vec<String>,
}

/// Where the scenario begins: plans say nothing of the date.
const START: &str = "2024-03-01T00:00:00Z";

/// Makes a scenario of a plan; `from` is where it came from, for the first line.
///
/// # Errors
///
/// The text is not XML, or no plan of JMeter.
pub fn import(from: &str, text: &str) -> Result<Import, XmlError> {
    let plan = plan::read(text)?;
    let mut reading = Reading::default();
    for root in &plan {
        reading.variables.take(root);
    }
    for root in &plan {
        reading.node(root, &[], &Scope::default());
    }
    let title = plan.iter().find(|node| node.class == "TestPlan").map_or("", |node| &node.name);
    let title = if title.trim().is_empty() { "A plan of JMeter" } else { title };
    if reading.clients.is_empty() {
        reading
            .notes
            .push("there is no thread group in the plan: a client is put in its place".into());
        reading.clients.push(group::nobody());
    }
    let scenario = written(from, title, &reading);
    Ok(Import { scenario, notes: reading.notes })
}

/// What has been read so far.
#[derive(Default)]
pub(super) struct Reading {
    variables: Variables,
    clients: Vec<group::Client>,
    /// Hosts in the order in which they were met.
    hosts: Vec<String>,
    notes: Vec<String>,
    /// Number of identities, as far as the plan tells it.
    keystore: Option<Keystore>,
}

/// A Keystore Configuration.
#[derive(Clone, Copy)]
pub(super) struct Keystore {
    /// How many aliases it takes; none: all that there are.
    aliases: Option<u32>,
}

/// What holds for the elements below: timers and defaults of requests.
#[derive(Clone, Default)]
pub(super) struct Scope<'p> {
    timers: Vec<(&'p Node, Vec<String>)>,
    defaults: Vec<&'p Node>,
}

/// Elements that only hold others, and change nothing.
const HOLDERS: [&str; 4] =
    ["GenericController", "TransactionController", "TestFragmentController", "RecordingController"];

impl Reading {
    /// Puts something on the list.
    fn note(&mut self, path: &[String], what: &str) {
        self.notes.push(format!("{}: {what}", path.join(" > ")));
    }

    /// A value, resolved; noted where that cannot be done.
    fn value(&mut self, path: &[String], node: &Node, name: &str) -> Option<String> {
        let text = node.prop(name)?;
        match self.variables.resolve(text) {
            Ok(value) => Some(value.trim().to_owned()).filter(|value| !value.is_empty()),
            Err(unknown) => {
                self.note(
                    path,
                    &format!("`{name}` is `{text}`, and `{unknown}` is not known before the run"),
                );
                None
            }
        }
    }

    /// A number, resolved; noted where it is none.
    fn number(&mut self, path: &[String], node: &Node, name: &str) -> Option<f64> {
        let value = self.value(path, node, name)?;
        let number = value.parse::<f64>().ok().filter(|n| n.is_finite());
        if number.is_none() {
            self.note(path, &format!("`{name}` is `{value}`, not a number"));
        }
        number
    }

    /// Reads an element outside thread groups, and what hangs below it.
    fn node<'p>(&mut self, node: &'p Node, above: &[String], scope: &Scope<'p>) {
        let path = path_of(node, above);
        if !node.enabled {
            return self.note(&path, "is disabled, and left out");
        }
        match node.class.as_str() {
            "TestPlan" => {
                if node.is_true("TestPlan.serialize_threadgroups") {
                    self.note(
                        &path,
                        "runs one thread group after another: here they run at one time",
                    );
                }
                let scope = self.scope(&node.below, &path, scope);
                node.below.iter().for_each(|child| self.node(child, &path, &scope));
            }
            "ThreadGroup" => group::thread_group(self, node, &path, scope),
            "OpenModelThreadGroup" => group::open_model(self, node, &path, scope),
            "Arguments" => {}
            _ if is_timer(node) || is_defaults(node) => {}
            "KeystoreConfig" => self.keystore(node, &path),
            _ => self.not_understood(node, &path),
        }
    }

    /// What holds for these elements, and for all below them.
    fn scope<'p>(&mut self, nodes: &'p [Node], path: &[String], above: &Scope<'p>) -> Scope<'p> {
        let mut scope = above.clone();
        for node in nodes.iter().filter(|node| node.enabled) {
            if is_timer(node) {
                scope.timers.push((node, path_of(node, path)));
            }
            if is_defaults(node) {
                scope.defaults.push(node);
            }
            // A keystore holds for the whole plan, wherever it stands; it may stand behind its users.
            if node.class == "KeystoreConfig" && self.keystore.is_none() {
                self.keystore(node, &path_of(node, path));
            }
        }
        scope
    }

    fn keystore(&mut self, node: &Node, path: &[String]) {
        if self.keystore.is_some() {
            return;
        }
        let first = self.number(path, node, "startIndex").unwrap_or(0.0);
        let last = self.number(path, node, "endIndex");
        let count = last.filter(|last| *last >= first).map(|last| last - first + 1.0);
        let aliases = count.filter(|n| (1.0..=10_000.0).contains(n)).map(|n| n as u32);
        if aliases.is_none() {
            self.note(
                path,
                "does not say how many aliases there are: each thread is given an identity of its own",
            );
        }
        self.keystore = Some(Keystore { aliases });
    }

    /// Puts an element, and each below it, on the list.
    fn not_understood(&mut self, node: &Node, path: &[String]) {
        let what = match node.class.as_str() {
            "ResultCollector" | "Summariser" | "BackendListener" => {
                "a listener: revlab reports by itself"
            }
            "SetupThreadGroup" | "PostThreadGroup" => {
                "a thread group before or after the others is not understood, and left out"
            }
            _ => "is not understood, and left out",
        };
        self.note(path, what);
        for child in &node.below {
            self.not_understood(child, &path_of(child, path));
        }
    }
}

fn path_of(node: &Node, above: &[String]) -> Vec<String> {
    let name = node.name.trim();
    let own = match name.is_empty() {
        true => node.class.clone(),
        false => format!("{} ({})", plain(name), node.class),
    };
    above.iter().cloned().chain([own]).collect()
}

fn is_timer(node: &Node) -> bool {
    node.class.ends_with("Timer")
}

fn is_defaults(node: &Node) -> bool {
    node.class == "ConfigTestElement" && node.gui == "HttpDefaultsGui"
}

/// Text on one line.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn written(from: &str, title: &str, reading: &Reading) -> String {
    let mut text = format!("# Made from {} by `revlab jmeter import`.\n", plain(from));
    if !reading.notes.is_empty() {
        text.push_str("#\n# Not understood, or otherwise than in the plan:\n");
        for note in &reading.notes {
            text.push_str(&format!("# - {}\n", plain(note)));
        }
    }
    let duration = reading.clients.iter().map(group::Client::end).max().unwrap_or_default();
    text.push_str(&format!(
        "\nformat = 1\ntitle = {}\nstart = \"{START}\"\nduration = \"{duration}\"\n\n[ca.issuing]\n",
        quoted(&plain(title))
    ));
    let several = reading.hosts.len() > 1;
    for (number, host) in (1..).zip(&reading.hosts) {
        let under_test = if several && number == 1 { "under_test = true\n" } else { "" };
        text.push_str(&format!("\n[sut.{}]\n{under_test}host = {}\n", sut(number), quoted(host)));
    }
    if reading.hosts.is_empty() {
        text.push_str("\n[sut.web]\n");
    }
    for client in &reading.clients {
        text.push_str(&format!("\n{}", client.written(several)));
    }
    text.push_str(
        "\n[expect.all-let-in]\nattempts = { share = \"all\", outcome = \"admitted\" }\n",
    );
    text
}

/// The name of the system under test that has this place among the hosts.
fn sut(number: usize) -> String {
    match number {
        1 => "web".to_owned(),
        n => format!("web-{n}"),
    }
}

#[cfg(test)]
mod tests;
