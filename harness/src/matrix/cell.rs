//! The facts of one run, from its scenario and its trace.
//!
//! *Fail-open* is told of two things, both by lab time. A revoked certificate was admitted after
//! everything that was signed before its revocation, or was served wrong by a fault, had passed its
//! nextUpdate: nothing valid can have said that it is good. Or a full handshake was admitted while each
//! fetch that it caused failed (no answer, or a status other than 200) and nothing fetched before was
//! still valid. While an administrator has checks switched off neither is told: that is what was asked for. *Lock-out*: a good certificate was not admitted although the server had fetched
//! something right and still valid about it.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use revlab_fake_ca::content::ocsp::OcspDefect;
use revlab_fake_ca::fault::Effect;
use revlab_lab::http::FetchError;
use revlab_lab::trace::{Attempt, Fetch, Handshake, Kind, Purpose, Trace};
use revlab_lab::{Instant, Name, Outcome};

use super::phases::{self, Phase};
use super::{Cell, Mix, State, about, switches};
use crate::judge::index::{At, Index};
use crate::judge::{exposure, judge};
use crate::scenario::Scenario;
use crate::scenario::model::OperationKind;

/// What is not in a trace.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The variant before a crossing was put over it.
    pub variant: Option<&'a str>,
    /// The crossing, in words.
    pub crossing: Option<String>,
    /// As behind `--sut`.
    pub sut: &'a str,
    /// Whether the first and the second handshake of each client during the fault are told apart.
    pub handshakes: bool,
    /// Where the run was kept, relative to the matrix.
    pub folder: Option<String>,
    /// The command that runs it alone.
    pub command: String,
}

/// A cell that was not run.
pub fn not_run(scenario: &str, asked: Asked<'_>, state: State, reason: String) -> Cell {
    Cell {
        scenario: scenario.to_owned(),
        variant: asked.variant.map(str::to_owned),
        crossing: asked.crossing,
        sut: asked.sut.to_owned(),
        state,
        reason: Some(reason),
        version: None,
        status: None,
        phases: Vec::new(),
        fetches: BTreeMap::new(),
        refused_by: BTreeMap::new(),
        exposure_ms: None,
        slowest_ms: 0,
        fail_open: Vec::new(),
        lock_out: Vec::new(),
        died: None,
        folder: None,
        command: asked.command,
    }
}

/// The cell of a run.
pub fn ran(scenario: &Scenario, trace: &Trace, asked: Asked<'_>) -> Cell {
    let index = Index::new(scenario, trace);
    let judgement = judge(scenario, trace);
    let phases = phases::of(scenario, &index);
    let look = Look::new(scenario, &index);
    let died = died(trace);
    // That a server dies of what happens to it is what it does.
    let reason = judgement.inconclusive.first().filter(|_| died.is_none()).cloned();
    let state = if reason.is_some() { State::Inconclusive } else { State::Ran };
    let (folder, handshakes) = (asked.folder.clone(), asked.handshakes);
    if let Some(why) = about::out_of_sight(scenario, &index).filter(|_| state == State::Ran) {
        let version = version(&index);
        return Cell { version, folder, ..not_run(&scenario.name, asked, State::Refused, why) };
    }
    Cell {
        state,
        reason,
        version: version(&index),
        status: Some(judgement.status().as_str().to_owned()),
        phases: look.mixes(&phases, handshakes),
        fetches: fetches(&index),
        refused_by: refusals(&index),
        exposure_ms: exposure::longest(scenario, &index).map(|longest| longest.as_millis()),
        slowest_ms: index.attempts.iter().map(|a| a.took_ms).max().unwrap_or(0),
        fail_open: look.fail_open(),
        lock_out: look.lock_out(),
        died,
        folder,
        ..not_run(&scenario.name, asked, state, String::new())
    }
}

/// How the server ended by itself in the middle, without its last words, which may name a folder of the run.
fn died(trace: &Trace) -> Option<String> {
    let Kind::End(end) = &trace.records().last()?.kind else { return None };
    let words = end.reason.strip_prefix("the system under test")?;
    let (_, how) = words.split_once(" ended with ")?;
    let how = how.split_once(':').map_or(how, |(how, _)| how);
    Some(format!("ended with {how}"))
}

/// Program and version of the system under test; of the model its profile.
fn version(index: &Index<'_>) -> Option<String> {
    let header = index.header?;
    let profile = header.profiles.get(&header.sut)?;
    let said = ["program", "address", "profile"].into_iter().find_map(|key| profile.get(key));
    said.and_then(|value| value.as_str()).map(str::to_owned)
}

fn fetches(index: &Index<'_>) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for fetch in &index.fetches {
        *all.entry(fetch.purpose.as_str().to_owned()).or_insert(0) += 1;
    }
    all
}

/// How refusals looked to the clients: by the alert, else by what came instead of a page.
fn refusals(index: &Index<'_>) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for attempt in index.attempts.iter().filter(|a| a.outcome == Outcome::Refused) {
        let how = match (&attempt.alert, attempt.status, attempt.substatus, &attempt.error) {
            (Some(alert), ..) => format!("alert {alert}"),
            (None, Some(status), Some(substatus), _) => format!("status {status}.{substatus}"),
            (None, Some(status), None, _) => format!("status {status}"),
            (None, None, _, Some(error)) => error.to_string(),
            (None, None, _, None) => continue,
        };
        *all.entry(how).or_insert(0) += 1;
    }
    all
}

/// What is looked up about attempts.
struct Look<'a> {
    scenario: &'a Scenario,
    index: &'a Index<'a>,
    /// Identity or CA, from when it was revoked, until when.
    revoked: Vec<(Name, Instant, Instant)>,
}

impl<'a> Look<'a> {
    fn new(scenario: &'a Scenario, index: &'a Index<'a>) -> Look<'a> {
        Look { scenario, index, revoked: exposure::revoked(scenario, index) }
    }

    /// When the certificate of an attempt, or of a CA above it, was revoked; none: it was good when the
    /// attempt was due.
    fn revoked_at(&self, attempt: &Attempt) -> Option<Instant> {
        let chain = about::chain(self.scenario, attempt);
        let mine = self.revoked.iter().find(|(name, from, until)| {
            (*name == attempt.identity || chain.contains(&name))
                && *from <= attempt.due
                && attempt.due < *until
        });
        mine.map(|(_, from, _)| *from)
    }

    fn mixes(&self, phases: &[Phase], handshakes: bool) -> Vec<Mix> {
        let mut all = Vec::new();
        for phase in phases {
            let mine: Vec<_> =
                self.index.attempts.iter().filter(|a| phase.contains(a.due)).collect();
            all.push(self.mix(phase.name, mine.iter().copied()));
            if handshakes && phase.name == "during" {
                for (nth, name) in
                    ["during, first handshake", "during, second handshake"].into_iter().enumerate()
                {
                    all.push(self.mix(name, nth_of_each(&mine, nth).into_iter()));
                }
            }
        }
        all.retain(|mix| !mix.good.is_empty() || !mix.revoked.is_empty());
        all
    }

    fn mix<'b>(&self, name: &str, all: impl Iterator<Item = &'b At<'a, Attempt>>) -> Mix
    where
        'a: 'b,
    {
        let mut mix = Mix { phase: name.to_owned(), ..Mix::default() };
        for attempt in all {
            let side = match self.revoked_at(attempt) {
                Some(_) => &mut mix.revoked,
                None => &mut mix.good,
            };
            *side.entry(attempt.outcome.as_str().to_owned()).or_insert(0) += 1;
        }
        mix
    }

    /// Until when a certificate that was revoked at this time can have passed for good.
    fn excused(&self, attempt: &Attempt, revoked: Instant) -> Instant {
        let published = self.index.publications.iter().filter(|p| p.t < revoked);
        let published = published.filter_map(|p| p.next_update);
        let fetched =
            self.index.fetches.iter().filter(|f| {
                f.t <= attempt_end(attempt) && (f.began < revoked || !f.faults.is_empty())
            });
        let fetched = fetched.filter_map(|f| f.object.as_ref()?.next_update);
        published.chain(fetched).max().unwrap_or(revoked)
    }

    fn fail_open(&self) -> Vec<String> {
        let (mut revoked, mut resumed, mut blind) = (0_u64, 0_u64, 0_u64);
        let admitted = self.index.attempts.iter().filter(|a| a.outcome == Outcome::Admitted);
        for attempt in admitted.filter(|a| switches::are_on(self.index, a.due)) {
            match self.revoked_at(attempt) {
                Some(at) if attempt.due > self.excused(attempt, at) => {
                    match attempt.handshake == Handshake::Full {
                        true => revoked += 1,
                        false => resumed += 1,
                    }
                }
                Some(_) => {}
                None => blind += u64::from(self.is_blind(attempt)),
            }
        }
        let words = [
            (revoked, "revoked, admitted after all that was signed before had expired"),
            (
                resumed,
                "revoked, admitted without a full handshake after all that was signed before had expired",
            ),
            (
                blind,
                "admitted though no fetch for it brought anything and nothing before was still valid",
            ),
        ];
        told(&words)
    }

    /// Whether a full handshake asked its sources about a certificate of its chain, heard nothing, and
    /// had nothing else to go by. A reply that is wrong by HTTP may have been read all the same.
    fn is_blind(&self, attempt: &At<'_, Attempt>) -> bool {
        let chain = about::chain(self.scenario, attempt);
        attempt.handshake == Handshake::Full
            && chain.iter().any(|ca| self.is_blind_about(attempt, ca, &chain))
    }

    fn is_blind_about(&self, attempt: &At<'_, Attempt>, ca: &Name, chain: &[&Name]) -> bool {
        let from = attempt.began.unwrap_or(attempt.due);
        let of_it = || {
            let all = self.index.fetches.iter().filter(|f| f.t <= attempt.t);
            all.filter(|f| about::is_of(self.scenario, self.index, ca, f))
                .filter(|f| about::may_be_about(f, ca, chain, attempt))
        };
        let mut asked = of_it().filter(|f| from <= f.began && !about::is_publishers(f)).peekable();
        asked.peek().is_some()
            && asked.all(|f| self.is_lost(f))
            && !of_it().any(|f| valid_at(f, attempt.due))
    }

    fn lock_out(&self) -> Vec<String> {
        let good = self
            .index
            .attempts
            .iter()
            .filter(|a| a.outcome != Outcome::Admitted && self.revoked_at(a).is_none());
        let number = good.filter(|a| self.is_covered(a)).count();
        told(&[(
            u64::try_from(number).unwrap_or(u64::MAX),
            "good, turned away though something right and still valid had been fetched",
        )])
    }

    /// Whether the server had fetched something right, still valid, about the client's certificate, and
    /// about each other certificate of the chain that it had asked about at all.
    fn is_covered(&self, attempt: &At<'_, Attempt>) -> bool {
        let chain = about::chain(self.scenario, attempt);
        !chain.is_empty()
            && chain.iter().enumerate().all(|(level, ca)| {
                let all = self.index.fetches.iter().filter(|f| f.t <= attempt.t);
                let mut of_it =
                    all.filter(|f| about::is_of(self.scenario, self.index, ca, f)).peekable();
                let never_asked = of_it.peek().is_none();
                (level > 0 && never_asked)
                    || of_it.any(|f| {
                        self.is_right(f, attempt) && (level > 0 || self.is_his(f, attempt))
                    })
            })
            && !self.is_told_otherwise(attempt)
    }

    /// Whether it says something of the client's own certificate, as it is by then: a CRL does.
    fn is_his(&self, fetch: &Fetch, attempt: &Attempt) -> bool {
        let ca = self.scenario.clients.get(&attempt.client).map(|plan| &plan.ca);
        let is_another = self.scenario.operations.values().any(|operation| {
            matches!(operation.action, OperationKind::Reissue { .. })
                && Some(&operation.on) == ca
                && (fetch.began..attempt.due).contains(&operation.at)
        });
        !is_another
            && (fetch.purpose == Purpose::Base || fetch.client.as_ref() == Some(&attempt.identity))
    }

    /// Whether the last answer about the client's certificate is one that a fault has made say that it is
    /// revoked or unknown: whoever believes it is right to.
    fn is_told_otherwise(&self, attempt: &At<'_, Attempt>) -> bool {
        let all = self.index.fetches.iter().filter(|f| f.t <= attempt.t && f.succeeded());
        let mut his = all.filter(|f| f.client.as_ref() == Some(&attempt.identity));
        let last = his.rfind(|f| f.purpose == Purpose::Ocsp);
        last.is_some_and(|fetch| {
            let effects = fetch.faults.iter().filter_map(|name| self.scenario.faults.get(name));
            effects.into_iter().any(|fault| {
                matches!(
                    fault.effect,
                    Effect::Ocsp(OcspDefect::SayRevoked | OcspDefect::SayUnknown)
                )
            })
        })
    }

    /// Whether nothing of an artefact can have come of a fetch. *Not modified* brings again what was there,
    /// of which an expired one is nothing.
    fn is_lost(&self, fetch: &At<'_, Fetch>) -> bool {
        match (fetch.error, fetch.status) {
            (Some(FetchError::BadReply), _) | (None, Some(200)) => false,
            (None, Some(304)) => {
                let mut before = self.index.fetches.iter().filter(|f| f.t <= fetch.began);
                let there = before.rfind(|f| f.url == fetch.url && f.succeeded());
                there.is_some_and(|there| there.object.is_some())
            }
            _ => true,
        }
    }

    /// Whether a fetch brought the server something right that is still valid.
    fn is_right(&self, fetch: &Fetch, attempt: &Attempt) -> bool {
        fetch.succeeded()
            && fetch.faults.is_empty()
            && valid_at(fetch, attempt.due)
            && matches!(fetch.purpose, Purpose::Base | Purpose::Ocsp)
            && (!about::is_publishers(fetch) || self.is_delivered(fetch, attempt))
    }

    /// Whether a script that nothing went wrong with has brought it to the server by then.
    fn is_delivered(&self, fetch: &Fetch, attempt: &Attempt) -> bool {
        self.scenario.suts.get(&fetch.by).is_some_and(|sut| {
            let script = &sut.publisher;
            let in_place = fetch.began + script.lag;
            script.reload && script.faults.is_empty() && in_place <= attempt.due
        })
    }
}

fn told(all: &[(u64, &str)]) -> Vec<String> {
    all.iter().filter(|(n, _)| *n > 0).map(|(n, words)| format!("{n} × {words}")).collect()
}

fn attempt_end(attempt: &Attempt) -> Instant {
    attempt.began.unwrap_or(attempt.due) + revlab_lab::Span::from_millis(attempt.took_ms)
}

/// Whether it brought something that is valid at a time.
fn valid_at(fetch: &Fetch, at: Instant) -> bool {
    fetch.object.as_ref().is_some_and(|object| {
        object.this_update <= at && object.next_update.is_none_or(|next| at < next)
    })
}

/// The nth handshake of each client and identity.
fn nth_of_each<'a, 'b>(all: &[&'b At<'a, Attempt>], nth: usize) -> Vec<&'b At<'a, Attempt>> {
    let mut seen: BTreeMap<(&Name, &Name), usize> = BTreeMap::new();
    let mut found = Vec::new();
    for attempt in all {
        let count = seen.entry((&attempt.it().client, &attempt.it().identity)).or_insert(0);
        if *count == nth {
            found.push(*attempt);
        }
        *count += 1;
    }
    found
}
