//! Attempt by attempt: the same client, thread and due time on both sides.

use std::cmp::Ordering;

use revlab_lab::trace::Attempt;
use revlab_lab::{Instant, Name, Outcome};
use serde::Serialize;

use crate::judge::index::{At, Index};
use crate::judge::{by_alert, result_words};

/// How the attempts of the two sides lie to one another.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Attempts {
    /// How many are on both sides.
    pub both: u64,
    /// How many of them came to the same.
    pub same: u64,
    /// Admitted in A, not admitted in B.
    pub newly_refused: Changed,
    /// Not admitted in A, admitted in B.
    pub newly_admitted: Changed,
    /// Not admitted on either side, in another way.
    pub otherwise: Changed,
    /// How many are in A alone.
    pub only_a: u64,
    /// How many are in B alone.
    pub only_b: u64,
}

/// Attempts that came to something else.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Changed {
    /// How many.
    pub count: u64,
    /// How many of them with a certificate that was revoked by then.
    pub revoked: u64,
    /// In runs, in the order of their begin.
    pub stretches: Vec<Stretch>,
}

/// An unbroken run of attempts of one client that changed in the same way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stretch {
    /// Whose attempts.
    pub client: Name,
    /// When the first was due.
    pub from: Instant,
    /// When the last was due.
    pub to: Instant,
    /// How many.
    pub attempts: u64,
    /// What they came to in A.
    pub a: String,
    /// What they came to in B.
    pub b: String,
    /// The record of the first in A, and in B.
    pub records: [u64; 2],
}

/// A certificate that was revoked, from when, until when it was replaced or released.
pub(super) type Revoked = (Name, Instant, Instant);

/// In the order of client, due time and thread, so that a client's attempts lie together.
fn sorted<'i, 'a>(index: &'i Index<'a>) -> Vec<&'i At<'a, Attempt>> {
    let mut all: Vec<_> = index.attempts.iter().collect();
    all.sort_by(|a, b| key(a).cmp(&key(b)).then(a.n.cmp(&b.n)));
    all
}

fn key<'i>(a: &'i At<'_, Attempt>) -> (&'i str, Instant, u32) {
    (&a.client, a.due, a.thread)
}

pub(super) fn attempts(a: &Index<'_>, b: &Index<'_>, revoked: &[Revoked]) -> Attempts {
    let (left, right) = (sorted(a), sorted(b));
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    let mut found = Attempts::default();
    // Of the pair before: whose it was, and where its run is told.
    let mut open = None;
    while let (Some(x), Some(y)) = (left.peek().copied(), right.peek().copied()) {
        match key(x).cmp(&key(y)) {
            Ordering::Less => {
                found.only_a += 1;
                left.next();
            }
            Ordering::Greater => {
                found.only_b += 1;
                right.next();
            }
            Ordering::Equal => {
                open = pair(&mut found, x, y, revoked, open);
                left.next();
                right.next();
            }
        }
    }
    found.only_a += left.count() as u64;
    found.only_b += right.count() as u64;
    for changed in [&mut found.newly_refused, &mut found.newly_admitted, &mut found.otherwise] {
        changed.stretches.sort_by(|a, b| (a.from, &a.client).cmp(&(b.from, &b.client)));
    }
    found
}

/// How a pair changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Refused,
    Admitted,
    Otherwise,
}

fn pair(
    found: &mut Attempts,
    x: &At<'_, Attempt>,
    y: &At<'_, Attempt>,
    revoked: &[Revoked],
    open: Option<Way>,
) -> Option<Way> {
    found.both += 1;
    let same = |a: &Attempt| (a.outcome, a.status, a.substatus, a.code, a.alert.clone());
    if same(x) == same(y) {
        found.same += 1;
        return None;
    }
    let (way, changed) = match (x.outcome, y.outcome) {
        (Outcome::Admitted, Outcome::Admitted) => (Way::Otherwise, &mut found.otherwise),
        (Outcome::Admitted, _) => (Way::Refused, &mut found.newly_refused),
        (_, Outcome::Admitted) => (Way::Admitted, &mut found.newly_admitted),
        _ => (Way::Otherwise, &mut found.otherwise),
    };
    changed.count += 1;
    let is_revoked = |(identity, from, until): &Revoked| {
        *identity == y.identity && *from <= y.due && y.due < *until
    };
    changed.revoked += u64::from(revoked.iter().any(is_revoked));
    let words = |a: &Attempt| {
        by_alert(result_words(a.outcome, a.status, a.substatus, a.code), a.alert.as_ref())
    };
    let (a, b) = (words(x), words(y));
    let last = changed.stretches.last_mut().filter(|_| open == Some(way));
    match last.filter(|s| s.client == y.client && s.a == a && s.b == b) {
        Some(stretch) => {
            stretch.to = y.due;
            stretch.attempts += 1;
        }
        None => changed.stretches.push(Stretch {
            client: y.client.clone(),
            from: y.due,
            to: y.due,
            attempts: 1,
            a,
            b,
            records: [x.n, y.n],
        }),
    }
    Some(way)
}
