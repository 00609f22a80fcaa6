//! Which attempt a piece of evidence belongs to.
//!
//! A log does not name our attempts. What it says belongs to one where it can belong to no other, or where all that it
//! could be say the same; otherwise it stands in the trace without an attempt, and nothing is concluded from it.

use revlab_lab::trace::{Attempt, Kind, Trace};
use revlab_lab::{Code, Instant, Name, Outcome, Span};

use super::{EVIDENCE, Evidence, Source, TOLERANCE, record, renumbered};

/// What came of the logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Joined {
    /// So many log records were put into the trace.
    pub records: usize,
    /// So many refused attempts got a code or a sub-status from them.
    pub told: usize,
    /// So many refused attempts have no code still.
    pub untold: usize,
}

/// Stamps of an access log are whole seconds.
const SECOND: Span = Span::from_millis(999);

/// An attempt of the trace.
struct Tried<'a> {
    /// Where its record is.
    at: usize,
    begin: Instant,
    end: Instant,
    it: &'a Attempt,
}

impl Tried<'_> {
    fn refused(&self) -> bool {
        self.it.outcome == Outcome::Refused
    }

    /// Whether this may be about the answer that it got.
    fn may_be_answer(&self, evidence: &Evidence) -> bool {
        let fits = |known: Option<u16>, told: Option<u16>| {
            known.is_none() || told.is_none() || known == told
        };
        evidence.status.is_some()
            && evidence.status == self.it.status
            && fits(self.it.substatus, evidence.substatus)
            && (evidence.at - TOLERANCE..=evidence.at + SECOND + TOLERANCE).contains(&self.end)
    }

    /// Whether this may be about a check of its certificate.
    fn may_be_check(&self, evidence: &Evidence) -> bool {
        evidence.source == Source::Capi2
            && evidence.subject.as_deref() == Some(&*self.it.identity)
            && (self.begin - TOLERANCE..=self.end + TOLERANCE).contains(&evidence.at)
    }
}

/// What the logs say of one attempt.
#[derive(Clone, Copy, Default)]
struct Told {
    substatus: Option<u16>,
    code: Option<Code>,
}

pub(super) fn into(trace: &Trace, found: &[(Name, Evidence)], files: &[Name]) -> (Trace, Joined) {
    let records = trace.records();
    let Some((start, sut)) = records.iter().find_map(|record| match &record.kind {
        Kind::Header(header) => Some((header.start, Name::from(header.sut.as_str()))),
        _ => None,
    }) else {
        return (trace.clone(), Joined::default());
    };
    let end = records.last().map_or(start, |record| record.t);
    let here = |at: Instant| at >= start - TOLERANCE && at <= end + TOLERANCE;
    let found: Vec<&(Name, Evidence)> = found.iter().filter(|(_, e)| here(e.at)).collect();
    let mut tried = attempts(trace);
    tried.sort_by_key(|tried| (tried.begin, tried.at));

    let mut told: Vec<Told> = vec![Told::default(); tried.len()];
    let mut of: Vec<Option<usize>> = vec![None; found.len()];
    for source in [Source::Freb, Source::Access] {
        answers(source, &tried, &found, &mut told, &mut of);
    }
    checks(&tried, &found, &mut told, &mut of);

    let joined = Joined {
        records: found.len(),
        told: told.iter().filter(|told| told.code.is_some() || told.substatus.is_some()).count(),
        untold: std::iter::zip(&tried, &told)
            .filter(|(tried, told)| tried.refused() && tried.it.code.or(told.code).is_none())
            .count(),
    };
    let mut kinds: Vec<(Instant, Kind)> =
        records.iter().map(|record| (record.t, record.kind.clone())).collect();
    for (tried, told) in std::iter::zip(&tried, &told) {
        if let Some((_, Kind::Attempt(attempt))) = kinds.get_mut(tried.at) {
            attempt.substatus = attempt.substatus.or(told.substatus);
            attempt.code = attempt.code.or(told.code);
        }
    }
    if let Some((_, Kind::Header(header))) = kinds.first_mut() {
        let files: Vec<&str> = files.iter().map(|file| &**file).collect();
        header
            .profiles
            .entry(sut.to_string())
            .or_default()
            .insert(EVIDENCE.to_owned(), files.into());
    }
    let logs = std::iter::zip(&found, &of).map(|((file, evidence), of)| {
        let attempt = of.and_then(|place| u64::try_from(place + 1).ok());
        (evidence.at.max(start).min(end), record(&sut, file, evidence, attempt))
    });
    (renumbered(merged(kinds, logs.collect())), joined)
}

/// The attempts of a trace.
fn attempts(trace: &Trace) -> Vec<Tried<'_>> {
    let tried = trace.records().iter().enumerate().filter_map(|(at, record)| match &record.kind {
        Kind::Attempt(it) => {
            let begin = it.began.unwrap_or(it.due);
            let end = begin + Span::from_millis(it.took_ms.max(0));
            Some(Tried { at, begin, end, it })
        }
        _ => None,
    });
    tried.collect()
}

/// Gives refused attempts what the logs of their answers say. Each piece of evidence is that of one attempt.
fn answers(
    source: Source,
    tried: &[Tried<'_>],
    found: &[&(Name, Evidence)],
    told: &mut [Told],
    of: &mut [Option<usize>],
) {
    let mut begin = 0;
    for (place, tried) in tried.iter().enumerate().filter(|(_, tried)| tried.refused()) {
        let early = |evidence: &Evidence| evidence.at + SECOND + TOLERANCE < tried.begin;
        while found.get(begin).is_some_and(|(_, evidence)| early(evidence)) {
            begin += 1;
        }
        let late = |evidence: &Evidence| evidence.at > tried.end + TOLERANCE;
        let may_be = found.iter().enumerate().skip(begin).take_while(|(_, (_, e))| !late(e));
        let may_be: Vec<(usize, &Evidence)> = may_be
            .map(|(n, (_, evidence))| (n, evidence))
            .filter(|(_, evidence)| evidence.source == source && tried.may_be_answer(evidence))
            .collect();
        let free = may_be.iter().filter(|(n, _)| of.get(*n).is_some_and(Option::is_none));
        let apart = |evidence: &Evidence| (evidence.at - tried.end).as_millis().unsigned_abs();
        let nearest = free.min_by_key(|(n, evidence)| (apart(evidence), *n)).copied();
        let Some((n, evidence)) = nearest else { continue };
        let same = |(_, other): &(usize, &Evidence)| {
            (other.substatus, other.code) == (evidence.substatus, evidence.code)
        };
        if !may_be.iter().all(same) {
            continue;
        }
        if let (Some(of), Some(told)) = (of.get_mut(n), told.get_mut(place)) {
            *of = Some(place);
            told.substatus = told.substatus.or(evidence.substatus);
            told.code = told.code.or(evidence.code);
        }
    }
}

/// Gives attempts the events of the checks of their certificates, and those refused attempts their code that have none.
fn checks(
    tried: &[Tried<'_>],
    found: &[&(Name, Evidence)],
    told: &mut [Told],
    of: &mut [Option<usize>],
) {
    /// The chain as a whole, then its policy, then the check of one certificate.
    const VERDICTS: [u16; 3] = [41, 11, 30];
    for (n, (_, evidence)) in found.iter().enumerate() {
        let mut may_be = tried.iter().enumerate().filter(|(_, tried)| tried.may_be_check(evidence));
        if let (Some((place, _)), None, Some(of)) = (may_be.next(), may_be.next(), of.get_mut(n)) {
            *of = Some(place);
        }
    }
    for (place, tried) in tried.iter().enumerate().filter(|(_, tried)| tried.refused()) {
        let Some(told) = told.get_mut(place).filter(|told| told.code.is_none()) else { continue };
        let mine = std::iter::zip(found, of.iter()).filter(|(_, of)| **of == Some(place));
        let mine: Vec<&Evidence> = mine.map(|((_, evidence), _)| evidence).collect();
        let codes = VERDICTS.iter().find_map(|event| {
            let of_kind = mine.iter().filter(|evidence| evidence.event == *event);
            let codes: Vec<Code> = of_kind.filter_map(|evidence| evidence.code).collect();
            (!codes.is_empty()).then_some(codes)
        });
        let Some(codes) = codes else { continue };
        if tried.it.code.is_none() && codes.iter().all(|code| Some(code) == codes.first()) {
            told.code = codes.first().copied();
        }
    }
}

/// Both in order of time; a log stands behind what the lab recorded at that instant, and before the end.
fn merged(records: Vec<(Instant, Kind)>, logs: Vec<(Instant, Kind)>) -> Vec<(Instant, Kind)> {
    let mut all = Vec::with_capacity(records.len() + logs.len());
    let mut logs = logs.into_iter().peekable();
    for (t, kind) in records {
        let is_end = matches!(kind, Kind::End(_));
        while let Some(log) = logs.next_if(|(at, _)| *at < t || is_end) {
            all.push(log);
        }
        all.push((t, kind));
    }
    // A trace that was cut has no end.
    all.extend(logs);
    all
}
