//! A scenario's clients as a plan of JMeter, with everything that it needs: keystore, CSV files, properties,
//! and a page that says how to run it, also on many machines.
//!
//! Real JMeter sends the load then, while revlab plays the CA (`revlab serve`) and the judge
//! (`revlab jmeter judge`). What JMeter cannot say is listed.

mod group;
mod readme;
mod tree;

use revlab_clients::plan::{ClientPlan, Session};
use revlab_clients::{Choice, identity_name};
use revlab_lab::Name;
use revlab_lab::trace::TlsVersion;
use revlab_pki::Certificate;
use revlab_pki::pkcs12::{self, Encryption, Entry};

use super::jtl::IDENTITY;
use crate::exec::Cast;
use crate::out::PASSWORD;
use crate::scenario::Scenario;
use crate::scenario::model::OperationKind;
use tree::{Element, Prop};

/// The plan.
pub const PLAN: &str = "plan.jmx";
/// The identities of all clients, each under its name.
pub const KEYSTORE: &str = "clients.p12";

/// Where the plan's requests go, where that is not what the scenario says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Name or address of the server.
    pub host: Option<String>,
    /// Its port; 443 unless given.
    pub port: Option<u16>,
}

/// Everything that JMeter needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// The files.
    pub files: Vec<File>,
    /// What JMeter does otherwise than the scenario says, a sentence each.
    pub notes: Vec<String>,
}

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name in the folder.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Whether only its owner may read it.
    pub secret: bool,
}

impl File {
    fn text(name: impl Into<String>, text: String) -> File {
        File { name: name.into(), bytes: text.into_bytes(), secret: false }
    }
}

/// Makes a plan of a scenario's clients, whose certificates are those of `cast`.
pub fn export(scenario: &Scenario, cast: &Cast, target: &Target) -> Export {
    let mut notes = of_all(scenario);
    let mut groups = Vec::new();
    for plan in scenario.clients.values() {
        groups.extend(group::groups(scenario, plan, target, &mut notes));
    }
    let plan = tree::document(&test_plan(scenario, cast.identities.len(), groups));
    let mut files = vec![File::text(PLAN, plan)];
    files.extend(scenario.clients.values().map(identities));
    files.push(File { name: KEYSTORE.into(), bytes: keystore(cast), secret: true });
    files.push(File::text("roots.pem", roots(cast)));
    files.push(File::text("system.properties", system_properties()));
    files.push(File::text("user.properties", user_properties(scenario)));
    files.push(File::text("README.md", readme::text(scenario, &notes)));
    Export { files, notes }
}

/// The CSV file of a client's identities.
fn csv_of(client: &str) -> String {
    format!("identities-{client}.csv")
}

/// A line for each turn: the file begins anew at its end.
fn identities(plan: &ClientPlan) -> File {
    let line = |n: u32| format!("{}\n", identity_name(&plan.name, n));
    let all: String = match &plan.choice {
        Choice::RoundRobin => (1..=plan.identities).map(line).collect(),
        Choice::Listed(places) => places.iter().map(|place| line(place + 1)).collect(),
        Choice::Weighted(weights) => by_weight(weights).map(|place| line(place + 1)).collect(),
        Choice::Minted => line(1),
    };
    File::text(csv_of(&plan.name), all)
}

/// Places as often as their weights have it; the file of great weights stays small.
fn by_weight(weights: &[u32]) -> impl Iterator<Item = u32> {
    const LINES: u64 = 100_000;
    let all: u64 = weights.iter().copied().map(u64::from).sum();
    let part = all.div_ceil(LINES).max(1);
    let times = weights.iter().map(move |weight| u64::from(*weight).div_ceil(part));
    let times: Vec<u64> = times.collect();
    (0u32..).zip(times).flat_map(|(place, times)| (0..times).map(move |_| place))
}

/// Each identity with what its client sends in handshakes.
fn keystore(cast: &Cast) -> Vec<u8> {
    let lists: Vec<_> = cast
        .identities
        .iter()
        .map(|(name, identity)| (name, &identity.key, identity.certificate_list()))
        .collect();
    let entry = |(name, key, chain): &'_ (&'_ Name, _, _)| -> (String, _, _) {
        (name.to_string(), *key, std::sync::Arc::clone(chain))
    };
    let owned: Vec<(String, &revlab_pki::KeyPair, std::sync::Arc<[Certificate]>)> =
        lists.iter().map(entry).collect();
    let entries: Vec<Entry<'_>> = owned
        .iter()
        .map(|(friendly_name, key, chain)| Entry { friendly_name, key, chain })
        .collect();
    pkcs12::export_all(&entries, PASSWORD, Encryption::Modern)
}

/// The roots of all CAs.
fn roots(cast: &Cast) -> String {
    let mut known: Vec<&Certificate> = Vec::new();
    for certificate in cast.authorities.values().flatten().filter(|c| c.is_self_issued()) {
        if !known.contains(&certificate) {
            known.push(certificate);
        }
    }
    known.into_iter().map(Certificate::pem).collect()
}

fn system_properties() -> String {
    format!(
        "# For `jmeter -S system.properties`.\njavax.net.ssl.keyStore={KEYSTORE}\n\
         javax.net.ssl.keyStoreType=pkcs12\njavax.net.ssl.keyStorePassword={PASSWORD}\n"
    )
}

fn user_properties(scenario: &Scenario) -> String {
    let mut lines = vec![
        "# For `jmeter -q user.properties`. What `revlab jmeter judge` needs of the results:"
            .to_owned(),
        format!("sample_variables={IDENTITY}"),
        "sampleresult.timestamp.start=true".to_owned(),
    ];
    let kept = [
        ("output_format", "csv"),
        ("print_field_names", "true"),
        ("timestamp_format", "ms"),
        ("connect_time", "true"),
        ("assertion_results_failure_message", "true"),
        ("url", "true"),
        ("idle_time", "true"),
        // Thread 1 of one machine is not thread 1 of another.
        ("hostname", "true"),
    ];
    lines.extend(kept.map(|(name, value)| format!("jmeter.save.saveservice.{name}={value}")));
    let resumed = only(scenario, |plan| plan.session) == Some(Session::Resumed);
    // A context that is dropped with each iteration takes its connections with it.
    let lasts = resumed || only(scenario, |plan| plan.keep_alive) == Some(true);
    lines.push("# How often there is a handshake, and how often a full one:".to_owned());
    lines.push(format!("https.use.cached.ssl.context={lasts}"));
    lines.push(format!("httpclient.reset_state_on_thread_group_iteration={}", !lasts));
    if let Some(tls) = only(scenario, |plan| plan.tls) {
        let tls = match tls {
            TlsVersion::V1_2 => "TLSv1.2",
            TlsVersion::V1_3 => "TLSv1.3",
        };
        lines.push("# The protocol version:".to_owned());
        lines.push(format!("https.default.protocol={tls}"));
        lines.push(format!("https.socket.protocols={tls}"));
    }
    lines.join("\n") + "\n"
}

/// What all clients have in common; none: they differ.
fn only<T: PartialEq>(scenario: &Scenario, of: impl Fn(&ClientPlan) -> T) -> Option<T> {
    let mut all = scenario.clients.values().map(of);
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

/// What JMeter does otherwise for the plan as a whole.
fn of_all(scenario: &Scenario) -> Vec<String> {
    let mut notes = vec![
        "JMeter accepts every server certificate, also an expired or an untrusted one".to_owned(),
    ];
    if only(scenario, |plan| plan.tls).is_none() {
        let why = "JMeter speaks one version in a whole plan: each client takes what server and Java agree on";
        notes.push(format!("the clients' `tls` differ: {why}"));
    }
    if only(scenario, |plan| plan.session).is_none() {
        let why = "JMeter has one setting in a whole plan: every handshake is full";
        notes.push(format!("the clients' `session` differ: {why}"));
    }
    if scenario.clients.values().any(|plan| plan.keep_alive) {
        notes.push(
            "`keep_alive`: JMeter 2.13 makes a connection for each request all the same, where a client \
             certificate was shown"
                .to_owned(),
        );
    }
    match only(scenario, |plan| plan.keep_alive) {
        Some(false) => {}
        Some(true) if only(scenario, |plan| plan.session) == Some(Session::Resumed) => {}
        Some(true) => notes.push(
            "`keep_alive`: where a connection has ended, Java takes its session up in the next one"
                .to_owned(),
        ),
        None => {
            let why = "JMeter has one setting in a whole plan";
            let so = match only(scenario, |plan| plan.session) == Some(Session::Resumed) {
                true => "sessions and connections last",
                false => "no connection outlasts an iteration",
            };
            notes.push(format!("the clients' `keep_alive` differ: {why}: {so}"));
        }
    }
    for operation in scenario.operations.values() {
        let by_hand = match operation.action {
            OperationKind::Sut(_)
            | OperationKind::SwapCertificate { .. }
            | OperationKind::RestoreCertificate => {
                "on the server, where somebody else has to do it"
            }
            OperationKind::ClearSslState => "on clients, and JMeter does not do it",
            _ => continue,
        };
        notes.push(format!("operation `{}` is {by_hand}", operation.name));
    }
    notes
}

fn test_plan(scenario: &Scenario, identities: usize, groups: Vec<Element>) -> Element {
    let variables = Prop::Element {
        name: "TestPlan.user_defined_variables".into(),
        kind: "Arguments",
        gui: "ArgumentsPanel",
        inner: vec![Prop::Collection("Arguments.arguments".into())],
    };
    let keystore = Element::bean("KeystoreConfig", "Keystore Configuration")
        .with(Prop::text("clientCertAliasVarName", IDENTITY))
        .with(Prop::text("endIndex", identities.saturating_sub(1).to_string()))
        .with(Prop::text("preload", "true"))
        .with(Prop::text("startIndex", "0"));
    Element::new("TestPlan", "TestPlanGui", &scenario.title)
        .with(Prop::text("TestPlan.comments", format!("Written by revlab from {}", scenario.name)))
        .with(Prop::yes("TestPlan.functional_mode", false))
        .with(Prop::yes("TestPlan.serialize_threadgroups", false))
        .with(variables)
        .holding(std::iter::once(keystore).chain(groups))
}

#[cfg(test)]
mod tests;
