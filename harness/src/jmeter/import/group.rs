//! A thread group as a client.

use revlab_lab::Span;

use super::super::plan::Node;
use super::load::{self, LoadKeys};
use super::{HOLDERS, Reading, Scope, is_defaults, is_timer, open_model, path_of, quoted, sut};
use crate::jmeter::jtl::IDENTITY;

/// A client of the scenario.
pub(super) struct Client {
    name: String,
    /// The place of its host among those that are asked, from 1.
    sut: usize,
    threads: u32,
    identities: u32,
    ramp_up: Span,
    from: Span,
    until: Option<Span>,
    loops: Option<u64>,
    timeout: Option<Span>,
    path: String,
    keep_alive: bool,
    load: LoadKeys,
}

/// How long a group without an end goes on.
const ENDLESS: Span = Span::from_hours(1);
/// What clients have at most.
const MOST: f64 = 10_000.0;

impl Client {
    /// When its last attempt has come to its end, about.
    pub(super) fn end(&self) -> Span {
        if let Some(until) = self.until {
            return until;
        }
        let loops = self.loops.unwrap_or(1).min(1_000_000) as f64;
        let length = loops * (self.load.gap_ms + 1000.0);
        let length = Span::from_millis(length.min(3e9) as i64);
        // Whole minutes.
        let all = (self.from + self.ramp_up + length).as_millis();
        Span::from_mins(all / 60_000 + 1)
    }

    pub(super) fn written(&self, several: bool) -> String {
        let mut lines = vec![format!("[clients.{}]", self.name)];
        if several {
            lines.push(format!("sut = \"{}\"", sut(self.sut)));
        }
        lines.extend(self.load.lines.iter().cloned());
        lines.push(format!("threads = {}", self.threads));
        let span =
            |key: &str, span: Span| (span > Span::ZERO).then(|| format!("{key} = \"{span}\""));
        if !self.load.is_rate {
            lines.extend(span("ramp_up", self.ramp_up));
        }
        lines.push(format!("identities = {}", self.identities));
        lines.extend(span("from", self.from));
        lines.extend(self.until.and_then(|until| span("until", until)));
        lines.extend(self.loops.map(|loops| format!("loops = {loops}")));
        lines.extend(self.timeout.and_then(|timeout| span("timeout", timeout)));
        if self.keep_alive {
            lines.push("keep_alive = true".to_owned());
        }
        if self.path != "/" {
            lines.push(format!("path = {}", quoted(&self.path)));
        }
        lines.join("\n") + "\n"
    }
}

/// A client where the plan has none.
pub(super) fn nobody() -> Client {
    Client {
        name: "users".to_owned(),
        sut: 1,
        threads: 1,
        identities: 1,
        ramp_up: Span::ZERO,
        from: Span::ZERO,
        until: Some(ENDLESS),
        loops: None,
        timeout: None,
        path: "/".to_owned(),
        keep_alive: false,
        load: LoadKeys {
            lines: vec!["every = \"1m\"".to_owned()],
            gap_ms: 60_000.0,
            is_rate: false,
        },
    }
}

/// What stands in a thread group.
#[derive(Default)]
struct Inside<'p> {
    samplers: Vec<(&'p Node, Vec<String>, Scope<'p>)>,
    /// Timers below pauses of a thread.
    pauses: Vec<(&'p Node, Vec<String>)>,
    pause_ms: f64,
}

pub(super) fn thread_group<'p>(
    reading: &mut Reading,
    node: &'p Node,
    path: &[String],
    scope: &Scope<'p>,
) {
    let threads = threads(reading, node, path);
    let ramp_up = seconds(reading, node, path, "ThreadGroup.ramp_time");
    let endless = node.is_true("LoopController.continue_forever");
    let loops =
        reading.number(path, node, "LoopController.loops").filter(|n| *n >= 1.0 && !endless);
    let timed = node.is_true("ThreadGroup.scheduler");
    let from = if timed { seconds(reading, node, path, "ThreadGroup.delay") } else { Span::ZERO };
    let length = match timed {
        true => {
            Some(seconds(reading, node, path, "ThreadGroup.duration")).filter(|s| *s > Span::ZERO)
        }
        false => None,
    };
    if node.prop("ThreadGroup.on_sample_error").is_some_and(|action| action != "continue") {
        reading.note(path, "goes on after an error, as every client does");
    }
    let until = match (length, loops) {
        (Some(length), _) => Some(from + length),
        (None, Some(_)) => None,
        (None, None) => {
            reading.note(path, &format!("has no end: it goes on for {ENDLESS}"));
            Some(from + ENDLESS)
        }
    };
    let inside = inside(reading, node, path, scope);
    let mut client = client(reading, node, path, &inside, threads);
    let mut timers = inside.samplers.first().map(|(_, _, s)| s.timers.clone()).unwrap_or_default();
    timers.extend(inside.pauses.iter().cloned());
    let pause;
    if inside.pause_ms > 0.0 {
        let delay = inside.pause_ms.to_string();
        pause = Node {
            class: "ConstantTimer".into(),
            props: [("ConstantTimer.delay".to_owned(), delay)].into(),
            ..Node::default()
        };
        timers.push((&pause, path.to_vec()));
    }
    client.load = load::load(reading, &timers, threads);
    if client.load.is_rate && ramp_up > Span::ZERO {
        reading.note(path, "a rate has no ramp-up: it begins at once");
    }
    (client.ramp_up, client.from, client.until) = (ramp_up, from, until);
    client.loops = loops.map(|n| n as u64);
    reading.clients.push(client);
}

pub(super) fn open_model<'p>(
    reading: &mut Reading,
    node: &'p Node,
    path: &[String],
    scope: &Scope<'p>,
) {
    let text = reading.value(path, node, "OpenModelThreadGroup.schedule").unwrap_or_default();
    let schedule = match open_model::read(&text) {
        Ok(schedule) => schedule,
        Err(step) => {
            return reading.note(
                path,
                &format!("`{step}` of its schedule is not understood: it is left out"),
            );
        }
    };
    if !schedule.stages.iter().any(|stage| stage.from > 0.0 || stage.to > 0.0) {
        return reading.note(path, "nobody comes by its schedule: it is left out");
    }
    let inside = inside(reading, node, path, scope);
    for (_, timer) in inside.samplers.iter().flat_map(|(_, _, scope)| &scope.timers) {
        reading.note(timer, "a timer in an open model is left out");
    }
    let mut client = client(reading, node, path, &inside, 1);
    client.load = load::open(&schedule);
    let length = schedule.stages.iter().fold(Span::ZERO, |sum, stage| sum + stage.length);
    client.until = Some(length);
    reading.clients.push(client);
}

fn threads(reading: &mut Reading, node: &Node, path: &[String]) -> u32 {
    let number = reading.number(path, node, "ThreadGroup.num_threads").unwrap_or(1.0);
    if !(1.0..=MOST).contains(&number) {
        reading.note(path, &format!("has {number} threads: a client has 1 to {MOST}"));
    }
    number.clamp(1.0, MOST) as u32
}

fn seconds(reading: &mut Reading, node: &Node, path: &[String], name: &str) -> Span {
    // Ten years.
    let seconds = reading.number(path, node, name).unwrap_or(0.0).clamp(0.0, 315_360_000.0);
    Span::from_millis((seconds * 1000.0) as i64)
}

/// Everything in a group, with what holds for each sampler.
fn inside<'p>(
    reading: &mut Reading,
    node: &'p Node,
    path: &[String],
    scope: &Scope<'p>,
) -> Inside<'p> {
    let mut inside = Inside::default();
    walk(reading, node, path, scope, &mut inside);
    inside
}

fn walk<'p>(
    reading: &mut Reading,
    node: &'p Node,
    path: &[String],
    scope: &Scope<'p>,
    inside: &mut Inside<'p>,
) {
    let scope = reading.scope(&node.below, path, scope);
    for child in &node.below {
        let path = path_of(child, path);
        if !child.enabled {
            reading.note(&path, "is disabled, and left out");
            continue;
        }
        match child.class.as_str() {
            "HTTPSamplerProxy" | "HTTPSampler" | "HTTPSampler2" => {
                let scope = reading.scope(&child.below, &path, &scope);
                for below in child.below.iter().filter(|below| !is_timer(below)) {
                    reading.not_understood(below, &path_of(below, &path));
                }
                inside.samplers.push((child, path, scope));
            }
            "TestAction" if child.prop("ActionProcessor.action") == Some("1") => {
                inside.pause_ms += load::pause(&reading.variables, child).unwrap_or(0.0);
                let timers = child.below.iter().filter(|below| is_timer(below));
                inside.pauses.extend(timers.map(|timer| (timer, path_of(timer, &path))));
                for below in child.below.iter().filter(|below| !is_timer(below)) {
                    reading.not_understood(below, &path_of(below, &path));
                }
            }
            class if HOLDERS.contains(&class) => walk(reading, child, &path, &scope, inside),
            _ if is_timer(child) || is_defaults(child) || child.class == "Arguments" => {}
            "KeystoreConfig" => reading.keystore(child, &path),
            "CSVDataSet" if tells_identities(child) => {}
            class if class.ends_with("Controller") => {
                reading.note(
                    &path,
                    "this controller is not understood: what is in it is done each time",
                );
                walk(reading, child, &path, &scope, inside);
            }
            _ => reading.not_understood(child, &path),
        }
    }
}

/// Whether a CSV file is that of the aliases, as plans that revlab writes have it.
fn tells_identities(node: &Node) -> bool {
    node.prop("variableNames").is_some_and(|names| names.split(',').any(|n| n.trim() == IDENTITY))
}

/// What the samplers and the keystore say of a client.
fn client(
    reading: &mut Reading,
    node: &Node,
    path: &[String],
    inside: &Inside<'_>,
    threads: u32,
) -> Client {
    let mut asked = None;
    for (sampler, path, scope) in &inside.samplers {
        let found = request(reading, sampler, path, scope);
        match (found, &asked) {
            (Some(found), None) => asked = Some(found),
            (Some(_), Some(_)) => {
                reading.note(path, "a client asks for one thing: this further request is left out");
            }
            (None, _) => {}
        }
    }
    if asked.is_none() {
        reading.note(path, "has no HTTPS request: the client asks for `/`");
    }
    let asked = asked.unwrap_or_default();
    let identities = match reading.keystore {
        Some(keystore) => keystore.aliases.unwrap_or(threads),
        None => {
            reading.note(path, "has no Keystore Configuration: JMeter uses one identity");
            1
        }
    };
    let sut = match asked.host {
        Some(host) => place(&mut reading.hosts, host),
        None => 1,
    };
    Client {
        name: unused(reading, &node.name),
        sut,
        threads,
        identities,
        timeout: asked.timeout,
        path: asked.path.unwrap_or_else(|| "/".to_owned()),
        keep_alive: asked.keep_alive,
        ..nobody()
    }
}

/// What a sampler asks for.
#[derive(Default)]
struct Request {
    host: Option<String>,
    path: Option<String>,
    timeout: Option<Span>,
    keep_alive: bool,
}

fn request(
    reading: &mut Reading,
    node: &Node,
    path: &[String],
    scope: &Scope<'_>,
) -> Option<Request> {
    let mut value = |name: &str| {
        let own = reading.value(path, node, name);
        own.or_else(|| scope.defaults.iter().rev().find_map(|node| reading.value(path, node, name)))
    };
    let protocol = value("HTTPSampler.protocol").unwrap_or_else(|| "http".to_owned());
    let (host, port) = (value("HTTPSampler.domain"), value("HTTPSampler.port"));
    let (asked, method) = (value("HTTPSampler.path"), value("HTTPSampler.method"));
    let timeout = value("HTTPSampler.response_timeout").and_then(|ms| ms.parse::<i64>().ok());
    if !protocol.eq_ignore_ascii_case("https") {
        reading.note(
            path,
            &format!("asks by {protocol}, without a client certificate: it is left out"),
        );
        return None;
    }
    if let Some(port) = port.filter(|port| port != "443") {
        reading.note(
            path,
            &format!("port {port} is not said in a scenario: `--sut https://HOST:{port}` does"),
        );
    }
    if let Some(method) = method.filter(|method| method != "GET") {
        reading.note(path, &format!("{method} becomes GET"));
    }
    if !node.arguments.is_empty() {
        reading.note(path, "parameters and body of the request are left out");
    }
    if node.is_true("HTTPSampler.image_parser") {
        reading.note(path, "embedded resources are not fetched");
    }
    let host = host.filter(|host| {
        let good = is_host(host);
        if !good {
            reading.note(path, &format!("`{host}` is no host name"));
        }
        good
    });
    let asked = asked.map(|asked| if asked.starts_with('/') { asked } else { format!("/{asked}") });
    let asked = asked.filter(|asked| {
        let good = asked.len() <= 2000 && asked.chars().all(|c| c.is_ascii_graphic());
        if !good {
            reading.note(
                path,
                "its path has blanks, or characters beyond ASCII: the client asks for `/`",
            );
        }
        good
    });
    let timeout = timeout.filter(|ms| (1..86_400_000).contains(ms)).map(Span::from_millis);
    let keep_alive = node.is_true("HTTPSampler.use_keepalive");
    Some(Request { host, path: asked, timeout, keep_alive })
}

fn is_host(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    text.len() <= 253
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
        && text.starts_with(edge)
        && text.ends_with(edge)
}

/// The place of a host, from 1; a new one comes last.
fn place(hosts: &mut Vec<String>, host: String) -> usize {
    if let Some(at) = hosts.iter().position(|known| *known == host) {
        return at + 1;
    }
    hosts.push(host);
    hosts.len()
}

/// A name for a client that no actor has: that of the thread group, as far as it can be one.
fn unused(reading: &Reading, name: &str) -> String {
    let mut own = String::new();
    for character in name.trim().chars().take(40) {
        match character.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => own.push(c),
            _ if own.ends_with('-') || own.is_empty() => {}
            _ => own.push('-'),
        }
    }
    let own = own.trim_end_matches('-');
    let own = if own.starts_with(|c: char| c.is_ascii_alphabetic()) {
        own.to_owned()
    } else {
        format!("users-{own}")
    };
    let own = own.trim_end_matches('-').to_owned();
    let taken = |name: &str| {
        name == "issuing"
            || name == "web"
            || name.strip_prefix("web-").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
            || reading.clients.iter().any(|client| client.name == name)
    };
    if !taken(&own) {
        return own;
    }
    let mut numbered = (2..).map(|n| format!("{own}-group-{n}"));
    numbered.find(|name| !taken(name)).unwrap_or(own)
}
