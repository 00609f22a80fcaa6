//! A strip of time: one lane for each thing that matters, the same columns for all of them, so
//! that what coincides stands under one another.

use revlab_lab::trace::{FaultState, Purpose};
use revlab_lab::{Name, Outcome};

use super::Page;
use super::axis::{self, CELLS, Scale};
use super::paint::Tone;
use super::wrap::{cut, labelled};
use crate::judge::staleness;

/// Columns of the name of a group of lanes, and of a lane.
const GROUP: usize = 11;
const LANE: usize = 12;
/// More actors, faults than this are not drawn.
const MOST_LANES: usize = 8;

/// A row of the strip.
struct Lane {
    group: &'static str,
    name: String,
    cells: Vec<(char, Tone)>,
}

impl Lane {
    fn new(group: &'static str, name: &str) -> Lane {
        Lane { group, name: name.to_owned(), cells: vec![(' ', Tone::Plain); CELLS] }
    }

    fn put(&mut self, cell: usize, c: char, tone: Tone) {
        if let Some(place) = self.cells.get_mut(cell) {
            *place = (c, tone);
        }
    }

    fn is_empty(&self) -> bool {
        self.cells.iter().all(|(c, _)| *c == ' ')
    }
}

pub(super) fn section(page: &Page<'_>) -> Vec<String> {
    let scale = Scale { start: page.index.start, duration: page.scenario.duration };
    let mut lanes = clients(page, scale);
    lanes.extend(stale(page, scale));
    lanes.extend(fetches(page, scale));
    lanes.extend(publications(page, scale));
    lanes.extend(faults(page, scale));
    let (operations, notes) = operations(page, scale);
    lanes.extend(operations);
    lanes.retain(|lane| !lane.is_empty());
    let (labels, rule) = axis::draw(scale, GROUP + LANE);
    let mut lines = vec![labels, rule.clone()];
    let mut group = "";
    for lane in &lanes {
        let shown = if lane.group == group { "" } else { lane.group };
        group = lane.group;
        let name = cut(&lane.name, LANE - 1);
        lines.push(format!("{shown:GROUP$}{name:LANE$}{}", page.paint.cells(&lane.cells)));
    }
    lines.push(rule);
    lines.extend(legend(scale).iter().map(|line| page.paint.text(Tone::Quiet, line)));
    lines.extend(notes);
    lines
}

fn legend(scale: Scale) -> [String; 2] {
    let cell = crate::judge::about(scale.duration.scale(1, CELLS as i64));
    let indent = GROUP + LANE;
    let outcomes = ". admitted  █ refused  ▄ in part  T timed out  F failed";
    let others = "o fetched  x in vain  % both  + published  = lasts";
    [format!("{:indent$}{outcomes}", ""), format!("{:indent$}{others}  (a column is {cell})", "")]
}

/// What came of the attempts of each client.
fn clients(page: &Page<'_>, scale: Scale) -> Vec<Lane> {
    let mut found: Vec<(Name, Vec<[u32; 4]>)> = Vec::new();
    for attempt in &page.index.attempts {
        let Some(cell) = scale.cell(attempt.due) else { continue };
        let at = match found.iter().position(|(name, _)| *name == attempt.client) {
            Some(at) => at,
            None => {
                found.push((attempt.client.clone(), vec![[0; 4]; CELLS]));
                found.len() - 1
            }
        };
        let slot = match attempt.outcome {
            Outcome::Admitted => 0,
            Outcome::Refused => 1,
            Outcome::TimedOut => 2,
            Outcome::Failed => 3,
        };
        let counts = found.get_mut(at).and_then(|(_, cells)| cells.get_mut(cell));
        if let Some(count) = counts.and_then(|c| c.get_mut(slot)) {
            *count += 1;
        }
    }
    found.sort();
    let lanes = found.iter().take(MOST_LANES).map(|(name, cells)| {
        let mut lane = Lane::new("clients", name);
        lane.cells = cells.iter().map(|counts| outcome_cell(*counts)).collect();
        lane
    });
    lanes.collect()
}

fn outcome_cell(counts: [u32; 4]) -> (char, Tone) {
    match counts {
        [0, 0, 0, 0] => (' ', Tone::Plain),
        [_, 0, 0, 0] => ('.', Tone::Good),
        [0, _, 0, 0] => ('█', Tone::Bad),
        [0, 0, _, 0] => ('T', Tone::Bad),
        [0, 0, 0, _] => ('F', Tone::Bad),
        [..] => ('▄', Tone::Bad),
    }
}

/// When the newest base CRL that a SUT has fetched for its clients was past its nextUpdate.
fn stale(page: &Page<'_>, scale: Scale) -> Vec<Lane> {
    let mut suts: Vec<&Name> = page.index.fetches.iter().map(|f| &f.by).collect();
    suts.sort();
    suts.dedup();
    let alone = suts.len() == 1;
    let lanes = suts.into_iter().map(|sut| {
        let name = if alone { "base CRL" } else { sut };
        let mut lane = Lane::new("stale", name);
        for window in staleness::stale(page.index, sut, None) {
            for cell in scale.covered(window.from, window.to) {
                lane.put(cell, '=', Tone::Bad);
            }
        }
        lane
    });
    lanes.take(MOST_LANES).collect()
}

fn fetches(page: &Page<'_>, scale: Scale) -> Vec<Lane> {
    let shown = [
        (Purpose::Ocsp, "OCSP"),
        (Purpose::Base, "base CRL"),
        (Purpose::Delta, "delta CRL"),
        (Purpose::Issuer, "issuer cert"),
    ];
    let lanes = shown.into_iter().map(|(purpose, name)| {
        let mut lane = Lane::new("fetched", name);
        for fetch in page.index.fetches.iter().filter(|f| f.purpose == purpose) {
            let Some(cell) = scale.cell(fetch.began) else { continue };
            let before = lane.cells.get(cell).map_or(' ', |(c, _)| *c);
            let (c, tone) = match (fetch.succeeded(), before) {
                (true, 'x' | '%') | (false, 'o' | '%') => ('%', Tone::Doubt),
                (true, _) => ('o', Tone::Good),
                (false, _) => ('x', Tone::Bad),
            };
            lane.put(cell, c, tone);
        }
        lane
    });
    lanes.collect()
}

fn publications(page: &Page<'_>, scale: Scale) -> Vec<Lane> {
    let shown = [(Purpose::Base, "base CRL"), (Purpose::Delta, "delta CRL")];
    let lanes = shown.into_iter().map(|(what, name)| {
        let mut lane = Lane::new("published", name);
        for publication in page.index.publications.iter().filter(|p| p.what == what) {
            if let Some(cell) = scale.cell(publication.t) {
                lane.put(cell, '+', Tone::Plain);
            }
        }
        lane
    });
    lanes.collect()
}

fn faults(page: &Page<'_>, scale: Scale) -> Vec<Lane> {
    let mut lanes: Vec<(Name, Lane)> = Vec::new();
    for (i, fault) in page.index.faults.iter().enumerate() {
        if fault.state != FaultState::Begin {
            continue;
        }
        let rest = page.index.faults.iter().skip(i + 1);
        let mut ends = rest.filter(|f| f.id == fault.id && f.state == FaultState::End);
        let end = ends.next().map_or(page.index.end, |f| f.t);
        let at = lanes.iter().position(|(id, _)| *id == fault.id).unwrap_or(lanes.len());
        if at == lanes.len() {
            lanes.push((fault.id.clone(), Lane::new("faults", &fault.id)));
        }
        if let Some((_, lane)) = lanes.get_mut(at) {
            for cell in scale.covered(fault.t, end) {
                lane.put(cell, '=', Tone::Doubt);
            }
            // However short it was.
            if let Some(cell) = scale.cell(fault.t) {
                lane.put(cell, '=', Tone::Doubt);
            }
        }
    }
    lanes.into_iter().map(|(_, lane)| lane).take(MOST_LANES).collect()
}

/// One lane for all operations, a letter for each; and what the letters stand for.
fn operations(page: &Page<'_>, scale: Scale) -> (Option<Lane>, Vec<String>) {
    let mut ids: Vec<&Name> = Vec::new();
    let mut lane = Lane::new("operations", "");
    let mut notes = Vec::new();
    for operation in &page.index.operations {
        let at = ids.iter().position(|id| **id == operation.id).unwrap_or(ids.len());
        let letter = ('a'..='z').nth(at).unwrap_or('*');
        if at == ids.len() {
            ids.push(&operation.id);
            let times = page.index.operations.iter().filter(|o| o.id == operation.id).count();
            let often = if times > 1 { format!(", {times} times") } else { String::new() };
            let detail = operation.detail.as_ref().map(|d| format!(": {d}")).unwrap_or_default();
            let text = format!(
                "{letter} = {} on {} from {}{often} (`{}`){detail}",
                operation.what,
                operation.on,
                crate::judge::at(operation.t),
                operation.id
            );
            notes.extend(labelled("", GROUP + LANE, &text));
        }
        if let Some(cell) = scale.cell(operation.t) {
            lane.put(cell, letter, Tone::Doubt);
        }
    }
    let lane = (!ids.is_empty()).then_some(lane);
    (lane, notes)
}
