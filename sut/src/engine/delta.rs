//! The delta CRL: an entry of its own, keyed by the base (fact sheet §2.4, §2.6).
//!
//! With d its number, e its indicator and b the base's number, a delta counts as current when
//! d ≥ b ≥ e. d = b adds nothing and is no error; b < e makes the engine look for a newer base.

use revlab_lab::http::Url;
use revlab_lab::trace::{CacheOp, Layer, Purpose, State, Step, Withheld};
use revlab_lab::{Instant, Out};
use revlab_pki::Crl;

use super::check::{Check, Next, Stage, lookup, used};
use super::process::Held;
use super::retrieval::Wanted;
use super::subject::Link;
use super::{Engine, disk::Object};
use crate::event::SutAction;
use crate::profile::{ExpiredDelta, OlderDelta};

/// How a delta stands to a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// d ≥ b ≥ e.
    Current,
    /// d < b: the base has been published since.
    OlderThanBase,
    /// b < e: the delta starts from a base that is newer than this one.
    NeedsNewerBase { base: u64, indicator: u64 },
}

fn fit(delta: &Crl, base: &Crl) -> Fit {
    let (Some(d), Some(e), Some(b)) = (delta.number(), delta.base_number(), base.number()) else {
        return Fit::Current;
    };
    if b < e {
        Fit::NeedsNewerBase { base: b, indicator: e }
    } else if d < b {
        Fit::OlderThanBase
    } else {
        Fit::Current
    }
}

impl Engine {
    /// Looks for the delta in the caches. The base may be missing: the delta's entry does not
    /// know about the base's troubles (fact sheet O6).
    pub(super) fn need_delta(
        &mut self,
        now: Instant,
        check: &mut Check,
        link: &Link,
        out: &mut Out<SutAction>,
    ) -> Next {
        let urls = self.delta_urls(check, link);
        if urls.is_empty() {
            return Next::Stage(Stage::Judge);
        }
        if check.pass.base.is_none() && self.parameters.delta_requires_valid_base_to_fetch {
            let why = Withheld::NoValidBase;
            check.steps.push(Step::Withheld { object: Purpose::Delta, why, until: None });
            return Next::Stage(Stage::Judge);
        }
        let key = self.base_number(check, link);
        let held = self.held_delta(check, link);
        let rekeyed = held.as_ref().is_some_and(|(of, _)| *of != key);
        if let Some((_, delta)) = held.filter(|_| !rekeyed) {
            let state = self.state(now, delta.this_update(), delta.next_update());
            check.steps.push(lookup(Purpose::Delta, Layer::Memory, state, Some(&delta)));
            if state == State::Fresh {
                return self.use_delta(check, link, &delta, Layer::Memory);
            }
        } else {
            check.steps.push(lookup(Purpose::Delta, Layer::Memory, State::Absent, None));
        }
        let forced = rekeyed && self.parameters.new_base_forces_delta_fetch;
        let on_disk =
            if forced { None } else { self.crl_on_disk(now, check, link, Purpose::Delta, &urls) };
        match on_disk {
            Some((delta, _)) => {
                self.hold_delta(check, link, &delta, out);
                self.use_delta(check, link, &delta, Layer::Disk)
            }
            None => self.delta_in_store_or_wire(now, check, link, out),
        }
    }

    fn delta_in_store_or_wire(
        &mut self,
        now: Instant,
        check: &mut Check,
        link: &Link,
        out: &mut Out<SutAction>,
    ) -> Next {
        if let Some(delta) = self.crl_in_store(now, check, link, Purpose::Delta) {
            self.hold_delta(check, link, &delta, out);
            return self.use_delta(check, link, &delta, Layer::Store);
        }
        if self.parameters.cached_only {
            let why = Withheld::CachedOnly;
            check.steps.push(Step::Withheld { object: Purpose::Delta, why, until: None });
            return Next::Stage(Stage::Judge);
        }
        Next::Stage(Stage::DeltaWire(0))
    }

    /// Asks the URL at this place of the freshestCRL pointers.
    pub(super) fn ask_delta(
        &mut self,
        now: Instant,
        check: &mut Check,
        link: &Link,
        at: usize,
        out: &mut Out<SutAction>,
    ) -> Next {
        let urls = self.delta_urls(check, link);
        let Some(url) = urls.get(at) else {
            return Next::Stage(Stage::Judge);
        };
        if self.is_left_alone(now, check, Purpose::Delta, url) {
            return Next::Stage(Stage::DeltaWire(at + 1));
        }
        match self.retrieve(now, check, link, Wanted::get(Purpose::Delta, url, false), out) {
            Some(fetch) => Next::Wait(fetch),
            None => Next::Stage(Stage::Judge),
        }
    }

    /// A valid delta has arrived.
    pub(super) fn take_delta(
        &mut self,
        now: Instant,
        check: &mut Check,
        link: &Link,
        delta: &Crl,
        at: usize,
        out: &mut Out<SutAction>,
    ) -> Stage {
        if let Some(url) = self.delta_urls(check, link).get(at) {
            self.lift_mark(check.process, url);
        }
        // One that has expired comes here because it lists the certificate. A newer base has the last
        // word about that, and there is still no delta.
        let older = check.pass.base.as_ref().is_some_and(|b| fit(delta, b) == Fit::OlderThanBase);
        let state = self.state(now, delta.this_update(), delta.next_update());
        if older && state != State::Fresh {
            let why = "it has expired, and the base is newer".into();
            check.steps.push(Step::Refused { object: Purpose::Delta, why });
            return Stage::DeltaWire(at + 1);
        }
        self.hold_delta(check, link, delta, out);
        match self.use_delta(check, link, delta, Layer::Wire) {
            Next::Stage(stage) => stage,
            Next::Wait(_) | Next::Link(_) => Stage::Judge,
        }
    }

    /// A delta URL failed: it is left alone for a while, and the next one is tried.
    pub(super) fn delta_failed(
        &mut self,
        now: Instant,
        check: &Check,
        link: &Link,
        at: usize,
    ) -> Stage {
        if let Some(url) = self.delta_urls(check, link).get(at) {
            self.leave_alone(now, check, Purpose::Delta, url);
        }
        Stage::DeltaWire(at + 1)
    }

    /// Whether a delta is required for a verdict and there is none that counts.
    pub(super) fn delta_is_missing(&self, check: &Check, link: &Link) -> bool {
        let required = self.parameters.expired_delta_policy == ExpiredDelta::Offline;
        let has_pointer = !link.freshest_crl_urls.is_empty()
            || check.pass.base.as_ref().is_some_and(|b| !b.freshest_crl_urls().is_empty());
        required && has_pointer && check.pass.delta.is_none() && !check.pass.delta_ignored
    }

    /// Whether a check would have to fetch a delta now (hypothesis H4 couples the base to it).
    pub(super) fn delta_needs_wire(&mut self, now: Instant, check: &Check, link: &Link) -> bool {
        let urls = self.delta_urls(check, link);
        let Some(process) = self.processes.get(&check.process) else { return false };
        let account = process.account.clone();
        let fresh = |engine: &Engine, crl: &Crl| {
            engine.state(now, crl.this_update(), crl.next_update()) == State::Fresh
        };
        let in_memory = self.held_delta(check, link).is_some_and(|(_, d)| fresh(self, &d));
        let on_disk = urls.iter().any(|url| {
            let found = self.disk(&account).find(url).map(|e| e.object.clone());
            matches!(found, Some(Object::Crl(crl)) if fresh(self, &crl))
        });
        !urls.is_empty() && !in_memory && !on_disk
    }

    /// The nextUpdate of the delta in memory, in lab time (hypothesis H5).
    pub(super) fn delta_next_update(
        &mut self,
        now: Instant,
        check: &Check,
        link: &Link,
    ) -> Option<Instant> {
        let (_, delta) = self.held_delta(check, link)?;
        delta.next_update().map(|reading| self.clock.when(reading, now))
    }

    fn use_delta(&mut self, check: &mut Check, link: &Link, delta: &Crl, layer: Layer) -> Next {
        let Some(base) = check.pass.base.clone() else {
            return Next::Stage(Stage::Judge);
        };
        match fit(delta, &base) {
            // RFC 5280 §5.2.4: both have the same scope.
            _ if delta.scope_der() != base.scope_der() => {
                let why = "its scope is not the base's".into();
                check.steps.push(Step::Refused { object: Purpose::Delta, why });
                Next::Stage(Stage::Judge)
            }
            Fit::Current => {
                check.used.push(used(Purpose::Delta, layer, delta));
                check.pass.delta = Some(delta.clone());
                Next::Stage(Stage::Judge)
            }
            Fit::OlderThanBase => {
                let why = "its number is below the base's".into();
                check.steps.push(Step::Refused { object: Purpose::Delta, why });
                if self.parameters.older_delta == OlderDelta::Ignored {
                    check.pass.delta_ignored = true;
                    check.used.push(used(Purpose::Delta, layer, delta));
                }
                Next::Stage(Stage::Judge)
            }
            Fit::NeedsNewerBase { base, indicator } => {
                check.steps.push(Step::BaseTooOld { base, indicator });
                let again = !check.pass.sought_newer_base && !link.crl_urls.is_empty();
                check.pass.sought_newer_base = true;
                Next::Stage(if again { Stage::Crl(0) } else { Stage::Judge })
            }
        }
    }

    /// freshestCRL of the certificate, or of the base CRL, stale or not.
    fn delta_urls(&mut self, check: &Check, link: &Link) -> Vec<Url> {
        if !link.freshest_crl_urls.is_empty() {
            return link.freshest_crl_urls.clone();
        }
        if let Some(base) = &check.pass.base {
            return base.freshest_crl_urls().to_vec();
        }
        let process = self.processes.get_mut(&check.process);
        let held = process.and_then(|p| p.entry(link.entry).base.as_ref());
        held.map(|h| h.object.freshest_crl_urls().to_vec()).unwrap_or_default()
    }

    /// The number of the base that the delta's entry is keyed by: the newest in memory.
    fn base_number(&mut self, check: &Check, link: &Link) -> Option<u64> {
        let process = self.processes.get_mut(&check.process)?;
        process.entry(link.entry).base.as_ref().and_then(|h| h.object.number())
    }

    fn held_delta(&mut self, check: &Check, link: &Link) -> Option<(Option<u64>, Crl)> {
        let process = self.processes.get_mut(&check.process)?;
        let (of, held) = process.entry(link.entry).delta.as_ref()?;
        Some((*of, held.object.clone()))
    }

    fn hold_delta(&mut self, check: &Check, link: &Link, delta: &Crl, out: &mut Out<SutAction>) {
        let key = self.base_number(check, link);
        if let Some(process) = self.processes.get_mut(&check.process) {
            process.entry(link.entry).delta = Some((key, Held::new(delta.clone())));
        }
        self.trace_memory(check, CacheOp::Store, Purpose::Delta, out);
    }
}
