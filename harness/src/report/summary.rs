//! Counts over a whole run that several reports show.

use std::collections::BTreeMap;

use revlab_lab::http::FetchError;
use revlab_lab::trace::{Attempt, Fetch, Purpose};
use revlab_lab::{Code, Name, Outcome};
use serde::Serialize;

use crate::judge::index::{At, Index};

/// How many attempts came to the same thing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct AttemptCount {
    pub(super) client: Name,
    pub(super) outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) substatus: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<Code>,
    pub(super) count: u64,
}

/// How many fetches came to the same thing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct FetchCount {
    pub(super) by: Name,
    pub(super) process: Name,
    pub(super) purpose: Purpose,
    pub(super) unsolicited: bool,
    pub(super) succeeded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<FetchError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rejected: Option<Name>,
    pub(super) count: u64,
}

/// Attempts by client and what came of them, in that order.
pub(super) fn attempts(index: &Index<'_>) -> Vec<AttemptCount> {
    let mut counts: BTreeMap<_, u64> = BTreeMap::new();
    for a in &index.attempts {
        *counts.entry(attempt_key(a)).or_insert(0) += 1;
    }
    let found = counts.into_iter().map(|((client, outcome, status, substatus, code), count)| {
        AttemptCount { client: client.clone(), outcome, status, substatus, code, count }
    });
    found.collect()
}

type AttemptKey<'a> = (&'a Name, Outcome, Option<u16>, Option<u16>, Option<Code>);

fn attempt_key<'i>(a: &'i At<'_, Attempt>) -> AttemptKey<'i> {
    (&a.client, a.outcome, a.status, a.substatus, a.code)
}

/// Fetches by SUT, process, purpose and what came of them, in that order.
pub(super) fn fetches(index: &Index<'_>) -> Vec<FetchCount> {
    let mut counts: BTreeMap<FetchCount, u64> = BTreeMap::new();
    for fetch in &index.fetches {
        *counts.entry(fetch_key(fetch)).or_insert(0) += 1;
    }
    counts.into_iter().map(|(key, count)| FetchCount { count, ..key }).collect()
}

fn fetch_key(fetch: &Fetch) -> FetchCount {
    FetchCount {
        by: fetch.by.clone(),
        process: fetch.process.clone(),
        purpose: fetch.purpose,
        unsolicited: fetch.unsolicited.is_some(),
        succeeded: fetch.succeeded(),
        status: fetch.status,
        error: fetch.error,
        rejected: fetch.rejected.clone(),
        count: 0,
    }
}
