//! Retrievals over real HTTP.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_LENGTH, DATE, HOST, HeaderMap, TRANSFER_ENCODING};
use hyper::{Response, Uri};
use hyper_util::rt::TokioIo;
use revlab_lab::http::{FetchError, Reply, Request};
use tokio::net::TcpStream;

/// How much of an answer's body is read, in bytes: CryptoAPI's bound for a retrieved object is
/// lower, and the engine's to judge.
const MAX_BODY: usize = 100 * 1024 * 1024;

/// Sends `request` to `address` on a connection of its own and reads the whole answer.
///
/// The request line bears the URL's path byte for byte, `Host` its authority. `address` is where
/// the run's address book has the URL's host. The reply lacks the header fields that belong to the
/// connection rather than the answer, `Date` and `Content-Length`.
///
/// Has no time-out: dropping the future drops the connection.
///
/// # Errors
///
/// * [`ConnectionRefused`](FetchError::ConnectionRefused): no connection came about;
/// * [`ConnectionReset`](FetchError::ConnectionReset): the peer reset it;
/// * [`BadReply`](FetchError::BadReply): what came is not HTTP, ended early or is larger than
///   100 MiB; or the request itself cannot be written as HTTP.
pub async fn exchange(address: SocketAddr, request: &Request) -> Result<Reply, FetchError> {
    let request = written(request).ok_or(FetchError::BadReply)?;
    let tcp = TcpStream::connect(address).await.map_err(|e| unconnected(&e))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(tcp)).await.map_err(|e| meaning(&e))?;
    let answer = async move {
        let response = sender.send_request(request).await.map_err(|e| meaning(&e))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await.map_err(|e| meaning(&*e))?;
        let body = body.to_bytes();
        Ok(read(&Response::from_parts(head, ()), &body))
    };
    match tokio::join!(answer, connection) {
        // The connection knows the cause; the request only that it was not answered.
        (Err(FetchError::BadReply), Err(error)) => Err(meaning(&error)),
        (answer, _) => answer,
    }
}

/// A connection can be reset before the client has looked at it.
fn unconnected(error: &io::Error) -> FetchError {
    match error.kind() {
        io::ErrorKind::ConnectionReset => FetchError::ConnectionReset,
        _ => FetchError::ConnectionRefused,
    }
}

fn written(request: &Request) -> Option<hyper::Request<Full<Bytes>>> {
    let mut path = request.url.path_and_query().to_owned();
    if !path.starts_with('/') {
        // A URL can have a query and no path (RFC 3986 §3.3); a request line cannot.
        path.insert(0, '/');
    }
    let uri = Uri::from_maybe_shared(Bytes::from(path)).ok()?;
    let mut builder = hyper::Request::builder()
        .method(request.method.as_str())
        .uri(uri)
        .header(HOST, request.url.authority());
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    builder.body(Full::new(Bytes::copy_from_slice(&request.body))).ok()
}

fn read(head: &Response<()>, body: &[u8]) -> Reply {
    Reply {
        status: head.status().as_u16(),
        substatus: 0,
        headers: fields(head.headers()),
        body: Arc::from(body),
    }
}

fn fields(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| ![CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING].contains(name))
        .map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect()
}

/// A reset wherever it is in the chain of causes; otherwise the reply is bad.
fn meaning(error: &(dyn Error + 'static)) -> FetchError {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>()
            && matches!(
                io.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
            )
        {
            return FetchError::ConnectionReset;
        }
        next = error.source();
    }
    FetchError::BadReply
}
