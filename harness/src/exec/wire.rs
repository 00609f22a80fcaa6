//! What the executor needs of a transport. A transport moves bytes; it decides nothing.

use std::sync::Arc;

use revlab_clients::{Agreed, Observation, Send};
use revlab_fake_ca::fault::{Heard, Ruling};
use revlab_lab::http::{Reply, Request};
use revlab_lab::{Instant, Name};
use revlab_pki::Certificate;

use super::setup::Identity;

/// Names a fetch: the SUT's place in the cast, and its count.
pub(super) type FetchKey = (usize, u64);

/// How a connection to a SUT went.
pub(super) enum Opened {
    /// The handshake is complete, and the request has arrived.
    Request {
        /// The client's certificates.
        peer: Arc<[Certificate]>,
        /// What was agreed on.
        agreed: Agreed,
    },
    /// The handshake is complete; the client's validator judges the server before the request is
    /// sent ([`Wire::proceed`]).
    Connected(Shown),
    /// It did not come to a request.
    Ended(Observation),
}

/// What a server shows in a handshake.
pub(super) struct Shown {
    /// What was agreed on; a resumed handshake shows nothing new.
    pub(super) agreed: Agreed,
    /// The server's certificates, its own first.
    pub(super) chain: Arc<[Certificate]>,
    /// What it stapled.
    pub(super) staple: Option<Arc<[u8]>>,
}

/// A transport.
pub(super) trait Wire {
    /// One exchange with a CA's site: the request arrives there, `serve` makes the server's own
    /// answer, and what the ruling makes of it comes back, with how much of it is late on the wire. None: no answer will come
    /// ([`Ruling::Silent`], [`Ruling::Swallowed`]).
    fn exchange(
        &mut self,
        key: FetchKey,
        ruling: &Ruling,
        request: &Request,
        serve: &mut dyn FnMut(Request) -> Reply,
    ) -> Option<Heard>;

    /// An exchange is given up.
    fn abandon_fetch(&mut self, key: FetchKey);

    /// An attempt begins: connection, handshake, and the request unless the client's validator comes
    /// in between; the request alone over a connection that was kept open. The server staples `staple` if the handshake is a full one.
    fn open(&mut self, now: Instant, sut: usize, send: &Send, staple: Option<Arc<[u8]>>) -> Opened;

    /// The client accepts the server: its request is sent.
    fn proceed(&mut self, attempt: u64) -> Opened;

    /// A SUT answers an attempt, or breaks its connection (no reply): what the client sees. `keeps`: the
    /// server leaves the connection open.
    fn answer(&mut self, attempt: u64, reply: Option<&Reply>, keeps: bool) -> Option<Observation>;

    /// A connection that was kept open and is not in use is closed.
    fn disconnect(&mut self, connection: u64);

    /// A client gives an attempt up.
    fn abandon_attempt(&mut self, attempt: u64);

    /// No session of this SUT can be resumed any more.
    fn forget_sessions(&mut self, sut: usize);

    /// No session of these clients can be resumed any more.
    fn forget_client_sessions(&mut self, client: &Name);

    /// Another certificate can be presented, by this name.
    fn add_identity(&mut self, name: &Name, identity: &Identity);

    /// A certificate is not presented any more.
    fn remove_identity(&mut self, name: &Name);

    /// The certificate of a SUT has been replaced.
    fn replace_server(&mut self, sut: usize, server: &Identity);

    /// Lab time has come to `now`.
    fn set_time(&mut self, now: Instant);

    /// Why the run cannot go on: a peer hangs or has died. The watchdog's word (exit status 3).
    fn trouble(&mut self) -> Option<String>;

    /// Wall time of an attempt in milliseconds, where bytes really move.
    fn wall_ms(&mut self, attempt: u64) -> Option<u32>;
}
