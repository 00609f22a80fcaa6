//! What happens to a system under test, and what it asks for.

use std::sync::Arc;

use revlab_lab::Name;
use revlab_lab::http::{FetchError, Reply, Request};
use revlab_lab::trace::Handshake;
use revlab_pki::{Certificate, Crl};

/// Everything that can happen to a system under test.
#[derive(Clone, Debug)]
pub enum SutEvent {
    /// Lab time has reached what [`next_wakeup`](revlab_lab::Core::next_wakeup) said.
    Wake,
    /// A request arrived on a TLS connection whose handshake is complete.
    Request {
        /// Which attempt, by the driver's count.
        attempt: u64,
        /// The client's certificates, its own first; empty when it sent none.
        peer: Arc<[Certificate]>,
        /// Kind of handshake.
        handshake: Handshake,
    },
    /// A retrieval got its answer, or failed.
    Fetched {
        /// Which fetch.
        fetch: u64,
        /// What came back.
        result: Result<Reply, FetchError>,
    },
    /// An administrator does something.
    Operation(Operation),
}

/// What an administrator does, with everything it needs.
#[derive(Clone, Debug)]
pub enum Operation {
    /// `certutil -urlcache * delete`, run by this account.
    UrlcacheDelete {
        /// Whose disk cache entries go.
        account: Name,
    },
    /// Files below `CryptnetUrlCache` of these accounts are deleted.
    DeleteCacheFiles {
        /// Whose.
        accounts: Vec<Name>,
    },
    /// `iisreset`.
    RestartService,
    /// The machine is rebooted; that it takes no time is a simplification.
    Reboot,
    /// ChainCacheResyncFiletime is set to now.
    ChainCacheResync,
    /// The HTTPS binding is made anew, with the values that it has unless told otherwise.
    RecreateBinding,
    /// `certutil -addstore CA file.crl`: a CRL is put into the machine's store.
    AddToStore {
        /// The CRL.
        crl: Crl,
    },
    /// `certutil -verify -urlfetch` of this chain, run by this account.
    Verify {
        /// The certificates, the one to be judged first.
        peer: Arc<[Certificate]>,
        /// Who runs it.
        account: Name,
    },
}

/// Everything a system under test may ask for.
#[derive(Clone, Debug)]
pub enum SutAction {
    /// Send this request to the CA; the answer comes back as [`SutEvent::Fetched`].
    Fetch {
        /// Which fetch.
        fetch: u64,
        /// What to send.
        request: Request,
        /// Which account asks: what proxy it knows is its own (fact sheet §2.8).
        account: Name,
    },
    /// The answer to this fetch is no longer waited for.
    Abandon {
        /// Which fetch.
        fetch: u64,
    },
    /// Answer a request.
    Respond {
        /// Which attempt.
        attempt: u64,
        /// The answer.
        reply: Arc<Reply>,
        /// The checks it rests on.
        checks: Vec<u64>,
    },
    /// The connection of an attempt breaks without an answer.
    Close {
        /// Which attempt.
        attempt: u64,
    },
    /// No TLS session can be resumed any more.
    ForgetSessions,
}
