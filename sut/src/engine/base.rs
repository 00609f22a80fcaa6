//! The base CRL: memory, disk, then the wire, unless something forbids it.

use revlab_lab::trace::{Cache, CacheOp, Kind, Layer, Purpose, State, Step, Verdict, Withheld};
use revlab_lab::{Instant, Out, Span};
use revlab_pki::{Crl, Reasons};

use super::Engine;
use super::answer::listed;
use super::check::{Caller, Check, Next, Stage, lookup, used};
use super::disk::Object;
use super::process::Held;
use super::retrieval::Wanted;
use super::subject::Link;
use crate::event::SutAction;
use crate::profile::{BaseRetry, OcspAfterCrl, OcspErrorMark, RefetchAfterNextPublish, SkipCrl};

/// The policy value by which OCSP is never asked after a CRL (fact sheet §2.2).
const NEVER_OCSP_AFTER_CRL: u32 = u32::MAX;

impl Engine {
    /// Time-valid objects in memory, then on disk, go before any retrieval (fact sheet §2.1).
    pub(super) fn look_into_caches(
        &mut self,
        now: Instant,
        check: &mut Check,
        link: &Link,
        out: &mut Out<SutAction>,
    ) -> Next {
        if let Some(until) = self.remembered(now, check, link) {
            check.steps.push(Step::Remembered { until });
            return Next::Link(Verdict::Offline);
        }
        if let Some(verdict) = self.cached_ocsp(now, check, link) {
            return self.ocsp_said(now, check, link, verdict);
        }
        let new = self.processes.get_mut(&check.process).is_some_and(|p| p.meets(link.number));
        let found = self.base_in_memory(now, check, link, out)
            || self.base_on_disk(now, check, link, out)
            || self.base_in_store(now, check, link, out);
        let probe = self.parameters.ocsp_before_cached_crl && new && self.speaks_ocsp(link);
        match (found, probe) {
            (true, false) if self.is_too_old(now, check, link) => Next::Stage(Stage::Crl(0)),
            (true, false) => Next::Stage(Stage::Delta),
            (true, true) => {
                check.pass.base_in_hand = true;
                Next::Stage(Stage::Ocsp(0))
            }
            (false, _) => Next::Stage(Stage::Wire),
        }
    }

    /// Whether a newer base is wanted than the valid one that was found: by the binding (fact sheet
    /// §3.2, CertCheckMode 4), or because its successor should be out (§2.5). If none can be had, the
    /// old one still counts; that is inferred.
    fn is_too_old(&mut self, now: Instant, check: &Check, link: &Link) -> bool {
        if self.parameters.cached_only {
            return false;
        }
        let on_demand =
            self.parameters.refetch_after_next_publish == RefetchAfterNextPublish::OnDemand;
        let due = check.pass.base.as_ref().and_then(Crl::next_publish);
        if on_demand && due.is_some_and(|due| due <= self.clock.at(now)) {
            return true;
        }
        let limit = self.parameters.revocation_freshness_time;
        if limit == Span::ZERO || check.caller == Caller::Command {
            return false;
        }
        let process = self.processes.get_mut(&check.process);
        let fetched = process.and_then(|p| p.entry(link.entry).base_fetched);
        fetched.is_some_and(|fetched| now - fetched >= limit)
    }

    /// Whether the network may be asked at all, and what first.
    pub(super) fn go_to_the_wire(&mut self, now: Instant, check: &mut Check, link: &Link) -> Next {
        if self.parameters.cached_only {
            let why = Withheld::CachedOnly;
            check.steps.push(Step::Withheld { object: Purpose::Base, why, until: None });
            return Next::Stage(Stage::Delta);
        }
        let with_delta = self.parameters.base_retry == BaseRetry::WithDelta;
        let delta_due = !with_delta || self.delta_needs_wire(now, check, link);
        let Some(process) = self.processes.get_mut(&check.process) else {
            return Next::Link(Verdict::Offline);
        };
        let entry = process.entry(link.entry);
        check.pass.refresh = entry.had_base;
        let mark = entry.offline_until.filter(|until| *until > now);
        let (why, until) = match (mark, entry.waits_for_delta && !delta_due) {
            (Some(until), _) => (Withheld::OfflineMark, Some(until)),
            (None, true) => (Withheld::WaitsForDelta, None),
            (None, false) => {
                let crl_first = self.prefers_crl(check) || self.gives_ocsp_up(check, link);
                check.pass.crl_first = crl_first && !link.crl_urls.is_empty();
                let ocsp_first = self.speaks_ocsp(link) && !check.pass.crl_first;
                if check.pass.crl_first && self.speaks_ocsp(link) {
                    let why = Withheld::CrlPreferred;
                    check.steps.push(Step::Withheld { object: Purpose::Ocsp, why, until: None });
                }
                return Next::Stage(if ocsp_first { Stage::Ocsp(0) } else { Stage::Crl(0) });
            }
        };
        check.steps.push(Step::Withheld { object: Purpose::Base, why, until });
        Next::Stage(Stage::Delta)
    }

    /// Every OCSP URL has failed or is marked: the CRL is next, unless the defect forbids it.
    pub(super) fn after_ocsp(&mut self, now: Instant, check: &mut Check, link: &Link) -> Next {
        if check.pass.crl_first {
            // The CRL came first and failed; OCSP was the last resort.
            return Next::Stage(Stage::Delta);
        }
        let p = &self.parameters;
        let skip = check.pass.ocsp_failed
            && !check.pass.base_in_hand
            && match p.skip_crl_on_ocsp_wire_error {
                SkipCrl::Never => false,
                SkipCrl::Always => true,
                SkipCrl::RefreshOnly => check.pass.refresh,
            };
        let mark = check.pass.ocsp_failed
            && match p.ocsp_error_mark {
                OcspErrorMark::None => false,
                OcspErrorMark::WhenSkipped => skip,
                OcspErrorMark::Always => true,
            };
        let until = now + p.entry_offline_delay;
        let (retry, failover) = (p.base_retry, p.ocsp_failover_to_crl);
        if let Some(process) = self.processes.get_mut(&check.process) {
            let entry = process.entry(link.entry);
            if mark {
                entry.offline_until = Some(until);
            }
            entry.waits_for_delta |= skip && retry == BaseRetry::WithDelta;
        }
        check.pass.skipped = skip;
        if check.pass.base_in_hand {
            return Next::Stage(Stage::Delta);
        }
        if skip || (!failover && !link.ocsp_urls.is_empty()) {
            let until = mark.then_some(until);
            check.steps.push(Step::Withheld {
                object: Purpose::Base,
                why: Withheld::OcspFailed,
                until,
            });
            return Next::Stage(Stage::Delta);
        }
        Next::Stage(Stage::Crl(0))
    }

    /// Asks the URL at this place of the CRL distribution points.
    pub(super) fn ask_crl(
        &mut self,
        now: Instant,
        check: &mut Check,
        link: &Link,
        at: usize,
        out: &mut Out<SutAction>,
    ) -> Next {
        let Some(url) = link.crl_urls.get(at) else {
            return self.no_more_crl_urls(check, link);
        };
        if self.is_left_alone(now, check, Purpose::Base, url) {
            let process = self.processes.get(&check.process);
            check.pass.crl_refused |= process.is_some_and(|p| p.was_refused(url));
            return Next::Stage(Stage::Crl(at + 1));
        }
        // OCSP URLs that are marked count as failed too: the CRL is fetched because of them.
        let refreshed = check.pass.base.is_some() && !check.pass.sought_newer_base;
        let media_offline = self.speaks_ocsp(link) && !check.pass.crl_first && !refreshed;
        match self.retrieve(now, check, link, Wanted::get(Purpose::Base, url, media_offline), out) {
            Some(fetch) => Next::Wait(fetch),
            None => Next::Stage(Stage::Delta),
        }
    }

    /// Whether there is anything that OCSP could ask for this link.
    fn speaks_ocsp(&self, link: &Link) -> bool {
        self.parameters.ocsp_client && !link.ocsp_urls.is_empty()
    }

    fn no_more_crl_urls(&mut self, check: &mut Check, link: &Link) -> Next {
        if link.crl_urls.is_empty() {
            check.steps.push(Step::NoUrl { object: Purpose::Base });
        }
        let unasked = check.pass.crl_first && !check.pass.sought_newer_base;
        let never = self.parameters.max_ocsp_per_crl == NEVER_OCSP_AFTER_CRL;
        let given_up = never || self.gives_ocsp_up(check, link);
        let allowed = match self.parameters.ocsp_after_crl {
            OcspAfterCrl::Always => true,
            OcspAfterCrl::UnlessRefused => !check.pass.crl_refused,
            OcspAfterCrl::Never => false,
        };
        let possible = unasked && self.speaks_ocsp(link) && !given_up;
        if possible && !allowed {
            let why = Withheld::CrlRefused;
            check.steps.push(Step::Withheld { object: Purpose::Ocsp, why, until: None });
        }
        let last_resort = possible && allowed;
        Next::Stage(if last_resort { Stage::Ocsp(0) } else { Stage::Delta })
    }

    /// Whether so many OCSP answers are cached for certificates of this CRL that OCSP is not asked any
    /// more (CryptnetMaxCachedOcspPerCrlCount, fact sheet §2.2).
    fn gives_ocsp_up(&self, check: &Check, link: &Link) -> bool {
        let most = self.parameters.max_ocsp_per_crl;
        let process = self.processes.get(&check.process);
        let disk = process.and_then(|p| self.disks.get(&p.account));
        let cached = disk.map_or(0, |disk| disk.ocsp_for(link.certificate.crl_urls()));
        most != NEVER_OCSP_AFTER_CRL && !link.crl_urls.is_empty() && cached >= most as usize
    }

    /// A valid base has arrived.
    pub(super) fn take_base(
        &mut self,
        now: Instant,
        check: &mut Check,
        link: &Link,
        crl: &Crl,
        at: usize,
        out: &mut Out<SutAction>,
    ) -> Stage {
        if let Some(url) = link.crl_urls.get(at) {
            if let Some(process) = self.processes.get_mut(&check.process) {
                process.note_refusal(url, false);
            }
            self.lift_mark(check.process, url);
        }
        let covered = self.covered(crl, link);
        if covered != Reasons::ALL {
            return match self.take_part(check, link, crl, Layer::Wire, covered) {
                true => Stage::Judge,
                false => Stage::Crl(at + 1),
            };
        }
        self.hold_base(check, link, crl, Some(now), out);
        check.forget_used_base();
        check.used.push(used(Purpose::Base, Layer::Wire, crl));
        match self.state(now, crl.this_update(), crl.next_update()) {
            State::Fresh => Stage::Delta,
            // It lists the certificate, and no delta takes that back.
            _ => Stage::Judge,
        }
    }

    /// A CRL for some reasons alone: it revokes or clears for these, and other CRLs have to for the
    /// rest (RFC 5280 §6.3.3 (d), (e)). It is kept on disk only. True: the link is settled.
    fn take_part(
        &mut self,
        check: &mut Check,
        link: &Link,
        crl: &Crl,
        layer: Layer,
        covered: Reasons,
    ) -> bool {
        if covered == Reasons::NONE {
            return false;
        }
        check.used.push(used(Purpose::Base, layer, crl));
        check.pass.cleared = check.pass.cleared.union(covered);
        let settled = listed(crl, link).is_some() || check.pass.cleared == Reasons::ALL;
        if settled {
            check.pass.base = Some(crl.clone());
        }
        settled
    }

    /// A CRL URL failed: it is left alone for a while, and the next one is tried.
    pub(super) fn crl_failed(
        &mut self,
        now: Instant,
        check: &mut Check,
        link: &Link,
        at: usize,
        refused: bool,
    ) -> Stage {
        check.pass.crl_refused |= refused;
        if let Some(url) = link.crl_urls.get(at) {
            if let Some(process) = self.processes.get_mut(&check.process) {
                process.note_refusal(url, refused);
            }
            self.leave_alone(now, check, Purpose::Base, url);
        }
        Stage::Crl(at + 1)
    }

    /// Until when an offline verdict is repeated (hypothesis H5).
    fn remembered(&mut self, now: Instant, check: &Check, link: &Link) -> Option<Instant> {
        let process = self.processes.get_mut(&check.process)?;
        process.entry(link.entry).remembered_until.filter(|until| *until > now)
    }

    /// After a pass that skipped the CRL, hypothesis H5 repeats its verdict until the delta's
    /// nextUpdate; without a delta, for the time of an offline mark.
    pub(super) fn remember_skip(&mut self, now: Instant, check: &Check, link: &Link) {
        if self.parameters.base_retry != BaseRetry::AfterDeltaNextUpdate {
            return;
        }
        let until = self
            .delta_next_update(now, check, link)
            .unwrap_or(now + self.parameters.entry_offline_delay);
        if let Some(process) = self.processes.get_mut(&check.process) {
            process.entry(link.entry).remembered_until = Some(until);
        }
    }

    fn base_in_memory(
        &mut self,
        now: Instant,
        check: &mut Check,
        link: &Link,
        out: &mut Out<SutAction>,
    ) -> bool {
        let held =
            self.processes.get_mut(&check.process).and_then(|p| p.entry(link.entry).base.clone());
        let fits = |engine: &Engine, crl: &Crl| engine.covered(crl, link) == Reasons::ALL;
        let Some(held) = held.filter(|held| fits(self, &held.object)) else {
            check.steps.push(lookup(Purpose::Base, Layer::Memory, State::Absent, None));
            return false;
        };
        let state = self.state(now, held.object.this_update(), held.object.next_update());
        check.steps.push(lookup(Purpose::Base, Layer::Memory, state, Some(&held.object)));
        if state == State::Fresh {
            check.used.push(used(Purpose::Base, Layer::Memory, &held.object));
            check.pass.base = Some(held.object);
            return true;
        }
        if state == State::Stale && !held.expiry_noted {
            self.note_expiry(check, link, out);
        }
        false
    }

    fn note_expiry(&mut self, check: &Check, link: &Link, out: &mut Out<SutAction>) {
        let process = self.processes.get_mut(&check.process);
        if let Some(held) = process.and_then(|p| p.entry(link.entry).base.as_mut()) {
            held.expiry_noted = true;
            self.trace_memory(check, CacheOp::Expire, Purpose::Base, out);
        }
    }

    fn base_in_store(
        &mut self,
        now: Instant,
        check: &mut Check,
        link: &Link,
        out: &mut Out<SutAction>,
    ) -> bool {
        let Some(crl) = self.crl_in_store(now, check, link, Purpose::Base) else {
            return false;
        };
        let covered = self.covered(&crl, link);
        if covered != Reasons::ALL {
            return self.take_part(check, link, &crl, Layer::Store, covered);
        }
        self.hold_base(check, link, &crl, None, out);
        check.used.push(used(Purpose::Base, Layer::Store, &crl));
        true
    }

    fn base_on_disk(
        &mut self,
        now: Instant,
        check: &mut Check,
        link: &Link,
        out: &mut Out<SutAction>,
    ) -> bool {
        for (at, _) in link.crl_urls.iter().enumerate() {
            let urls = link.crl_urls.get(at..=at).unwrap_or_default();
            let found = self.crl_on_disk(now, check, link, Purpose::Base, urls);
            let Some((crl, stored)) = found else { continue };
            let covered = self.covered(&crl, link);
            if covered == Reasons::ALL {
                self.hold_base(check, link, &crl, Some(stored), out);
                check.used.push(used(Purpose::Base, Layer::Disk, &crl));
                return true;
            }
            if self.take_part(check, link, &crl, Layer::Disk, covered) {
                return true;
            }
        }
        false
    }

    /// Looks for a fresh CRL in the disk cache of the process's account; also says when it was stored.
    pub(super) fn crl_on_disk(
        &mut self,
        now: Instant,
        check: &mut Check,
        link: &Link,
        purpose: Purpose,
        urls: &[revlab_lab::http::Url],
    ) -> Option<(Crl, Instant)> {
        let process = self.processes.get(&check.process)?;
        if process.wire_only {
            return None;
        }
        let (account, ignore_before) = (process.account.clone(), process.ignore_before);
        for url in urls {
            let found = self
                .disks
                .get(&account)
                .and_then(|disk| disk.find(url))
                .filter(|e| !self.flushed(now, e))
                .filter(|e| ignore_before.is_none_or(|limit| e.stored > limit))
                .filter(|e| e.about.issuer() == Some(&link.issuer));
            let (crl, stored) = match found.map(|e| (&e.object, e.stored)) {
                Some((Object::Crl(crl), stored)) => (crl.clone(), stored),
                _ => {
                    check.steps.push(lookup(purpose, Layer::Disk, State::Absent, None));
                    continue;
                }
            };
            let state = self.state(now, crl.this_update(), crl.next_update());
            check.steps.push(lookup(purpose, Layer::Disk, state, Some(&crl)));
            if state == State::Fresh {
                self.disk(&account).mark_used(url);
                return Some((crl, stored));
            }
        }
        None
    }

    /// Puts a base into memory: the entry is whole again.
    fn hold_base(
        &mut self,
        check: &mut Check,
        link: &Link,
        crl: &Crl,
        fetched: Option<Instant>,
        out: &mut Out<SutAction>,
    ) {
        if let Some(process) = self.processes.get_mut(&check.process) {
            let entry = process.entry(link.entry);
            entry.base = Some(Held::new(crl.clone()));
            entry.base_fetched = fetched;
            entry.had_base = true;
            entry.waits_for_delta = false;
            entry.remembered_until = None;
            // A base that was looked for because of the delta is the one that the delta is for.
            if let Some((of, _)) = entry.delta.as_mut().filter(|_| check.pass.sought_newer_base) {
                *of = crl.number();
            }
        }
        check.pass.base = Some(crl.clone());
        self.trace_memory(check, CacheOp::Store, Purpose::Base, out);
    }

    /// Puts on record what happened to an object in the memory of the check's process.
    pub(super) fn trace_memory(
        &self,
        check: &Check,
        op: CacheOp,
        purpose: Purpose,
        out: &mut Out<SutAction>,
    ) {
        out.trace(Kind::Cache(Cache {
            by: self.name.clone(),
            layer: Layer::Memory,
            owner: self.process_name(check.process),
            op,
            object: Some(purpose.as_str().to_owned()),
        }));
    }
}
