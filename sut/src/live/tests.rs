//! Front and retrievals over real sockets on loopback.

mod fetch;
mod front;
mod peer;
