//! What happens to a system under test, and what it asks for.

use std::sync::Arc;

use revlab_lab::Name;
use revlab_lab::http::{FetchError, Reply, Request};
use revlab_lab::trace::{Handshake, Party, Validation};
use revlab_pki::{Certificate, Crl};

use crate::config::Principal;

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
        /// The connection, where the client wants to keep it: the number of the attempt that made it.
        connection: Option<u64>,
    },
    /// A retrieval got its answer, or failed.
    Fetched {
        /// Which fetch.
        fetch: u64,
        /// What came back.
        result: Result<Reply, FetchError>,
    },
    /// Somebody wants to know whether a certificate is to be accepted. Of the directory's, by the
    /// server that has asked to be connected to it; of a server's or a client's, by a validator, which
    /// answers with [`SutAction::Validated`].
    Validate(Validate),
    /// The directory has said what it thinks of a client.
    Counsel {
        /// Which attempt.
        attempt: u64,
        /// What it said.
        validation: Validation,
    },
    /// The server's own certificate is another from now on.
    OwnCertificate {
        /// Its certificates, its own first.
        chain: Arc<[Certificate]>,
    },
    /// An administrator does something.
    Operation(Operation),
}

/// A certificate to be judged.
#[derive(Clone, Debug)]
pub struct Validate {
    /// For which attempt.
    pub attempt: u64,
    /// Whose certificate.
    pub of: Party,
    /// The certificates, the one to be judged first.
    pub peer: Arc<[Certificate]>,
    /// The name that it must be for.
    pub host: Option<Name>,
    /// The principal that it must be of.
    pub principal: Option<Principal>,
    /// The OCSP responses that came with them, in their order; one that is missing has none.
    pub staples: Vec<Option<Arc<[u8]>>>,
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
    /// Whether the server checks revocation is set at its binding.
    RevocationCheck {
        /// Whether it does from now on.
        enabled: bool,
    },
    /// The machine loses its network.
    Disconnect,
    /// The machine has its network back.
    Connect,
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
        /// Who validated whom for it; empty where it was the client by this machine alone.
        validations: Vec<Validation>,
        /// Whether the connection stays open for the client's next request.
        keeps: bool,
    },
    /// Connect to the directory: [`SutEvent::Validate`] brings its certificates.
    Connect {
        /// For which attempt.
        attempt: u64,
        /// The directory.
        directory: Name,
    },
    /// Ask the directory about a client; [`SutEvent::Counsel`] brings what it says.
    Consult {
        /// For which attempt.
        attempt: u64,
        /// The directory.
        directory: Name,
        /// The client's certificates.
        peer: Arc<[Certificate]>,
    },
    /// What comes of [`SutEvent::Validate`] of a server's or a client's certificate.
    Validated {
        /// For which attempt.
        attempt: u64,
        /// What came of it.
        validation: Validation,
    },
    /// The connection of an attempt breaks without an answer.
    Close {
        /// Which attempt.
        attempt: u64,
    },
    /// No TLS session can be resumed any more.
    ForgetSessions,
}
