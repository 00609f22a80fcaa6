//! Whether a run did what its scenario expects: a pure function of scenario and trace.
//!
//! The trace is read once into an index; each kind of expectation is judged by the file
//! of its name. A judgement can be made again at any time from the files of a run.
//!
//! What a kind counts by which time is part of its meaning, and the same everywhere:
//!
//! * an attempt lies where it was *due*;
//! * a fetch lies where its request was made (`began`), but in an `order` where its answer came,
//!   as the CA's own log stamps it;
//! * a check lies where it began;
//! * an episode lies in every window in which one of its attempts was due, and keeps its whole
//!   length there.
//!
//! Nothing that was not judged is ever [`Status::Held`].

mod attempts;
mod checks;
mod episode;
mod episodes;
pub(crate) mod exposure;
mod fetches;
mod follows;
pub(crate) mod index;
mod log;
mod order;
mod phrase;
mod run;
#[cfg(test)]
pub(crate) mod sample;
mod select;
pub(crate) mod staleness;
mod told;

use revlab_lab::trace::Trace;
use revlab_lab::{Instant, Name};
use serde::Serialize;

pub use episode::{Episode, Healing};

use crate::scenario::Scenario;
use crate::scenario::model::{During, Expectation, ExpectationKind};
use index::Index;

pub(crate) use phrase::{about, at, by_alert, counted, result_words};

/// What came of a run, judged by what its scenario expects.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// One for each expectation, in the order of the scenario.
    pub findings: Vec<Finding>,
    /// Why the run as a whole proves nothing, each reason a sentence; empty when it counts.
    pub inconclusive: Vec<String>,
    /// Every episode of every client by itself, in the order of their begin, then of the client.
    pub episodes: Vec<Episode>,
}

/// What came of one expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The expectation's name in the scenario.
    pub name: Name,
    /// Why it is expected, in the scenario's words.
    pub why: Option<String>,
    /// Labels of observations that it shows.
    pub shows: Vec<String>,
    /// Whether it held; [`Status::Known`] or [`Status::Cured`] where a failure of it is known.
    pub verdict: Status,
    /// The ticket under which it is known to fail.
    pub known: Option<String>,
    /// What was expected, in words.
    pub expected: String,
    /// What was seen, in words with numbers; where it did not hold, what was seen instead.
    pub seen: String,
    /// Numbers of the trace records to look at first, most telling first; at most
    /// [`Finding::MOST_RECORDS`].
    pub nearest: Vec<u64>,
}

impl Finding {
    /// How many records a finding points to at most.
    pub const MOST_RECORDS: usize = 8;
}

/// What came of an expectation, a run, or several runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Everything expected was seen.
    Held,
    /// Something expected was not seen.
    Failed,
    /// It could not be judged.
    Inconclusive,
    /// Something expected was not seen, as is known: it counts as held.
    Known,
    /// Everything expected was seen, though it is known to fail: it counts as failed, until the
    /// scenario no longer says `known`.
    Cured,
}

impl Status {
    /// The name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Held => "held",
            Status::Failed => "failed",
            Status::Inconclusive => "inconclusive",
            Status::Known => "known",
            Status::Cured => "cured",
        }
    }

    /// What a status becomes where a failure is known under a ticket.
    fn of_known(self) -> Status {
        match self {
            Status::Failed => Status::Known,
            Status::Held => Status::Cured,
            other => other,
        }
    }

    /// The exit status of the command: 0 held or known, 1 failed or cured, 3 inconclusive. (2 is for what went
    /// wrong before the first event: then there is no judgement.)
    pub fn exit_code(self) -> u8 {
        match self {
            Status::Held | Status::Known => 0,
            Status::Failed | Status::Cured => 1,
            Status::Inconclusive => 3,
        }
    }

    /// What several come to together: failed if one failed or is cured, else inconclusive if one
    /// is, else held.
    ///
    /// ```
    /// use revlab::judge::Status;
    /// let all = [Status::Held, Status::Inconclusive, Status::Failed];
    /// assert_eq!(Status::of_all(all), Status::Failed);
    /// ```
    pub fn of_all(statuses: impl IntoIterator<Item = Status>) -> Status {
        statuses.into_iter().fold(Status::Held, |worst, status| match (worst, status) {
            (_, Status::Failed | Status::Cured) | (Status::Failed, _) => Status::Failed,
            (_, Status::Inconclusive) | (Status::Inconclusive, _) => Status::Inconclusive,
            _ => Status::Held,
        })
    }
}

impl Judgement {
    /// What the run comes to: failed if an expectation failed, else inconclusive if one or the
    /// whole run is, else held. A run of which nothing is expected holds.
    pub fn status(&self) -> Status {
        let run = if self.inconclusive.is_empty() { Status::Held } else { Status::Inconclusive };
        Status::of_all(self.findings.iter().map(|f| f.verdict).chain([run]))
    }
}

/// What came of one expectation, before it is put under its name.
struct Ruling {
    verdict: Status,
    expected: String,
    seen: String,
    nearest: Vec<u64>,
}

impl Ruling {
    /// Held when there is no problem, else failed with the problems in place of what was seen.
    fn by_problems(
        expected: String,
        problems: &[String],
        seen: String,
        nearest: Vec<u64>,
    ) -> Ruling {
        match problems {
            [] => Ruling { verdict: Status::Held, expected, seen, nearest },
            _ => Ruling { verdict: Status::Failed, expected, seen: problems.join("; "), nearest },
        }
    }

    /// As [`Ruling::by_problems`], of what was seen in the window, or in each episode of `during`.
    fn by_stretches(
        expected: String,
        during: Option<&During>,
        problems: &[(Instant, String)],
        seen: &[(Instant, String)],
        nearest: Vec<u64>,
    ) -> Ruling {
        let words = |seen: &[(Instant, String)]| match during {
            Some(_) => phrase::in_episodes(seen),
            None => seen.iter().map(|(_, words)| words.as_str()).collect(),
        };
        let verdict = if problems.is_empty() { Status::Held } else { Status::Failed };
        let seen = words(if problems.is_empty() { seen } else { problems });
        Ruling { verdict, expected, seen, nearest }
    }

    fn failed(expected: String, seen: impl Into<String>) -> Ruling {
        Ruling { verdict: Status::Failed, expected, seen: seen.into(), nearest: Vec::new() }
    }

    fn inconclusive(expected: String, seen: impl Into<String>) -> Ruling {
        Ruling { verdict: Status::Inconclusive, expected, seen: seen.into(), nearest: Vec::new() }
    }
}

/// Judges a run by its trace.
///
/// Linear in the trace for each expectation. Records of kinds that no expectation asks for
/// change nothing.
pub fn judge(scenario: &Scenario, trace: &Trace) -> Judgement {
    let index = Index::new(scenario, trace);
    let findings = scenario.expectations.iter().map(|e| finding(scenario, &index, e)).collect();
    let inconclusive = run::inconclusive(scenario, trace, &index);
    let mut episodes = episode::sequences(&index, &Default::default()).concat();
    episodes.sort_by(|a, b| (a.begin, &a.clients).cmp(&(b.begin, &b.clients)));
    Judgement { findings, inconclusive, episodes }
}

fn finding(scenario: &Scenario, index: &Index<'_>, expectation: &Expectation) -> Finding {
    let mut ruling = ruling(scenario, index, expectation);
    if let Some(cut) = index.cut.filter(|cut| *cut < expectation.window.to.min(index.planned_end)) {
        // What is not in a cut trace may have happened all the same.
        ruling.verdict = Status::Inconclusive;
        ruling.seen =
            format!("the trace can be judged up to {} only; in it: {}", at(cut), ruling.seen);
    }
    ruling.nearest.truncate(Finding::MOST_RECORDS);
    Finding {
        name: expectation.name.clone(),
        why: expectation.why.clone(),
        shows: expectation.shows.clone(),
        verdict: match expectation.known {
            Some(_) => ruling.verdict.of_known(),
            None => ruling.verdict,
        },
        known: expectation.known.clone(),
        expected: ruling.expected + &phrase::window(index, expectation.window),
        seen: ruling.seen,
        nearest: ruling.nearest,
    }
}

fn ruling(scenario: &Scenario, index: &Index<'_>, expectation: &Expectation) -> Ruling {
    let window = expectation.window;
    if let Some(why) = told::beyond(index, &expectation.kind) {
        return Ruling::inconclusive(phrase::unasked(&expectation.kind), why);
    }
    match &expectation.kind {
        ExpectationKind::Attempts { share, of, result } => {
            attempts::judge(index, window, *share, of, result)
        }
        ExpectationKind::Episodes { of, result, count, length, heals, first, apart } => {
            let asked = episodes::Asked {
                of,
                result,
                count: *count,
                length: *length,
                heals: *heals,
                first: *first,
                apart: *apart,
            };
            episodes::judge(index, window, &asked)
        }
        ExpectationKind::Fetches { of, count, during, while_base_stale } => {
            let asked = fetches::Asked {
                of,
                count: *count,
                during: during.as_ref(),
                while_base_stale: *while_base_stale,
            };
            fetches::judge(index, window, &asked)
        }
        ExpectationKind::Order { sequence, within, only } => {
            order::judge(index, window, sequence, *within, only.as_ref())
        }
        ExpectationKind::Follows { after, then, within } => {
            follows::judge(index, window, after, then, *within)
        }
        ExpectationKind::Checks { of, result, count, share, during } => {
            let asked =
                checks::Asked { of, result, count: *count, share: *share, during: during.as_ref() };
            checks::judge(index, window, &asked)
        }
        ExpectationKind::Exposure { at_most } => exposure::judge(scenario, index, window, *at_most),
        ExpectationKind::Log { code, file, count } => {
            log::judge(index, window, *code, file.as_deref(), *count)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use revlab_lab::trace::{Cache, CacheOp, Kind, Layer, Purpose, Record};
    use revlab_lab::{Code, Outcome, Span};

    use super::sample::{Lab, base, check, delta, hours, mins, ocsp_failed};
    use super::*;
    use crate::scenario::model::{AttemptFilter, Count, FetchFilter, ResultFilter, Share};

    /// An outage from 2:00 to 2:50 with what belongs to it, and three expectations.
    fn outage() -> Lab {
        let mut lab = Lab::new(hours(4));
        for (i, minute) in (0..240).step_by(10).enumerate() {
            let refused = (120..170).contains(&minute);
            let verdict = if refused {
                revlab_lab::trace::Verdict::Offline
            } else {
                revlab_lab::trace::Verdict::Good
            };
            lab.check(mins(minute), check("web", i as u64 + 1, verdict));
            match refused {
                true => lab.refused(mins(minute), Code::CRYPT_E_REVOCATION_OFFLINE),
                false => lab.admitted(mins(minute)),
            };
        }
        lab.fetch(mins(35), base(lab.at(mins(30)), lab.at(mins(115))));
        lab.fetch(mins(120), ocsp_failed());
        lab.fetch(mins(121), delta(lab.at(mins(90)), lab.at(mins(145))));
        lab.fetch(mins(170), base(lab.at(mins(150)), lab.at(mins(235))));
        let result = |outcome| ResultFilter { outcome, code: None, substatus: None, by: None };
        lab.expect(ExpectationKind::Episodes {
            of: AttemptFilter::default(),
            result: result(Outcome::Refused),
            count: Count { min: 1, max: Some(1) },
            length: None,
            heals: Some(true),
            first: None,
            apart: None,
        });
        lab.expect(ExpectationKind::Attempts {
            share: Share::All,
            of: AttemptFilter::default(),
            result: result(Outcome::Admitted),
        });
        lab.expect(ExpectationKind::Fetches {
            of: FetchFilter { purposes: vec![Purpose::Base], ..FetchFilter::default() },
            count: Count { min: 0, max: Some(0) },
            during: None,
            while_base_stale: true,
        });
        lab
    }

    fn cache(by: &str) -> Kind {
        Kind::Cache(Cache {
            by: by.into(),
            layer: Layer::Disk,
            owner: "SYSTEM".into(),
            op: CacheOp::Expire,
            object: None,
        })
    }

    #[test]
    fn several_results_come_to_failed_then_inconclusive_then_held() {
        use Status::{Failed, Held, Inconclusive};
        assert_eq!(Status::of_all([]), Held);
        assert_eq!(Status::of_all([Held, Inconclusive, Held]), Inconclusive);
        assert_eq!(Status::of_all([Inconclusive, Failed, Held]), Failed);
        let codes = [Held, Failed, Inconclusive].map(Status::exit_code);
        assert_eq!(codes, [0, 1, 3]);
        assert_eq!(Status::of_all([Held, Status::Known]), Held);
        assert_eq!(Status::of_all([Status::Cured, Inconclusive]), Failed);
    }

    #[test]
    fn a_known_failure_counts_as_held_and_its_cure_as_failed() {
        let mut lab = outage();
        for expectation in &mut lab.scenario.expectations {
            expectation.known = Some("LAB-7".to_owned());
        }
        let judgement = judge(&lab.scenario(), &lab.trace());
        let verdicts: Vec<_> = judgement.findings.iter().map(|f| f.verdict).collect();
        assert_eq!(verdicts, [Status::Cured, Status::Known, Status::Known]);
        assert_eq!(judgement.status(), Status::Failed);
        lab.scenario.expectations.remove(0);
        assert_eq!(judge(&lab.scenario(), &lab.trace()).status(), Status::Held);
    }

    #[test]
    fn findings_come_in_the_order_of_the_scenario() {
        let lab = outage();
        let judgement = judge(&lab.scenario(), &lab.trace());
        let verdicts: Vec<_> = judgement.findings.iter().map(|f| f.verdict).collect();
        assert_eq!(verdicts, [Status::Held, Status::Failed, Status::Failed]);
        assert_eq!(judgement.status(), Status::Failed);
        assert_eq!(judgement.episodes.len(), 3);
    }

    #[test]
    fn a_cut_trace_is_judged_in_windows_that_it_covers_and_nowhere_else() {
        let mut lab = outage();
        lab.cut();
        let all_admitted = |lab: &Lab, from, to| {
            let result =
                ResultFilter { outcome: Outcome::Admitted, code: None, substatus: None, by: None };
            let of = AttemptFilter::default();
            lab.find_in(from, to, ExpectationKind::Attempts { share: Share::All, of, result })
        };
        assert_eq!(all_admitted(&lab, mins(0), hours(2)).verdict, Status::Held);
        assert_eq!(all_admitted(&lab, mins(0), hours(3)).verdict, Status::Failed);
        let whole = all_admitted(&lab, hours(3), hours(4));
        assert_eq!(whole.verdict, Status::Inconclusive);
        assert!(whole.seen.contains("can be judged up to"), "{}", whole.seen);
        let judgement = judge(&lab.scenario(), &lab.trace());
        assert_eq!(judgement.status(), Status::Inconclusive);
    }

    #[test]
    fn an_empty_trace_is_judged_and_nothing_holds() {
        let lab = outage();
        let judgement = judge(&lab.scenario(), &Trace::default());
        assert!(judgement.findings.iter().all(|f| f.verdict == Status::Inconclusive));
        assert_eq!(judgement.inconclusive, ["the trace is empty"]);
    }

    proptest! {
        #[test]
        fn records_that_nobody_asks_for_change_nothing(
            places in proptest::collection::vec(0usize..60, 0..20)
        ) {
            let lab = outage();
            let (scenario, trace) = (lab.scenario(), lab.trace());
            let plain = judge(&scenario, &trace);
            prop_assert_eq!(&plain, &judge(&scenario, &trace));
            let mut records: Vec<Record> = trace.records().to_vec();
            for place in places {
                let place = place.min(records.len() - 1);
                let t = records[place].t;
                // Numbers are kept, so that what the findings point to can be compared.
                records.insert(place, Record { n: u64::MAX, t, kind: cache("web") });
            }
            prop_assert_eq!(plain, judge(&scenario, &Trace::new(records)));
        }

        #[test]
        fn any_prefix_of_a_trace_is_judged_without_a_panic_and_never_held(length in 0usize..50) {
            let lab = outage();
            let records = lab.trace().records().iter().take(length).cloned().collect();
            let judgement = judge(&lab.scenario(), &Trace::new(records));
            prop_assert_ne!(judgement.status(), Status::Held);
            prop_assert!(judgement.episodes.iter().all(|e| e.length() >= Span::ZERO));
        }
    }
}
