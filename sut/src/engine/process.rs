//! A process: its memory cache of time-valid objects and its offline marks.
//!
//! Both live as long as the process (fact sheet §2.4). For lsass that is until the next boot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use revlab_lab::http::Url;
use revlab_lab::{Instant, Name, Span};
use revlab_pki::{Certificate, Crl, OcspAnswer};

use super::subject::EntryKey;
use super::{Engine, SYSTEM_ACCOUNT};

/// Which process. lsass is the first after each boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ProcessId(pub(super) u32);

#[derive(Debug)]
pub(super) struct Process {
    pub(super) name: Name,
    pub(super) account: Name,
    /// Whether it takes everything from the wire, as `certutil -urlfetch` does.
    pub(super) wire_only: bool,
    /// Disk entries older than this are ignored (ChainCacheResyncFiletime).
    pub(super) ignore_before: Option<Instant>,
    entries: BTreeMap<EntryKey, Entry>,
    /// The links it has looked at before, by number.
    met: BTreeSet<usize>,
    /// URLs that failed.
    marks: BTreeMap<Url, Mark>,
    /// CRL URLs whose last answer was refused for what it is.
    refused: BTreeSet<Url>,
    /// Issuers that it has got by caIssuers.
    issuers: Vec<Certificate>,
    /// Cross-certificates by the URL that they came from, and when they did.
    crosses: BTreeMap<Url, (Instant, Vec<Certificate>)>,
    /// All of these, each once.
    at_hand: Vec<Certificate>,
}

/// The offline mark of a URL.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// Until when the URL is not tried again.
    until: Instant,
    /// For how long it was set.
    length: Span,
    /// How often the URL has failed in a row.
    failures: u32,
}

/// The memory cache's entry of a certificate (or of what shares its entry).
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) base: Option<Held<Crl>>,
    /// When that base was fetched; none: it was put into the machine's store by hand.
    pub(super) base_fetched: Option<Instant>,
    /// The delta is kept together with the number of the base that it was fetched for.
    pub(super) delta: Option<(Option<u64>, Held<Crl>)>,
    pub(super) ocsp: Option<Held<OcspAnswer>>,
    /// Whether the entry ever held a base: what is fetched now is a refresh.
    pub(super) had_base: bool,
    /// An offline mark on the base part of the entry.
    pub(super) offline_until: Option<Instant>,
    /// The base was skipped, and waits for the next delta (hypothesis H4).
    pub(super) waits_for_delta: bool,
    /// The verdict is repeated until then (hypothesis H5).
    pub(super) remembered_until: Option<Instant>,
}

/// An object in memory.
#[derive(Clone, Debug)]
pub(super) struct Held<T> {
    pub(super) object: T,
    /// Whether its expiry is on record.
    pub(super) expiry_noted: bool,
}

impl<T> Held<T> {
    pub(super) fn new(object: T) -> Held<T> {
        Held { object, expiry_noted: false }
    }
}

impl Process {
    pub(super) fn entry(&mut self, key: EntryKey) -> &mut Entry {
        self.entries.entry(key).or_default()
    }

    /// Whether this link was never looked at before; it counts as looked at from now on.
    pub(super) fn meets(&mut self, link: usize) -> bool {
        self.met.insert(link)
    }

    /// Until when this URL is not tried again; none when it may be.
    pub(super) fn mark(&self, url: &Url, now: Instant) -> Option<Instant> {
        self.marks.get(url).map(|mark| mark.until).filter(|until| *until > now)
    }

    /// A URL has failed; `length` says how long it is left alone after so many failures in a row.
    pub(super) fn set_mark(&mut self, url: &Url, now: Instant, length: impl FnOnce(u32) -> Span) {
        let failures = self.marks.get(url).map_or(0, |mark| mark.failures) + 1;
        let length = length(failures);
        self.marks.insert(url.clone(), Mark { until: now + length, length, failures });
    }

    /// A mark that was met lasts anew.
    pub(super) fn rearm_mark(&mut self, url: &Url, now: Instant) {
        if let Some(mark) = self.marks.get_mut(url).filter(|mark| mark.until > now) {
            mark.until = now + mark.length;
        }
    }

    pub(super) fn unset_mark(&mut self, url: &Url) {
        self.marks.remove(url);
    }

    /// Notes whether the last answer of a CRL URL was refused for what it is.
    pub(super) fn note_refusal(&mut self, url: &Url, refused: bool) {
        if refused {
            self.refused.insert(url.clone());
        } else {
            self.refused.remove(url);
        }
    }

    /// Whether it was.
    pub(super) fn was_refused(&self, url: &Url) -> bool {
        self.refused.contains(url)
    }

    /// Keeps issuers that were fetched.
    pub(super) fn keep_issuers(&mut self, issuers: &[Certificate]) {
        for issuer in issuers {
            if !self.issuers.contains(issuer) {
                self.issuers.push(issuer.clone());
            }
        }
        self.gather();
    }

    /// Keeps the cross-certificates that a URL gave then, instead of what other ways to the same point
    /// gave before.
    pub(super) fn keep_crosses(
        &mut self,
        point: &[Url],
        url: Url,
        since: Instant,
        crosses: &[Certificate],
    ) {
        self.crosses.retain(|other, _| !point.contains(other));
        self.crosses.insert(url, (since, crosses.to_vec()));
        self.gather();
    }

    /// When a point last gave cross-certificates.
    pub(super) fn crosses_since(&self, point: &[Url]) -> Option<Instant> {
        point.iter().filter_map(|url| self.crosses.get(url)).map(|(since, _)| *since).max()
    }

    fn gather(&mut self) {
        self.at_hand.clone_from(&self.issuers);
        for cross in self.crosses.values().flat_map(|(_, crosses)| crosses) {
            if !self.at_hand.contains(cross) {
                self.at_hand.push(cross.clone());
            }
        }
    }

    /// The issuers and cross-certificates that were fetched.
    pub(super) fn at_hand(&self) -> &[Certificate] {
        &self.at_hand
    }

    /// How many OCSP answers are cached: what CryptnetCachedOcspSwitchToCrlCount is held against.
    /// All of them count, whoever issued the certificates: the lab's servers see one CA's.
    pub(super) fn cached_ocsp(&self) -> usize {
        self.entries.values().filter(|e| e.ocsp.is_some()).count()
    }

    /// The base CRL of an entry.
    pub(super) fn base_of(&self, key: EntryKey) -> Option<&Crl> {
        self.entries.get(&key)?.base.as_ref().map(|held| &held.object)
    }

    /// The base CRLs in memory.
    pub(super) fn bases(&self) -> impl Iterator<Item = &Crl> {
        self.entries.values().filter_map(|entry| entry.base.as_ref()).map(|held| &held.object)
    }

    /// Cached objects are ignored from now on; what marks say stays unless `lift_marks`.
    pub(super) fn resync(&mut self, now: Instant, lift_marks: bool) {
        self.ignore_before = Some(now);
        self.issuers.clear();
        self.crosses.clear();
        self.at_hand.clear();
        for entry in self.entries.values_mut() {
            entry.base = None;
            entry.delta = None;
            entry.ocsp = None;
            if lift_marks {
                entry.offline_until = None;
                entry.waits_for_delta = false;
                entry.remembered_until = None;
            }
        }
        if lift_marks {
            self.marks.clear();
        }
    }
}

impl Engine {
    /// Starts a process with an empty memory.
    pub(super) fn start_process(
        &mut self,
        name: &str,
        account: &str,
        wire_only: bool,
    ) -> ProcessId {
        let id = ProcessId(self.next_process);
        self.next_process += 1;
        let process = Process {
            name: Arc::from(name),
            account: Arc::from(account),
            wire_only,
            ignore_before: self.resynced,
            entries: BTreeMap::new(),
            met: BTreeSet::new(),
            marks: BTreeMap::new(),
            refused: BTreeSet::new(),
            issuers: Vec::new(),
            crosses: BTreeMap::new(),
            at_hand: Vec::new(),
        };
        self.processes.insert(id, process);
        id
    }

    /// lsass, where SChannel validates client certificates for HTTP.sys (fact sheet §0, inferred).
    pub(super) fn start_lsass(&mut self) {
        self.processes.clear();
        self.start_process("lsass.exe", SYSTEM_ACCOUNT, false);
    }

    pub(super) fn lsass(&self) -> Option<ProcessId> {
        self.processes.keys().next().copied()
    }
}
