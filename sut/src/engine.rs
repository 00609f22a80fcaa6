//! The revocation engine: how the model of Windows decides, as a state machine without I/O.
//!
//! * [`subject`]: the chain of a certificate and what revocation data each link points at;
//! * [`process`]: a process with its memory cache and its offline marks;
//! * [`disk`]: the Cryptnet URL cache of an account; [`durable`]: what of it all outlives a reboot;
//! * [`issuer`]: issuers that are sought when a chain lacks them; [`cross`]: cross-certificates, so that
//!   there is another way up;
//! * [`store`]: CRLs in the machine's certificate store;
//! * [`check`]: one revocation check, stage by stage;
//! * [`staple`], [`base`], [`ocsp`], [`delta`]: the stages;
//! * [`mark`]: URLs that failed and are left alone for a while;
//! * [`retrieval`]: requests on the wire, shared and timed; [`answer`]: what they brought;
//! * [`prefetch`]: renewal of the disk cache by the Cryptographic Services, [`scan`]: when they look;
//!   [`listed`]: CRLs that are renewed by a rule of their own;
//! * [`verdict`]: from stages to a check record, and the evidence in the SUT's log.
//!
//! What Windows documents and what is a hypothesis is said at each [parameter](crate::profile).

mod answer;
mod base;
mod check;
mod cross;
mod delta;
mod disk;
mod durable;
mod issuer;
mod listed;
mod mark;
mod ocsp;
mod operation;
mod prefetch;
mod process;
mod retrieval;
mod scan;
mod staple;
mod store;
mod subject;
mod verdict;

use std::collections::BTreeMap;

use revlab_lab::http::Url;
use revlab_lab::trace::State;
use revlab_lab::{Clock, Instant, Name, Out, Seed};
use revlab_pki::{Crl, Verifier};

use crate::config::SutConfig;
use crate::event::SutAction;
use crate::profile::Parameters;
use crate::stores::Stores;
use crate::validation::policy::Policy;
use crate::validation::{Currency, currency};

pub(crate) use check::{Caller, Presented};
pub(crate) use verdict::Conclusion;

use check::Check;
use disk::DiskCache;
use process::{Process, ProcessId};
use retrieval::Retrieval;
use subject::Subjects;
use verdict::Told;

/// The account whose profile is `System32\config\systemprofile`: LocalSystem, which lsass runs as
/// (fact sheet §0, O5).
pub const SYSTEM_ACCOUNT: &str = "systemprofile";

/// All revocation state of one machine, and what is under way.
#[derive(Debug)]
pub(crate) struct Engine {
    name: Name,
    parameters: Parameters,
    /// How artefacts are judged, by these parameters.
    policy: Policy,
    clock: Clock,
    seed: Seed,
    verifier: Verifier,
    subjects: Subjects,
    processes: BTreeMap<ProcessId, Process>,
    next_process: u32,
    /// ChainCacheResyncFiletime: a value of the registry, so it holds for later processes too.
    resynced: Option<Instant>,
    disks: BTreeMap<Name, DiskCache>,
    /// CRLs in the machine's store, in the order in which they came there.
    store: Vec<Crl>,
    checks: BTreeMap<u64, Check>,
    next_check: u64,
    retrievals: BTreeMap<u64, Retrieval>,
    next_fetch: u64,
    told: BTreeMap<(Name, Name), Told>,
    concluded: Vec<Conclusion>,
    /// Whether the machine has a network.
    connected: bool,
    /// CRLs that are prefetched by a rule of their own (listed.rs).
    crl_prefetch: Vec<Url>,
}

impl Engine {
    /// An engine with empty caches.
    pub(crate) fn new(config: &SutConfig, stores: Stores, seed: Seed) -> Engine {
        let mut engine = Engine {
            name: config.name.clone(),
            parameters: config.profile.parameters().clone(),
            policy: Policy::of(config.profile.parameters()),
            clock: config.clock.clone(),
            seed,
            verifier: Verifier::default(),
            subjects: Subjects::new(stores, config.profile.parameters()),
            processes: BTreeMap::new(),
            next_process: 0,
            resynced: None,
            disks: BTreeMap::new(),
            store: Vec::new(),
            checks: BTreeMap::new(),
            next_check: 1,
            retrievals: BTreeMap::new(),
            next_fetch: 1,
            told: BTreeMap::new(),
            concluded: Vec::new(),
            connected: true,
            crl_prefetch: config.crl_prefetch.clone(),
        };
        engine.start_lsass();
        engine
    }

    /// When something is due: a retrieval is to be sent or given up, a prefetch to be made.
    pub(crate) fn next_wakeup(&self) -> Option<Instant> {
        let wire = self.retrievals.values().map(Retrieval::due).min();
        let prefetch = self.disks.values().filter_map(DiskCache::due).min();
        wire.into_iter().chain(prefetch).min()
    }

    /// Does what is due.
    pub(crate) fn wake(&mut self, now: Instant, out: &mut Out<SutAction>) {
        self.wake_retrievals(now, out);
        self.wake_prefetch(now, out);
    }

    /// Takes the checks that have come to their end.
    pub(crate) fn concluded(&mut self) -> Vec<Conclusion> {
        std::mem::take(&mut self.concluded)
    }

    /// How an object with these dates is by the machine's clock.
    fn state(&self, now: Instant, this_update: Instant, next_update: Option<Instant>) -> State {
        match currency(this_update, next_update, self.clock.at(now), &self.policy) {
            Currency::Current => State::Fresh,
            Currency::NotYet => State::NotYetValid,
            Currency::Expired(_) | Currency::Never => State::Stale,
        }
    }

    fn disk(&mut self, account: &Name) -> &mut DiskCache {
        self.disks.entry(account.clone()).or_default()
    }
}

#[cfg(test)]
mod tests;
