//! Round trips: logs that the model has written give its trace back what a real server would not have told.

use revlab_lab::Outcome;
use revlab_lab::trace::Attempt;
use revlab_sut::logs::{self, LogFile};

use super::*;
use crate::exec::{self, Options, Transport};
use crate::judge::{self, Status};
use crate::scenario::{self, Scenario};

/// The CRL expires while the CA is away: 0x80092013; later a client is revoked: 0x80092010.
const SCENARIO: &str = r#"
format = 1
title = "two refusals"
start = "2014-04-16T00:00:00Z"
duration = "8h"
[ca.issuing]
host = "pki.lab"
crl = { period = "1h", delta_period = "none" }
[sut.web]
updates = ["KB2666300"]
clock = { offset = "90s" }
[clients.users]
every = "1m"
[fault.away]
on = "issuing.crl"
from = "2h"
for = "2h"
down = {}
[operation.revoke]
on = "issuing"
at = "6h"
revoke = { identity = "users-1", reason = 1 }
[expect.offline]
from = "2h"
to = "5h"
episodes = { outcome = "refused", code = "0x80092013", substatus = 13, count = 1 }
[expect.revoked]
from = "7h 30m"
attempts = { share = "all", outcome = "refused", code = "0x80092010" }
[expect.logged]
log = { code = "0x80092010", file = "W3SVC1", count = ">= 1" }
"#;

struct Ran {
    scenario: Scenario,
    trace: Trace,
    files: Vec<LogFile>,
}

fn ran() -> Ran {
    let read = scenario::from_text("t", SCENARIO);
    let scenario = read.unwrap_or_else(|e| panic!("{}", e.render(false))).remove(0);
    let run = exec::run(&scenario, Transport::Sim, &Options::default(), &mut Vec::new()).unwrap();
    let options = logs::Options::of(&scenario.suts["web"]);
    let files = logs::render(run.trace.records(), "web", &options);
    Ran { scenario, trace: run.trace, files }
}

/// The trace as that of a server which tells statuses and nothing else.
fn told_by_the_wire(trace: &Trace) -> Trace {
    let kinds = trace
        .records()
        .iter()
        .filter(|r| !matches!(r.kind, Kind::Check(_) | Kind::Log(_) | Kind::Cache(_)));
    let plain = kinds.map(|record| {
        let kind = match record.kind.clone() {
            Kind::Attempt(it) => {
                Kind::Attempt(Attempt { code: None, substatus: None, checks: Vec::new(), ..it })
            }
            Kind::Header(mut header) => {
                header.profiles.get_mut("web").unwrap().insert("adapter".into(), "https".into());
                Kind::Header(header)
            }
            kind => kind,
        };
        (record.t, kind)
    });
    renumbered(plain.collect())
}

fn import(ran: &Ran, which: impl Fn(&str) -> bool) -> (Trace, Joined) {
    let mut logs = Logs::default();
    for file in ran.files.iter().filter(|file| which(&file.path)) {
        let known = logs.read(Path::new(&file.path), &file.path, &file.bytes);
        assert_eq!(known, Ok(true), "{}", file.path);
    }
    logs.into_trace(&told_by_the_wire(&ran.trace), &ran.scenario.suts["web"].clock, &|_| None)
}

fn codes(trace: &Trace) -> Vec<(Instant, Option<u16>, Option<Code>)> {
    let refused = trace.records().iter().filter_map(|record| match &record.kind {
        Kind::Attempt(it) if it.outcome == Outcome::Refused => {
            Some((it.due, it.substatus, it.code))
        }
        _ => None,
    });
    refused.collect()
}

fn verdicts(ran: &Ran, trace: &Trace) -> Vec<Status> {
    judge::judge(&ran.scenario, trace).findings.iter().map(|finding| finding.verdict).collect()
}

#[test]
fn the_access_log_gives_every_refusal_its_code_back() {
    let ran = ran();
    let wire = told_by_the_wire(&ran.trace);
    assert_eq!(verdicts(&ran, &wire), [Status::Inconclusive; 3]);
    let (trace, joined) = import(&ran, |path| path.starts_with("W3SVC1"));
    let expected = codes(&ran.trace);
    assert!(expected.len() > 50, "{}", expected.len());
    assert_eq!(codes(&trace), expected);
    assert_eq!((joined.told, joined.untold), (expected.len(), 0));
    assert_eq!(verdicts(&ran, &trace), [Status::Held; 3]);
}

#[test]
fn failed_request_traces_give_the_last_fifty_and_no_other() {
    let ran = ran();
    let (trace, joined) = import(&ran, |path| path.starts_with("FailedReqLogFiles"));
    let (expected, found) = (codes(&ran.trace), codes(&trace));
    let last = expected.len() - logs::freb::MAX_FILES;
    assert_eq!(found[last..], expected[last..]);
    assert!(found[..last].iter().all(|(_, _, code)| code.is_none()));
    assert_eq!(joined.untold, last);
}

#[test]
fn events_of_the_chain_engine_give_the_code_and_not_the_sub_status() {
    let ran = ran();
    let (trace, _) = import(&ran, |path| path.contains("CAPI2"));
    let bare = |all: Vec<(Instant, Option<u16>, Option<Code>)>| -> Vec<Option<Code>> {
        all.into_iter().map(|(_, _, code)| code).collect()
    };
    assert_eq!(bare(codes(&trace)), bare(codes(&ran.trace)));
    assert!(codes(&trace).iter().all(|(_, substatus, _)| substatus.is_none()));
}

#[test]
fn the_new_trace_is_whole_and_reads_back() {
    let ran = ran();
    let (trace, joined) = import(&ran, |_| true);
    let logs = trace.records().iter().filter(|r| matches!(r.kind, Kind::Log(_))).count();
    assert_eq!(logs, joined.records);
    let mut bytes = Vec::new();
    revlab_lab::trace::Writer::copy(&trace, &mut bytes).unwrap();
    assert_eq!(revlab_lab::trace::read(bytes.as_slice()).unwrap(), trace);
    let records = trace.records();
    assert!(std::iter::zip(records, &records[1..]).all(|(a, b)| a.t <= b.t && a.n + 1 == b.n));
    let Some(Kind::End(end)) = records.last().map(|r| &r.kind) else { panic!("no end") };
    assert_eq!(end.counts["log"], logs as u64);
    // An admitted attempt gets no code, and the wire's own word stands.
    let admitted = records.iter().filter_map(|r| match &r.kind {
        Kind::Attempt(it) if it.outcome == Outcome::Admitted => Some(it.code),
        _ => None,
    });
    assert!(admitted.into_iter().all(|code| code.is_none()));
}

#[test]
fn what_may_be_of_either_of_two_attempts_is_of_none() {
    let ran = ran();
    let mut logs = Logs::default();
    let first = codes(&ran.trace)[0].0 + Span::from_secs(90);
    let (y, mo, d, h, mi, s, _) = first.civil();
    let line = |code: u32| format!("{y:04}-{mo:02}-{d:02} {h:02}:{mi:02}:{s:02} 403 13 {code}\n");
    let text = format!(
        "#Fields: date time sc-status sc-substatus sc-win32-status\n{}{}",
        line(0x8009_2013),
        line(0x8009_2010)
    );
    logs.read(Path::new("a.log"), "a.log", text.as_bytes()).unwrap();
    let (trace, joined) =
        logs.into_trace(&told_by_the_wire(&ran.trace), &ran.scenario.suts["web"].clock, &|_| None);
    assert_eq!((joined.records, joined.told), (2, 0));
    let of = trace.records().iter().filter_map(|r| match &r.kind {
        Kind::Log(log) => Some(log.attempt),
        _ => None,
    });
    assert_eq!(of.collect::<Vec<_>>(), [None, None]);
}
