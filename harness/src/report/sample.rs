//! Runs made by hand, for snapshots of the reports.

use revlab_lab::trace::{Fetch, Layer, ObjectInfo, Purpose, State, Step, Verdict, Withheld};
use revlab_lab::{Code, Outcome, Span};

use crate::judge::sample::{Lab, base, check, delta, hours, mins, ocsp_failed};
use crate::scenario::model::{
    AttemptFilter, Count, ExpectationKind, FetchFilter, ResultFilter, Share, SpanRange,
};

const OFFLINE: Code = Code::CRYPT_E_REVOCATION_OFFLINE;

fn numbered(fetch: Fetch, number: u64) -> Fetch {
    let object = fetch.object.map(|o| ObjectInfo { number: Some(number), ..o });
    Fetch { object, ..fetch }
}

/// A day of hourly base CRLs and half-hourly deltas, with attempts every 10 minutes.
fn day(outages: &[(i64, i64)]) -> Lab {
    let mut lab = Lab::new(hours(24));
    let refused = |minute: i64| outages.iter().any(|(from, to)| (*from..*to).contains(&minute));
    for half_hour in 0..48 {
        let minute = half_hour * 30;
        if half_hour % 2 == 0 {
            lab.publish(mins(minute), Purpose::Base, half_hour as u64);
        }
        lab.publish(mins(minute), Purpose::Delta, half_hour as u64);
    }
    let mut number = 0;
    for minute in (0..24 * 60).step_by(10) {
        number += 1;
        if refused(minute) {
            let mut offline = check("web", number, Verdict::Offline);
            offline.steps = steps(&lab, minute);
            lab.check(mins(minute), offline);
            lab.refused(mins(minute), OFFLINE).with_check(number);
        } else {
            lab.check(mins(minute), check("web", number, Verdict::Good));
            lab.admitted(mins(minute)).with_check(number);
        }
        let published = |lab: &Lab| (lab.at(mins(minute - minute % 60)), minute / 60);
        if minute % 60 == 10 && !refused(minute) {
            let (from, number) = published(&lab);
            // The base at hand when an outage begins is past its nextUpdate.
            let last_before = outages.iter().any(|(begin, _)| begin / 60 == minute / 60);
            let lifetime = if last_before { mins(25) } else { mins(85) };
            lab.fetch(mins(minute), numbered(base(from, from + lifetime), number as u64));
        }
        if minute % 30 == 10 {
            let (from, number) = published(&lab);
            lab.fetch(mins(minute), numbered(delta(from, from + mins(55)), number as u64));
        }
    }
    for (from, to) in outages {
        let (began, published) = (mins(*from), lab.at(mins(to / 60 * 60)));
        lab.fetch(began, ocsp_failed());
        lab.fetch(mins(*to), numbered(base(published, published + mins(85)), *to as u64 / 60));
    }
    lab
}

/// What the check found when OCSP failed and stopped it short of the CRL.
fn steps(lab: &Lab, minute: i64) -> Vec<Step> {
    let next_update = Some(lab.at(mins(minute - minute % 60 + 25)));
    vec![
        Step::Chain { error: None, rule: None },
        Step::Certificate { subject: "CN=jmeter-1".into() },
        Step::Lookup {
            object: Purpose::Base,
            layer: Layer::Memory,
            state: State::Stale,
            number: Some(6),
            next_update,
        },
        Step::Retrieve {
            object: Purpose::Ocsp,
            fetch: 17,
            status: Some(404),
            error: None,
            rejected: None,
        },
        Step::Withheld {
            object: Purpose::Base,
            why: Withheld::OcspFailed,
            until: Some(lab.at(mins(minute + 60))),
        },
    ]
}

fn result(outcome: Outcome) -> ResultFilter {
    ResultFilter { outcome, code: None, substatus: None, by: None }
}

fn expectations(lab: &mut Lab) {
    let of = AttemptFilter::default();
    let count = Count { min: 1, max: None };
    let length = Some(SpanRange { min: Some(mins(30)), max: Some(mins(75)) });
    let refused = ResultFilter { code: Some(OFFLINE), ..result(Outcome::Refused) };
    lab.expect(ExpectationKind::Episodes {
        of: of.clone(),
        result: refused,
        count,
        length,
        heals: Some(true),
        first: None,
        apart: None,
    });
    let fetch = FetchFilter { purposes: vec![Purpose::Base], ..FetchFilter::default() };
    lab.expect(ExpectationKind::Fetches {
        of: fetch,
        count: Count { min: 30, max: Some(40) },
        during: None,
        while_base_stale: false,
    });
    lab.expect(ExpectationKind::Attempts {
        share: Share::AtLeast(0.5),
        of,
        result: result(Outcome::Admitted),
    });
    if let Some(first) = lab.scenario.expectations.first_mut() {
        first.name = "outage".into();
        first.why = Some("403 for about an hour, then it heals by itself".to_owned());
        first.shows = vec!["O2".to_owned()];
    }
}

/// A day with two outages of an hour; of three expectations one fails.
pub(crate) fn outage() -> Lab {
    let mut lab = day(&[(450, 510), (1050, 1110)]);
    expectations(&mut lab);
    lab
}

/// A day without an outage.
pub(crate) fn healthy() -> Lab {
    let mut lab = day(&[]);
    let (share, of) = (Share::All, AttemptFilter::default());
    lab.expect(ExpectationKind::Attempts { share, of, result: result(Outcome::Admitted) });
    lab
}

/// Three weeks with a weekly base CRL, an outage of an hour in the second and the third.
pub(crate) fn weeks() -> Lab {
    let mut lab = Lab::new(Span::from_days(21));
    let week = Span::from_days(7);
    for number in 0..3i64 {
        let from = Span::from_millis(week.as_millis() * number);
        lab.publish(from, Purpose::Base, number as u64);
        let published = lab.at(from);
        let until = published + week + hours(12);
        let outage = from + hours(12);
        let fetched = if number == 0 { mins(1) } else { outage + hours(1) };
        lab.fetch(fetched, numbered(base(published, until), number as u64));
        if number > 0 {
            lab.fetch(outage, ocsp_failed());
        }
    }
    for hour in 0..21 * 24 {
        match hour {
            180 | 348 => lab.refused(hours(hour), OFFLINE),
            _ => lab.admitted(hours(hour)),
        };
    }
    lab
}
