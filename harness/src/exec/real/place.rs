//! Where everybody is: the addresses of a run with a program of its own.
//!
//! In a network of the lab's own each run has a block of loopback addresses, `127.BLOCK.0.0/16`, so
//! that several can go on at once, each CA's host at its own address and at the port of its URLs.
//! Outside of it everybody is at 127.0.0.1.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::exec::namespace;
use crate::serve::ways;

/// How many places there have been.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// How many blocks there are; the last ones are for addresses where nobody is.
const BLOCKS: u32 = 250;

/// The addresses of one run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    block: Option<u8>,
}

impl Place {
    /// Another place than that of the runs before: blocks come again after 250 runs.
    pub(super) fn new() -> Place {
        let number = namespace::is_inside().then(|| NEXT.fetch_add(1, Ordering::Relaxed));
        Place { block: number.map(block) }
    }

    /// Whether names and ports are those of the certificates.
    pub(super) fn has_names(self) -> bool {
        self.block.is_some()
    }

    /// Where the system under test listens; port 0 stands for one that is free.
    pub(super) fn sut(self, port: Option<u16>) -> SocketAddr {
        match self.block {
            Some(_) => SocketAddr::new(self.at(0, 2), port.unwrap_or(8443)),
            None => SocketAddr::new(self.at(0, 2), port.unwrap_or(0)),
        }
    }

    /// Where the plain server behind it listens.
    pub(super) fn backend(self) -> SocketAddr {
        SocketAddr::new(self.at(0, 3), self.port(8080))
    }

    /// Where the name server listens: resolv.conf can name port 53 alone.
    pub(super) fn names(self) -> SocketAddr {
        SocketAddr::new(self.at(0, 53), self.port(53))
    }

    /// Where the CAs' host number `index` listens, by its name in the CAs' configuration.
    pub(super) fn site(self, index: usize, host: &str) -> SocketAddr {
        let port = host.strip_prefix(ways::host(host)).and_then(|rest| rest.strip_prefix(':'));
        let port = port.and_then(|port| port.parse().ok()).unwrap_or(80);
        let literal = ways::host(host).parse::<Ipv4Addr>().ok().filter(Ipv4Addr::is_loopback);
        match literal {
            Some(at) => SocketAddr::new(IpAddr::V4(at), port),
            None => {
                let (high, low) = (index / 200, index % 200);
                let high = u8::try_from(high).unwrap_or(u8::MAX).saturating_add(1);
                let low = u8::try_from(low).unwrap_or(0).saturating_add(1);
                SocketAddr::new(self.at(high, low), self.port(port))
            }
        }
    }

    fn at(self, high: u8, low: u8) -> IpAddr {
        IpAddr::V4(match self.block {
            Some(block) => Ipv4Addr::new(127, block, high, low),
            None => Ipv4Addr::LOCALHOST,
        })
    }

    fn port(self, port: u16) -> u16 {
        if self.block.is_some() { port } else { 0 }
    }
}

/// The block of run number `number`.
fn block(number: u32) -> u8 {
    u8::try_from(number % BLOCKS).unwrap_or_default() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_go_on_at_once_never_share_a_block() {
        let near = |number: u32| (1..100).all(|ahead| block(number) != block(number + ahead));
        assert!((0..1000).all(near));
        assert_eq!((block(0), block(249), block(250)), (1, 250, 1));
    }

    #[test]
    fn each_host_has_an_address_of_its_own_and_the_port_of_its_urls() {
        let place = Place { block: Some(7) };
        assert_eq!(place.site(0, "pki.lab").to_string(), "127.7.1.1:80");
        assert_eq!(place.site(1, "pki.lab:8080").to_string(), "127.7.1.2:8080");
        assert_eq!(place.site(200, "x").to_string(), "127.7.2.1:80");
        assert_eq!(place.site(0, "127.0.0.9:8088").to_string(), "127.0.0.9:8088");
        assert_eq!(place.names().to_string(), "127.7.0.53:53");
    }

    #[test]
    fn outside_of_the_labs_network_ports_are_free_ones() {
        let place = Place { block: None };
        assert_eq!(place.sut(None).to_string(), "127.0.0.1:0");
        assert_eq!(place.site(0, "127.0.0.9:8088").to_string(), "127.0.0.9:8088");
    }
}
