//! What happened around an episode, in the order of time.

use revlab_lab::trace::{Fault, FaultState, Fetch, Log, Purpose};
use revlab_lab::{Instant, Span};

use super::Page;
use super::paint::Tone;
use crate::judge::index::At;
use crate::judge::{Episode, Healing, at, result_words, staleness};
use crate::report::words;

/// How long after its end an episode is still looked at: what ended it happens then.
const AFTERMATH: Span = Span::from_mins(1);
/// What lasts no longer is not worth a line.
const MOMENT: Span = Span::from_mins(1);
/// More operations than this in one episode are left out.
const MOST_OPERATIONS: usize = 6;

/// One thing that happened.
pub(super) struct Event {
    pub(super) t: Instant,
    /// Order of those of one instant: the record's number.
    n: u64,
    pub(super) text: String,
    pub(super) tone: Tone,
}

/// What led to the episode, what happened in it, and what ended it, as far as the SUT and the
/// CA's endpoints show.
pub(super) fn around(page: &Page<'_>, episode: &Episode, sut: &str) -> Vec<Event> {
    let mut found = before(page, episode, sut);
    let earliest = found.iter().map(|e| e.t).min().unwrap_or(episode.begin);
    found.extend(within(page, episode, sut));
    found.extend(stale(page, episode, sut));
    found.extend(published(page, episode));
    found.extend(faults(page, earliest, episode));
    found.extend(operations(page, earliest, episode));
    found.extend(said(page, episode, sut));
    found.push(Event {
        t: episode.begin,
        n: episode.first,
        text: format!("first attempt {}", result_words(episode.outcome, None, None, None)),
        tone: Tone::Bad,
    });
    if episode.healing != Healing::NotHealed {
        found.push(Event {
            t: episode.end,
            n: episode.last,
            text: format!("first attempt after it {}", next(page, episode)),
            tone: Tone::Good,
        });
    }
    found.sort_by_key(|e| (e.t, e.n));
    found
}

fn came(episode: &Episode) -> String {
    result_words(episode.outcome, episode.status, episode.substatus, episode.code)
}

/// What came of the first attempt after the episode.
fn next(page: &Page<'_>, episode: &Episode) -> String {
    let after = |e: &&Episode| e.begin == episode.end && e.clients == episode.clients;
    page.judgement.episodes.iter().find(after).map(came).unwrap_or_default()
}

/// The last base and delta that arrived before the episode, and the last OCSP attempt.
fn before(page: &Page<'_>, episode: &Episode, sut: &str) -> Vec<Event> {
    let fetches = || page.index.fetches.iter().filter(|f| *f.by == *sut && f.began < episode.begin);
    let last =
        |purpose, any: bool| fetches().rfind(|f| f.purpose == purpose && (any || f.succeeded()));
    let kinds = [(Purpose::Base, false), (Purpose::Delta, false), (Purpose::Ocsp, true)];
    let events = kinds.into_iter().filter_map(|(purpose, any)| last(purpose, any));
    events.map(|f| event(f, &format!("last before: {}", fetch_words(f)))).collect()
}

/// Fetches in the episode and just after it: of each purpose and result the first two, and the
/// last with their number.
fn within(page: &Page<'_>, episode: &Episode, sut: &str) -> Vec<Event> {
    let until = episode.end + AFTERMATH;
    let there: Vec<&At<'_, Fetch>> = page
        .index
        .fetches
        .iter()
        .filter(|f| *f.by == *sut && episode.begin <= f.began && f.began < until)
        .collect();
    let mut found = Vec::new();
    for (_, purpose) in Purpose::NAMES {
        for succeeded in [true, false] {
            for over in [false, true] {
                let mine = |f: &&&At<'_, Fetch>| {
                    f.purpose == purpose
                        && f.succeeded() == succeeded
                        && (f.began >= episode.end) == over
                };
                let of: Vec<_> = there.iter().filter(mine).collect();
                found.extend(of.iter().take(2).map(|f| event(f, &fetch_words(f))));
                if let Some(last) = of.last().filter(|_| of.len() > 2) {
                    let text = format!("{}: the last of {}", fetch_words(last), of.len());
                    found.push(event(last, &text));
                }
            }
        }
    }
    found
}

fn event(fetch: &At<'_, Fetch>, text: &str) -> Event {
    let tone = if fetch.succeeded() { Tone::Plain } else { Tone::Bad };
    Event { t: fetch.began, n: fetch.n, text: text.to_owned(), tone }
}

/// `OCSP answer asked for in vain: status 404`, `base CRL 12 fetched, good until …`.
fn fetch_words(fetch: &Fetch) -> String {
    let by = match &fetch.unsolicited {
        Some(why) => format!(" by {} ({why})", fetch.process),
        None if *fetch.process == *"lsass.exe" => String::new(),
        None => format!(" by {}", fetch.process),
    };
    let noun = words::noun(fetch.purpose);
    if fetch.succeeded() {
        let object = fetch.object.as_ref();
        let number = object.and_then(|o| o.number).map(|n| format!(" {n}")).unwrap_or_default();
        let until = object.and_then(|o| o.next_update);
        let until = until.map(|t| format!(", nextUpdate {}", at(t))).unwrap_or_default();
        return format!("{noun}{number} fetched{by}{until}");
    }
    let came = match (fetch.error, fetch.status) {
        (Some(error), _) => error.as_str().to_owned(),
        (None, Some(status)) => format!("status {status}"),
        (None, None) => "no answer".to_owned(),
    };
    let rejected = fetch.rejected.as_ref().map(|why| format!(", {why}")).unwrap_or_default();
    format!("{noun} asked for in vain{by}: {came}{rejected}")
}

/// When the newest base CRL that was fetched went past its nextUpdate, and stayed so for more
/// than the moment that it takes to fetch the next one.
fn stale(page: &Page<'_>, episode: &Episode, sut: &str) -> Vec<Event> {
    let windows = staleness::stale(page.index, sut, None).into_iter();
    let there =
        windows.filter(|w| w.from < episode.end && episode.begin < w.to && w.to - w.from > MOMENT);
    let events = there.map(|w| Event {
        t: w.from,
        n: 0,
        text: "the newest base CRL fetched so far is past its nextUpdate".to_owned(),
        tone: Tone::Bad,
    });
    events.collect()
}

/// The newest base CRL that the CA had published when the episode began.
fn published(page: &Page<'_>, episode: &Episode) -> Option<Event> {
    let base =
        |p: &&At<'_, revlab_lab::trace::Publish>| p.what == Purpose::Base && p.t <= episode.begin;
    let newest = page.index.publications.iter().rfind(base)?;
    let number = newest.number.map(|n| format!(" {n}")).unwrap_or_default();
    let until = newest.next_update.map(|t| format!(", nextUpdate {}", at(t))).unwrap_or_default();
    let text = format!("{} publishes base CRL{number}{until}", newest.ca);
    Some(Event { t: newest.t, n: newest.n, text, tone: Tone::Plain })
}

/// Begins and ends of faults that acted since `earliest`.
fn faults(page: &Page<'_>, earliest: Instant, episode: &Episode) -> Vec<Event> {
    let until = episode.end + AFTERMATH;
    let mut found = Vec::new();
    for (i, fault) in page.index.faults.iter().enumerate() {
        if fault.state != FaultState::Begin || fault.t > episode.end {
            continue;
        }
        let mut later = page.index.faults.iter().skip(i + 1);
        let end = later.find(|f| f.id == fault.id && f.state == FaultState::End);
        if end.is_some_and(|end| end.t < earliest) {
            continue;
        }
        found.push(fault_event(fault, "begins"));
        found.extend(end.filter(|end| end.t < until).map(|end| fault_event(end, "ends")));
    }
    found
}

fn fault_event(fault: &At<'_, Fault>, what: &str) -> Event {
    let text = format!("fault `{}` on {} {what}", fault.id, fault.on);
    Event { t: fault.t, n: fault.n, text, tone: Tone::Doubt }
}

/// Operations since `earliest`, and the last one before the episode however long ago.
fn operations(page: &Page<'_>, earliest: Instant, episode: &Episode) -> Vec<Event> {
    let until = episode.end + AFTERMATH;
    let last_before = page.index.operations.iter().rfind(|o| o.t <= episode.begin);
    let earliest = last_before.map_or(earliest, |o| o.t.min(earliest));
    let there = page.index.operations.iter().filter(|o| earliest <= o.t && o.t < until);
    let events = there.take(MOST_OPERATIONS).map(|o| {
        let detail = o.detail.as_ref().map(|d| format!(": {d}")).unwrap_or_default();
        let text = format!("operation `{}`: {} on {}{detail}", o.id, o.what, o.on);
        Event { t: o.t, n: o.n, text, tone: Tone::Doubt }
    });
    events.collect()
}

/// What a real server said that is about no attempt, such as of a file that it does not take up: the last before the
/// episode, and in it the first two, and the last with their number. The model's logs say what stands here already.
fn said(page: &Page<'_>, episode: &Episode, sut: &str) -> Vec<Event> {
    let system = page.index.header.and_then(|header| header.profiles.get(sut));
    if !system.is_some_and(|system| system.contains_key("program")) {
        return Vec::new();
    }
    let logs = || page.index.logs.iter().filter(|log| *log.by == *sut && log.attempt.is_none());
    let event = |log: &At<'_, Log>, more: &str| {
        let text = format!("{}: {}{more}", log.file, log.line);
        Event { t: log.t, n: log.n, text, tone: Tone::Bad }
    };
    let before = logs().rfind(|log| log.t < episode.begin).map(|log| event(log, ""));
    let there: Vec<_> =
        logs().filter(|log| episode.begin <= log.t && log.t < episode.end).collect();
    let last = there.last().filter(|_| there.len() > 2);
    let last = last.map(|log| event(log, &format!(": the last of {}", there.len())));
    before.into_iter().chain(there.iter().take(2).map(|log| event(log, ""))).chain(last).collect()
}
