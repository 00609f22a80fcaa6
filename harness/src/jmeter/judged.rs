//! A run that JMeter made, as a trace: what the judge and the reports read.
//!
//! The load generator's clock is the wall clock; lab time begins at [`Start`]. Of what the CAs, the server
//! and administrators did, a JTL says nothing: the header has `jtl` as transport and as adapter, and
//! the judge holds nothing that would rest on it.

use std::collections::BTreeMap;

use revlab_clients::load::Load;
use revlab_clients::plan::ClientPlan;
use revlab_lab::trace::{Attempt, Header, Kind, Record, Trace, Writer};
use revlab_lab::{Instant, Span};

use super::journal::Journal;
use super::jtl::Sample;
use super::samples;
use crate::scenario::Scenario;

/// The transport, and the adapter, in the header of such a trace.
pub const JTL: &str = "jtl";
/// In place of the adapter's address: where fetches come from, if they are told.
pub(crate) const JOURNAL: &str = "journal";

/// When the scenario began by the wall clock, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Somebody said so.
    Given(Instant),
    /// The journal of `revlab serve` says when it began to serve.
    Journal(Instant),
    /// The first sample less the time at which the first attempt is due.
    FirstSample(Instant),
}

impl Start {
    /// When.
    pub fn at(self) -> Instant {
        match self {
            Start::Given(at) | Start::Journal(at) | Start::FirstSample(at) => at,
        }
    }

    /// In words.
    pub fn words(self) -> String {
        let at = self.at();
        match self {
            Start::Given(_) => format!("the scenario began at {at}, as `--start` says"),
            Start::Journal(_) => format!("the scenario began at {at}, as the journal says"),
            Start::FirstSample(_) => format!(
                "the scenario is taken to have begun at {at}: the first sample less the time at which \
                 the first attempt is due (`--start TIME` says otherwise)"
            ),
        }
    }
}

/// A run that JMeter made.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What the judge reads.
    pub trace: Trace,
    /// When the scenario began.
    pub start: Start,
    /// What was left out or had to be assumed, a sentence each.
    pub notes: Vec<String>,
}

/// Why there is nothing to judge.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NothingToJudge {
    /// The JTL has no samples.
    #[error("there is no sample in it")]
    NoSamples,
    /// None of the samples is of a client of the scenario.
    #[error("none of its samples is of a client of the scenario:\n{}", .0.join("\n"))]
    NoAttempts(Vec<String>),
}

/// Makes a trace of samples, and of a journal where there is one. `start` is what somebody said of when the
/// scenario began.
///
/// # Errors
///
/// See [`NothingToJudge`].
pub fn judged(
    scenario: &Scenario,
    samples: &[Sample],
    journal: Option<&Journal>,
    start: Option<Instant>,
) -> Result<Judged, NothingToJudge> {
    if samples.is_empty() {
        return Err(NothingToJudge::NoSamples);
    }
    let mut found = samples::attempts(scenario, samples);
    let Some(first) = found.attempts.first() else {
        return Err(NothingToJudge::NoAttempts(found.notes));
    };
    let start = began(scenario, first.due, journal, start);
    let shift = scenario.start - start.at();
    samples::moved(&mut found.attempts, shift);
    let mut notes = found.notes;
    notes.extend(before(scenario, &found.attempts));
    let fetches = journal.map(|journal| journal.fetches(scenario, shift));
    notes.extend(journal.and_then(Journal::incomplete));
    let told = journal.is_some_and(|journal| journal.incomplete().is_none());
    let reason = reason(scenario, &found.attempts);
    let mut events: Vec<(Instant, Kind)> = Vec::new();
    events.extend(fetches.into_iter().flatten().map(|f| (f.began, Kind::Fetch(f))));
    events
        .extend(found.attempts.into_iter().map(|attempt| (end(&attempt), Kind::Attempt(attempt))));
    events.sort_by_key(|(t, _)| *t);
    let trace = trace(scenario, header(scenario, told), events, &reason);
    Ok(Judged { trace, start, notes })
}

fn began(
    scenario: &Scenario,
    first: Instant,
    journal: Option<&Journal>,
    given: Option<Instant>,
) -> Start {
    if let Some(at) = given {
        return Start::Given(at);
    }
    if let Some(at) = journal.and_then(|journal| journal.start) {
        return Start::Journal(at);
    }
    let due = scenario.clients.values().map(|plan| plan.from).min().unwrap_or(scenario.start);
    Start::FirstSample(first - (due - scenario.start))
}

/// That something lies outside the run.
fn before(scenario: &Scenario, attempts: &[Attempt]) -> Option<String> {
    let until = scenario.start + scenario.duration;
    let outside = attempts.iter().filter(|a| a.due < scenario.start || until <= a.due).count();
    (outside > 0).then(|| {
        format!(
            "{outside} of {} attempts lie outside the run, which lasts {} from its start",
            attempts.len(),
            scenario.duration
        )
    })
}

fn end(attempt: &Attempt) -> Instant {
    attempt.due + Span::from_millis(attempt.took_ms)
}

/// `complete` where the load went on to the end that the scenario plans for each client; else why not.
fn reason(scenario: &Scenario, attempts: &[Attempt]) -> String {
    for plan in scenario.clients.values() {
        let mine = || attempts.iter().filter(|attempt| attempt.client == plan.name);
        let planned = plan.loops.map(|loops| loops.saturating_mul(plan.threads.into()));
        if planned.is_some_and(|planned| mine().count() as u64 >= planned) {
            continue;
        }
        let Some(last) = mine().map(end).max() else {
            return format!("the JTL has no sample of client `{}`", plan.name);
        };
        let until = plan.until.min(scenario.start + scenario.duration);
        if last + slack(plan) < until {
            return format!(
                "the JTL has no sample of client `{}` after this, and its load was to go on to {until}",
                plan.name
            );
        }
    }
    "complete".to_owned()
}

/// How long before the end the last sample may lie: twice the mean gap between a thread's requests, and
/// the time that one may take.
fn slack(plan: &ClientPlan) -> Span {
    let gap = match &plan.load {
        Load::Every(gap) | Load::Think(gap) => gap.mean(),
        Load::Rate(stages, _) => {
            let last = stages.iter().rev().map(|stage| stage.from).find(|rate| rate.count > 0);
            last.map_or(Span::ZERO, |rate| rate.per.scale(1, rate.count.into()))
        }
    };
    gap + gap + plan.timeout
}

fn header(scenario: &Scenario, journal: bool) -> Header {
    let sut = scenario.suts.values().find(|sut| sut.under_test).map_or("", |sut| &*sut.name);
    let mut what: BTreeMap<String, serde_json::Value> = BTreeMap::new();
    what.insert("adapter".into(), JTL.into());
    what.insert("program".into(), "Apache JMeter".into());
    what.insert("time".into(), "real".into());
    if journal {
        what.insert(JOURNAL.into(), true.into());
    }
    Header {
        format: 1,
        revlab: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: scenario.name.clone(),
        digest: crate::digest::sha256_hex(scenario.resolved.as_bytes()),
        variant: scenario.variant.as_ref().map(|v| v.to_string()),
        seed: scenario.seed.0,
        transport: JTL.to_owned(),
        sut: sut.to_owned(),
        start: scenario.start,
        duration_ms: scenario.duration.as_millis(),
        profiles: BTreeMap::from([(sut.to_owned(), what)]),
    }
}

fn trace(scenario: &Scenario, header: Header, events: Vec<(Instant, Kind)>, reason: &str) -> Trace {
    let mut writer = Writer::new(std::io::sink());
    let mut records: Vec<Record> = Vec::with_capacity(events.len() + 2);
    let mut last = scenario.start;
    let first = (scenario.start, Kind::Header(header));
    for (t, kind) in std::iter::once(first).chain(events) {
        last = last.max(t);
        // What lies before the start is recorded there: the time of records never decreases.
        records.extend(writer.write(t.max(scenario.start), kind).ok());
    }
    let end = match reason {
        "complete" => last.max(scenario.start + scenario.duration),
        _ => last,
    };
    records.extend(writer.end(end, reason).ok());
    Trace::new(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jmeter::jtl;
    use crate::judge::{Status, judge};

    const TEXT: &str = r#"
        format = 1
        title = "t"
        start = "2024-03-01T00:00:00Z"
        duration = "1m"
        [ca.issuing]
        [sut.web]
        [clients.users]
        think = "10s"
        identities = 2
        timeout = "5s"
        [expect.let-in]
        attempts = { share = "all", outcome = "admitted" }
        [expect.asked]
        fetches = { purpose = "base", count = "= 0" }
        [expect.exposed]
        exposure = { at_most = "1h" }
        [expect.codes]
        attempts = { share = "none", outcome = "refused", code = "0x80092013" }
        [expect.checked]
        checks = { verdict = "good", count = ">= 0" }
    "#;

    fn scenario(text: &str) -> Scenario {
        let read = crate::scenario::from_text("t", text);
        read.unwrap_or_else(|errors| panic!("{}", errors.render(false))).remove(0)
    }

    /// A sample every ten seconds, of the wall clock's year 2026.
    fn samples(count: i64) -> Vec<Sample> {
        let rows: String = (0..count)
            .map(|n| {
                let ts = 1_790_000_000_000_i64 + n * 10_000;
                format!("{ts},20,users,200,OK,users 1-1,true,7,users-{}\n", n % 2 + 1)
            })
            .collect();
        let head = "timeStamp,elapsed,label,responseCode,responseMessage,threadName,success,Connect,\
                    \"identity\"\n";
        jtl::read(&format!("{head}{rows}")).unwrap()
    }

    #[test]
    fn what_a_jtl_tells_is_judged_and_what_it_does_not_tell_is_never_held() {
        let scenario = scenario(TEXT);
        let judged = judged(&scenario, &samples(6), None, None).unwrap();
        assert_eq!(judged.notes, Vec::<String>::new());
        assert_eq!(judged.start, Start::FirstSample(Instant::from_millis(1_790_000_000_000)));
        let judgement = judge(&scenario, &judged.trace);
        assert_eq!(judgement.inconclusive, Vec::<String>::new());
        let verdicts: Vec<_> = judgement.findings.iter().map(|f| (&*f.name, f.verdict)).collect();
        let unknown = Status::Inconclusive;
        assert_eq!(
            verdicts,
            [
                ("let-in", Status::Held),
                ("asked", unknown),
                ("exposed", unknown),
                // Nobody was refused, whatever the code.
                ("codes", Status::Held),
                ("checked", unknown),
            ]
        );
    }

    #[test]
    fn a_load_that_ended_early_is_judged_up_to_there_only() {
        let scenario = scenario(TEXT);
        let judged = judged(&scenario, &samples(2), None, None).unwrap();
        let judgement = judge(&scenario, &judged.trace);
        assert_eq!(judgement.status(), Status::Inconclusive);
        assert!(judgement.inconclusive[0].contains("no sample of client `users` after this"));
        assert_eq!(judgement.findings[0].verdict, Status::Inconclusive);
    }

    #[test]
    fn the_start_is_what_was_said_and_what_lies_outside_is_noted() {
        let scenario = scenario(TEXT);
        let said = Instant::from_millis(1_790_000_010_000);
        let judged = judged(&scenario, &samples(6), None, Some(said)).unwrap();
        assert_eq!(judged.start, Start::Given(said));
        assert_eq!(
            judged.notes,
            ["1 of 6 attempts lie outside the run, which lasts 1m from its start"]
        );
        let first = judged.trace.records().iter().find_map(|r| match &r.kind {
            Kind::Attempt(attempt) => Some(attempt.due),
            _ => None,
        });
        assert_eq!(first, Some(scenario.start - Span::from_secs(10)));
        assert!(judged.trace.records().is_sorted_by_key(|record| (record.t, record.n)));
    }

    #[test]
    fn a_journal_tells_fetches_unless_some_were_dropped() {
        let scenario = scenario(TEXT);
        let text = r#"{"start": "2026-09-21T14:13:20Z", "dropped": 0, "entries": [
            {"n": 1, "t": "2026-09-21T14:13:21Z", "peer": null, "user_agent": "x", "method": "GET",
             "url": "http://127.0.0.1:8001/x.crl", "ca": "issuing", "purpose": "base", "faults": ["slow"],
             "outcome": "answered", "status": 200, "bytes": 3, "ocsp": []}]}"#;
        let journal = Journal::read(text).unwrap();
        let of = judged(&scenario, &samples(6), Some(&journal), None).unwrap();
        assert_eq!(of.start, Start::Journal("2026-09-21T14:13:20Z".parse().unwrap()));
        let judgement = judge(&scenario, &of.trace);
        let asked = judgement.findings.iter().find(|f| &*f.name == "asked").unwrap();
        assert_eq!(asked.verdict, Status::Failed, "{}", asked.seen);
        let journal = Journal::read(&text.replace("\"dropped\": 0", "\"dropped\": 2")).unwrap();
        let of = judged(&scenario, &samples(6), Some(&journal), None).unwrap();
        assert!(of.notes[0].contains("2 older"), "{:?}", of.notes);
        let judgement = judge(&scenario, &of.trace);
        let asked = judgement.findings.iter().find(|f| &*f.name == "asked").unwrap();
        assert_eq!(asked.verdict, Status::Inconclusive);
    }

    #[test]
    fn no_samples_and_strangers_are_nothing_to_judge() {
        let both = scenario(
            &TEXT.replace("[expect.let-in]", "[clients.b]\nevery = \"1m\"\n[expect.let-in]"),
        );
        assert_eq!(judged(&both, &[], None, None).unwrap_err(), NothingToJudge::NoSamples);
        let mut strangers = samples(1);
        strangers[0].label = "x".into();
        strangers[0].thread_name = "x 1-1".into();
        let why = judged(&both, &strangers, None, None).unwrap_err().to_string();
        assert!(why.contains("neither `x` nor the thread group"), "{why}");
    }
}
