//! Connections that stay open from one attempt to the next (RFC 9112 §9.3, RFC 9113 §9.1).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use revlab_lab::trace::{Handshake, HttpVersion};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;

use super::exchange::{MAX_BODY, cut};
use super::failure;
use super::http2::{ended, why_cut};
use super::stopwatch::{Progress, Running};
use super::watched::{Noted, Watched};
use crate::observation::{Agreed, Seen};

/// The connections that are not in use, by number. Attempts take them and bring them back.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool(Arc<Mutex<BTreeMap<u64, Kept>>>);

impl Pool {
    pub(super) fn take(&self, number: u64) -> Option<Kept> {
        self.connections().remove(&number)
    }

    pub(super) fn put(&self, number: u64, kept: Kept) {
        self.connections().insert(number, kept);
    }

    fn connections(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Kept>> {
        // A panic elsewhere leaves no connection half put in.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection after its handshake. It is closed when this is dropped.
#[derive(Debug)]
pub(super) struct Kept {
    agreed: Agreed,
    asks: Asks,
    noted: Noted,
    carried: Carried,
}

/// By what requests are sent.
#[derive(Debug)]
enum Asks {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

/// The task that moves the connection's bytes.
#[derive(Debug)]
struct Carried(JoinHandle<hyper::Result<()>>);

impl Drop for Carried {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What came of a request on a connection.
pub(super) struct Asked {
    pub(super) seen: Seen,
    /// The connection, if it can be used again.
    pub(super) kept: Option<Kept>,
    /// Nothing of an answer came, no alert either: the server may have closed the connection before it
    /// saw the request.
    pub(super) unheard: bool,
}

impl Kept {
    /// A connection over this stream.
    pub(super) async fn new(
        stream: TlsStream<TcpStream>,
        agreed: Agreed,
        running: Running,
    ) -> Result<Kept, Seen> {
        let (stream, noted) = Watched::new(stream, running);
        let io = TokioIo::new(stream);
        let (asks, carried) = match agreed.http {
            HttpVersion::V1_1 => {
                let made = http1::handshake(io).await;
                let (sender, connection) = made.map_err(|e| failure::of_http(&e))?;
                (Asks::Http1(sender), tokio::spawn(connection))
            }
            HttpVersion::V2 => {
                let made = http2::handshake(TokioExecutor::new(), io).await;
                let (sender, connection) = made.map_err(|e| ended(&e, &noted))?;
                (Asks::Http2(sender), tokio::spawn(connection))
            }
        };
        Ok(Kept { agreed, asks, noted, carried: Carried(carried) })
    }

    /// What its handshake came to, for an attempt that makes none.
    pub(super) fn agreed(&self) -> Agreed {
        Agreed { handshake: Handshake::Kept, ..self.agreed.clone() }
    }

    /// Sends a request and reads the whole answer; its first byte is that of its fields.
    pub(super) async fn ask(
        mut self,
        request: Request<Empty<Bytes>>,
        running: &Running,
        progress: &Progress,
    ) -> Asked {
        let response = match self.asks.send(request).await {
            Ok(response) => response,
            Err(error) => return self.not_answered(&error).await,
        };
        progress.note(|reached| reached.times.first_byte_ms = Some(running.ms()));
        let status = response.status().as_u16();
        match Limited::new(response.into_body(), MAX_BODY).collect().await {
            Ok(body) => {
                let seen = Seen::Response { status, body: Arc::from(&*body.to_bytes()) };
                let kept = self.asks.ready().await.then_some(self);
                Asked { seen, kept, unheard: false }
            }
            Err(error) => {
                let seen = match self.asks {
                    Asks::Http1(_) => cut(error),
                    Asks::Http2(_) => why_cut(error, &self.noted),
                };
                Asked { seen, kept: None, unheard: false }
            }
        }
    }

    async fn not_answered(self, error: &hyper::Error) -> Asked {
        let Kept { asks, noted, mut carried, .. } = self;
        let is_http_1 = matches!(asks, Asks::Http1(_));
        // Without anybody who could send, the connection comes to its end, and tells why.
        drop(asks);
        let end = (&mut carried.0).await;
        let alert = noted.alert();
        let unheard = alert.is_none();
        let seen = alert.unwrap_or_else(|| match end {
            // The connection knows the cause; the request only that it was not answered.
            Ok(Err(cause)) if is_http_1 && failure::cause(&cause).is_some() => {
                failure::of_http(&cause)
            }
            _ if is_http_1 => failure::of_http(error),
            _ => ended(error, &noted),
        });
        Asked { seen, kept: None, unheard }
    }
}

impl Asks {
    async fn send(&mut self, request: Request<Empty<Bytes>>) -> hyper::Result<Response<Incoming>> {
        match self {
            Asks::Http1(sender) => sender.send_request(request).await,
            Asks::Http2(sender) => sender.send_request(request).await,
        }
    }

    /// Whether another request can be sent: not where the server has said that it closes.
    async fn ready(&mut self) -> bool {
        match self {
            Asks::Http1(sender) => sender.ready().await.is_ok(),
            Asks::Http2(sender) => sender.ready().await.is_ok(),
        }
    }
}
