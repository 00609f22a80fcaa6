//! What outlives a reboot, out of the engine and into it again.

use revlab_lab::{Instant, Name};

use super::Engine;
use super::disk::{DiskCache, DiskEntry};
use crate::cache::{About, Account, Cached, Caches, Numbers};

impl Engine {
    /// What is on the machine's disk now.
    pub(crate) fn caches(&self, now: Instant) -> Caches {
        let about = About {
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
            certificate: entry.link.certificate.clone(),
            issuer: entry.link.issuer.clone(),
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
            let entry = DiskEntry {
                object: cached.object,
                purpose: cached.purpose,
                link: self.subjects.restored(&cached.certificate, &cached.issuer),
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
