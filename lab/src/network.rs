//! The modelled durations that both transports charge.
//!
//! `sim` has no wire, and in `live` lab time stands still while bytes move: each exchange costs
//! the same modelled time in both. Costs are counted in round trips.

use crate::Span;
use crate::trace::{Handshake, TlsVersion};

/// How long things take on the lab's network when nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// One round trip between any two hosts. 1 ms unless the scenario says otherwise.
    pub round_trip: Span,
    /// How long a resolver takes to say that a name does not exist.
    pub name_error: Span,
    /// How long a resolver asks a name server that stays silent before it gives up. Windows' asks
    /// five times in 10 s where it knows one server (fact sheet §2.9).
    pub name_timeout: Span,
    /// How long a client waits for a connection to an address from which nothing comes before it
    /// tries the next. 21 s: two SYNs more, 3 s and 6 s after the one before, and 12 s (fact sheet
    /// §2.9).
    pub connect_timeout: Span,
}

impl Default for Network {
    fn default() -> Self {
        Network {
            round_trip: Span::from_millis(1),
            name_error: Span::from_millis(1),
            name_timeout: Span::from_secs(10),
            connect_timeout: Span::from_secs(21),
        }
    }
}

impl Network {
    /// From the start of a plain HTTP exchange to its request's arrival: the TCP handshake.
    pub fn request(&self) -> Span {
        self.round_trip
    }

    /// From a server's answer to its arrival, the request's own way included.
    pub fn answer(&self) -> Span {
        self.round_trip
    }

    /// TCP: one round trip.
    pub fn connect(&self) -> Span {
        self.round_trip
    }

    /// TLS alone: 1.3 takes one round trip (RFC 8446 §2), 1.2 takes 2, resumed 1 (RFC 5246 §7.3).
    pub fn handshake(&self, version: TlsVersion, handshake: Handshake) -> Span {
        let trips = match (version, handshake) {
            (_, Handshake::None | Handshake::Kept) => 0,
            (TlsVersion::V1_3, _) | (TlsVersion::V1_2, Handshake::Resumed) => 1,
            (TlsVersion::V1_2, Handshake::Full) => 2,
        };
        self.round_trip.scale(trips, 1)
    }

    /// From the start of a TLS connection to the arrival of the request in it: TCP and TLS. Neither is
    /// there over a connection that was kept open; the request's own way is part of [`answer`](Self::answer).
    pub fn tls_request(&self, version: TlsVersion, handshake: Handshake) -> Span {
        match handshake {
            Handshake::None | Handshake::Kept => Span::ZERO,
            Handshake::Full | Handshake::Resumed => {
                self.connect() + self.handshake(version, handshake)
            }
        }
    }
}
