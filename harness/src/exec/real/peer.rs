//! What a real system under test meets: its clients and the CA's site, on sockets, and its time.
//!
//! One site answers for every host of the CAs, as a proxy does (absolute URLs) and as a server does
//! (`Host`), so that certificates keep the names of the scenario.

use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::{Duration, Instant as Wall};

use revlab_clients::live::{LiveClients, Progress};
use revlab_clients::{Observation, Send};
use revlab_fake_ca::live::{Arrived, Site};
use revlab_lab::clock::LabTime;
use revlab_lab::{Clock, Instant, Span};
use revlab_sut::config::SutConfig;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::clock::ClockFile;
use super::s_server::SServer;
use crate::exec::adapter::{Adapter, Elsewhere};
use crate::exec::setup::{Identity, Lab};
use crate::exec::{Options, RunError, live};
use crate::scenario::model::Scenario;

/// Where the log of the run's own server goes below `logs/`.
pub(super) use super::s_server::LOG;

/// How long a TLS 1.3 client listens before it sends: a refusal comes then, if one does.
const HEARS: Duration = Duration::from_millis(300);

/// How long is waited between two tries to reach a server.
const RETRY: Duration = Duration::from_millis(20);

/// The sockets of a run.
pub(super) struct Peer {
    runtime: Runtime,
    lab_time: LabTime,
    site: Site,
    clients: LiveClients,
    server: Server,
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
enum Server {
    Ours(Box<SServer>),
    Elsewhere(SocketAddr),
}

/// How lab time goes.
enum Time {
    /// It stands still while bytes move; the server reads it from a file.
    Held(ClockFile),
    /// It is real time, counted from the start of the run.
    Real { began: Wall, start: Instant },
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
        let port = match adapter {
            Adapter::SServer => 0,
            Adapter::Elsewhere(server) => server.ca,
        };
        let site = Site::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            .map_err(|e| RunError::Live(no_port(port, &e)))?;
        let mut clients = live::clients(scenario, lab, &lab_time)?;
        clients.listen_first(HEARS);
        clients.reconnect();
        drop(guard);
        let (server, time) = match adapter {
            Adapter::SServer => {
                let (port, ca) = (options.port.unwrap_or(0), site.address());
                let at = sut.clock.at(scenario.start);
                let (server, clock) = SServer::start(&sut.name, sut.tls, &lab.cast, port, ca, at)
                    .map_err(RunError::Sut)?;
                (Server::Ours(Box::new(server)), Time::Held(clock))
            }
            Adapter::Elsewhere(there) => {
                let time = match &there.clock {
                    Some(file) => held(file.clone(), sut.clock.at(scenario.start))?,
                    None => Time::Real { began: wall(), start: scenario.start },
                };
                let server = Server::Elsewhere(reach(there)?);
                let time = match time {
                    // Waiting for the server was no part of the run.
                    Time::Real { start, .. } => Time::Real { began: wall(), start },
                    held => held,
                };
                (server, time)
            }
        };
        if matches!(time, Time::Real { .. }) {
            clients.measure_real_time();
        }
        let (host, clock) = (sut.host.clone(), sut.clock.clone());
        let (told, seen) = mpsc::unbounded_channel();
        Ok(Peer { runtime, lab_time, site, clients, server, time, told, seen, host, clock })
    }

    /// Whether lab time stands still while bytes move.
    pub(super) fn holds_time(&self) -> bool {
        matches!(self.time, Time::Held(_))
    }

    /// What lab time has come to by itself: `now` where it stands still.
    pub(super) fn time(&self, now: Instant) -> Instant {
        match &self.time {
            Time::Held(_) => now,
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
            Time::Held(file) => file
                .set(self.clock.at(now))
                .map_err(|e| format!("the clock of the system under test cannot be set: {e}")),
            Time::Real { .. } => Ok(()),
        }
    }

    /// Begins an attempt, which can be aborted and followed.
    pub(super) fn start(&mut self, send: &Send) -> (AbortHandle, Progress) {
        let address = match &self.server {
            Server::Ours(server) => server.address(),
            Server::Elsewhere(address) => *address,
        };
        let _guard = self.runtime.enter();
        let (client, progress) = self.clients.start_followed(send, address, &self.host);
        let (abort, attempt, told) = (client.abort_handle(), send.attempt, self.told.clone());
        tokio::spawn(async move {
            let seen = client.await.unwrap_or_else(|_| live::nothing("the client died"));
            // With the run over, nobody listens.
            let _ = told.send((attempt, seen));
        });
        (abort, progress)
    }

    /// Waits for what comes next, at most so long in real time.
    pub(super) fn wait(&mut self, most: Duration) -> Happened {
        let (site, seen) = (&mut self.site, &mut self.seen);
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                Some(arrived) = site.next() => Happened::Request(Box::new(arrived)),
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
    pub(super) fn ours(&mut self) -> Option<&mut SServer> {
        match &mut self.server {
            Server::Ours(server) => Some(server),
            Server::Elsewhere(_) => None,
        }
    }

    /// Ends the run's own server; its log.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        match self.server {
            Server::Ours(server) => Some(server.stop()),
            Server::Elsewhere(_) => None,
        }
    }
}

/// Why the CA has no port, and what would be right.
fn no_port(port: u16, error: &std::io::Error) -> String {
    let help = match error.kind() {
        std::io::ErrorKind::AddrInUse => "; `ca=0` takes one that is free",
        _ => "",
    };
    format!("port {port} for the CA cannot be had: {error}{help}")
}

fn held(file: PathBuf, start: Instant) -> Result<Time, RunError> {
    let shown = file.display().to_string();
    let mut clock = ClockFile::new(file);
    let written = clock.set(start);
    written.map_err(|e| RunError::Sut(format!("`{shown}` cannot be written: {e}")))?;
    Ok(Time::Held(clock))
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
