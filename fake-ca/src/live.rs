//! The CA's web site on a real socket.
//!
//! A shell without decisions: it reads HTTP, hands over each request as data, and writes what it
//! is told. What is answered, and when, is up to whoever takes the requests. There are no timers and
//! no `Date` field: bytes and order do not depend on wall time.

mod connection;
pub mod dns;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use revlab_lab::http::{Reply, Request};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

/// An HTTP server for one host name. Dropping it closes the port and all connections.
#[derive(Debug)]
pub struct Site {
    address: SocketAddr,
    arrived: mpsc::UnboundedReceiver<Arrived>,
    accepting: JoinHandle<()>,
}

/// A request that has arrived in full.
#[derive(Debug)]
pub struct Arrived {
    /// The request, its URL made absolute with the `Host` field.
    pub request: Request,
    /// Where the answer goes. Dropping it without an answer resets the connection.
    pub answer: oneshot::Sender<Answered>,
}

/// What becomes of a request's connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// This reply is sent.
    Reply(Reply),
    /// The connection is reset: the peer sees a TCP RST.
    Reset,
    /// Nothing is sent; the connection stays open until the peer closes it.
    Silent,
}

impl Site {
    /// Listens at `address`; port 0 takes a free one. Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// What the system says when the port cannot be had, or that there is no runtime.
    pub fn bind(address: SocketAddr) -> io::Result<Site> {
        let runtime = tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        // Unbounded, but each connection has at most one request in it, and each is awaited.
        let (to, arrived) = mpsc::unbounded_channel();
        let accepting = runtime.spawn(accept(listener, to));
        Ok(Site { address, arrived, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
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

async fn accept(listener: TcpListener, to: mpsc::UnboundedSender<Arrived>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection::serve(stream, to.clone()));
                }
                // The peer went away before it was accepted; anything else ends the site.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(_) => return,
            },
            // Ended connections are cleared away as they end.
            Some(_) = connections.join_next() => {}
        }
    }
}

#[cfg(test)]
mod tests;
