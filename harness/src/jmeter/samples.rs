//! What a sample of JMeter says of an attempt, and the sample that says the same of one.
//!
//! The outcome follows from the same rules as that of revlab's own clients ([`classify`]): a status is an
//! answer, an alert that Java names is a refusal, and so on. What an exception means is in
//! `EXCEPTIONS`, which is read in both directions.

mod exceptions;

use std::collections::BTreeMap;

use revlab_clients::classify::classify;
use revlab_clients::observation::{Agreed, Observation, SERVER_REFUSED, Seen, Times};
use revlab_clients::plan::{ClientPlan, identity_name};
use revlab_lab::trace::{Attempt, Handshake, Kind, Phase, PhasesMs, Trace};
use revlab_lab::{Name, Outcome, Span};

use super::jtl::{NO_ANSWER, NO_ANSWER_MESSAGE, Sample};
use crate::scenario::Scenario;

/// The attempts of a JTL, and what could not be made one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attempts {
    /// In the order of their begin. `due` and `began` are the wall clock's.
    pub attempts: Vec<Attempt>,
    /// What was left out or had to be assumed, a sentence each.
    pub notes: Vec<String>,
}

/// What the samples of a JTL say of the scenario's clients.
///
/// A sample is of the client that its label names, else of the one that its thread group names, else of
/// the only one. Its identity is what the JTL tells, else the client's only one.
pub fn attempts(scenario: &Scenario, samples: &[Sample]) -> Attempts {
    let mut found = Attempts::default();
    let mut strangers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut nameless: BTreeMap<&Name, usize> = BTreeMap::new();
    let mut unknown: BTreeMap<&str, usize> = BTreeMap::new();
    let hosts = Hosts::of(samples);
    for sample in samples {
        let Some(plan) = client(scenario, sample) else {
            *strangers.entry(&sample.label).or_default() += 1;
            continue;
        };
        let identity = match (&sample.identity, plan.identities) {
            (Some(told), _) if is_of(plan, told) => Name::from(told.as_str()),
            (Some(told), _) => {
                *unknown.entry(told).or_default() += 1;
                continue;
            }
            (None, 1) => identity_name(&plan.name, 1),
            (None, _) => {
                *nameless.entry(&plan.name).or_default() += 1;
                continue;
            }
        };
        found.attempts.push(attempt(plan, sample, hosts.thread(sample), identity));
    }
    found.attempts.sort_by_key(|attempt| attempt.due);
    let left_out = |count: usize, what: String| match count {
        1 => format!("1 sample is left out: {what}"),
        n => format!("{n} samples are left out: {what}"),
    };
    for (label, count) in strangers {
        let what = format!("neither `{label}` nor the thread group is a client of the scenario");
        found.notes.push(left_out(count, what));
    }
    for (name, count) in unknown {
        let what = format!("the client has no identity `{name}`");
        found.notes.push(left_out(count, what));
    }
    for (client, count) in nameless {
        let what = format!(
            "`{client}` has several identities, and the JTL does not tell which was used (run JMeter \
             with `-Jsample_variables=identity` and that variable as the alias)"
        );
        found.notes.push(left_out(count, what));
    }
    found
}

fn client<'s>(scenario: &'s Scenario, sample: &Sample) -> Option<&'s ClientPlan> {
    let named = |name: &str| scenario.clients.get(name);
    let only = || scenario.clients.values().next().filter(|_| scenario.clients.len() == 1);
    named(&sample.label).or_else(|| group(scenario, &sample.thread_name)).or_else(only)
}

/// The client that a thread's group is called after: `users 1-3`, remotely `10.0.0.1-users 1-3`.
fn group<'s>(scenario: &'s Scenario, thread_name: &str) -> Option<&'s ClientPlan> {
    let (group, _) = thread_name.rsplit_once(' ')?;
    let of = |name: &Name| {
        let before = group.strip_suffix(&**name);
        before.is_some_and(|before| before.is_empty() || before.ends_with('-'))
    };
    let fits = scenario.clients.iter().filter(|(name, _)| of(name));
    fits.max_by_key(|(name, _)| name.len()).map(|(_, plan)| plan)
}

/// Whether an identity is one of a client's.
fn is_of(plan: &ClientPlan, identity: &str) -> bool {
    let number = identity.strip_prefix(&*plan.name).and_then(|rest| rest.strip_prefix('-'));
    let number = number.and_then(|text| text.parse::<u32>().ok());
    number.is_some_and(|n| {
        n <= plan.identities && *identity_name(&plan.name, n) == *identity && n > 0
    })
}

/// The machines that sent the load: thread 1 of one is not thread 1 of another.
struct Hosts<'a> {
    /// What comes before the group's number in thread names, which remotely has the machine in it.
    places: BTreeMap<(&'a str, &'a str), u32>,
    most: u32,
}

impl<'a> Hosts<'a> {
    fn of(samples: &'a [Sample]) -> Hosts<'a> {
        let mut groups: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        let mut most = 0;
        for sample in samples {
            let key = key(sample);
            let same = groups.entry(&sample.label).or_default();
            if !same.contains(&key) {
                same.push(key);
            }
            most = most.max(number(&sample.thread_name) + 1);
        }
        let mut places = BTreeMap::new();
        for mut keys in groups.into_values() {
            keys.sort_unstable();
            for (place, key) in (0..).zip(keys) {
                places.entry(key).or_insert(place);
            }
        }
        Hosts { places, most }
    }

    /// Which of the client's threads, from 0.
    fn thread(&self, sample: &Sample) -> u32 {
        let place = self.places.get(&key(sample)).copied().unwrap_or_default();
        place.saturating_mul(self.most).saturating_add(number(&sample.thread_name))
    }
}

fn key(sample: &Sample) -> (&str, &str) {
    let group = sample.thread_name.rsplit_once('-').map_or("", |(group, _)| group);
    (&sample.host, group)
}

/// The number at the end of a thread's name, from 0.
fn number(thread_name: &str) -> u32 {
    let number = thread_name.rsplit_once('-').and_then(|(_, n)| n.trim().parse::<u32>().ok());
    // As many threads as a scenario may have, and more.
    number.unwrap_or(1).clamp(1, 1_000_000) - 1
}

fn attempt(plan: &ClientPlan, sample: &Sample, thread: u32, identity: Name) -> Attempt {
    let connected = sample.connect.map(|ms| ms > 0);
    let status = sample.response_code.trim().parse::<u16>().ok();
    let handshake = match (connected, status) {
        (Some(true), _) | (None, Some(_)) => Handshake::Full,
        // An answer without a connection of its own.
        (Some(false), Some(_)) => Handshake::Kept,
        (Some(false), None) | (None, None) => Handshake::None,
    };
    let took = sample.elapsed;
    let reached = sample.connect.unwrap_or_default().min(took);
    let exception = status.is_none().then(|| exceptions::read(sample, handshake));
    let (seen, timed_out) = match (status, exception) {
        (Some(status), _) => (answer(status, sample), None),
        (None, Some(exceptions::Meaning::Seen(seen))) => (seen, None),
        (None, Some(exceptions::Meaning::TimedOut(phase))) => (Seen::Closed { phase }, Some(phase)),
        (None, None) => (Seen::Closed { phase: Phase::Request }, None),
    };
    // Which version was agreed on is not told: it plays no part in what an observation means.
    let agreed = (handshake != Handshake::None)
        .then(|| Agreed::plain(handshake, revlab_lab::trace::TlsVersion::V1_2));
    let seen = Observation { agreed, times: Times::default(), seen, stays_open: false };
    let mut said = classify(&seen, plan.admit, &[]);
    if let Some(phase) = timed_out {
        (said.outcome, said.phase, said.error) = (Outcome::TimedOut, Some(phase), None);
    }
    // What the plan's own assertions found is no answer that lets somebody in.
    if said.outcome == Outcome::Admitted && !sample.success {
        said.outcome = Outcome::Failed;
        said.error = Some(Name::from(format!("assertion failed: {}", sample.failure_message)));
    }
    let told = sample.connect.is_some() && (said.outcome != Outcome::Admitted || took > 1000);
    Attempt {
        client: plan.name.clone(),
        thread,
        identity,
        due: sample.time_stamp,
        began: None,
        phase: said.phase,
        phases_ms: told.then(|| phases(sample, took, handshake, reached)),
        tls: None,
        http: None,
        cipher: None,
        handshake,
        outcome: said.outcome,
        status: said.status,
        substatus: said.substatus,
        code: said.code,
        alert: said.alert,
        error: said.error,
        took_ms: took,
        wall_ms: u32::try_from(took).ok(),
        checks: Vec::new(),
        validations: Vec::new(),
    }
}

/// JMeter's Connect is TCP and TLS together, its Latency the time from the begin to the first byte.
fn phases(sample: &Sample, took: i64, handshake: Handshake, reached: i64) -> PhasesMs {
    match handshake {
        Handshake::None => PhasesMs { handshake: took, ..PhasesMs::default() },
        _ => PhasesMs {
            connect: None,
            handshake: reached,
            request: took - reached,
            first_byte: (sample.latency > reached).then(|| sample.latency - reached),
        },
    }
}

/// A page tells substatus and code: in its body, or in what an assertion quoted of it.
fn answer(status: u16, sample: &Sample) -> Seen {
    let page = format!("{}\n{}", sample.response_data, sample.failure_message);
    Seen::Response { status, body: page.into_bytes().into() }
}

/// The samples of a run, in the order of the trace.
pub fn samples(scenario: &Scenario, trace: &Trace) -> Vec<Sample> {
    let attempts = trace.records().iter().filter_map(|record| match &record.kind {
        Kind::Attempt(attempt) => Some(attempt),
        _ => None,
    });
    attempts.map(|attempt| sample(scenario, attempt)).collect()
}

fn sample(scenario: &Scenario, attempt: &Attempt) -> Sample {
    let (code, message) = match attempt.status {
        Some(status) => (status.to_string(), reason(status).to_owned()),
        None => {
            let (class, message) = exceptions::write(attempt);
            (format!("{NO_ANSWER}{class}"), format!("{NO_ANSWER_MESSAGE}{message}"))
        }
    };
    let failed = attempt.outcome != Outcome::Admitted;
    Sample {
        time_stamp: attempt.began.unwrap_or(attempt.due),
        elapsed: attempt.took_ms,
        label: attempt.client.to_string(),
        response_code: code,
        response_message: message,
        thread_name: format!("{} 1-{}", attempt.client, attempt.thread + 1),
        success: !failed,
        failure_message: if failed { page(attempt) } else { String::new() },
        url: url(scenario, attempt),
        latency: latency(attempt),
        connect: Some(connect(attempt)),
        host: String::new(),
        identity: Some(attempt.identity.to_string()),
        response_data: String::new(),
    }
}

/// From the begin to the first byte; where the trace does not say, all of an answer came at once.
fn latency(attempt: &Attempt) -> i64 {
    match (attempt.status, attempt.phases_ms) {
        (None, _) => 0,
        (Some(_), Some(PhasesMs { first_byte: Some(first), .. })) => connect(attempt) + first,
        (Some(_), _) => attempt.took_ms,
    }
}

/// How long the connection took; where the trace does not say, as it does not when all went well, the
/// least that tells that there was one.
fn connect(attempt: &Attempt) -> i64 {
    match (attempt.handshake, attempt.phases_ms) {
        (Handshake::None | Handshake::Kept, _) => 0,
        (_, Some(phases)) => (phases.connect.unwrap_or_default() + phases.handshake).max(1),
        (_, None) => 1,
    }
}

/// What IIS says on its page, as far as the attempt tells it.
fn page(attempt: &Attempt) -> String {
    let substatus = attempt.substatus.map_or(String::new(), |sub| format!(".{sub}"));
    let status = attempt.status.map(|status| format!("HTTP Error {status}{substatus}"));
    let code = attempt.code.filter(|_| attempt.error.as_deref() != Some(SERVER_REFUSED));
    let parts = [status, code.map(|code| code.to_string())];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn url(scenario: &Scenario, attempt: &Attempt) -> String {
    let Some(plan) = scenario.clients.get(&attempt.client) else { return String::new() };
    let own = scenario.suts.get(&plan.sut).map(|sut| sut.host.as_str());
    let host = plan.host.as_deref().or(own).unwrap_or_default();
    format!("https://{host}{}", plan.path)
}

/// The reason phrases of RFC 9110 §15 for what servers say to client certificates.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        413 => "Content Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

/// How far the wall clock of the load is ahead of lab time, taken off every attempt.
pub(super) fn moved(attempts: &mut [Attempt], by: Span) {
    for attempt in attempts {
        attempt.due += by;
    }
}

#[cfg(test)]
mod tests;
