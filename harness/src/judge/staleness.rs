//! When a SUT's newest base CRL was past its nextUpdate, from its fetches and its clock.

use std::collections::BTreeMap;

use revlab_lab::trace::{Fetch, Purpose};
use revlab_lab::{Instant, Span};

use super::index::{At, Index};
use crate::scenario::model::Window;

/// What the actors' clocks read, as far as the trace says.
#[derive(Debug, Default)]
pub(crate) struct Clocks<'a> {
    /// By actor: from when on it is ahead by how much.
    offsets: BTreeMap<&'a str, Vec<(Instant, Span)>>,
}

impl<'a> Clocks<'a> {
    pub(crate) fn set(&mut self, actor: &'a str, from: Instant, offset: Span) {
        self.offsets.entry(actor).or_default().push((from, offset));
    }

    /// How far the actor's clock is ahead at `t`.
    pub(crate) fn offset(&self, actor: &str, t: Instant) -> Span {
        let steps = self.offsets.get(actor).map(Vec::as_slice).unwrap_or_default();
        steps.iter().rfind(|(at, _)| *at <= t).map_or(Span::ZERO, |(_, offset)| *offset)
    }

    /// Every setting on record: whose clock, from when on, ahead by how much.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (&'a str, Instant, Span)> {
        let all = self.offsets.iter();
        all.flat_map(|(actor, steps)| steps.iter().map(|(at, offset)| (*actor, *at, *offset)))
    }

    /// The stretches of `window` in which the actor's offset was constant, with that offset.
    fn stretches(&self, actor: &str, window: Window) -> Vec<(Window, Span)> {
        let steps = self.offsets.get(actor).map(Vec::as_slice).unwrap_or_default();
        let mut found = Vec::new();
        let (mut from, mut offset) = (window.from, Span::ZERO);
        for (at, next) in steps {
            if *at > from {
                found.push((Window { from, to: (*at).min(window.to) }, offset));
                from = *at;
            }
            offset = *next;
            if from >= window.to {
                return found;
            }
        }
        if from < window.to {
            found.push((Window { from, to: window.to }, offset));
        }
        found
    }
}

/// A base CRL that a SUT came to hold.
struct Held {
    from: Instant,
    this_update: Instant,
    next_update: Option<Instant>,
}

/// The stretches of the run in which a SUT held, of some URL, a newest base CRL whose nextUpdate
/// was past by the SUT's own clock; merged and in order.
///
/// Only what `process` fetched counts, and what was fetched unsolicited: caches in memory are per
/// process, while prefetch fills the disk cache (fact sheet §2.4, §2.5). Without `process` it is
/// the one that checks the clients' certificates; where the trace names none, all count.
pub(crate) fn stale(index: &Index<'_>, sut: &str, process: Option<&str>) -> Vec<Window> {
    let process = process.or_else(|| index.serving.get(sut).map(|p| &**p));
    let mut by_url: BTreeMap<&str, Vec<Held>> = BTreeMap::new();
    for fetch in index.fetches.iter().filter(|f| brought_base(f, sut, process)) {
        let Some(object) = &fetch.object else { continue };
        let held = by_url.entry(fetch.url.as_str()).or_default();
        if held.last().is_none_or(|h| h.this_update <= object.this_update) {
            held.push(Held {
                from: fetch.t,
                this_update: object.this_update,
                next_update: object.next_update,
            });
        }
    }
    let mut found = Vec::new();
    for held in by_url.values() {
        for (i, one) in held.iter().enumerate() {
            let until = held.get(i + 1).map_or(index.end, |next| next.from);
            found.extend(past(&index.clocks, sut, one, until));
        }
    }
    merged(found)
}

fn brought_base(fetch: &At<'_, Fetch>, sut: &str, process: Option<&str>) -> bool {
    fetch.purpose == Purpose::Base
        && fetch.succeeded()
        && *fetch.by == *sut
        && process.is_none_or(|p| *fetch.process == *p || fetch.unsolicited.is_some())
}

/// When a base that was held up to `until` was past its nextUpdate.
fn past(clocks: &Clocks<'_>, sut: &str, held: &Held, until: Instant) -> Vec<Window> {
    let Some(next_update) = held.next_update else { return Vec::new() };
    let window = Window { from: held.from, to: until };
    let stretches = clocks.stretches(sut, window).into_iter();
    let found = stretches.filter_map(|(stretch, offset)| {
        // At nextUpdate itself the CRL is still good.
        let begin = next_update - offset + Span::from_millis(1);
        let from = begin.max(stretch.from);
        (from < stretch.to).then_some(Window { from, to: stretch.to })
    });
    found.collect()
}

fn merged(mut windows: Vec<Window>) -> Vec<Window> {
    windows.sort_by_key(|w| (w.from, w.to));
    let mut found: Vec<Window> = Vec::new();
    for window in windows {
        match found.last_mut() {
            Some(last) if window.from <= last.to => last.to = last.to.max(window.to),
            _ => found.push(window),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::sample::{self, Lab, hours, mins};

    fn stretches(lab: &Lab, process: Option<&str>) -> Vec<(Span, Span)> {
        let trace = lab.trace();
        let scenario = lab.scenario();
        let index = Index::new(&scenario, &trace);
        let found = stale(&index, "web", process);
        found.iter().map(|w| (w.from - lab.at(Span::ZERO), w.to - lab.at(Span::ZERO))).collect()
    }

    /// A base that arrives at once.
    fn base(from: Instant, to: Instant) -> Fetch {
        Fetch { took_ms: 0, ..sample::base(from, to) }
    }

    const TICK: Span = Span::from_millis(1);

    #[test]
    fn a_base_is_stale_after_its_next_update_until_a_newer_one_arrives() {
        let mut lab = Lab::new(hours(6));
        lab.fetch(mins(10), base(lab.at(mins(0)), lab.at(mins(85))));
        lab.fetch(mins(145), base(lab.at(mins(120)), lab.at(mins(205))));
        let expected = [(mins(85) + TICK, mins(145)), (mins(205) + TICK, hours(6))];
        assert_eq!(stretches(&lab, None), expected);
    }

    #[test]
    fn an_older_base_does_not_replace_a_newer_one() {
        let mut lab = Lab::new(hours(3));
        lab.fetch(mins(10), base(lab.at(mins(5)), lab.at(hours(4))));
        lab.fetch(mins(20), base(lab.at(mins(0)), lab.at(mins(30))));
        assert_eq!(stretches(&lab, None), []);
    }

    #[test]
    fn the_suts_own_clock_decides() {
        let mut lab = Lab::new(hours(3));
        lab.clock(hours(1), "web", mins(30));
        lab.clock(hours(2), "web", Span::ZERO);
        lab.clock(mins(1), "ca", hours(9));
        lab.fetch(mins(10), base(lab.at(mins(0)), lab.at(mins(100))));
        // 70 min by lab time reads 100 min while the clock is half an hour ahead.
        let expected = [(mins(70) + TICK, hours(3))];
        assert_eq!(stretches(&lab, None), expected);
    }

    #[test]
    fn a_clock_reads_what_it_was_last_set_to() {
        let mut lab = Lab::new(hours(3));
        lab.clock(hours(1), "web", mins(30)).clock(hours(2), "web", -mins(5));
        let (scenario, trace) = (lab.scenario(), lab.trace());
        let index = Index::new(&scenario, &trace);
        let offset = |after| index.clocks.offset("web", lab.at(after));
        assert_eq!([mins(59), hours(1), hours(3)].map(offset), [Span::ZERO, mins(30), -mins(5)]);
        assert_eq!(index.clocks.offset("ca", lab.at(hours(1))), Span::ZERO);
    }

    #[test]
    fn with_a_process_only_its_own_and_unsolicited_fetches_count() {
        let mut lab = Lab::new(hours(3));
        lab.fetch(mins(10), base(lab.at(mins(0)), lab.at(mins(60))));
        let mut other = base(lab.at(mins(30)), lab.at(hours(4)));
        other.process = "certutil.exe".into();
        lab.fetch(mins(90), other.clone());
        assert_eq!(stretches(&lab, Some("lsass.exe")), [(mins(60) + TICK, hours(3))]);
        assert_eq!(stretches(&lab, None), [(mins(60) + TICK, mins(90))]);
        other.unsolicited = Some("prefetch".into());
        lab.fetch(mins(120), other);
        assert_eq!(stretches(&lab, Some("lsass.exe")), [(mins(60) + TICK, mins(120))]);
        // Without one, it is the process that checks for clients, once the trace names it.
        lab.check(mins(1), sample::check("web", 1, revlab_lab::trace::Verdict::Good));
        lab.admitted(mins(1)).with_check(1);
        assert_eq!(stretches(&lab, None), [(mins(60) + TICK, mins(120))]);
    }

    #[test]
    fn without_a_base_nothing_is_stale() {
        assert_eq!(stretches(&Lab::new(hours(3)), None), []);
    }
}
