//! The control API on a real socket. A shell without decisions.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

use super::control::{self, BODY_MOST, Command};
use super::problem::Problem;
use super::state::Reply;
use super::token::Token;

/// So many connections are served at once; others wait until one of these has ended.
const CONNECTIONS_MOST: usize = 64;

/// The longest request line with header fields.
const HEAD_MOST: usize = 16 << 10;

/// How long a peer may take over its request.
const SLOWEST: Duration = Duration::from_secs(10);

/// A command, and where its reply goes.
#[derive(Debug)]
pub(super) struct Commanded {
    pub(super) command: Command,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// Accepts connections until it is dropped; they end with it.
pub(super) async fn accept(listener: TcpListener, token: Token, to: mpsc::Sender<Commanded>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MOST));
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        // The peer went away, or the system is short of something: the next may fare better.
        let Ok((stream, peer)) = accepted else {
            tokio::task::yield_now().await;
            continue;
        };
        let (token, to) = (token.clone(), to.clone());
        connections.spawn(async move {
            serve(stream, peer, token, to).await;
            drop(permit);
        });
    }
}

async fn serve(stream: TcpStream, _peer: SocketAddr, token: Token, to: mpsc::Sender<Commanded>) {
    let service = service_fn(move |request| {
        let (token, to) = (token.clone(), to.clone());
        async move { Ok::<_, Infallible>(write(respond(request, &token, &to).await)) }
    });
    // An error here is the peer's: it went away, was too slow, or does not speak HTTP.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(SLOWEST)
        .max_buf_size(HEAD_MOST)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// The token comes first: without it nobody learns what there is.
async fn respond(
    request: hyper::Request<Incoming>,
    token: &Token,
    to: &mpsc::Sender<Commanded>,
) -> Reply {
    let (head, body) = request.into_parts();
    let method = head.method.as_str();
    let authorization = head.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    if !control::is_open(method, head.uri.path()) && !token.is_in(authorization) {
        return Problem::new(401, "the token of the run's folder is needed").into();
    }
    let body = match read(body).await {
        Ok(body) => body,
        Err(problem) => return problem.into(),
    };
    let target = head.uri.path_and_query().map_or("", |target| target.as_str());
    let command = match control::route(method, target, &body) {
        Ok(command) => command,
        Err(problem) => return problem.into(),
    };
    let (reply, replied) = oneshot::channel();
    let sent = to.send(Commanded { command, reply }).await;
    let gone = || Reply::from(Problem::new(503, "serving has ended"));
    match sent {
        Ok(()) => replied.await.unwrap_or_else(|_| gone()),
        Err(_) => gone(),
    }
}

#[expect(clippy::disallowed_methods, reason = "a slow peer may not keep a connection for ever")]
async fn read(body: Incoming) -> Result<Bytes, Problem> {
    let whole = Limited::new(body, BODY_MOST).collect();
    match tokio::time::timeout(SLOWEST, whole).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Problem::new(413, format!("a body has at most {BODY_MOST} octets")))
        }
        Ok(Err(_)) => Err(Problem::new(400, "the body ended early")),
        Err(_) => Err(Problem::new(408, "the body took too long")),
    }
}

fn write(reply: Reply) -> Response<Full<Bytes>> {
    let unauthorized = reply.status == 401;
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let fields = response.headers_mut();
    if reply.status != 204 {
        fields.insert(CONTENT_TYPE, HeaderValue::from_static(reply.kind));
    }
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if unauthorized {
        fields.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"revlab\""));
    }
    if let Some(allow) = reply.allow.and_then(|allow| HeaderValue::from_str(&allow).ok()) {
        fields.insert(ALLOW, allow);
    }
    response
}
