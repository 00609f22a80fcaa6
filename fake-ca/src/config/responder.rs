//! What a scenario says about a working OCSP responder.

use revlab_lab::http::Url;
use revlab_lab::{Instant, Span};

/// A working OCSP responder.
#[derive(Clone, Debug, PartialEq)]
pub struct Responder {
    /// URLs that it answers at; none: all of [`Aia::ocsp`](super::Aia::ocsp).
    pub at: Option<Vec<Url>>,
    /// From when on it is there; none: from the start.
    pub from: Option<Instant>,
    /// How long an answer is valid (nextUpdate − thisUpdate).
    pub validity: Span,
    /// Whose key signs.
    pub signer: OcspSigner,
    /// How an answer names its signer.
    pub responder_id: ResponderId,
    /// What becomes of a nonce.
    pub nonce: NonceRule,
    /// Whether answers are given again.
    pub signing: Signing,
    /// How far it lags behind the CA's database: a revocation shows this much later.
    pub lag: Span,
    /// What it takes: GET, POST, or both.
    pub methods: Methods,
    /// How the path of a GET gets to it.
    pub get: GetPath,
    /// For how long it still knows about certificates that have expired: its answers say so in the
    /// archiveCutoff extension (RFC 6960 §4.4.4); none: they do not.
    pub archive_cutoff: Option<Span>,
    /// Where its answers come from.
    pub source: ResponderSource,
    /// What it says of a serial number that the CA never issued.
    pub never_issued: NeverIssued,
    /// Which dates an answer bears.
    pub dates: AnswerDates,
}

/// Where a responder's answers come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponderSource {
    /// The CA's database.
    #[default]
    Database,
    /// The newest base and delta that the CA has published, of several lists the first, as with
    /// Microsoft's Online Responder: a revocation shows once it is published.
    Crl,
}

/// What a responder says of a serial number that the CA never issued (RFC 6960 §2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NeverIssued {
    /// Unknown.
    #[default]
    Unknown,
    /// Good, as a responder must that knows nothing but lists (fact sheet §1.2, kb2960124).
    Good,
}

/// Which dates an answer bears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswerDates {
    /// It is of the moment when it is made, and valid for [`Responder::validity`].
    #[default]
    Own,
    /// From the base's thisUpdate until base or delta expires, although the delta is newer (fact
    /// sheet §1.2, kb2635621).
    Base,
    /// From the thisUpdate of the newest of both until one expires.
    Newest,
}

/// Whose key signs answers (RFC 6960 §2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OcspSigner {
    /// The CA's own.
    #[default]
    Ca,
    /// That of a certificate for OCSP signing alone, which the CA has issued and which comes with
    /// each answer (RFC 6960 §4.2.2.2).
    Delegated,
}

/// How an answer names its signer (RFC 6960 §4.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponderId {
    /// By the hash of its key.
    #[default]
    ByKey,
    /// By its subject.
    ByName,
}

/// What becomes of a request's nonce (RFC 9654).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NonceRule {
    /// It is passed over, as a responder with pre-signed answers does (RFC 5019 §2.2.1).
    #[default]
    Ignore,
    /// It is given back.
    Echo,
    /// It is given back, and a request without one is malformed.
    Demand,
}

/// Whether answers are given again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signing {
    /// An answer is produced when it is first asked for and given again until half its validity
    /// has passed or the status has changed.
    #[default]
    Cached,
    /// Each answer is signed anew.
    Live,
}

/// Which methods a responder takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Methods {
    /// GET, and HEAD with it.
    pub get: bool,
    /// POST.
    pub post: bool,
}

/// What the server before a responder does to the path of a GET, which holds base64 with `/`, `+`
/// and `=` in it. The usual one does nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GetPath {
    /// `//` becomes `/`, as nginx (`merge_slashes`) and Apache httpd (`MergeSlashes`) do.
    pub merge_slashes: bool,
    /// `+` becomes a space, as in a query string.
    pub plus_as_space: bool,
    /// `%2F` is answered 404, as Apache httpd does by default (`AllowEncodedSlashes Off`).
    pub refuse_encoded_slash: bool,
    /// A URL of more bytes is answered 414. RFC 5019 §5 has clients use POST from 256 bytes on.
    pub max_url: Option<u32>,
}

impl Responder {
    /// A responder as simple as can be: the CA signs, nonces are ignored, answers are given again.
    pub fn valid_for(validity: Span) -> Responder {
        Responder {
            at: None,
            from: None,
            validity,
            signer: OcspSigner::default(),
            responder_id: ResponderId::default(),
            nonce: NonceRule::default(),
            signing: Signing::default(),
            lag: Span::ZERO,
            methods: Methods { get: true, post: true },
            get: GetPath::default(),
            archive_cutoff: None,
            source: ResponderSource::default(),
            never_issued: NeverIssued::default(),
            dates: AnswerDates::default(),
        }
    }
}
