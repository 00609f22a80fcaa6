//! The same attempts over real sockets: TCP, TLS with client certificates, HTTP/1.1 or HTTP/2.
//!
//! One GET for each attempt, over a connection of its own or over one that was kept open, as JMeter
//! without and with keep-alive. TLS takes its time
//! from the lab, never from the wall; nothing here has a time-out of its own: the driver abandons
//! an attempt by aborting its task.
//!
//! Limits, from rustls: neither TLS 1.2 renegotiation nor TLS 1.3 post-handshake authentication
//! (RFC 8446 §4.6.2), so a server must ask for the certificate in the first handshake.

mod exchange;
mod failure;
mod http2;
mod kept;
mod remembering;
mod session;
mod stopwatch;
mod unjudged;
mod watched;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use revlab_lab::clock::LabTime;
use revlab_lab::trace::{HttpVersion, Phase, TlsVersion};
use revlab_lab::{Clock, Name};
use rustls::client::{ResolvesClientCert, Resumption, Tls12Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, InconsistentKeys, KeyLog, KeyLogFile, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::cipher::Cipher;
use crate::driver;
use crate::observation::{Observation, Seen};
use crate::plan::{Holder, ResumedBy, Session};
use exchange::{Exchange, Gate};
use kept::Pool;
use remembering::Remembering;
use session::LastSession;
use stopwatch::Stopwatch;
use unjudged::Unjudged;

pub use exchange::Connected;
pub use stopwatch::Progress;

/// Every client of a run with its certificates, connecting from this machine.
#[derive(Debug)]
pub struct LiveClients {
    lab_time: LabTime,
    provider: Arc<CryptoProvider>,
    verifier: Arc<Remembering>,
    clocks: BTreeMap<Name, Clock>,
    identities: BTreeMap<Name, Identity>,
    configs: BTreeMap<Spoken, Configured>,
    sessions: BTreeMap<(Name, Holder), Arc<LastSession>>,
    pool: Pool,
    reconnects: bool,
    listens: Option<Duration>,
    stopwatch: Stopwatch,
    key_log: Option<Arc<dyn KeyLog>>,
}

/// What a client's configuration depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Spoken {
    client: Name,
    presents: Name,
    tls: TlsVersion,
    http: HttpVersion,
    ciphers: Arc<[Cipher]>,
}

/// How a client speaks TLS, and who hears what is stapled where a validator judges the server.
type Configured = (Arc<ClientConfig>, Option<Arc<Unjudged>>);

/// An attempt that waits after its handshake.
#[derive(Debug)]
pub struct Waiting {
    /// The attempt; it ends before the request where the handshake fails or `go` is dropped.
    pub observation: JoinHandle<Observation>,
    /// Says what the server presented, once the handshake is complete.
    pub connected: oneshot::Receiver<Connected>,
    /// Has the request sent.
    pub go: oneshot::Sender<()>,
}

/// What a client presents when it is asked for a certificate; `None` is an empty list.
type Identity = Option<Arc<dyn ResolvesClientCert>>;

/// Why the clients cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A root that is not a certificate, or none at all.
    #[error("root certificate number {number} cannot be used as a trust anchor: {reason}")]
    Root {
        /// Which of the roots, counting from 1.
        number: usize,
        /// What the TLS library says.
        reason: String,
    },
    /// No roots: no server could be trusted.
    #[error("no root certificates: a client needs at least one to trust a server")]
    NoRoots,
    /// A key that cannot be used, or that is not the certificate's.
    #[error("key of identity `{identity}` cannot be used: {reason}")]
    Key {
        /// Whose key.
        identity: Name,
        /// What the TLS library says.
        reason: String,
    },
    /// An identity without certificates.
    #[error(
        "identity `{0}` has no certificate; one that presents none is added by `add_anonymous`"
    )]
    EmptyChain(Name),
}

impl LiveClients {
    /// Clients that trust servers below these roots (DER) and read the time from `lab_time`.
    ///
    /// # Errors
    ///
    /// A root that is not a certificate, or no root at all.
    pub fn new(lab_time: LabTime, roots: Vec<Vec<u8>>) -> Result<LiveClients, SetupError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut store = RootCertStore::empty();
        for (i, root) in roots.into_iter().enumerate() {
            store
                .add(CertificateDer::from(root))
                .map_err(|e| SetupError::Root { number: i + 1, reason: e.to_string() })?;
        }
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
                .build()
                .map_err(|_| SetupError::NoRoots)?;
        let stopwatch = Stopwatch::Lab(lab_time.clone());
        Ok(LiveClients {
            lab_time,
            provider,
            verifier: Arc::new(Remembering::new(verifier)),
            clocks: BTreeMap::new(),
            identities: BTreeMap::new(),
            configs: BTreeMap::new(),
            sessions: BTreeMap::new(),
            pool: Pool::default(),
            reconnects: false,
            listens: None,
            stopwatch,
            key_log: None,
        })
    }

    /// Has the secrets of every connection written to the file that the environment variable
    /// `SSLKEYLOGFILE` names, for Wireshark (RFC 9850); nothing where it is not set.
    pub fn log_keys(&mut self) {
        self.key_log = Some(Arc::new(KeyLogFile::new()));
    }

    /// Has clients listen before they send: over TLS 1.3 a refusal comes when the client's side
    /// of the handshake is complete (RFC 8446 §4.4.2.4), and a server that closes a connection
    /// with a request unread resets it, which can destroy its alert. They listen until something
    /// has arrived, a session ticket in the good case, at most for `most` of wall time.
    pub fn listen_first(&mut self, most: Duration) {
        self.listens = Some(most);
    }

    /// Has clients make another connection where a server that nobody here decides for has closed the
    /// one that they kept open: the attempt's handshake is then not [`Kept`](revlab_lab::trace::Handshake).
    pub fn reconnect(&mut self) {
        self.reconnects = true;
    }

    /// Closes a connection that was kept open and is not in use.
    pub fn disconnect(&mut self, connection: u64) {
        drop(self.pool.take(connection));
    }

    /// Has the steps of attempts measured by the wall: where lab time is real time. Otherwise lab time
    /// is read, which stands still while bytes move unless the executor moves it on.
    pub fn measure_real_time(&mut self) {
        self.stopwatch = Stopwatch::Wall;
    }

    /// Gives a client a clock of its own, by which it judges server certificates. Without one it
    /// reads lab time.
    pub fn set_clock(&mut self, client: Name, clock: Clock) {
        self.configs.retain(|spoken, _| spoken.client != client);
        self.clocks.insert(client, clock);
    }

    /// Adds a certificate that clients can use: `chain` in DER with the end entity first, and its
    /// key in PKCS #8. Certificates that cannot be parsed are sent as they are.
    ///
    /// # Errors
    ///
    /// An empty chain, a key that is none, or the key of another certificate.
    pub fn add_identity(
        &mut self,
        name: Name,
        chain: Vec<Vec<u8>>,
        pkcs8: &[u8],
    ) -> Result<(), SetupError> {
        if chain.is_empty() {
            return Err(SetupError::EmptyChain(name));
        }
        let bad = |reason: rustls::Error| SetupError::Key {
            identity: name.clone(),
            reason: reason.to_string(),
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8.to_vec()));
        let key = self.provider.key_provider.load_private_key(key).map_err(bad)?;
        let chain = chain.into_iter().map(CertificateDer::from).collect();
        let certified = CertifiedKey::new(chain, key);
        if let Err(e @ rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) =
            certified.keys_match()
        {
            return Err(bad(e));
        }
        self.replace(name, Some(Arc::new(SingleCertAndKey::from(certified))));
        Ok(())
    }

    /// Adds an identity that presents no certificate when asked for one.
    pub fn add_anonymous(&mut self, name: Name) {
        self.replace(name, None);
    }

    /// Removes an identity that is not used any more.
    pub fn remove_identity(&mut self, name: &Name) {
        self.configs.retain(|spoken, _| spoken.presents != *name);
        self.identities.remove(name);
    }

    /// Starts an attempt as a task of the current tokio runtime and gives what the client saw.
    /// Aborting the task drops the connection.
    pub fn start(
        &mut self,
        send: &driver::Send,
        server: SocketAddr,
        server_name: &str,
    ) -> JoinHandle<Observation> {
        self.spawn(send, server, server_name, None, Progress::default())
    }

    /// The same, with word of how far it has come: what is on record of an attempt that is given up.
    pub fn start_followed(
        &mut self,
        send: &driver::Send,
        server: SocketAddr,
        server_name: &str,
    ) -> (JoinHandle<Observation>, Progress) {
        let progress = Progress::default();
        (self.spawn(send, server, server_name, None, progress.clone()), progress)
    }

    /// The same for a client whose validator judges the server ([`driver::Send::validated`]): no
    /// certificate is refused in the handshake, after which the attempt waits for a word.
    pub fn start_waiting(
        &mut self,
        send: &driver::Send,
        server: SocketAddr,
        server_name: &str,
    ) -> Waiting {
        let (told, connected) = oneshot::channel();
        let (go, word) = oneshot::channel();
        let observation = {
            let gate = Some(Gate { told, word });
            self.spawn(send, server, server_name, gate, Progress::default())
        };
        Waiting { observation, connected, go }
    }

    fn spawn(
        &mut self,
        send: &driver::Send,
        server: SocketAddr,
        server_name: &str,
        gate: Option<Gate>,
        progress: Progress,
    ) -> JoinHandle<Observation> {
        let exchange = self.exchange(send, server, server_name);
        tokio::spawn(async move {
            match exchange {
                Ok(exchange) => exchange.run(gate, &progress).await,
                Err(error) => not_begun(&error),
            }
        })
    }

    fn exchange(
        &mut self,
        send: &driver::Send,
        server: SocketAddr,
        server_name: &str,
    ) -> Result<Exchange, String> {
        let name = ServerName::try_from(server_name.to_owned())
            .map_err(|_| format!("`{server_name}` is not a host name"))?;
        let (config, unjudged) = self.config(send)?;
        let stopwatch = self.stopwatch.clone();
        let (attempt, path) = (send.attempt, send.path.clone());
        let host = server_name.to_owned();
        let (http, tells_cipher) = (send.http, !send.ciphers.is_empty());
        let (listens, reconnects, keep_alive) = (self.listens, self.reconnects, send.keep_alive);
        let number = send.connection;
        let kept = number.and_then(|number| Some((number, self.pool.take(number)?)));
        Ok(Exchange {
            attempt,
            server,
            host,
            name,
            path,
            http,
            tells_cipher,
            config,
            unjudged,
            stopwatch,
            listens,
            keep_alive,
            kept,
            reconnects,
            pool: self.pool.clone(),
        })
    }

    fn config(&mut self, send: &driver::Send) -> Result<Configured, String> {
        let key = Spoken {
            client: send.client.clone(),
            presents: send.presents.clone(),
            tls: send.tls,
            http: send.http,
            ciphers: send.ciphers.clone(),
        };
        let (fresh, unjudged) = match self.configs.get(&key) {
            Some(config) => config.clone(),
            None => {
                let config = self.build(send)?;
                self.configs.insert(key, config.clone());
                config
            }
        };
        match send.session {
            Session::Fresh => Ok((fresh, unjudged)),
            Session::Resumed => {
                let holder = (send.client.clone(), send.holder());
                let last = self.sessions.entry(holder).or_default().clone();
                let mut config = ClientConfig::clone(&fresh);
                let by = match send.resumed_by {
                    ResumedBy::Ticket => Tls12Resumption::SessionIdOrTickets,
                    ResumedBy::Id => Tls12Resumption::SessionIdOnly,
                };
                config.resumption = Resumption::store(last).tls12_resumption(by);
                Ok((Arc::new(config), unjudged))
            }
        }
    }

    /// Building a configuration costs more than an attempt: each is built once.
    fn build(&self, send: &driver::Send) -> Result<Configured, String> {
        let Some(identity) = self.identities.get(&send.presents) else {
            return Err(format!("there is no identity `{}`", send.presents));
        };
        let clock = self.clocks.get(&send.client).cloned();
        let time = Arc::new(ClientTime { lab_time: self.lab_time.clone(), clock });
        let version = match send.tls {
            TlsVersion::V1_2 => &rustls::version::TLS12,
            TlsVersion::V1_3 => &rustls::version::TLS13,
        };
        let provider = self.provider_of(&send.ciphers);
        let builder = ClientConfig::builder_with_details(provider, time)
            .with_protocol_versions(&[version])
            .map_err(|e| e.to_string())?;
        let unjudged = send.validated.then(|| Arc::new(Unjudged::new(self.provider.clone())));
        let builder = match unjudged.clone() {
            Some(any) => builder.dangerous().with_custom_certificate_verifier(any),
            None => builder.dangerous().with_custom_certificate_verifier(self.verifier.clone()),
        };
        let mut config = match identity {
            Some(identity) => builder.with_client_cert_resolver(identity.clone()),
            None => builder.with_no_client_auth(),
        };
        config.resumption = Resumption::disabled();
        if let Some(log) = &self.key_log {
            config.key_log = log.clone();
        }
        config.alpn_protocols = vec![alpn(send.http).to_vec()];
        Ok((Arc::new(config), unjudged))
    }

    /// The TLS library with these cipher suites, in this order; none: with all.
    fn provider_of(&self, ciphers: &[Cipher]) -> Arc<CryptoProvider> {
        if ciphers.is_empty() {
            return self.provider.clone();
        }
        let all = &self.provider.cipher_suites;
        let suite = |cipher: &Cipher| all.iter().find(|s| u16::from(s.suite()) == cipher.number());
        let cipher_suites = ciphers.iter().filter_map(suite).copied().collect();
        Arc::new(CryptoProvider { cipher_suites, ..CryptoProvider::clone(&self.provider) })
    }

    /// Has a client forget the sessions of all its threads: "clear SSL state" (fact sheet §6).
    pub fn forget_sessions(&mut self, client: &Name) {
        self.sessions.retain(|(name, _), _| name != client);
    }

    fn replace(&mut self, name: Name, identity: Identity) {
        self.configs.retain(|spoken, _| spoken.presents != name);
        self.identities.insert(name, identity);
    }
}

/// The name of a version of HTTP in ALPN (RFC 7301 §6, RFC 9113 §3.2).
fn alpn(http: HttpVersion) -> &'static [u8] {
    match http {
        HttpVersion::V1_1 => b"http/1.1",
        HttpVersion::V2 => b"h2",
    }
}

fn not_begun(error: &str) -> Observation {
    Observation::without_handshake(Seen::Broken { phase: Phase::Connect, error: Name::from(error) })
}

/// The client's own clock, for TLS.
#[derive(Debug)]
struct ClientTime {
    lab_time: LabTime,
    clock: Option<Clock>,
}

impl TimeProvider for ClientTime {
    fn current_time(&self) -> Option<UnixTime> {
        let lab = self.lab_time.now();
        let read = self.clock.as_ref().map_or(lab, |clock| clock.at(lab));
        let millis = u64::try_from(read.as_millis()).unwrap_or(0);
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_millis(millis)))
    }
}
