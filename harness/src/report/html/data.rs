//! What the page draws from: the trace in columns, each thing that repeats said once.
//!
//! Instants are milliseconds since 1970; of attempts the differences to the one before are kept.
//! 181,440 attempts must load in no time.

use std::collections::BTreeMap;

use revlab_lab::trace::{Attempt, Check, FaultState, Fetch, Publish, Step, Verdict};
use revlab_lab::{Instant, Name};
use serde::Serialize;

use crate::judge::index::{At, Index};
use crate::judge::{Episode, result_words, staleness};
use crate::report::{facts, words};
use crate::scenario::Scenario;

/// Texts and other things by number, each once, in the order in which they came.
#[derive(Debug)]
struct Numbered<T> {
    all: Vec<T>,
    numbers: BTreeMap<T, usize>,
}

impl<T: Ord + Clone> Numbered<T> {
    fn new() -> Numbered<T> {
        Numbered { all: Vec::new(), numbers: BTreeMap::new() }
    }

    fn number(&mut self, it: T) -> usize {
        let next = self.all.len();
        *self.numbers.entry(it).or_insert_with_key(|it| {
            self.all.push(it.clone());
            next
        })
    }
}

/// The whole of it.
#[derive(Serialize)]
pub(super) struct Data {
    start: i64,
    end: i64,
    /// The command that gives the same trace again.
    again: String,
    clients: Vec<Name>,
    identities: Vec<Name>,
    suts: Vec<Name>,
    /// What attempts came to.
    results: Vec<ResultData>,
    attempts: AttemptColumns,
    /// Steps of checks in words.
    steps: Vec<String>,
    checks: Vec<CheckData>,
    fetches: Vec<FetchData>,
    publications: Vec<PublicationData>,
    faults: Vec<FaultData>,
    operations: Vec<OperationData>,
    episodes: Vec<EpisodeData>,
    stale: Vec<StaleData>,
}

/// What an attempt came to, in the order in which columns of equal results are numbered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct ResultData {
    outcome: &'static str,
    words: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<(&'static str, String)>,
}

/// A value of each attempt, in the order in which they were due.
#[derive(Default, Serialize)]
struct AttemptColumns {
    /// Number of the record, less that of the attempt before.
    n: Vec<i64>,
    /// When it was due, less when the attempt before was.
    due: Vec<i64>,
    client: Vec<usize>,
    thread: Vec<u32>,
    identity: Vec<usize>,
    result: Vec<usize>,
    took: Vec<i64>,
    /// The check that it waited for, less that of the attempt before; of one without a check, 0.
    number: Vec<i64>,
    /// The full record of that check: its place in `checks`, from 1.
    check: Vec<usize>,
    /// Who else validated, by the place of the attempt.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    others: BTreeMap<usize, Vec<OtherData>>,
    /// How long the phases took, where they are on record, by the place of the attempt: TCP, TLS, the
    /// request, and of it the first byte.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    phases: BTreeMap<usize, (Option<i64>, i64, i64, Option<i64>)>,
}

/// A validation by a machine beside the SUT, or of somebody beside the client.
#[derive(Serialize)]
struct OtherData {
    words: String,
    /// As in `check`.
    check: usize,
}

#[derive(Serialize)]
struct CheckData {
    n: u64,
    number: u64,
    by: usize,
    process: Option<Name>,
    subject: Option<Name>,
    verdict: String,
    steps: Vec<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fetches: Vec<usize>,
}

#[derive(Serialize)]
struct FetchData {
    n: u64,
    t: i64,
    took: i64,
    by: usize,
    ok: bool,
    what: &'static str,
    process: Name,
    request: String,
    came: String,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    unsolicited: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<Name>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<ObjectData>,
}

#[derive(Serialize)]
struct ObjectData {
    number: Option<u64>,
    base_number: Option<u64>,
    this_update: i64,
    next_update: Option<i64>,
    sha1: Option<String>,
    /// Its place in `publications`, from 1, where the CA has it on record.
    publication: usize,
}

#[derive(Serialize)]
struct PublicationData {
    n: u64,
    t: i64,
    ca: Name,
    what: &'static str,
    url: Name,
    number: Option<u64>,
    base_number: Option<u64>,
    this_update: i64,
    next_update: Option<i64>,
    next_publish: Option<i64>,
    entries: u64,
    bytes: u64,
    sha1: String,
}

#[derive(Serialize)]
struct FaultData {
    id: Name,
    on: Name,
    from: i64,
    to: i64,
}

#[derive(Serialize)]
struct OperationData {
    n: u64,
    t: i64,
    words: String,
    id: Name,
}

#[derive(Serialize)]
struct EpisodeData {
    name: String,
    clients: Vec<Name>,
    from: i64,
    to: i64,
    first: u64,
    words: String,
}

#[derive(Serialize)]
struct StaleData {
    sut: usize,
    windows: Vec<(i64, i64)>,
}

/// Everything of a run; `episodes` are those that get a name.
pub(super) fn data(scenario: &Scenario, index: &Index<'_>, episodes: &[&Episode]) -> Data {
    let mut suts = Numbered::new();
    let mut checks = Checks::new(index, &mut suts);
    let mut clients = Numbered::new();
    let mut identities = Numbered::new();
    let mut results = Numbered::new();
    let attempts = {
        let mut numbers = Numbers {
            clients: &mut clients,
            identities: &mut identities,
            results: &mut results,
            checks: &mut checks,
        };
        columns(scenario, index, &mut numbers)
    };
    let mut published: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, publication) in index.publications.iter().enumerate() {
        published.entry(&publication.it().sha1).or_insert(place + 1);
    }
    let fetches = index.fetches.iter().map(|f| fetch(&published, &mut suts, f)).collect();
    let stale = index.serving.keys().map(|sut| StaleData {
        sut: suts.number(sut.clone()),
        windows: staleness::stale(index, sut, None)
            .into_iter()
            .map(|w| (w.from.as_millis(), w.to.as_millis()))
            .collect(),
    });
    let stale = stale.collect();
    Data {
        start: index.start.as_millis(),
        end: index.planned_end.as_millis(),
        again: facts::command(scenario, index),
        clients: clients.all,
        identities: identities.all,
        results: results.all,
        attempts,
        steps: checks.steps.all,
        checks: checks.told,
        fetches,
        publications: index.publications.iter().map(publication).collect(),
        faults: faults(index),
        operations: index.operations.iter().map(operation).collect(),
        episodes: episodes.iter().enumerate().map(|(i, e)| episode(i, e)).collect(),
        stale,
        suts: suts.all,
    }
}

/// Full records of checks, told when the first attempt asks for one.
struct Checks<'i> {
    full: BTreeMap<(&'i str, u64), (u64, &'i Check)>,
    by_check: BTreeMap<(&'i str, u64), Vec<usize>>,
    places: BTreeMap<u64, usize>,
    suts: BTreeMap<&'i str, usize>,
    steps: Numbered<String>,
    told: Vec<CheckData>,
}

impl<'i> Checks<'i> {
    fn new(index: &'i Index<'_>, suts: &mut Numbered<Name>) -> Checks<'i> {
        let mut checks = Checks {
            full: BTreeMap::new(),
            by_check: BTreeMap::new(),
            places: BTreeMap::new(),
            suts: BTreeMap::new(),
            steps: Numbered::new(),
            told: Vec::new(),
        };
        let mut records = BTreeMap::new();
        for check in &index.checks {
            if check.own.same_as.is_none() {
                records.insert((&*check.own.by, check.own.check), check.n);
            }
            let full = check.full;
            let n = records.get(&(&*full.by, full.check)).copied().unwrap_or(check.n);
            checks.full.insert((&check.own.by, check.own.check), (n, full));
            checks.suts.entry(&full.by).or_insert_with(|| suts.number(full.by.clone()));
        }
        for (place, fetch) in index.fetches.iter().enumerate() {
            if let Some(check) = fetch.check {
                checks.by_check.entry((&fetch.it().by, check)).or_default().push(place);
            }
        }
        checks
    }

    /// The place of a check's full record, from 1; 0 where there is none.
    fn place(&mut self, by: &str, number: u64) -> usize {
        let Some((n, full)) = self.full.get(&(by, number)).copied() else { return 0 };
        if let Some(place) = self.places.get(&n) {
            return *place;
        }
        let steps = full.steps.iter().map(|step: &Step| self.steps.number(words::step(step)));
        let told = CheckData {
            n,
            number: full.check,
            by: self.suts.get(&*full.by).copied().unwrap_or_default(),
            process: full.process.clone(),
            subject: full.subject.clone(),
            verdict: verdict(full.verdict, full.code),
            steps: steps.collect(),
            fetches: self.by_check.get(&(&*full.by, full.check)).cloned().unwrap_or_default(),
        };
        self.told.push(told);
        self.places.insert(n, self.told.len());
        self.told.len()
    }
}

fn verdict(verdict: Option<Verdict>, code: Option<revlab_lab::Code>) -> String {
    let name = Verdict::NAMES.iter().find(|(_, v)| Some(*v) == verdict).map_or("none", |(n, _)| n);
    let symbol = |code: revlab_lab::Code| code.symbol().map(|s| format!(" {s}"));
    let code = code.map(|code| format!(", {code}{}", symbol(code).unwrap_or_default()));
    let code = code.unwrap_or_default();
    format!("{}{code}", name.replace('_', " "))
}

struct Numbers<'n, 'i> {
    clients: &'n mut Numbered<Name>,
    identities: &'n mut Numbered<Name>,
    results: &'n mut Numbered<ResultData>,
    checks: &'n mut Checks<'i>,
}

fn columns(
    scenario: &Scenario,
    index: &Index<'_>,
    numbers: &mut Numbers<'_, '_>,
) -> AttemptColumns {
    let mut columns = AttemptColumns::default();
    let (mut n, mut due, mut number) = (0, 0, 0);
    // Attempts that came to the same follow one another: the words are made once.
    let mut last: Option<(&Attempt, usize)> = None;
    for (place, attempt) in index.attempts.iter().enumerate() {
        let it = attempt.it();
        let sut = scenario.clients.get(&it.client).map_or("", |client| &client.sut);
        let own = it.checks.last().copied();
        let result = match last.filter(|(before, _)| same_result(before, it)) {
            Some((_, result)) => result,
            None => numbers.results.number(result(it)),
        };
        last = Some((it, result));
        columns.n.push(difference(&mut n, signed(attempt.n)));
        columns.due.push(difference(&mut due, it.due.as_millis()));
        columns.client.push(numbers.clients.number(it.client.clone()));
        columns.thread.push(it.thread);
        columns.identity.push(numbers.identities.number(it.identity.clone()));
        columns.result.push(result);
        columns.took.push(it.took_ms);
        columns.number.push(own.map_or(0, |own| difference(&mut number, signed(own))));
        columns.check.push(own.map_or(0, |own| numbers.checks.place(sut, own)));
        if let Some(it) = it.phases_ms {
            columns.phases.insert(place, (it.connect, it.handshake, it.request, it.first_byte));
        }
        if !it.validations.is_empty() {
            columns.others.insert(place, others(it, numbers.checks));
        }
    }
    columns
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn difference(last: &mut i64, value: i64) -> i64 {
    value - std::mem::replace(last, value)
}

fn same_result(a: &Attempt, b: &Attempt) -> bool {
    let of = |a: &Attempt| (a.outcome, a.status, a.substatus, a.code, a.phase);
    let spoken = |a: &Attempt| (a.tls, a.http, a.handshake);
    of(a) == of(b)
        && spoken(a) == spoken(b)
        && a.cipher == b.cipher
        && a.alert == b.alert
        && a.error == b.error
}

fn result(it: &Attempt) -> ResultData {
    let mut details = Vec::new();
    let mut told = |what, value: Option<String>| details.extend(value.map(|value| (what, value)));
    told("TLS alert", it.alert.as_ref().map(|alert| alert.to_string()));
    told("error", it.error.as_ref().map(|error| error.to_string()));
    told("ended in", it.phase.map(|phase| format!("{phase:?}").to_lowercase()));
    told(
        "TLS",
        it.tls.map(|tls| match tls {
            revlab_lab::trace::TlsVersion::V1_2 => "1.2".to_owned(),
            revlab_lab::trace::TlsVersion::V1_3 => "1.3".to_owned(),
        }),
    );
    told("cipher suite", it.cipher.as_ref().map(|cipher| cipher.to_string()));
    told("HTTP", it.http.map(|http| http.as_str().to_owned()));
    told("handshake", Some(format!("{:?}", it.handshake).to_lowercase()));
    ResultData {
        outcome: it.outcome.as_str(),
        words: result_words(it.outcome, it.status, it.substatus, it.code),
        details,
    }
}

fn others(it: &Attempt, checks: &mut Checks<'_>) -> Vec<OtherData> {
    let each = it.validations.iter().map(|v| {
        let party = revlab_lab::trace::Party::NAMES.iter().find(|(_, p)| *p == v.of);
        let whose = party.map_or("", |(name, _)| name);
        let account = v.account.as_ref().map(|a| format!(", account {a}")).unwrap_or_default();
        let came = verdict(Some(v.verdict), v.code);
        OtherData {
            words: format!("{} judges the {whose}'s certificate: {came}{account}", v.by),
            check: checks.place(&v.by, v.check),
        }
    });
    each.collect()
}

fn fetch(
    published: &BTreeMap<&str, usize>,
    suts: &mut Numbered<Name>,
    at: &At<'_, Fetch>,
) -> FetchData {
    let it = at.it();
    let object = it.object.as_ref().map(|object| ObjectData {
        number: object.number,
        base_number: object.base_number,
        this_update: object.this_update.as_millis(),
        next_update: object.next_update.map(Instant::as_millis),
        publication: object
            .sha1
            .as_deref()
            .and_then(|sha1| published.get(sha1).copied())
            .unwrap_or_default(),
        sha1: object.sha1.clone(),
    });
    let came = match (it.error, it.status) {
        (Some(error), _) => error.as_str().to_owned(),
        (None, Some(status)) => format!("status {status}"),
        (None, None) => "no answer".to_owned(),
    };
    let rejected = it.rejected.as_ref().map(|why| format!(", {why}")).unwrap_or_default();
    FetchData {
        n: at.n,
        t: it.began.as_millis(),
        took: it.took_ms,
        by: suts.number(it.by.clone()),
        ok: it.succeeded(),
        what: words::noun(it.purpose),
        process: it.process.clone(),
        request: format!("{} {}", it.method.as_str(), it.url),
        came: came + &rejected,
        bytes: it.bytes,
        unsolicited: it.unsolicited.clone(),
        client: it.client.clone(),
        faults: it.faults.clone(),
        object,
    }
}

fn publication(it: &At<'_, Publish>) -> PublicationData {
    PublicationData {
        n: it.n,
        t: it.t.as_millis(),
        ca: it.ca.clone(),
        what: words::noun(it.what),
        url: it.url.clone(),
        number: it.number,
        base_number: it.base_number,
        this_update: it.this_update.as_millis(),
        next_update: it.next_update.map(Instant::as_millis),
        next_publish: it.next_publish.map(Instant::as_millis),
        entries: it.entries,
        bytes: it.bytes,
        sha1: it.sha1.clone(),
    }
}

fn faults(index: &Index<'_>) -> Vec<FaultData> {
    let mut found = Vec::new();
    for (i, fault) in index.faults.iter().enumerate() {
        if fault.state != FaultState::Begin {
            continue;
        }
        let mut later = index.faults.iter().skip(i + 1);
        let end = later.find(|f| f.id == fault.id && f.state == FaultState::End);
        found.push(FaultData {
            id: fault.id.clone(),
            on: fault.on.clone(),
            from: fault.t.as_millis(),
            to: end.map_or(index.end, |end| end.t).as_millis(),
        });
    }
    found
}

fn operation(it: &At<'_, revlab_lab::trace::Operation>) -> OperationData {
    let detail = it.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
    OperationData {
        n: it.n,
        t: it.t.as_millis(),
        words: format!("{} on {}{detail}", it.what, it.on),
        id: it.id.clone(),
    }
}

fn episode(place: usize, it: &Episode) -> EpisodeData {
    EpisodeData {
        name: format!("episode {}", place + 1),
        clients: it.clients.clone(),
        from: it.begin.as_millis(),
        to: it.end.as_millis(),
        first: it.first,
        words: result_words(it.outcome, it.status, it.substatus, it.code),
    }
}
