//! What a client saw of one exchange: the same words on both transports.

use std::sync::Arc;

use revlab_lab::trace::{Handshake, HttpVersion, Phase, TlsVersion};
use revlab_lab::{Code, Name, Outcome};

use crate::cipher::Cipher;

/// What a client saw of one exchange, from connecting to the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// What the handshake came to; `None` where none was completed.
    pub agreed: Option<Agreed>,
    /// How long it took to get how far.
    pub times: Times,
    /// How it ended.
    pub seen: Seen,
    /// Whether the connection can be used again.
    pub stays_open: bool,
}

impl Observation {
    /// One that came to no handshake.
    pub fn without_handshake(seen: Seen) -> Observation {
        Observation { agreed: None, times: Times::default(), seen, stays_open: false }
    }
}

/// What client and server agreed on in a handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Kind of handshake; never [`Handshake::None`]. Over a connection that was kept open
    /// [`Handshake::Kept`], and the rest is what its handshake had come to.
    pub handshake: Handshake,
    /// The protocol version.
    pub tls: TlsVersion,
    /// The version of HTTP: 1.1 where nothing was said about it.
    pub http: HttpVersion,
    /// The cipher suite; told of clients that ask for certain ones.
    pub cipher: Option<Cipher>,
}

impl Agreed {
    /// A handshake that had nothing special about it.
    pub fn plain(handshake: Handshake, tls: TlsVersion) -> Agreed {
        Agreed { handshake, tls, http: HttpVersion::V1_1, cipher: None }
    }
}

/// What went wrong where the server does not agree on the version of HTTP that the client asks for.
pub fn no_http(version: HttpVersion) -> Name {
    format!("server does not speak HTTP/{}", version.as_str()).into()
}

/// The alert by which a server says so (RFC 7301 §3.2): no refusal, for it knows nothing of the client.
pub const NO_APPLICATION_PROTOCOL: &str = "no_application_protocol";

/// How long the steps of an attempt took, in milliseconds of lab time. `None`: the step did not come
/// to its end, or nobody told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// TCP.
    pub connect_ms: Option<i64>,
    /// TLS.
    pub handshake_ms: Option<i64>,
    /// From the request to the first byte of its answer. Not told where an answer came: the whole of
    /// it came at once.
    pub first_byte_ms: Option<i64>,
    /// Whether they were measured in real time: then they are worth a record each time.
    pub measured: bool,
}

/// How an exchange ended, as the client saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A whole HTTP answer.
    Response {
        /// HTTP status.
        status: u16,
        /// The body.
        body: Arc<[u8]>,
    },
    /// The server sent a TLS alert, named as in RFC 8446 §6. Over TLS 1.3 that can be after the
    /// handshake was completed on the client's side (RFC 8446 §4.4.2.4, §6.2).
    Alert(Name),
    /// The server closed the connection without a word.
    Closed {
        /// How far the exchange had come.
        phase: Phase,
    },
    /// The client did not accept the server's certificate, and sent no request.
    Distrusted {
        /// Why.
        code: Code,
    },
    /// The server closed or reset the connection, and its log says that it has refused the client: the
    /// alert was lost on the way.
    AlertLost {
        /// How far the exchange had come.
        phase: Phase,
    },
    /// A program that judges certificates has come to this; nothing was sent.
    Verdict {
        /// What it comes to.
        outcome: Outcome,
        /// The line that says so.
        words: Name,
        /// All that it has said.
        said: Arc<str>,
    },
    /// Anything else that ended it.
    Broken {
        /// How far the exchange had come.
        phase: Phase,
        /// What went wrong; one of the words of this module where one fits.
        error: Name,
    },
}

/// Nothing listens on the server's port.
pub const CONNECTION_REFUSED: &str = "connection refused";
/// The server reset the connection.
pub const CONNECTION_RESET: &str = "connection reset";
/// The server closed the connection without a word.
pub const CONNECTION_CLOSED: &str = "connection closed";
/// The server has refused the client, as its log says, and its alert never arrived.
pub const ALERT_LOST: &str = "alert lost";
/// By the client's clock the server's certificate has expired.
pub const SERVER_EXPIRED: &str = "server certificate expired";
/// By the client's clock the server's certificate is not valid yet.
pub const SERVER_NOT_YET_VALID: &str = "server certificate not yet valid";
/// The server's certificate does not chain to one of the client's roots.
pub const SERVER_UNTRUSTED: &str = "server certificate not trusted";
/// The server's certificate is for another host.
pub const SERVER_NAME_MISMATCH: &str = "server certificate for another name";
/// The client's validator did not accept the server's certificate.
pub const SERVER_REFUSED: &str = "server certificate refused";
/// What came back is not HTTP.
pub const NOT_HTTP: &str = "answer is not HTTP";
/// The answer's body is longer than a client reads.
pub const ANSWER_TOO_LONG: &str = "answer is too long";
