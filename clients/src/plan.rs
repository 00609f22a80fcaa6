//! What a scenario says about its clients: plain data, already checked.

use std::sync::Arc;

use revlab_lab::trace::{HttpVersion, TlsVersion};
use revlab_lab::{Clock, Instant, Name, Span};
use revlab_pki::{Certificate, KeyPair};

use crate::cipher::Cipher;
use crate::identities::{Choice, RevocationState};
use crate::load::Load;

/// A group of client threads that send client-certificate requests, as JMeter's thread group.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientPlan {
    /// The actor's name in the scenario: `jmeter`.
    pub name: Name,
    /// The SUT it talks to.
    pub sut: Name,
    /// The CA that issued its certificates.
    pub ca: Name,
    /// Index of the key of that CA that issued them, where it is not the newest.
    pub issued_by_key: Option<u16>,
    /// When its attempts are due.
    pub load: Load,
    /// So many attempts of the group begin at one instant: each waits until there are so many. The
    /// last ones, whom nobody would join any more, begin together then.
    pub barrier: Option<u32>,
    /// How many threads.
    pub threads: u32,
    /// Over how long the threads start: thread i of n starts at `from` + i × ramp_up / n.
    pub ramp_up: Span,
    /// How many certificates the threads share.
    pub identities: u32,
    /// Which of them an attempt uses.
    pub choice: Choice,
    /// Only those of them that are in this state at the moment; an attempt for which there is none is
    /// not made.
    pub state: Option<RevocationState>,
    /// Certificates that exist already, with their keys, in the order of their numbers; none: the CA
    /// issues them.
    pub keystore: Vec<StoredIdentity>,
    /// When the first thread starts.
    pub from: Instant,
    /// No attempt is due at or after this.
    pub until: Instant,
    /// At most this many attempts a thread; at a rate, so many times the number of threads.
    pub loops: Option<u64>,
    /// Whether each attempt makes a full handshake or takes up the thread's last session.
    pub session: Session,
    /// What a session is taken up by, over TLS 1.2.
    pub resumed_by: ResumedBy,
    /// Who has the sessions.
    pub sessions: Sessions,
    /// Whether a thread keeps its connection open for its next attempt with the same certificate.
    /// JMeter's `HTTPSampler.use_keepalive`.
    pub keep_alive: bool,
    /// The TLS version that is spoken.
    pub tls: TlsVersion,
    /// The version of HTTP that is asked for by ALPN, and spoken.
    pub http: HttpVersion,
    /// The cipher suites that are offered, the preferred one first; none: all that there are.
    pub ciphers: Arc<[Cipher]>,
    /// An attempt that has no whole answer by then has timed out.
    pub timeout: Span,
    /// Whether it must be admitted before the first fault or operation, for the run to count.
    pub control: bool,
    /// The path that is requested.
    pub path: String,
    /// Which status means that the client was let in.
    pub admit: StatusRange,
    /// The client's clock: it judges the server's certificate by it, unless a validator does.
    pub clock: Clock,
    /// The validator that judges the server's certificate and its revocation.
    pub validator: Option<Name>,
    /// The principal that the server's certificate must be of, beyond the host's name: `msstd:` of
    /// Outlook. A validator judges it.
    pub principal: Option<Principal>,
    /// The host name that is asked for, where it is not the server's own.
    pub host: Option<String>,
    /// Whether a thread goes on presenting the certificate that it chose first, also when another has
    /// been issued for its identity, until its SSL state is cleared (fact sheet §6).
    pub remembers_certificate: bool,
    /// Whether the intermediate certificates go along with its own in the handshake (RFC 8446 §4.4.2).
    pub sends_issuers: bool,
    /// Whether the CA has a record of its certificates; otherwise it is as if somebody else had issued
    /// them with the CA's key.
    pub recorded: bool,
}

/// A certificate that was issued elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredIdentity {
    /// Its certificate, then those that were stored with it.
    pub chain: Vec<Certificate>,
    /// Its private key.
    pub key: KeyPair,
}

/// A name that a server's certificate must bear in a certain place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The name behind `msstd:`.
    pub name: Name,
    /// Where it is looked for: in the first DNS name; otherwise in the common name. Which is right is
    /// not known (inferred).
    pub in_first_dns_name: bool,
}

/// Whether each attempt makes a full handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// A full handshake each time, as JMeter with "reset SSL state".
    Fresh,
    /// The thread's last session is taken up where the server still knows it.
    Resumed,
}

/// What a session is taken up by, over TLS 1.2; over TLS 1.3 that is always a ticket (RFC 8446 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResumedBy {
    /// A ticket where the server gives one (RFC 5077), otherwise an id.
    Ticket,
    /// An id alone (RFC 5246 §7.3): the client does not say that it takes tickets.
    Id,
}

/// Who has a client's sessions. JMeter's `https.sessioncontext.shared`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// Each thread its own.
    Own,
    /// All threads those of an identity: a session belongs to the certificate that it was made with.
    Shared,
}

/// Who can take up a client's session again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// This thread.
    Thread(u32),
    /// Whoever presents this certificate.
    Identity(Name),
}

/// An inclusive range of HTTP statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRange {
    /// The lowest.
    pub from: u16,
    /// The highest.
    pub to: u16,
}

impl StatusRange {
    /// 200 to 299.
    pub const SUCCESS: StatusRange = StatusRange { from: 200, to: 299 };

    /// Whether `status` is in the range.
    pub fn contains(self, status: u16) -> bool {
        (self.from..=self.to).contains(&status)
    }
}

/// The name of a client's certificate number `number`, counting from 1: `jmeter-1`.
///
/// ```
/// assert_eq!(&*revlab_clients::identity_name("jmeter", 1), "jmeter-1");
/// ```
pub fn identity_name(client: &str, number: u32) -> Name {
    Name::from(format!("{client}-{number}"))
}
