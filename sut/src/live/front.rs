//! The HTTPS server in front of the built-in model.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use revlab_lab::Span;
use revlab_lab::clock::LabTime;
use revlab_lab::http::Reply;
use revlab_lab::trace::{Handshake, HttpVersion, TlsVersion};
use rustls::crypto::CryptoProvider;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::connection::{Connections, serve};
use super::shown::Shown;
use super::tls::{Sessions, configure};

/// What a front is set up with.
#[derive(Clone, Debug)]
pub struct FrontConfig {
    /// Where it listens; port 0 takes any free one.
    pub address: SocketAddr,
    /// Its certificates in DER, the end entity first.
    pub chain: Vec<Vec<u8>>,
    /// Its key in PKCS #8.
    pub pkcs8: Vec<u8>,
    /// Whether it asks clients for certificates.
    pub client_certificates: bool,
    /// The highest TLS version it speaks; it always speaks 1.2 too.
    pub tls: TlsVersion,
    /// The highest version of HTTP it speaks; it always speaks 1.1 too.
    pub http: HttpVersion,
    /// The lab's time, by which sessions age and answers are dated.
    pub lab_time: LabTime,
    /// How long a session can be taken up: ServerCacheTime (fact sheet §3.3). TLS 1.3 tickets
    /// live 24 h at most, a bound of rustls.
    pub session_lifetime: Span,
    /// How long one may lie unused; zero: as long as it lives.
    pub session_idle: Span,
    /// Whether sessions can be taken up at all.
    pub resumption: bool,
}

/// An HTTPS server that asks every client for a certificate, accepts any chain and leaves the
/// answer to others.
///
/// A client without a certificate is refused in the handshake. IIS itself would complete the
/// handshake and answer 403.7 (fact sheet §3.1).
#[derive(Debug)]
pub struct Front {
    address: SocketAddr,
    arrivals: mpsc::Receiver<Arrived>,
    sessions: Arc<Sessions>,
    provider: Arc<CryptoProvider>,
    shown: Arc<Shown>,
    accepting: JoinHandle<()>,
}

/// What arrives at a front.
#[derive(Debug)]
pub enum Arrived {
    /// A request, after a complete handshake.
    Request {
        /// Which attempt it belongs to, by its `revlab-attempt` header field.
        attempt: Option<u64>,
        /// Path and query as sent.
        path: String,
        /// The client's certificates in DER, the end entity first; those of the full handshake
        /// where a session was resumed.
        chain: Vec<Vec<u8>>,
        /// Kind of handshake; of a further request on a connection that is kept open
        /// [`Handshake::Kept`].
        handshake: Handshake,
        /// The protocol version that was agreed on.
        tls: TlsVersion,
        /// The version of HTTP that was agreed on.
        http: HttpVersion,
        /// The number of the cipher suite that was agreed on, in the registry of IANA.
        cipher: u16,
        /// Takes the answer. It is closed when the client has gone; dropping it closes the
        /// connection without an answer.
        respond: oneshot::Sender<Reply>,
    },
    /// A connection that brought no request: its handshake failed, or what came is not HTTP.
    Failed {
        /// Why, in words.
        error: String,
    },
}

/// Why a front cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum FrontError {
    /// The address is in use or not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Certificate and key do not make a TLS server.
    #[error("server certificate or key cannot be used: {0}")]
    Tls(#[from] rustls::Error),
}

/// How many connections are served at a time; further ones wait in the listener's queue.
const CONNECTIONS: usize = 16 * 1024;
/// How many requests wait to be taken.
const REQUESTS: usize = 1024;

impl Front {
    /// Listens, and serves connections as tasks of the current tokio runtime until it is dropped.
    ///
    /// # Errors
    ///
    /// The address cannot be listened on, or certificate and key cannot be used.
    pub fn bind(config: FrontConfig) -> Result<Front, FrontError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let (tls, sessions, shown) = configure(&config, &provider)?;
        let (listener, address) = listen(config.address)
            .map_err(|source| FrontError::Bind { address: config.address, source })?;
        let (sender, arrivals) = mpsc::channel(REQUESTS);
        let connections = Arc::new(Connections {
            acceptor: TlsAcceptor::from(Arc::new(tls)),
            lab_time: config.lab_time,
            arrivals: sender,
        });
        let accepting = tokio::spawn(accept(listener, connections));
        Ok(Front { address, arrivals, sessions, provider, shown, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for what arrives next.
    pub async fn next(&mut self) -> Arrived {
        match self.arrivals.recv().await {
            Some(arrived) => arrived,
            // The accepting task holds a sender and ends with this front only.
            None => std::future::pending().await,
        }
    }

    /// Shows another certificate from the next handshake on, and staples nothing to it until told to.
    /// Sessions of before can still be taken up.
    ///
    /// # Errors
    ///
    /// Certificate and key cannot be used.
    pub fn set_certificate(&self, chain: &[Vec<u8>], pkcs8: &[u8]) -> Result<(), FrontError> {
        Ok(self.shown.replace(&self.provider, chain, pkcs8)?)
    }

    /// Staples this OCSP response from the next full handshake on (RFC 6066 §8); none: nothing.
    pub fn set_staple(&self, response: Option<Vec<u8>>) {
        self.shown.staple(response);
    }

    /// Forgets all TLS sessions, as a reboot does (the cache lives in lsass; a restart of IIS
    /// leaves it alone, fact sheet §3.3).
    pub fn forget_sessions(&self) {
        self.sessions.forget();
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn listen(address: SocketAddr) -> std::io::Result<(tokio::net::TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((tokio::net::TcpListener::from_std(listener)?, address))
}

/// Accepts connections for ever. The set ends them all when this task is aborted.
async fn accept(listener: tokio::net::TcpListener, connections: Arc<Connections>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut serving = JoinSet::new();
    // The semaphore is never closed.
    while let Ok(permit) = room.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((tcp, _)) => {
                let connections = connections.clone();
                serving.spawn(async move {
                    serve(tcp, connections).await;
                    drop(permit);
                });
            }
            Err(error) => {
                connections.failed(format!("cannot accept a connection: {error}")).await;
                // Most often the process has no file descriptor left: wait until one is free.
                if serving.join_next().await.is_none() {
                    tokio::task::yield_now().await;
                }
            }
        }
        while serving.try_join_next().is_some() {}
    }
}
