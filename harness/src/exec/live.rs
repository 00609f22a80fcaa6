//! The `live` transport: real HTTP to the CA's sites, real TLS with client certificates to the
//! SUT's front, on loopback.
//!
//! Lab time stands still while bytes move: each call here returns once its bytes have arrived.
//! Names are found in the run's address book, so that name faults need no DNS, and URLs in
//! certificates stay those of the scenario. A wall-clock watchdog only ends a hung run.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use revlab_clients::cipher::Cipher;
use revlab_clients::live::{Connected, LiveClients, Waiting};
use revlab_clients::{Agreed, Observation, Seen, Send};
use revlab_fake_ca::fault::{Effect, Heard, HttpsCertificate, Ruling};
use revlab_fake_ca::live::https::{HttpsFront, refusal};
use revlab_fake_ca::live::{Answered, Pace, Site, Swallowing, refusing_port, swallowing_port};
use revlab_lab::clock::LabTime;
use revlab_lab::http::{FetchError, Reply, Request};
use revlab_lab::trace::Phase;
use revlab_lab::{Instant, Name, Span};
use revlab_pki::Certificate;
use revlab_sut::config::ClientCertificates;
use revlab_sut::live::{Arrived, Front, FrontConfig, FrontError};
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::RunError;
use super::setup::{Identity, Lab};
use super::wire::{FetchKey, Opened, Shown, Wire};
use crate::scenario::model::Scenario;

/// How long the watchdog lets one exchange take in wall time before it calls the run hung.
const WATCHDOG: Duration = Duration::from_secs(60);

/// Cores connected through real sockets.
pub(super) struct LiveWire {
    runtime: Runtime,
    lab_time: LabTime,
    /// The address book: the sites by host name.
    sites: BTreeMap<String, Site>,
    refusing: (TcpSocket, SocketAddr),
    swallowing: (Swallowing, SocketAddr),
    /// The servers with TLS in front of the sites, by host and by what is wrong with them, and the
    /// roots that a SUT trusts.
    https: BTreeMap<(String, HttpsCertificate), HttpsFront>,
    roots: Vec<Certificate>,
    /// The SUTs' fronts with their host names.
    fronts: Vec<(Front, String)>,
    clients: LiveClients,
    /// Certificates as they were sent, by the first one's DER.
    peers: BTreeMap<Vec<u8>, Arc<[Certificate]>>,
    open: BTreeMap<u64, Ongoing>,
    /// Attempts whose client's validator has not spoken yet.
    waiting: BTreeMap<u64, Held>,
    silent: BTreeMap<FetchKey, JoinHandle<Result<Reply, FetchError>>>,
    wall_ms: BTreeMap<u64, u32>,
    trouble: Option<String>,
}

/// An attempt whose request has arrived.
struct Ongoing {
    client: JoinHandle<Observation>,
    respond: oneshot::Sender<Reply>,
    /// The number of its connection.
    connection: u64,
    began: std::time::Instant,
}

/// An attempt that waits between handshake and request.
struct Held {
    client: JoinHandle<Observation>,
    go: oneshot::Sender<()>,
    sut: usize,
    tells_cipher: bool,
    began: std::time::Instant,
}

impl LiveWire {
    pub(super) fn new(
        scenario: &Scenario,
        lab: &Lab,
        port: Option<u16>,
    ) -> Result<LiveWire, RunError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| RunError::Live(e.to_string()))?;
        let lab_time = LabTime::new(scenario.start);
        let guard = runtime.enter();
        let sites = sites(lab)?;
        let https = https(scenario, lab, &sites)?;
        let refusing = refusing_port().map_err(|e| RunError::Live(e.to_string()))?;
        let swallowing = swallowing_port().map_err(|e| RunError::Live(e.to_string()))?;
        let fronts = fronts(scenario, lab, &lab_time, port)?;
        let clients = clients(scenario, lab, &lab_time)?;
        drop(guard);
        Ok(LiveWire {
            runtime,
            lab_time,
            sites,
            refusing,
            swallowing,
            https,
            roots: roots(lab).cloned().collect(),
            fronts,
            clients,
            peers: BTreeMap::new(),
            open: BTreeMap::new(),
            waiting: BTreeMap::new(),
            silent: BTreeMap::new(),
            wall_ms: BTreeMap::new(),
            trouble: None,
        })
    }

    /// The certificates of a peer, parsed once.
    fn peer(&mut self, chain: &[Vec<u8>]) -> Arc<[Certificate]> {
        let Some(first) = chain.first() else { return Arc::from([]) };
        if let Some(known) = self.peers.get(first) {
            return known.clone();
        }
        let parsed: Arc<[Certificate]> =
            chain.iter().filter_map(|der| Certificate::parse(der).ok()).collect();
        self.peers.insert(first.clone(), parsed.clone());
        parsed
    }

    /// What comes of a handshake with a site that should not be trusted.
    fn shake_hands(&mut self, request: &Request, wrong: HttpsCertificate) -> Option<Heard> {
        let host = request.url.host();
        let front = self.https.get(&(host.to_ascii_lowercase(), wrong));
        let address = front.map_or(self.refusing.1, HttpsFront::address);
        let work = refusal(address, host, &self.roots, &self.lab_time);
        match self.runtime.block_on(watched(work)) {
            Some(refusal) => {
                let result = Err(refusal.unwrap_or(FetchError::BadReply));
                Some(Heard { result, after: Span::ZERO })
            }
            None => {
                self.hung("a handshake with the CA");
                None
            }
        }
    }

    /// What a connection to a front came to.
    fn opened(
        &mut self,
        (attempt, connection): (u64, u64),
        began: std::time::Instant,
        begun: Option<Begun>,
    ) -> Opened {
        match begun {
            Some(Begun::Request { client, chain, agreed, respond }) => {
                let peer = self.peer(&chain);
                self.open.insert(attempt, Ongoing { client, respond, connection, began });
                Opened::Request { peer, agreed }
            }
            Some(Begun::Ended(observation)) => Opened::Ended(observation),
            None => {
                self.hung("a connection to the system under test");
                Opened::Ended(nothing("watchdog"))
            }
        }
    }

    fn hung(&mut self, what: &str) {
        self.trouble.get_or_insert_with(|| {
            format!("the watchdog fired: {what} took more than {} s", WATCHDOG.as_secs())
        });
    }
}

impl Wire for LiveWire {
    fn exchange(
        &mut self,
        key: FetchKey,
        ruling: &Ruling,
        request: &Request,
        serve: &mut dyn FnMut(Request) -> Reply,
    ) -> Option<Heard> {
        if let Ruling::Insecure(wrong) = ruling {
            return self.shake_hands(request, *wrong);
        }
        let host = match ruling {
            Ruling::Elsewhere(site) => site,
            _ => request.url.host(),
        };
        let site = self.sites.get_mut(host);
        let (site, address) = match (ruling, site) {
            (Ruling::NameNotResolved, _) | (_, None) => {
                let result = Err(FetchError::NameNotResolved);
                return Some(Heard { result, after: Span::ZERO });
            }
            (Ruling::Refused, _) => (None, self.refusing.1),
            (Ruling::Swallowed, _) => (None, self.swallowing.1),
            (Ruling::ResetAtConnect, Some(site)) => {
                site.gate().reset_next();
                (None, site.address())
            }
            (_, Some(site)) => {
                let address = site.address();
                (Some(site), address)
            }
        };
        let sent = request.clone();
        let work = async {
            let client =
                tokio::spawn(async move { revlab_sut::live::exchange(address, &sent).await });
            let mut after = Span::ZERO;
            if let Some(site) = site
                && let Some(arrived) = site.next().await
            {
                let asked = arrived.request;
                let answered = Answered::under(ruling, &asked, Pace::Lab, || serve(asked.clone()));
                if let Answered::Script(script, _) = &answered {
                    after = script.heard().after;
                }
                let _ = arrived.answer.send(answered);
            }
            if matches!(ruling, Ruling::Silent | Ruling::Swallowed) {
                return Waited::Silent(client);
            }
            let result = client.await.unwrap_or(Err(FetchError::BadReply));
            Waited::Done(Heard { result, after })
        };
        match self.runtime.block_on(watched(work)) {
            Some(Waited::Done(heard)) => Some(heard),
            Some(Waited::Silent(client)) => {
                self.silent.insert(key, client);
                None
            }
            None => {
                self.hung("an exchange with the CA");
                None
            }
        }
    }

    fn abandon_fetch(&mut self, key: FetchKey) {
        if let Some(client) = self.silent.remove(&key) {
            client.abort();
        }
    }

    #[expect(clippy::disallowed_methods, reason = "wall_ms is measured here and never judged")]
    fn open(
        &mut self,
        _now: Instant,
        sut: usize,
        send: &Send,
        staple: Option<Arc<[u8]>>,
    ) -> Opened {
        let began = std::time::Instant::now();
        let Some((front, host)) = self.fronts.get_mut(sut) else {
            return Opened::Ended(nothing("there is no such front"));
        };
        front.set_staple(staple.map(|response| response.to_vec()));
        let (clients, address) = (&mut self.clients, front.address());
        let host = send.host.as_deref().unwrap_or(host);
        let tells_cipher = !send.ciphers.is_empty();
        if send.validated && send.connection.is_none() {
            let work = async { shown(clients.start_waiting(send, address, host)).await };
            return match self.runtime.block_on(watched(work)) {
                Some(Ok((client, go, connected))) => {
                    self.waiting
                        .insert(send.attempt, Held { client, go, sut, tells_cipher, began });
                    let chain = self.peer(&connected.chain);
                    let staple = connected.staple.map(Arc::from);
                    let agreed = connected.agreed;
                    Opened::Connected(Shown { agreed, chain, staple })
                }
                Some(Err(observation)) => Opened::Ended(observation),
                None => {
                    self.hung("a handshake with the system under test");
                    Opened::Ended(nothing("watchdog"))
                }
            };
        }
        let work = async {
            let client = clients.start(send, address, host);
            begun(front, send.attempt, tells_cipher, client).await
        };
        let begun = self.runtime.block_on(watched(work));
        let connection = send.connection.unwrap_or(send.attempt);
        self.opened((send.attempt, connection), began, begun)
    }

    fn proceed(&mut self, attempt: u64) -> Opened {
        let Some(Held { client, go, sut, tells_cipher, began }) = self.waiting.remove(&attempt)
        else {
            return Opened::Ended(nothing("the attempt was given up"));
        };
        let Some((front, _)) = self.fronts.get_mut(sut) else {
            return Opened::Ended(nothing("there is no such front"));
        };
        let _ = go.send(());
        let begun = self.runtime.block_on(watched(begun(front, attempt, tells_cipher, client)));
        self.opened((attempt, attempt), began, begun)
    }

    #[expect(clippy::disallowed_methods, reason = "wall_ms is measured here and never judged")]
    fn answer(&mut self, attempt: u64, reply: Option<&Reply>, keeps: bool) -> Option<Observation> {
        let Ongoing { client, respond, connection, began } = self.open.remove(&attempt)?;
        match reply.cloned() {
            Some(mut reply) => {
                if !keeps {
                    reply.headers.push(("Connection".into(), "close".into()));
                }
                let _ = respond.send(reply);
            }
            None => drop(respond),
        }
        let seen = self.runtime.block_on(watched(client));
        let wall = std::time::Instant::now().duration_since(began).as_millis();
        self.wall_ms.insert(attempt, u32::try_from(wall).unwrap_or(u32::MAX));
        match seen {
            Some(observation) => {
                let mut seen = observation.unwrap_or_else(|_| nothing("the client died"));
                // Over HTTP/2 an answer cannot say that it is the last one.
                if seen.stays_open && !keeps {
                    self.clients.disconnect(connection);
                    seen.stays_open = false;
                }
                Some(seen)
            }
            None => {
                self.hung("an answer to a client");
                Some(nothing("watchdog"))
            }
        }
    }

    fn disconnect(&mut self, connection: u64) {
        self.clients.disconnect(connection);
    }

    fn abandon_attempt(&mut self, attempt: u64) {
        if let Some(held) = self.waiting.remove(&attempt) {
            held.client.abort();
        }
        if let Some(ongoing) = self.open.remove(&attempt) {
            ongoing.client.abort();
        }
    }

    fn forget_sessions(&mut self, sut: usize) {
        if let Some((front, _)) = self.fronts.get(sut) {
            front.forget_sessions();
        }
    }

    fn forget_client_sessions(&mut self, client: &Name) {
        self.clients.forget_sessions(client);
    }

    fn replace_server(&mut self, sut: usize, server: &Identity) {
        let Some((front, _)) = self.fronts.get(sut) else { return };
        let chain = server.certificate_list_der();
        if let Err(error) = front.set_certificate(&chain, server.key.pkcs8()) {
            self.trouble.get_or_insert_with(|| error.to_string());
        }
    }

    fn add_identity(&mut self, name: &Name, identity: &Identity) {
        let chain = identity.certificate_list_der();
        if let Err(error) = self.clients.add_identity(name.clone(), chain, identity.key.pkcs8()) {
            self.trouble.get_or_insert_with(|| error.to_string());
        }
    }

    fn remove_identity(&mut self, name: &Name) {
        self.clients.remove_identity(name);
    }

    fn set_time(&mut self, now: Instant) {
        self.lab_time.set(now);
    }

    fn trouble(&mut self) -> Option<String> {
        self.trouble.clone()
    }

    fn wall_ms(&mut self, attempt: u64) -> Option<u32> {
        self.wall_ms.remove(&attempt)
    }
}

/// What an exchange with a site came to.
enum Waited {
    Done(Heard),
    Silent(JoinHandle<Result<Reply, FetchError>>),
}

/// What a connection to a front came to.
enum Begun {
    Request {
        client: JoinHandle<Observation>,
        chain: Vec<Vec<u8>>,
        agreed: Agreed,
        respond: oneshot::Sender<Reply>,
    },
    Ended(Observation),
}

/// Waits until the request of an attempt has arrived at a front, or the attempt has ended.
async fn begun(
    front: &mut Front,
    attempt: u64,
    tells_cipher: bool,
    mut client: JoinHandle<Observation>,
) -> Begun {
    loop {
        tokio::select! {
            arrived = front.next() => match arrived {
                Arrived::Request { attempt: Some(of), chain, handshake, tls, http, cipher, respond, .. }
                    if of == attempt =>
                {
                    let cipher = Cipher::numbered(cipher).filter(|_| tells_cipher);
                    let agreed = Agreed { handshake, tls, http, cipher };
                    return Begun::Request { client, chain, agreed, respond };
                }
                // The client of a failed handshake knows more: it is waited for.
                Arrived::Request { .. } | Arrived::Failed { .. } => {}
            },
            seen = &mut client => {
                return Begun::Ended(seen.unwrap_or_else(|_| nothing("the client died")));
            }
        }
    }
}

/// What a server shows a client whose validator is to judge it; where the handshake fails, how.
async fn shown(
    waiting: Waiting,
) -> Result<(JoinHandle<Observation>, oneshot::Sender<()>, Connected), Observation> {
    let Waiting { observation, connected, go } = waiting;
    match connected.await {
        Ok(connected) => Ok((observation, go, connected)),
        Err(_) => Err(observation.await.unwrap_or_else(|_| nothing("the client died"))),
    }
}

#[expect(clippy::disallowed_methods, reason = "the watchdog is the one wall-clock limit of a run")]
async fn watched<T>(work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(WATCHDOG, work).await.ok()
}

pub(super) fn nothing(error: &str) -> Observation {
    let seen = Seen::Broken { phase: Phase::Connect, error: Name::from(error) };
    Observation::without_handshake(seen)
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn sites(lab: &Lab) -> Result<BTreeMap<String, Site>, RunError> {
    let site = |host: String| match Site::bind(loopback(0)) {
        Ok(site) => Ok((host, site)),
        Err(error) => Err(RunError::Live(format!("no port for the site `{host}`: {error}"))),
    };
    lab.ca.hosts().into_iter().map(site).collect()
}

/// Every server with TLS that some fault asks for, at each host: which is meant shows in the request.
fn https(
    scenario: &Scenario,
    lab: &Lab,
    sites: &BTreeMap<String, Site>,
) -> Result<BTreeMap<(String, HttpsCertificate), HttpsFront>, RunError> {
    let mut fronts = BTreeMap::new();
    for fault in scenario.faults.values() {
        let Effect::Https(wrong) = fault.effect else { continue };
        for (host, site) in sites {
            let made = lab.ca.https_credential(&fault.on.ca, host, wrong, scenario.seed);
            // What no certificate can name is refused by its name alone.
            let Some(credential) = made else { continue };
            let front = HttpsFront::bind(loopback(0), &credential, site.address());
            let front = front.map_err(|e| RunError::Live(format!("https at `{host}`: {e}")))?;
            fronts.insert((host.to_ascii_lowercase(), wrong), front);
        }
    }
    Ok(fronts)
}

fn roots(lab: &Lab) -> impl Iterator<Item = &Certificate> {
    lab.cast.authorities.values().flatten().filter(|c| c.is_self_issued())
}

fn fronts(
    scenario: &Scenario,
    lab: &Lab,
    lab_time: &LabTime,
    port: Option<u16>,
) -> Result<Vec<(Front, String)>, RunError> {
    let mut fronts = Vec::new();
    for (name, config) in &scenario.suts {
        let Some(server) = lab.cast.servers.get(name) else { continue };
        let fixed = port.filter(|_| config.under_test);
        let front = Front::bind(FrontConfig {
            address: loopback(fixed.unwrap_or(0)),
            chain: server.certificate_list_der(),
            pkcs8: server.key.pkcs8().to_vec(),
            client_certificates: config.client_certificates == ClientCertificates::Require,
            tls: config.tls,
            http: config.http,
            lab_time: lab_time.clone(),
            session_lifetime: config.profile.parameters().tls_session_lifetime,
            session_idle: config.profile.parameters().tls_session_idle,
            resumption: true,
        });
        let front = front.map_err(|e| RunError::Live(no_front(name, &e)))?;
        fronts.push((front, config.host.clone()));
    }
    Ok(fronts)
}

/// Why there is no front, and what would be right.
fn no_front(name: &Name, error: &FrontError) -> String {
    let help = match error {
        FrontError::Bind { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => {
            "; without `--port` one that is free is taken"
        }
        _ => "",
    };
    format!("front of `{name}`: {error}{help}")
}

/// Whether the secrets of connections are asked for; rustls itself would only say in a log of its own
/// that it cannot write the file.
fn logs_keys() -> Result<bool, RunError> {
    let Some(path) = std::env::var_os("SSLKEYLOGFILE").filter(|path| !path.is_empty()) else {
        return Ok(false);
    };
    match std::fs::OpenOptions::new().append(true).create(true).open(&path) {
        Ok(_) => Ok(true),
        Err(error) => {
            let path = path.display();
            Err(RunError::Live(format!("SSLKEYLOGFILE: `{path}` cannot be written: {error}")))
        }
    }
}

pub(super) fn clients(
    scenario: &Scenario,
    lab: &Lab,
    lab_time: &LabTime,
) -> Result<LiveClients, RunError> {
    let roots = roots(lab).map(|c| c.der().to_vec()).collect();
    let bad = |e: revlab_clients::live::SetupError| RunError::Live(e.to_string());
    let mut clients = LiveClients::new(lab_time.clone(), roots).map_err(bad)?;
    if logs_keys()? {
        clients.log_keys();
    }
    for (name, plan) in &scenario.clients {
        clients.set_clock(name.clone(), plan.clock.clone());
    }
    for (name, identity) in &lab.cast.identities {
        let chain = identity.certificate_list_der();
        clients.add_identity(name.clone(), chain, identity.key.pkcs8()).map_err(bad)?;
    }
    Ok(clients)
}
