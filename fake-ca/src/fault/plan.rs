//! All faults of a run, with how often each has been met.

use revlab_lab::trace::Purpose;
use revlab_lab::{Instant, Name, Seed};

use super::{Asked, FaultConfig, Target};

/// The faults of the CAs, and how many requests each has counted.
#[derive(Clone, Debug)]
pub struct FaultPlan {
    faults: Vec<FaultConfig>,
    counts: Vec<Counts>,
    seed: Seed,
}

/// What one fault has counted in its window.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// OCSP requests to its CA.
    ocsp: u64,
    /// Requests that it selects.
    selected: u64,
}

/// A fault that acts on a request.
#[derive(Clone, Copy, Debug)]
pub struct Acting<'a> {
    /// The fault.
    pub fault: &'a FaultConfig,
    /// Which of the requests that it selects this is, from 1.
    pub count: u64,
    /// The seed of the run.
    pub seed: Seed,
}

impl Acting<'_> {
    /// A number below `bound` for `what`, by seed, fault and count alone.
    pub(super) fn draw(&self, what: &str, bound: u64) -> u64 {
        let name = format!("fault/{}/{}/{what}", self.fault.name, self.count);
        self.seed.stream(&name).below(bound)
    }
}

impl FaultPlan {
    /// A plan in which nothing has been counted.
    pub fn new(faults: Vec<FaultConfig>, seed: Seed) -> FaultPlan {
        let counts = vec![Counts::default(); faults.len()];
        FaultPlan { faults, counts, seed }
    }

    /// The faults, in order.
    pub fn faults(&self) -> &[FaultConfig] {
        &self.faults
    }

    /// Puts other faults in place. One that stays as it was goes on counting.
    pub fn set(&mut self, faults: Vec<FaultConfig>) {
        let before = FaultPlan::new(faults, self.seed);
        let before = std::mem::replace(self, before);
        for (fault, counts) in self.faults.iter().zip(&mut self.counts) {
            let kept = before.faults.iter().position(|other| other == fault);
            if let Some(kept) = kept.and_then(|index| before.counts.get(index)) {
                *counts = *kept;
            }
        }
    }

    /// Ends the faults on one CA, or all: from `now` on they do not act, nor do those that were
    /// still to begin. The ones that were active, in order.
    pub fn heal(&mut self, now: Instant, ca: Option<&str>) -> Vec<FaultConfig> {
        let mut healed = Vec::new();
        let meant = |fault: &&mut FaultConfig| ca.is_none_or(|ca| *fault.on.ca == *ca);
        for fault in self.faults.iter_mut().filter(meant) {
            if fault.is_active(now) && !fault.never_acts() {
                healed.push(fault.clone());
            }
            fault.until = Ord::min(fault.until, now);
        }
        healed
    }

    /// Whether some fault that is active asks about certificates.
    pub(crate) fn needs_serials(&self, now: Instant) -> bool {
        self.faults.iter().any(|fault| fault.only.needs_serials() && fault.is_active(now))
    }

    /// Whether no fault is active.
    pub(crate) fn is_idle(&self, now: Instant) -> bool {
        !self.faults.iter().any(|fault| fault.is_active(now))
    }

    /// Counts a request; the faults that act on it, in order.
    ///
    /// `is_on` says whether a target is what the request is for, `is_issued_to` whether a CA has
    /// issued the certificate with a serial number to a common name.
    pub fn meet(
        &mut self,
        now: Instant,
        asked: &Asked<'_>,
        is_on: impl Fn(&Target) -> bool,
        is_issued_to: impl Fn(&Name, &str, &[u8]) -> bool,
    ) -> Vec<Acting<'_>> {
        let mut acting = Vec::new();
        let seed = self.seed;
        for (fault, counts) in self.faults.iter().zip(&mut self.counts) {
            if !fault.is_active(now) {
                continue;
            }
            let had = counts.ocsp;
            if asked.purpose.is_some_and(|(ca, p)| *ca == fault.on.ca && *p == Purpose::Ocsp) {
                counts.ocsp += 1;
            }
            let issued_to = |name: &str, serial: &[u8]| is_issued_to(&fault.on.ca, name, serial);
            let counted = fault.when.after_ocsp.is_none_or(|after| had >= after)
                && is_on(&fault.on)
                && fault.effect.concerns(asked.purpose.map(|(_, purpose)| *purpose))
                && fault.effect.speaks(asked.request.url.scheme())
                && fault.only.selects(asked, issued_to);
            if counted {
                counts.selected += 1;
                if fault.when.acts(seed, &fault.name, counts.selected) {
                    acting.push(Acting { fault, count: counts.selected, seed });
                }
            }
        }
        acting
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fault, request};
    use super::super::{Caller, Effect, When};
    use super::*;

    /// How many of `faults` act on each of these requests, one after another.
    fn met(plan: &mut FaultPlan, purposes: &[Purpose]) -> Vec<usize> {
        let (request, caller) = (request(), Caller { name: "web", account: None, open: 0 });
        let met = purposes.iter().map(|purpose| {
            let purpose = ("issuing".into(), *purpose);
            let asked = Asked { caller, request: &request, purpose: Some(&purpose), serials: &[] };
            let on = |target: &Target| target.endpoint.covers(purpose.1);
            plan.meet(Instant::from_millis(0), &asked, on, |_, _, _| false).len()
        });
        met.collect()
    }

    fn plan(when: When) -> FaultPlan {
        let fault = FaultConfig { when, ..fault("f", Effect::Down) };
        FaultPlan::new(vec![fault], Seed(1))
    }

    #[test]
    fn a_fault_counts_what_it_selects() {
        let mut plan = plan(When { first: Some(2), ..When::default() });
        assert_eq!(met(&mut plan, &[Purpose::Base; 4]), [1, 1, 0, 0]);
    }

    #[test]
    fn after_the_nth_ocsp_request_a_fault_begins_to_act() {
        use Purpose::{Base, Ocsp};
        let mut plan = plan(When { after_ocsp: Some(2), first: Some(2), ..When::default() });
        assert_eq!(met(&mut plan, &[Base, Ocsp, Ocsp, Base, Ocsp, Ocsp]), [0, 0, 0, 1, 1, 0]);
    }

    #[test]
    fn a_fault_that_stays_goes_on_counting_when_others_are_set() {
        let when = When { first: Some(2), ..When::default() };
        let mut plan = plan(when);
        met(&mut plan, &[Purpose::Base]);
        let mut faults = plan.faults().to_vec();
        faults.push(fault("other", Effect::Down));
        plan.set(faults);
        assert_eq!(met(&mut plan, &[Purpose::Base; 2]), [2, 1]);
    }

    #[test]
    fn healing_ends_what_is_active_and_what_was_to_come() {
        let begin = |ms| FaultConfig {
            from: Instant::from_millis(ms),
            ..fault(&format!("f{ms}"), Effect::Down)
        };
        let mut plan = FaultPlan::new(vec![begin(0), begin(500)], Seed(1));
        assert!(plan.heal(Instant::from_millis(100), Some("root")).is_empty());
        assert_eq!(plan.heal(Instant::from_millis(100), Some("issuing")), [begin(0)]);
        for now in [100, 500, 999] {
            assert!(plan.is_idle(Instant::from_millis(now)));
        }
        assert!(!plan.is_idle(Instant::from_millis(99)));
    }
}
