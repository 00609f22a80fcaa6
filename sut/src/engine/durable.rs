//! What outlives a reboot, out of the engine and into it again.

use revlab_lab::{Instant, Name};

use super::Engine;
use super::disk::{About, DiskCache, DiskEntry};
use crate::cache::{self, Account, Cached, Caches, Numbers};

impl Engine {
    /// What is on the machine's disk now.
    pub(crate) fn caches(&self, now: Instant) -> Caches {
        let about = cache::About {
            machine: self.name.clone(),
            clock: self.clock.at(now),
            resynced: self.resynced,
            numbers: Numbers { check: self.next_check, fetch: self.next_fetch },
        };
        let accounts =
            self.disks.iter().map(|(name, disk)| (name.clone(), self.account(now, disk)));
        let accounts = accounts.filter(|(_, a)| !a.entries.is_empty() || !a.failed.is_empty());
        Caches { about, accounts: accounts.collect(), store: self.store.clone() }
    }

    fn account(&self, now: Instant, disk: &DiskCache) -> Account {
        let kept = disk.iter().filter(|(_, entry)| !self.flushed(now, entry));
        let entries = kept.map(|(url, entry)| Cached {
            url: url.clone(),
            purpose: entry.purpose,
            object: entry.object.clone(),
            certificate: entry.about.certificate().clone(),
            issuer: entry.about.issuer().cloned(),
            stored: entry.stored,
            used: entry.used,
            prefetch: entry.prefetch.clone(),
            response: entry.response.clone(),
        });
        let failed = disk.failed.iter().filter(|(_, until)| **until > now);
        Account {
            entries: entries.collect(),
            failed: failed.map(|(url, until)| (url.clone(), *until)).collect(),
        }
    }

    /// Boots: memory is empty, and the disk holds this.
    pub(crate) fn boot(&mut self, caches: Caches) {
        self.next_check = caches.about.numbers.check;
        self.next_fetch = caches.about.numbers.fetch;
        self.resynced = caches.about.resynced;
        self.store = caches.store;
        self.told.clear();
        self.disks.clear();
        for (name, account) in caches.accounts {
            self.restore(name, account);
        }
        self.start_lsass();
    }

    /// See [`Machine`](crate::Machine).
    #[cfg(test)]
    pub(crate) fn forget_memory(&mut self) {
        self.checks.clear();
        self.retrievals.clear();
        self.told.clear();
        self.start_lsass();
    }

    fn restore(&mut self, name: Name, account: Account) {
        let mut disk = DiskCache::default();
        disk.failed = account.failed;
        for cached in account.entries {
            let about = match &cached.issuer {
                Some(issuer) => About::Link(self.subjects.restored(&cached.certificate, issuer)),
                None => About::Issued(cached.certificate),
            };
            let entry = DiskEntry {
                object: cached.object,
                purpose: cached.purpose,
                about,
                stored: cached.stored,
                used: cached.used,
                prefetch: cached.prefetch,
                response: cached.response,
            };
            disk.store(cached.url, entry);
        }
        self.disks.insert(name, disk);
    }
}
