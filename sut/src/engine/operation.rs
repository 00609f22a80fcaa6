//! What an administrator's operations do to caches and processes (fact sheet §2.4).

use revlab_lab::trace::{Cache, CacheOp, Kind, Layer, Log};
use revlab_lab::{Instant, Name, Out, Span};

use super::Engine;
use super::check::{Caller, Presented};
use crate::cache::Caches;
use crate::event::{Operation, SutAction};

impl Engine {
    /// Performs an operation.
    pub(crate) fn operate(&mut self, now: Instant, operation: Operation, out: &mut Out<SutAction>) {
        match operation {
            Operation::UrlcacheDelete { account } => self.clear_disk(&account, out),
            Operation::DeleteCacheFiles { accounts } => {
                accounts.iter().for_each(|account| self.clear_disk(account, out));
            }
            // W3SVC, WAS and w3wp hold no revocation state: lsass does, and it lives on (O10).
            Operation::RestartService => {}
            Operation::Reboot => self.reboot(now, out),
            Operation::ChainCacheResync if !self.parameters.chain_cache_resync => {}
            Operation::ChainCacheResync => {
                let lift = self.parameters.resync_lifts_offline_marks;
                self.resynced = Some(now);
                for process in self.processes.values_mut() {
                    process.resync(now, lift);
                }
                if lift {
                    self.disks.values_mut().for_each(|disk| disk.failed.clear());
                }
                self.trace_clear(Layer::Memory, "every process", out);
            }
            Operation::RecreateBinding => self.recreate_binding(),
            Operation::RevocationCheck { enabled } => self.parameters.verify_revocation = enabled,
            Operation::Disconnect => self.connected = false,
            Operation::Connect => self.connected = true,
            Operation::AddToStore { crl } => self.add_to_store(crl, out),
            Operation::Verify { peer, account } => {
                let process = self.start_process("certutil.exe", &account, true);
                self.begin(now, process, &peer, Presented::default(), Caller::Command, out);
            }
        }
    }

    /// The defaults of `netsh http add sslcert` (fact sheet §3.2).
    fn recreate_binding(&mut self) {
        let p = &mut self.parameters;
        p.verify_revocation = true;
        p.cached_only = false;
        p.revocation_freshness_time = Span::ZERO;
        p.binding_url_timeout = Span::ZERO;
    }

    /// Every process ends and its memory with it; disk caches stay. They are written down and read
    /// back, so that each reboot proves the form in which they are kept.
    fn reboot(&mut self, now: Instant, out: &mut Out<SutAction>) {
        self.checks.clear();
        self.drop_retrievals(out);
        match Caches::from_files(&self.caches(now).to_files()) {
            Ok(caches) => self.boot(caches),
            Err(why) => {
                out.trace(Kind::Log(Log {
                    by: self.name.clone(),
                    file: "engine".into(),
                    line: format!("the disk caches are lost: {why}"),
                    code: None,
                    attempt: None,
                }));
                self.disks.clear();
                self.start_lsass();
            }
        }
        self.trace_clear(Layer::Memory, "every process", out);
        out.act(SutAction::ForgetSessions);
    }

    fn clear_disk(&mut self, account: &Name, out: &mut Out<SutAction>) {
        self.disk(account).clear();
        self.trace_clear(Layer::Disk, account, out);
    }

    fn trace_clear(&self, layer: Layer, owner: &str, out: &mut Out<SutAction>) {
        out.trace(Kind::Cache(Cache {
            by: self.name.clone(),
            layer,
            owner: owner.into(),
            op: CacheOp::Clear,
            object: None,
        }));
    }
}
