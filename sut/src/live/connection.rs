//! One connection to the front: handshake, requests one after another, their answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{DATE, HeaderName, HeaderValue};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use revlab_lab::Instant;
use revlab_lab::clock::LabTime;
use revlab_lab::http::Reply;
use revlab_lab::trace::{Handshake, HttpVersion, TlsVersion};
use rustls::{HandshakeKind, ProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::date::imf_fixdate;
use super::front::Arrived;

/// What all connections of a front share.
pub(super) struct Connections {
    pub(super) acceptor: TlsAcceptor,
    pub(super) lab_time: LabTime,
    pub(super) arrivals: mpsc::Sender<Arrived>,
}

impl Connections {
    pub(super) async fn failed(&self, error: String) {
        // Nobody listens any more: the front is being dropped.
        let _ = self.arrivals.send(Arrived::Failed { error }).await;
    }
}

/// The header field that says which attempt a request is.
const ATTEMPT: &str = "revlab-attempt";
/// How long a request's head may be, in bytes; 16 KiB is IIS' own bound for it.
const MAX_HEAD: usize = 16 * 1024;
/// How many header fields a request may have.
const MAX_FIELDS: usize = 64;
/// How much of a request's body is read, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// Serves a connection to its end.
pub(super) async fn serve(tcp: TcpStream, connections: Arc<Connections>) {
    // Without it an answer could wait for the acknowledgement of the handshake's end. A socket
    // that refuses it is broken, which the handshake will say.
    let _ = tcp.set_nodelay(true);
    let stream = match connections.acceptor.accept(tcp).into_fallible().await {
        Ok(stream) => stream,
        Err((error, tcp)) => {
            connections.failed(error.to_string()).await;
            return drain(tcp).await;
        }
    };
    let peer = Arc::new(Peer::of(&stream));
    let arrived = Arc::new(AtomicBool::new(false));
    let served = Served { peer: peer.clone(), connections: connections.clone(), arrived };
    let arrived = served.arrived.clone();
    let ended = match peer.http {
        HttpVersion::V1_1 => http_1(stream, served).await,
        HttpVersion::V2 => http_2(stream, served).await,
    };
    if !arrived.load(Ordering::Relaxed) {
        let error = match ended {
            Ok(()) => "the connection was closed before a request came".to_owned(),
            Err(error) => error.to_string(),
        };
        connections.failed(error).await;
    }
}

/// What every request of a connection needs.
#[derive(Clone)]
struct Served {
    peer: Arc<Peer>,
    connections: Arc<Connections>,
    arrived: Arc<AtomicBool>,
}

impl Served {
    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Dropped> {
        let handshake = match self.arrived.swap(true, Ordering::Relaxed) {
            true => Handshake::Kept,
            false => self.peer.handshake,
        };
        answer(request, handshake, &self.peer, &self.connections).await
    }
}

async fn http_1(stream: TlsStream<TcpStream>, served: Served) -> hyper::Result<()> {
    http1::Builder::new()
        // It closes where the client asks for that, or the answer says so.
        .keep_alive(true)
        .header_read_timeout(None)
        .auto_date_header(false)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_FIELDS)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(|request| served.clone().answer(request)),
        )
        .await
}

/// Over HTTP/2 a request that is dropped would end its stream alone: here it takes the connection with
/// it, as over HTTP/1.1.
async fn http_2(stream: TlsStream<TcpStream>, served: Served) -> hyper::Result<()> {
    let dropped = Arc::new(Notify::new());
    let told = dropped.clone();
    let service = service_fn(move |request| {
        let (served, told) = (served.clone(), told.clone());
        async move {
            let answered = served.answer(request).await;
            if answered.is_err() {
                told.notify_one();
                std::future::pending::<()>().await;
            }
            answered
        }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .auto_date_header(false)
        .max_header_list_size(MAX_HEAD as u32)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        ended = connection => ended,
        () = dropped.notified() => Ok(()),
    }
}

/// After a failed handshake: reads what the client still sends until it has read the alert.
///
/// Closing at once would make the system send a reset for the unread bytes, and a TLS 1.3 client,
/// which sends its request before it can know of the refusal, would lose the alert.
async fn drain(mut tcp: TcpStream) {
    if tcp.shutdown().await.is_err() {
        return;
    }
    let mut scratch = [0; 4096];
    let mut left = MAX_BODY;
    while let Ok(n) = tcp.read(&mut scratch).await {
        left = left.saturating_sub(n);
        if n == 0 || left == 0 {
            return;
        }
    }
}

/// What the handshake says about the client.
#[derive(Debug)]
struct Peer {
    chain: Vec<Vec<u8>>,
    handshake: Handshake,
    tls: TlsVersion,
    http: HttpVersion,
    cipher: u16,
}

impl Peer {
    fn of(stream: &TlsStream<TcpStream>) -> Peer {
        let (_, connection) = stream.get_ref();
        let chain = connection.peer_certificates().unwrap_or_default();
        Peer {
            chain: chain.iter().map(|c| c.to_vec()).collect(),
            handshake: match connection.handshake_kind() {
                Some(HandshakeKind::Resumed) => Handshake::Resumed,
                _ => Handshake::Full,
            },
            tls: match connection.protocol_version() {
                Some(ProtocolVersion::TLSv1_3) => TlsVersion::V1_3,
                _ => TlsVersion::V1_2,
            },
            http: match connection.alpn_protocol() {
                Some(b"h2") => HttpVersion::V2,
                _ => HttpVersion::V1_1,
            },
            cipher: connection.negotiated_cipher_suite().map_or(0, |s| u16::from(s.suite())),
        }
    }
}

/// Whoever drives the model dropped the request: the connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the request was dropped without an answer")]
struct Dropped;

async fn answer(
    request: Request<Incoming>,
    handshake: Handshake,
    peer: &Peer,
    connections: &Connections,
) -> Result<Response<Full<Bytes>>, Dropped> {
    let (head, body) = request.into_parts();
    // The body is of no use to the model, but the client wants to get rid of it.
    if Limited::new(body, MAX_BODY).collect().await.is_err() {
        return Err(Dropped);
    }
    let attempt = head.headers.get(ATTEMPT).and_then(|v| v.to_str().ok()?.parse().ok());
    let path = head.uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
    let (respond, reply) = oneshot::channel();
    let arrived = Arrived::Request {
        attempt,
        path,
        chain: peer.chain.clone(),
        handshake,
        tls: peer.tls,
        http: peer.http,
        cipher: peer.cipher,
        respond,
    };
    connections.arrivals.send(arrived).await.map_err(|_| Dropped)?;
    let reply = reply.await.map_err(|_| Dropped)?;
    Ok(written(reply, connections.lab_time.now()))
}

/// The reply as HTTP, dated. Header fields that HTTP does not allow are left out.
fn written(reply: Reply, now: Instant) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_owner(reply.body)));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let fields = reply.headers.into_iter().chain([(DATE.to_string(), imf_fixdate(now))]);
    for (name, value) in fields {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
