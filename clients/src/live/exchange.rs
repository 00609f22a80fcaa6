//! One attempt on the wire: connect, handshake, one GET, its whole answer.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use revlab_lab::trace::{Handshake, Phase, TlsVersion};
use revlab_lab::Name;
use rustls::{ClientConfig, HandshakeKind, ProtocolVersion};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::failure;
use super::stopwatch::{Progress, Running, Stopwatch};
use super::unjudged::Unjudged;
use super::watched::Watched;
use crate::observation::{ANSWER_TOO_LONG, Agreed, Observation, Seen};

/// How much of an answer's body is read, in bytes.
const MAX_BODY: usize = 1024 * 1024;

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
    pub(super) config: Arc<ClientConfig>,
    /// Who hears what is stapled, where a validator judges the server.
    pub(super) unjudged: Option<Arc<Unjudged>>,
    pub(super) stopwatch: Stopwatch,
    pub(super) listens: Option<Duration>,
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
    pub(super) async fn run(self, gate: Option<Gate>, progress: &Progress) -> Observation {
        let seen = self.seen(gate, progress).await;
        let reached = progress.reached();
        Observation { agreed: reached.agreed, times: reached.times, seen }
    }

    async fn seen(self, gate: Option<Gate>, progress: &Progress) -> Seen {
        let stream = match self.connect(progress).await {
            Ok(stream) => stream,
            Err(seen) => return seen,
        };
        let Some(agreed) = agreed(&stream) else {
            return Seen::Closed { phase: Phase::Handshake };
        };
        progress.note(|reached| reached.agreed = Some(agreed.clone()));
        if let (Some(most), TlsVersion::V1_3) = (self.listens, agreed.tls) {
            heard(&stream, most).await;
        }
        if let Some(gate) = gate {
            let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
            let chain = chain.iter().map(|c| c.to_vec()).collect();
            let staple = self.unjudged.as_ref().and_then(|unjudged| unjudged.stapled());
            // Nobody waits any more, or there will be no word: nothing is to be sent then.
            let _ = gate.told.send(Connected { agreed, chain, staple });
            if gate.word.await.is_err() {
                return Seen::Closed { phase: Phase::Request };
            }
        }
        match self.request() {
            Ok(request) => ask(stream, request, self.stopwatch.start(), progress).await,
            Err(seen) => seen,
        }
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
            .map_err(|e| failure::of_io(&e, Phase::Handshake))?;
        progress.note(|reached| reached.times.handshake_ms = Some(running.ms()));
        Ok(stream)
    }

    fn request(&self) -> Result<Request<Empty<Bytes>>, Seen> {
        let broken = |what: String| Seen::Broken { phase: Phase::Request, error: what.into() };
        let not_a_path = || broken(format!("`{}` is not a path to request", self.path));
        let path = Bytes::copy_from_slice(self.path.as_bytes());
        let uri: Uri = Uri::from_maybe_shared(path).map_err(|_| not_a_path())?;
        if !self.path.starts_with('/') {
            return Err(not_a_path());
        }
        Request::get(uri)
            .header(HOST, &self.host)
            .header(ATTEMPT, self.attempt)
            .header(CONNECTION, "close")
            .body(Empty::new())
            .map_err(|e| broken(e.to_string()))
    }
}

/// Waits until something has arrived that is not read yet, or the time is up.
#[expect(clippy::disallowed_methods, reason = "a foreign server answers in real time")]
async fn heard(stream: &TlsStream<TcpStream>, most: Duration) {
    let (tcp, _) = stream.get_ref();
    let _ = tokio::time::timeout(most, tcp.peek(&mut [0])).await;
}

fn agreed(stream: &TlsStream<TcpStream>) -> Option<Agreed> {
    let (_, connection) = stream.get_ref();
    let handshake = match connection.handshake_kind()? {
        HandshakeKind::Resumed => Handshake::Resumed,
        HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest => Handshake::Full,
    };
    let tls = match connection.protocol_version()? {
        ProtocolVersion::TLSv1_3 => TlsVersion::V1_3,
        _ => TlsVersion::V1_2,
    };
    Some(Agreed { handshake, tls })
}

/// Sends the request and reads the whole answer.
async fn ask(
    stream: TlsStream<TcpStream>,
    request: Request<Empty<Bytes>>,
    running: Running,
    progress: &Progress,
) -> Seen {
    let (stream, alert, first_byte) = Watched::new(stream, running);
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
    progress.note(|reached| reached.times.first_byte_ms = first_byte.get().copied());
    match (answer, ended) {
        (Ok(response), _) => response,
        (Err(seen), ended) => match (alert.get(), ended) {
            (Some(number), _) => failure::refused(*number),
            // The connection knows the cause; the request only that it was not answered.
            (None, Err(error)) if failure::cause(&error).is_some() => failure::of_http(&error),
            (None, _) => seen,
        },
    }
}

/// Why a body did not arrive whole.
fn cut(error: Box<dyn Error + std::marker::Send + Sync>) -> Seen {
    if error.is::<LengthLimitError>() {
        return Seen::Broken { phase: Phase::Request, error: ANSWER_TOO_LONG.into() };
    }
    match error.downcast_ref::<hyper::Error>() {
        Some(error) => failure::of_http(error),
        None => Seen::Closed { phase: Phase::Request },
    }
}
