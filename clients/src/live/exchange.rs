//! One attempt on the wire: connect, handshake, one GET, its whole answer.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST};
use hyper::{Request, Uri, Version};
use hyper_util::rt::TokioIo;
use revlab_lab::Name;
use revlab_lab::trace::{Handshake, HttpVersion, Phase, TlsVersion};
use rustls::{ClientConfig, HandshakeKind, ProtocolVersion};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::kept::{Asked, Kept, Pool};
use super::stopwatch::{Progress, Running, Stopwatch};
use super::unjudged::Unjudged;
use super::watched::Watched;
use super::{failure, http2};
use crate::cipher::Cipher;
use crate::driver::Reached;
use crate::observation::{
    ANSWER_TOO_LONG, Agreed, NO_APPLICATION_PROTOCOL, Observation, Seen, no_http,
};

/// How much of an answer's body is read, in bytes.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// The header field that says which attempt a request is.
const ATTEMPT: &str = "revlab-attempt";

/// Everything that an attempt needs.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) attempt: u64,
    pub(super) server: SocketAddr,
    pub(super) host: String,
    pub(super) name: ServerName<'static>,
    pub(super) path: Name,
    pub(super) http: HttpVersion,
    /// Whether the cipher suite goes on record.
    pub(super) tells_cipher: bool,
    pub(super) config: Arc<ClientConfig>,
    /// Who hears what is stapled, where a validator judges the server.
    pub(super) unjudged: Option<Arc<Unjudged>>,
    pub(super) stopwatch: Stopwatch,
    pub(super) listens: Option<Duration>,
    /// Whether the connection is to stay open.
    pub(super) keep_alive: bool,
    /// The connection that was kept open, with its number.
    pub(super) kept: Option<(u64, Kept)>,
    /// Whether the request is sent again over another connection where that was closed.
    pub(super) reconnects: bool,
    pub(super) pool: Pool,
}

/// What a server presented in a handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// What was agreed on; where it is resumed the rest is that of the first.
    pub agreed: Agreed,
    /// The server's certificates in DER, its own first.
    pub chain: Vec<Vec<u8>>,
    /// The OCSP response that it stapled.
    pub staple: Option<Vec<u8>>,
}

/// Where an attempt waits between handshake and request.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) told: oneshot::Sender<Connected>,
    pub(super) word: oneshot::Receiver<()>,
}

impl Exchange {
    pub(super) async fn run(mut self, gate: Option<Gate>, progress: &Progress) -> Observation {
        let used = match self.kept.take() {
            Some((number, kept)) => self.over(number, kept, progress).await,
            None => None,
        };
        let (seen, stays_open) = match used {
            Some(used) => used,
            None => self.anew(gate, progress).await,
        };
        let reached = progress.reached();
        Observation { agreed: reached.agreed, times: reached.times, seen, stays_open }
    }

    /// The request over a connection that was kept open, and whether that stays open. None: the server
    /// had closed it, and another is to be made (RFC 9112 §9.3.1: a GET can be sent again).
    async fn over(&self, number: u64, kept: Kept, progress: &Progress) -> Option<(Seen, bool)> {
        let request = match self.request() {
            Ok(request) => request,
            Err(seen) => return Some((seen, false)),
        };
        let measured = matches!(self.stopwatch, Stopwatch::Wall);
        progress.note(|reached| {
            reached.agreed = Some(kept.agreed());
            reached.times.measured = measured;
        });
        let asked = kept.ask(request, &self.stopwatch.start(), progress).await;
        if asked.unheard && self.reconnects {
            progress.note(|reached| *reached = Reached::default());
            return None;
        }
        Some(self.put_back(number, asked))
    }

    fn put_back(&self, number: u64, asked: Asked) -> (Seen, bool) {
        let stays_open = asked.kept.is_some();
        if let Some(kept) = asked.kept {
            self.pool.put(number, kept);
        }
        (asked.seen, stays_open)
    }

    /// The request over a connection of its own, and whether that stays open.
    async fn anew(&self, gate: Option<Gate>, progress: &Progress) -> (Seen, bool) {
        let (stream, agreed) = match self.ready(gate, progress).await {
            Ok(ready) => ready,
            Err(seen) => return (seen, false),
        };
        let request = match self.request() {
            Ok(request) => request,
            Err(seen) => return (seen, false),
        };
        let running = self.stopwatch.start();
        if self.keep_alive {
            return match Kept::new(stream, agreed, running.clone()).await {
                Ok(kept) => {
                    self.put_back(self.attempt, kept.ask(request, &running, progress).await)
                }
                Err(seen) => (seen, false),
            };
        }
        let seen = match self.http {
            HttpVersion::V2 => http2::ask(stream, request, running, progress).await,
            HttpVersion::V1_1 => ask(stream, request, running, progress).await,
        };
        (seen, false)
    }

    /// A connection over which the request can be sent.
    async fn ready(
        &self,
        gate: Option<Gate>,
        progress: &Progress,
    ) -> Result<(TlsStream<TcpStream>, Agreed), Seen> {
        let stream = self.connect(progress).await?;
        let agreed = self.agreed(&stream).ok_or(Seen::Closed { phase: Phase::Handshake })?;
        progress.note(|reached| reached.agreed = Some(agreed.clone()));
        if agreed.http != self.http {
            return Err(self.no_http());
        }
        if let (Some(most), TlsVersion::V1_3) = (self.listens, agreed.tls) {
            heard(&stream, most).await;
        }
        if let Some(gate) = gate {
            let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
            let chain = chain.iter().map(|c| c.to_vec()).collect();
            let staple = self.unjudged.as_ref().and_then(|unjudged| unjudged.stapled());
            // Nobody waits any more, or there will be no word: nothing is to be sent then.
            let _ = gate.told.send(Connected { agreed: agreed.clone(), chain, staple });
            if gate.word.await.is_err() {
                return Err(Seen::Closed { phase: Phase::Request });
            }
        }
        Ok((stream, agreed))
    }

    async fn connect(&self, progress: &Progress) -> Result<TlsStream<TcpStream>, Seen> {
        let measured = matches!(self.stopwatch, Stopwatch::Wall);
        progress.note(|reached| reached.times.measured = measured);
        let running = self.stopwatch.start();
        let tcp = TcpStream::connect(self.server)
            .await
            .map_err(|e| failure::of_io(&e, Phase::Connect))?;
        progress.note(|reached| reached.times.connect_ms = Some(running.ms()));
        // Without it the request could wait for the acknowledgement of the handshake's end.
        tcp.set_nodelay(true).map_err(|e| failure::of_io(&e, Phase::Connect))?;
        let running = self.stopwatch.start();
        let stream = TlsConnector::from(self.config.clone())
            .connect(self.name.clone(), tcp)
            .await
            .map_err(|e| match failure::of_io(&e, Phase::Handshake) {
                // The server knows nothing of the client yet.
                Seen::Alert(name) if &*name == NO_APPLICATION_PROTOCOL => self.no_http(),
                seen => seen,
            })?;
        progress.note(|reached| reached.times.handshake_ms = Some(running.ms()));
        Ok(stream)
    }

    fn no_http(&self) -> Seen {
        Seen::Broken { phase: Phase::Handshake, error: no_http(self.http) }
    }

    fn agreed(&self, stream: &TlsStream<TcpStream>) -> Option<Agreed> {
        let (_, connection) = stream.get_ref();
        let handshake = match connection.handshake_kind()? {
            HandshakeKind::Resumed => Handshake::Resumed,
            HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest => Handshake::Full,
        };
        let tls = match connection.protocol_version()? {
            ProtocolVersion::TLSv1_3 => TlsVersion::V1_3,
            _ => TlsVersion::V1_2,
        };
        // A server that says nothing about it speaks 1.1 (RFC 9113 §3.3).
        let http = match connection.alpn_protocol() {
            Some(b"h2") => HttpVersion::V2,
            _ => HttpVersion::V1_1,
        };
        let suite = connection.negotiated_cipher_suite().filter(|_| self.tells_cipher);
        let cipher = suite.and_then(|suite| Cipher::numbered(u16::from(suite.suite())));
        Some(Agreed { handshake, tls, http, cipher })
    }

    fn request(&self) -> Result<Request<Empty<Bytes>>, Seen> {
        let broken = |what: String| Seen::Broken { phase: Phase::Request, error: what.into() };
        let not_a_path = || broken(format!("`{}` is not a path to request", self.path));
        let path = Bytes::copy_from_slice(self.path.as_bytes());
        let uri: Uri = Uri::from_maybe_shared(path).map_err(|_| not_a_path())?;
        if !self.path.starts_with('/') {
            return Err(not_a_path());
        }
        let request = match self.http {
            HttpVersion::V1_1 => Request::get(uri)
                .header(HOST, &self.host)
                .header(ATTEMPT, self.attempt)
                .header(CONNECTION, if self.keep_alive { "keep-alive" } else { "close" }),
            // The host is `:authority` there, and no field is about the connection (RFC 9113 §8.2.2,
            // §8.3.1).
            HttpVersion::V2 => {
                let path = uri.path_and_query().map_or("/", |path| path.as_str());
                let whole = Uri::builder().scheme("https").authority(self.host.as_str());
                let whole = whole.path_and_query(path).build().map_err(|_| not_a_path())?;
                Request::get(whole).version(Version::HTTP_2).header(ATTEMPT, self.attempt)
            }
        };
        request.body(Empty::new()).map_err(|e| broken(e.to_string()))
    }
}

/// Waits until something has arrived that is not read yet, or the time is up.
#[expect(clippy::disallowed_methods, reason = "a foreign server answers in real time")]
async fn heard(stream: &TlsStream<TcpStream>, most: Duration) {
    let (tcp, _) = stream.get_ref();
    let _ = tokio::time::timeout(most, tcp.peek(&mut [0])).await;
}

/// Sends the request and reads the whole answer.
async fn ask(
    stream: TlsStream<TcpStream>,
    request: Request<Empty<Bytes>>,
    running: Running,
    progress: &Progress,
) -> Seen {
    let (stream, noted) = Watched::new(stream, running);
    let (mut sender, connection) = match http1::handshake(TokioIo::new(stream)).await {
        Ok(parts) => parts,
        Err(error) => return failure::of_http(&error),
    };
    let answer = async move {
        let response = sender.send_request(request).await.map_err(|e| failure::of_http(&e))?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), MAX_BODY).collect().await.map_err(cut)?;
        Ok(Seen::Response { status, body: Arc::from(&*body.to_bytes()) })
    };
    let (answer, ended) = tokio::join!(answer, connection);
    progress.note(|reached| reached.times.first_byte_ms = noted.first_byte());
    match (answer, ended) {
        (Ok(response), _) => response,
        (Err(seen), ended) => match (noted.alert(), ended) {
            (Some(refused), _) => refused,
            // The connection knows the cause; the request only that it was not answered.
            (None, Err(error)) if failure::cause(&error).is_some() => failure::of_http(&error),
            (None, _) => seen,
        },
    }
}

/// Why a body did not arrive whole.
pub(super) fn cut(error: Box<dyn Error + std::marker::Send + Sync>) -> Seen {
    if error.is::<LengthLimitError>() {
        return Seen::Broken { phase: Phase::Request, error: ANSWER_TOO_LONG.into() };
    }
    match error.downcast_ref::<hyper::Error>() {
        Some(error) => failure::of_http(error),
        None => Seen::Closed { phase: Phase::Request },
    }
}
