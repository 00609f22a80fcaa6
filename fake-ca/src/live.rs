//! The CA's web site on a real socket.
//!
//! A shell without decisions: it reads HTTP, hands over each request as data, and writes what it
//! is told. What is answered, and when, is up to whoever takes the requests. There is no `Date` field,
//! and at lab pace there are no timers: bytes and order do not depend on wall time.

mod answered;
mod connection;
pub mod dns;
mod gate;
pub mod https;
mod pace;
mod play;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use revlab_lab::Span;
use revlab_lab::http::Request;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

pub use answered::Answered;
pub use gate::Gate;
pub use pace::Pace;

/// An HTTP server for one host name. Dropping it closes the port and all connections.
#[derive(Debug)]
pub struct Site {
    address: SocketAddr,
    arrived: mpsc::UnboundedReceiver<Arrived>,
    accepting: JoinHandle<()>,
    gate: Gate,
}

/// A request that has arrived in full.
#[derive(Debug)]
pub struct Arrived {
    /// The request, its URL made absolute with the `Host` field.
    pub request: Request,
    /// Who asks.
    pub peer: SocketAddr,
    /// How many other connections to the site are open.
    pub others: u32,
    /// Where the answer goes. Dropping it without an answer resets the connection.
    pub answer: oneshot::Sender<Answered>,
}

impl Site {
    /// Listens at `address`; port 0 takes a free one. Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// What the system says when the port cannot be had, or that there is no runtime.
    pub fn bind(address: SocketAddr) -> io::Result<Site> {
        Site::behind(Gate::default(), address)
    }

    /// As [`Site::bind`], with connections taken up as `gate` says.
    ///
    /// # Errors
    ///
    /// Those of [`Site::bind`].
    pub fn behind(gate: Gate, address: SocketAddr) -> io::Result<Site> {
        let runtime = tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        // Unbounded, but each connection has at most one request in it, and each is awaited.
        let (to, arrived) = mpsc::unbounded_channel();
        let accepting = runtime.spawn(accept(listener, to, gate.clone()));
        Ok(Site { address, arrived, accepting, gate })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How it takes up connections.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The next request; `None` when the listener has failed. Cancel safe.
    pub async fn next(&mut self) -> Option<Arrived> {
        self.arrived.recv().await
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // The connections belong to the accepting task and end with it.
        self.accepting.abort();
    }
}

/// A loopback address at which every connection is refused, as long as the socket is kept: it is
/// bound, so that nobody else can listen there, and never listens.
///
/// # Errors
///
/// What the system says when no port can be had.
pub fn refusing_port() -> io::Result<(TcpSocket, SocketAddr)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// A loopback address at which no connection is ever accepted, as long as what comes with it is
/// kept: its backlog is full, so that the system leaves every further SYN without an answer. Must be
/// called within a tokio runtime.
///
/// # Errors
///
/// What the system says when no port can be had, or that there is no runtime.
pub fn swallowing_port() -> io::Result<(Swallowing, SocketAddr)> {
    swallowing_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
}

/// The same at this address; port 0 takes a free one.
///
/// # Errors
///
/// Those of [`swallowing_port`].
pub fn swallowing_at(address: SocketAddr) -> io::Result<(Swallowing, SocketAddr)> {
    tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    // A backlog of 0 has room for one connection on Linux: this one, which nobody accepts.
    let listener = socket.listen(0)?;
    let address = listener.local_addr()?;
    let filler = std::net::TcpStream::connect(address)?;
    Ok((Swallowing { _listener: listener, _filler: filler }, address))
}

/// Keeps a [`swallowing_port`].
#[derive(Debug)]
pub struct Swallowing {
    _listener: TcpListener,
    _filler: std::net::TcpStream,
}

/// So many failures in a row to accept a connection end a site.
const FAILURES: u32 = 600;

/// The pause after a failure to accept a connection.
const BETWEEN_FAILURES: Span = Span::from_millis(100);

async fn accept(listener: TcpListener, to: mpsc::UnboundedSender<Arrived>, gate: Gate) {
    let mut connections = JoinSet::new();
    let mut failures = 0;
    while failures < FAILURES {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    failures = 0;
                    match gate.admit() {
                        Some(admitted) => {
                            connections.spawn(connection::serve(stream, peer, admitted, to.clone()));
                        }
                        None => play::reset(&stream),
                    }
                }
                // The peer went away before it was accepted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                // No file descriptor left, above all: those of ended connections come back.
                Err(_) => {
                    failures += 1;
                    pace::Waiting::new(Pace::Real).wait(BETWEEN_FAILURES).await;
                }
            },
            // Ended connections are cleared away as they end.
            Some(_) = connections.join_next() => {}
        }
    }
}

#[cfg(test)]
mod tests;
