//! Caches never change a verdict beyond what their freshness allows.
//!
//! Random histories against a CA that revokes, takes off hold, publishes late and fails. Whatever the
//! machine says of a certificate rests on lists that the CA really signed and that were fresh by the
//! machine's clock at that moment, and is what these lists say: a machine without any cache that
//! got just these from the CA would have said the same.

use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;
use revlab_lab::clock::{Drift, Step as ClockStep};
use revlab_lab::trace::{Check, Kind, Purpose, Verdict};
use revlab_lab::{Clock, Instant, Span};
use revlab_pki::{Certificate, CrlEntry};

use super::authority::{Authority, BASE, DELTA, START, base_with_delta, delta, entry};
use super::bench::{Answer, Bench, profile};
use crate::profile::Hypothesis;
use crate::{Operation, SYSTEM_ACCOUNT};

/// What happens next.
#[derive(Clone, Debug)]
enum Deed {
    Wait(i64),
    Request(usize),
    /// Puts a certificate on hold, or takes it off.
    Turn(usize),
    Base,
    Delta,
    /// The site answers, or does not.
    Up(bool),
    /// The site answers with a list that it had before, so many publications ago.
    Old(usize),
    Operate(usize),
}

/// A list that the CA has signed.
#[derive(Clone)]
struct Signed {
    number: u64,
    base_number: Option<u64>,
    this_update: Instant,
    next_update: Instant,
    listed: Vec<Vec<u8>>,
    der: Vec<u8>,
}

/// The CA with all that it ever signed.
struct Ca {
    clients: Vec<Certificate>,
    held: Vec<bool>,
    bases: Vec<Signed>,
    deltas: Vec<Signed>,
    up: bool,
    old: usize,
}

impl Ca {
    fn new() -> Ca {
        let root = Authority::root();
        let clients = (0..3).map(|n| root.client(&format!("c{n}"), 30 + n, |_| {})).collect();
        let (bases, deltas) = (Vec::new(), Vec::new());
        let mut ca = Ca { clients, held: vec![false; 3], bases, deltas, up: true, old: 0 };
        ca.publish_base(START);
        ca.publish_delta(START);
        ca
    }

    fn listed(&self) -> Vec<CrlEntry> {
        let held = self.clients.iter().zip(&self.held).filter(|(_, held)| **held);
        held.map(|(client, _)| entry(client, Some(6))).collect()
    }

    fn next(&self) -> u64 {
        (self.bases.len() + self.deltas.len()) as u64 + 1
    }

    fn publish_base(&mut self, now: Instant) {
        let (number, from) = (self.next(), now.floor_to_second());
        let life = Span::from_mins(85);
        let mut template = base_with_delta(number, from, life);
        template.entries = self.listed();
        self.bases.push(self.signed(&template, from + life));
    }

    /// A delta says of each certificate how it is now: on the list, or taken off it.
    fn publish_delta(&mut self, now: Instant) {
        let Some(of) = self.bases.last().map(|base| base.number) else { return };
        let (number, from) = (self.next(), now.floor_to_second());
        let life = Span::from_mins(35);
        let mut template = delta(number, of, from, life);
        let states = self.clients.iter().zip(&self.held);
        template.entries =
            states.map(|(client, held)| entry(client, Some(if *held { 6 } else { 8 }))).collect();
        self.deltas.push(self.signed(&template, from + life));
    }

    fn signed(&self, template: &revlab_pki::CrlTemplate, next_update: Instant) -> Signed {
        let on = template.entries.iter().filter(|entry| entry.reason != Some(8));
        Signed {
            number: template.number,
            base_number: template.base_number,
            this_update: template.this_update,
            next_update,
            listed: on.map(|entry| entry.serial.clone()).collect(),
            der: Authority::root().sign(template),
        }
    }

    fn answer(&self, delta: bool) -> Answer {
        let lists = if delta { &self.deltas } else { &self.bases };
        let at = lists.len().saturating_sub(1 + self.old);
        match lists.get(at).filter(|_| self.up) {
            Some(list) => Answer::ok(list.der.clone()),
            None => Answer::not_found(),
        }
    }

    fn find(&self, purpose: Purpose, number: Option<u64>) -> Option<&Signed> {
        let lists = if purpose == Purpose::Delta { &self.deltas } else { &self.bases };
        lists.iter().find(|list| Some(list.number) == number)
    }

    /// What lists of these numbers say of a certificate, if each of them was fresh at this reading
    /// and they belong together.
    fn says(&self, check: &Check, serial: &[u8], reading: Instant) -> Result<Verdict, String> {
        let mut base = None;
        let mut newer = None;
        for used in &check.used {
            let list = self.find(used.object, used.number);
            let list = list.ok_or_else(|| format!("{used:?} was never signed"))?;
            if reading < list.this_update || reading > list.next_update {
                return Err(format!("{used:?} was not fresh at {reading}"));
            }
            let place = if used.object == Purpose::Delta { &mut newer } else { &mut base };
            if place.replace(list).is_some() {
                return Err(format!("two lists of one kind: {:?}", check.used));
            }
        }
        let base = base.ok_or("no base")?;
        // A delta that is older than the base adds nothing (`older_delta`).
        let newer = newer.filter(|newer| newer.number >= base.number);
        if let Some(of) = newer.and_then(|newer| newer.base_number).filter(|of| *of > base.number) {
            return Err(format!("a delta of base {of} upon base {}", base.number));
        }
        let decides = newer.unwrap_or(base);
        let listed = decides.listed.iter().any(|other| other == serial);
        Ok(if listed { Verdict::Revoked } else { Verdict::Good })
    }
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => prop_oneof![Just(1_000i64..60_000), Just(60_000..3_000_000), Just(3_000_000..9_000_000)]
            .prop_flat_map(|range| range)
            .prop_map(Deed::Wait),
        6 => (0usize..3).prop_map(Deed::Request),
        2 => (0usize..3).prop_map(Deed::Turn),
        2 => Just(Deed::Base),
        3 => Just(Deed::Delta),
        1 => any::<bool>().prop_map(Deed::Up),
        1 => (0usize..3).prop_map(Deed::Old),
        1 => (0usize..5).prop_map(Deed::Operate),
    ]
}

fn operation(number: usize) -> Operation {
    match number {
        0 => Operation::UrlcacheDelete { account: SYSTEM_ACCOUNT.into() },
        1 => Operation::RestartService,
        2 => Operation::ChainCacheResync,
        3 => Operation::RecreateBinding,
        _ => Operation::Reboot,
    }
}

fn play(bench: &mut Bench, ca: &Rc<RefCell<Ca>>, deeds: &[Deed]) {
    for (what, url, delta) in [("base", BASE, false), ("delta", DELTA, true)] {
        let ca = ca.clone();
        bench.script(what, url, move |_| ca.borrow().answer(delta));
    }
    for deed in deeds {
        let mut site = ca.borrow_mut();
        match deed {
            Deed::Turn(who) => site.held[*who] = !site.held[*who],
            Deed::Base => site.publish_base(bench.now),
            Deed::Delta => site.publish_delta(bench.now),
            Deed::Up(up) => site.up = *up,
            Deed::Old(old) => site.old = *old,
            Deed::Wait(millis) => {
                drop(site);
                bench.wait(Span::from_millis(*millis));
            }
            Deed::Request(who) => {
                let client = site.clients[*who].clone();
                drop(site);
                bench.check(&client);
            }
            Deed::Operate(number) => {
                drop(site);
                bench.operate(operation(*number));
            }
        }
    }
}

/// Every verdict of a history, held against the lists it rests on. Says how many rested on a cache.
fn judge(bench: &Bench, ca: &Ca, clock: &Clock, expired_revokes: bool) -> Result<usize, String> {
    let mut cached = 0;
    for (at, kind) in &bench.trace {
        let Kind::Check(own) = kind else { continue };
        let check = bench.full(own.check);
        let verdict = check.verdict.ok_or("a full record has a verdict")?;
        if !matches!(verdict, Verdict::Good | Verdict::Revoked) {
            continue;
        }
        let subject = check.subject.as_deref().ok_or("a full record has a subject")?;
        let who = subject.strip_prefix('c').and_then(|n| n.parse::<usize>().ok());
        let serial = who.and_then(|n| ca.clients.get(n)).ok_or("a client")?.serial();
        // A list that has expired revokes, but never clears, where the profile says so.
        if expired_revokes && verdict == Verdict::Revoked {
            let signed = ca.bases.iter().chain(&ca.deltas);
            let mut known = signed.filter(|list| list.this_update <= clock.at(*at));
            if known.any(|list| list.listed.iter().any(|other| other == serial)) {
                continue;
            }
        }
        let said = ca.says(&check, serial, clock.at(*at)).map_err(|why| format!("{at}: {why}"))?;
        if said != verdict {
            return Err(format!("{at}: {verdict:?}, and the lists say {said:?}: {check:?}"));
        }
        cached += usize::from(own.same_as.is_some());
    }
    Ok(cached)
}

fn settings(prefetch: bool, freshness: bool, negative: bool) -> Vec<(&'static str, &'static str)> {
    vec![
        ("prefetch", if prefetch { "true" } else { "false" }),
        ("prefetch_min_window", "1m"),
        ("revocation_freshness_time", if freshness { "20m" } else { "0s" }),
        ("negative_cache", if negative { "1h" } else { "0s" }),
        ("negative_cache_survives_reboot", "true"),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_verdict_rests_on_lists_that_were_fresh_and_is_what_they_say(
        deeds in prop::collection::vec(deed(), 1..120),
        offset in -12i64..40,
        step in (0i64..600, -30i64..30),
        scope in prop::sample::select(vec!["certificate", "issuer", "url_set"]),
        prefetch: bool,
        freshness: bool,
        negative: bool,
        expired: bool,
    ) {
        let steps = vec![ClockStep { at: START + Span::from_mins(step.0), by: Span::from_mins(step.1) }];
        let clock = Clock::new(START, Span::from_mins(offset), Drift::NONE, steps);
        let mut settings = settings(prefetch, freshness, negative);
        settings.push(("entry_scope", scope));
        settings.push(("expired_crl_revokes", if expired { "true" } else { "false" }));
        let known = vec![Authority::root().certificate];
        let profile = profile(Hypothesis::H0, &[], &settings);
        let mut bench = Bench::with(profile, clock.clone(), known);
        let ca = Rc::new(RefCell::new(Ca::new()));
        play(&mut bench, &ca, &deeds);
        if let Err(why) = judge(&bench, &ca.borrow(), &clock, expired) {
            prop_assert!(false, "{}", why);
        }
    }
}

/// The property can fail: a machine that takes expired lists for valid is found out.
#[test]
fn a_machine_that_uses_what_has_expired_is_found_out() {
    let deeds = [Deed::Request(0), Deed::Up(false), Deed::Wait(6_000_000), Deed::Request(0)];
    for (extension, right) in [("0s", true), ("12h", false)] {
        let mut settings = settings(false, false, false);
        settings.push(("crl_validity_extension", extension));
        let clock = Clock::exact(START);
        let mut bench = Bench::new(&settings);
        let ca = Rc::new(RefCell::new(Ca::new()));
        play(&mut bench, &ca, &deeds);
        assert_eq!(judge(&bench, &ca.borrow(), &clock, false).is_ok(), right, "{extension}");
    }
}

/// And it is about something: a history in which a revocation hides behind the cache for a while.
#[test]
fn a_revocation_hides_behind_a_cache_for_as_long_as_that_is_fresh() {
    let deeds = [
        Deed::Request(0),
        Deed::Wait(60_000 * 10),
        Deed::Turn(0),
        Deed::Delta,
        Deed::Request(0),
        Deed::Wait(60_000 * 26),
        Deed::Request(0),
    ];
    let mut bench = Bench::new(&settings(false, false, false));
    let ca = Rc::new(RefCell::new(Ca::new()));
    play(&mut bench, &ca, &deeds);
    let verdicts: Vec<_> =
        bench.checks().map(|check| bench.full(check.check).verdict.unwrap()).collect();
    assert_eq!(verdicts, [Verdict::Good, Verdict::Good, Verdict::Revoked]);
    assert_eq!(judge(&bench, &ca.borrow(), &Clock::exact(START), false), Ok(0), "each in full");
}
