//! `order`: these fetches in this order, each near its time, and perhaps nothing else.

use revlab_lab::Span;
use revlab_lab::trace::Fetch;

use super::index::{At, Index};
use super::{Ruling, phrase, select};
use crate::scenario::model::{FetchFilter, OrderItem, Window};

/// The earliest fetch that fits is taken for each item in turn: whatever else could be taken for
/// it would leave less for the items after it.
pub(super) fn judge(
    index: &Index<'_>,
    window: Window,
    sequence: &[OrderItem],
    within: Span,
    only: Option<&FetchFilter>,
) -> Ruling {
    let expected = expected(sequence, within, only);
    let here: Vec<&At<'_, Fetch>> = index.fetches.iter().filter(|f| window.contains(f.t)).collect();
    let (mut problems, mut nearest, mut taken) = (Vec::new(), Vec::new(), Vec::new());
    let mut next = 0;
    for item in sequence {
        let rest = here.iter().enumerate().skip(next);
        match rest.into_iter().find(|(_, f)| fits(item, within, f)) {
            Some((position, fetch)) => {
                next = position + 1;
                taken.push((item, *fetch));
            }
            None => {
                let near = nearest_to(item, &here);
                problems.push(missing(item, near, &taken));
                nearest.extend(near.map(|f| f.n));
            }
        }
    }
    if let Some(only) = only {
        let is_taken = |f: &At<'_, Fetch>| taken.iter().any(|(_, t)| t.n == f.n);
        let others: Vec<_> =
            here.iter().filter(|f| select::fetch(only, f) && !is_taken(f)).collect();
        if !others.is_empty() {
            let words = phrase::listed(others.iter().map(|f| phrase::fetch(f)));
            problems.push(format!("{} besides: {words}", others.len()));
            nearest.extend(others.iter().map(|f| f.n));
        }
    }
    let seen = taken.iter().map(|(item, f)| {
        let off = phrase::off(f.t, item.at);
        format!("{} at {} ({off})", phrase::purpose(f.purpose), phrase::at(f.t))
    });
    let seen: Vec<String> = seen.collect();
    Ruling::by_problems(expected, &problems, seen.join(", "), nearest)
}

fn expected(sequence: &[OrderItem], within: Span, only: Option<&FetchFilter>) -> String {
    let items: Vec<String> = sequence.iter().map(item_words).collect();
    let mut text = format!("in this order, each within {within}: {}", items.join(", "));
    if let Some(only) = only {
        let noun = phrase::fetch_noun(only);
        text.push_str(&format!("; and no other {noun}{}", phrase::fetch_details(only)));
    }
    text
}

fn item_words(item: &OrderItem) -> String {
    let noun = phrase::fetch_noun(&item.of);
    format!("{noun}{} at {}", phrase::fetch_details(&item.of), phrase::at(item.at))
}

fn fits(item: &OrderItem, within: Span, fetch: &At<'_, Fetch>) -> bool {
    let early = item.at - fetch.t;
    select::fetch(&item.of, fetch) && early <= within && -early <= within
}

/// The fetch of the item's kind that came nearest to its time.
fn nearest_to<'f, 'a>(item: &OrderItem, here: &[&'f At<'a, Fetch>]) -> Option<&'f At<'a, Fetch>> {
    let candidates = here.iter().copied().filter(|f| select::fetch(&item.of, f));
    candidates.min_by_key(|f| (f.t - item.at).as_millis().saturating_abs())
}

fn missing(
    item: &OrderItem,
    near: Option<&At<'_, Fetch>>,
    taken: &[(&OrderItem, &At<'_, Fetch>)],
) -> String {
    let wanted = item_words(item);
    match near {
        None => format!("no {wanted}, nor any of its kind"),
        Some(f) => {
            let when = format!("{} ({})", phrase::at(f.t), phrase::off(f.t, item.at));
            // Near enough, but out of order.
            let used = taken.iter().any(|(_, t)| t.n >= f.n);
            let order = if used { ", before what it should follow" } else { "" };
            format!("no {wanted}; the nearest came at {when}{order}")
        }
    }
}

#[cfg(test)]
mod tests {
    use revlab_lab::trace::Purpose;

    use super::*;
    use crate::judge::Status;
    use crate::judge::sample::{Lab, base, delta, hours, mins};
    use crate::scenario::model::ExpectationKind;

    fn item(lab: &Lab, purpose: Purpose, at: Span) -> OrderItem {
        let of = FetchFilter { purposes: vec![purpose], ..FetchFilter::default() };
        OrderItem { of, at: lab.at(at) }
    }

    fn order(sequence: Vec<OrderItem>, only: bool) -> ExpectationKind {
        let crls =
            FetchFilter { purposes: vec![Purpose::Base, Purpose::Delta], ..FetchFilter::default() };
        let within = Span::from_secs(30);
        ExpectationKind::Order { sequence, within, only: only.then_some(crls) }
    }

    /// A pair, a lone delta an hour later, a pair an hour after that.
    fn excerpt() -> Lab {
        let mut lab = Lab::new(hours(4));
        let (from, to) = (lab.at(mins(0)), lab.at(hours(9)));
        lab.fetch(mins(60), base(from, to)).fetch(mins(61), delta(from, to));
        lab.fetch(mins(120), delta(from, to));
        lab.fetch(mins(180), base(from, to)).fetch(mins(181), delta(from, to));
        lab
    }

    fn whole(lab: &Lab) -> Vec<OrderItem> {
        let kinds = [(Purpose::Base, 60), (Purpose::Delta, 61), (Purpose::Delta, 120)];
        let rest = [(Purpose::Base, 180), (Purpose::Delta, 181)];
        kinds.into_iter().chain(rest).map(|(p, m)| item(lab, p, mins(m))).collect()
    }

    #[test]
    fn fetches_in_order_and_near_their_times_hold() {
        let lab = excerpt();
        let finding = lab.find(order(whole(&lab), true));
        assert_eq!(finding.verdict, Status::Held, "{}", finding.seen);
        let mut shifted = whole(&lab);
        for item in &mut shifted {
            item.at += Span::from_secs(30);
        }
        assert_eq!(lab.find(order(shifted, true)).verdict, Status::Held);
    }

    #[test]
    fn one_that_is_too_far_off_fails_with_its_distance() {
        let lab = excerpt();
        let mut items = whole(&lab);
        items[2].at += mins(2);
        let finding = lab.find(order(items, false));
        assert_eq!(finding.verdict, Status::Failed);
        assert_eq!(
            finding.seen,
            "no delta CRL fetch at 2014-04-16 02:02:00; \
             the nearest came at 2014-04-16 02:00:00 (2m early)"
        );
        assert_eq!(finding.nearest.len(), 1);
    }

    #[test]
    fn another_order_fails() {
        let mut lab = Lab::new(hours(4));
        let (from, to) = (lab.at(mins(0)), lab.at(hours(9)));
        lab.fetch(mins(60), delta(from, to)).fetch(Span::from_secs(3610), base(from, to));
        let items = vec![item(&lab, Purpose::Base, mins(60)), item(&lab, Purpose::Delta, mins(60))];
        let finding = lab.find(order(items, false));
        assert_eq!(finding.verdict, Status::Failed);
        assert!(finding.seen.contains("before what it should follow"), "{}", finding.seen);
    }

    #[test]
    fn with_only_another_fetch_fails_and_without_it_does_not() {
        let mut lab = excerpt();
        let (from, to) = (lab.at(mins(0)), lab.at(hours(9)));
        lab.fetch(mins(200), delta(from, to));
        assert_eq!(lab.find(order(whole(&lab), false)).verdict, Status::Held);
        let finding = lab.find(order(whole(&lab), true));
        assert_eq!(finding.verdict, Status::Failed);
        assert_eq!(finding.seen, "1 besides: delta CRL at 2014-04-16 03:20:00 (status 200)");
        let finding = lab.find_in(mins(0), mins(190), order(whole(&lab), true));
        assert_eq!(finding.verdict, Status::Held);
    }

    #[test]
    fn without_any_fetch_of_its_kind_that_is_said() {
        let lab = Lab::new(hours(4));
        let finding = lab.find(order(vec![item(&lab, Purpose::Base, mins(60))], false));
        assert_eq!(finding.verdict, Status::Failed);
        assert!(finding.seen.ends_with("nor any of its kind"), "{}", finding.seen);
    }
}
