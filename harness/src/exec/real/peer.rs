//! What a real system under test meets: its clients and the CA's sites, on sockets, and its time.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::{Duration, Instant as Wall};

use revlab_clients::live::{LiveClients, Progress};
use revlab_clients::{Observation, Send};
use revlab_fake_ca::FakeCa;
use revlab_fake_ca::live::Arrived;
use revlab_lab::clock::LabTime;
use revlab_lab::{Clock, Instant, Span};
use revlab_sut::adapter::Verdict;
use revlab_sut::config::SutConfig;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::begin::begin;
use super::clock::ClockFile;
use super::probe::{judged, verdict};
use super::server::Server;
use super::sites::Sites;
use crate::exec::adapter::{Adapter, Elsewhere};
use crate::exec::setup::{Identity, Lab};
use crate::exec::{Options, RunError, live};
use crate::scenario::model::Scenario;

/// How long a TLS 1.3 client listens before it sends: a refusal comes then, if one does.
const HEARS: Duration = Duration::from_millis(300);

/// How long is waited between two tries to reach a server.
const RETRY: Duration = Duration::from_millis(20);

/// The sockets of a run.
pub(super) struct Peer {
    runtime: Runtime,
    lab_time: LabTime,
    sites: Sites,
    clients: LiveClients,
    target: Target,
    time: Time,
    /// What clients have seen, on its way from their tasks.
    told: mpsc::UnboundedSender<(u64, Observation)>,
    seen: mpsc::UnboundedReceiver<(u64, Observation)>,
    /// The server's name in TLS.
    host: String,
    /// Its own clock.
    clock: Clock,
}

/// The system under test.
enum Target {
    Ours(Box<Server>),
    Elsewhere(SocketAddr),
}

/// How lab time goes.
pub(super) enum Time {
    /// It stands still while bytes move; the server reads it from a file. Whether it goes on with the wall
    /// where the server waits.
    Held { file: ClockFile, paced: bool },
    /// It is real time, counted from the start of the run.
    Real { began: Wall, start: Instant },
}

impl Time {
    /// From now on.
    pub(super) fn real(start: Instant) -> Time {
        Time::Real { began: wall(), start }
    }
}

/// What has come about.
pub(super) enum Happened {
    /// A request at the CA's site.
    Request(Box<Arrived>),
    /// The end of an attempt, by its number.
    Seen(u64, Observation),
    /// Nothing in the time allowed.
    Nothing,
}

impl Peer {
    pub(super) fn new(
        scenario: &Scenario,
        lab: &Lab,
        sut: &SutConfig,
        adapter: &Adapter,
        options: &Options<'_>,
    ) -> Result<Peer, RunError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| RunError::Live(e.to_string()))?;
        let lab_time = LabTime::new(scenario.start);
        let guard = runtime.enter();
        let mut clients = live::clients(scenario, lab, &lab_time)?;
        clients.listen_first(HEARS);
        clients.reconnect();
        let (sites, target, time) = match adapter {
            Adapter::Program(program) => {
                let begun = begin(scenario, lab, sut, program, options)?;
                if let Some(most) = begun.1.listens() {
                    clients.listen_first(most);
                }
                let (sites, server, time) = begun;
                (sites, Target::Ours(Box::new(server)), time)
            }
            Adapter::Elsewhere(there) => {
                let own = SocketAddr::from((Ipv4Addr::LOCALHOST, there.ca));
                let sites = Sites::proxy(options.listen.unwrap_or(own))?;
                let time = match &there.clock {
                    Some(file) => held(file.clone(), sut.clock.at(scenario.start))?,
                    None => Time::real(scenario.start),
                };
                let target = Target::Elsewhere(reach(there)?);
                let time = match time {
                    // Waiting for the server was no part of the run.
                    Time::Real { start, .. } => Time::real(start),
                    held => held,
                };
                (sites, target, time)
            }
        };
        drop(guard);
        if matches!(time, Time::Real { .. }) {
            clients.measure_real_time();
        }
        let (host, clock) = (sut.host.clone(), sut.clock.clone());
        let (told, seen) = mpsc::unbounded_channel();
        Ok(Peer { runtime, lab_time, sites, clients, target, time, told, seen, host, clock })
    }

    /// Whether lab time stands still while bytes move.
    pub(super) fn holds_time(&self) -> bool {
        matches!(self.time, Time::Held { .. })
    }

    /// Whether what is held back is held back in real time, though lab time stands still otherwise: the
    /// server has time-outs of its own.
    pub(super) fn is_paced(&self) -> bool {
        matches!(self.time, Time::Held { paced: true, .. })
    }

    /// Sees to it that the CA's sites and names are as they should be now.
    pub(super) fn settle(&mut self, scenario: &Scenario, ca: &FakeCa, now: Instant) {
        if self.sites.unsettled(scenario, ca, now) {
            self.runtime.block_on(self.sites.settle(scenario, ca, now));
        }
    }

    /// What lab time has come to by itself: `now` where it stands still.
    pub(super) fn time(&self, now: Instant) -> Instant {
        match &self.time {
            Time::Held { .. } => now,
            Time::Real { began, start } => {
                let passed = wall().duration_since(*began).as_millis();
                now.max(*start + Span::from_millis(i64::try_from(passed).unwrap_or(i64::MAX)))
            }
        }
    }

    /// Tells the clients and the server the time.
    pub(super) fn set_time(&mut self, now: Instant) -> Result<(), String> {
        self.lab_time.set(now);
        match &mut self.time {
            Time::Held { file, .. } => file
                .set(self.clock.at(now))
                .map_err(|e| format!("the clock of the system under test cannot be set: {e}")),
            Time::Real { .. } => Ok(()),
        }
    }

    /// Begins an attempt, which can be aborted and followed. `identity`: its certificate, where there is
    /// one.
    pub(super) fn start(
        &mut self,
        send: &Send,
        identity: Option<&Identity>,
    ) -> (AbortHandle, Progress) {
        let _guard = self.runtime.enter();
        let address = match &self.target {
            Target::Ours(server) if server.is_probed() => return self.probe(send, identity),
            Target::Ours(server) => server.address(),
            Target::Elsewhere(address) => *address,
        };
        let (client, progress) = self.clients.start_followed(send, address, &self.host);
        let (abort, attempt, told) = (client.abort_handle(), send.attempt, self.told.clone());
        tokio::spawn(async move {
            let seen = client.await.unwrap_or_else(|_| live::nothing("the client died"));
            // With the run over, nobody listens.
            let _ = told.send((attempt, seen));
        });
        (abort, progress)
    }

    /// Has a program judge a certificate.
    fn probe(&self, send: &Send, identity: Option<&Identity>) -> (AbortHandle, Progress) {
        let (attempt, told) = (send.attempt, self.told.clone());
        let begun = match (&self.target, identity) {
            (Target::Ours(server), Some(identity)) => {
                server.probe(identity).map(|command| (command, server.adapter()))
            }
            _ => Err("there is no certificate to be judged".to_owned()),
        };
        let task = tokio::spawn(async move {
            let seen = match begun {
                Ok((command, adapter)) => judged(command, &adapter).await,
                Err(why) => verdict(Verdict::Failed, &why, ""),
            };
            let _ = told.send((attempt, seen));
        });
        (task.abort_handle(), Progress::default())
    }

    /// Waits for what comes next, at most so long in real time.
    pub(super) fn wait(&mut self, most: Duration) -> Happened {
        let (sites, seen) = (&mut self.sites, &mut self.seen);
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                Some(arrived) = sites.next() => Happened::Request(Box::new(arrived)),
                Some((attempt, seen)) = seen.recv() => Happened::Seen(attempt, seen),
                () = passed(most) => Happened::Nothing,
            }
        })
    }

    pub(super) fn replace_identity(
        &mut self,
        name: &revlab_lab::Name,
        identity: &Identity,
    ) -> Result<(), String> {
        let chain = identity.certificate_list_der();
        let added = self.clients.add_identity(name.clone(), chain, identity.key.pkcs8());
        added.map_err(|e| e.to_string())
    }

    pub(super) fn remove_identity(&mut self, name: &revlab_lab::Name) {
        self.clients.remove_identity(name);
    }

    /// Closes a connection that a client has kept open.
    pub(super) fn disconnect(&mut self, connection: u64) {
        self.clients.disconnect(connection);
    }

    /// The run's own server, if it is one.
    pub(super) fn ours(&mut self) -> Option<&mut Server> {
        match &mut self.target {
            Target::Ours(server) => Some(server),
            Target::Elsewhere(_) => None,
        }
    }

    /// Ends the run's own server; its logs, by their path below `logs/`.
    pub(super) fn finish(self) -> BTreeMap<String, Vec<u8>> {
        match self.target {
            Target::Ours(server) => server.stop(),
            Target::Elsewhere(_) => BTreeMap::new(),
        }
    }
}

fn held(file: PathBuf, start: Instant) -> Result<Time, RunError> {
    let shown = file.display().to_string();
    let mut file = ClockFile::new(file, false);
    let written = file.set(start);
    written.map_err(|e| RunError::Sut(format!("`{shown}` cannot be written: {e}")))?;
    Ok(Time::Held { file, paced: false })
}

/// The address of a server, once something listens there.
fn reach(server: &Elsewhere) -> Result<SocketAddr, RunError> {
    let there = server.address();
    let patience = Duration::from_millis(server.ready.as_millis().unsigned_abs());
    let resolved = (server.host.as_str(), server.port).to_socket_addrs();
    let addresses: Vec<SocketAddr> =
        resolved.map_err(|e| RunError::Sut(format!("{there} is not to be found: {e}")))?.collect();
    let began = wall();
    loop {
        let mut why = "it has no address".to_owned();
        for address in &addresses {
            match std::net::TcpStream::connect_timeout(address, patience) {
                Ok(_) => return Ok(*address),
                Err(error) => why = error.to_string(),
            }
        }
        if wall().duration_since(began) >= patience {
            let ready = server.ready;
            return Err(RunError::Sut(format!("{there} was not there within {ready}: {why}")));
        }
        nap();
    }
}

#[expect(clippy::disallowed_methods, reason = "a foreign server is waited for in real time")]
async fn passed(most: Duration) {
    tokio::time::sleep(most).await;
}

#[expect(clippy::disallowed_methods, reason = "a foreign server lives in real time")]
fn wall() -> Wall {
    Wall::now()
}

#[expect(clippy::disallowed_methods, reason = "a foreign server is waited for in real time")]
fn nap() {
    std::thread::sleep(RETRY);
}
