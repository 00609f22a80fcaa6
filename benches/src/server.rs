//! Another server in a process of its own.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures wall time")]

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Child;
use std::time::{Duration, Instant as Wall};

use crate::load;

/// A server that ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// The server once it answers; none where it does not within five seconds. Asked by whole
    /// requests: `openssl ocsp` never comes back from a connection without one.
    pub fn ready(child: Child, address: SocketAddr, path: &str) -> Option<Server> {
        let server = Server { child, address };
        let began = Wall::now();
        while began.elapsed() < Duration::from_secs(5) {
            if !load::once(server.address, path).is_empty() {
                return Some(server);
            }
            std::thread::yield_now();
        }
        None
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port on loopback that is free now.
pub fn free_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address")
}
