//! One connection to the site: HTTP/1.1 by hyper, one request at a time.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use revlab_lab::http::{Method, Reply, Request, Url};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use super::gate::Admitted;
use super::pace::Waiting;
use super::play::{play, reset};
use super::{Answered, Arrived, Pace};
use crate::fault::Script;
use crate::web_site::error_page;

/// The longest body that is read: no OCSP request comes near it.
const BODY_MOST: usize = 1 << 20;

/// The longest request line with header fields.
const HEAD_MOST: usize = 64 << 10;

/// What becomes of a connection that HTTP is done with.
enum Leave {
    Reset,
    Script(Box<Script>, Pace),
}

/// Serves a connection until either side ends it.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    admitted: Admitted,
    to: mpsc::UnboundedSender<Arrived>,
) {
    let (leave, mut left) = mpsc::channel(1);
    // Kept until a script has been played, too.
    let admitted = Arc::new(admitted);
    let inside = admitted.clone();
    let service = service_fn(move |request| {
        let (to, leave) = (to.clone(), leave.clone());
        let others = inside.others();
        async move { Ok::<_, Infallible>(respond(request, (peer, others), to, leave).await) }
    });
    let mut connection = http1::Builder::new()
        .auto_date_header(false)
        .header_read_timeout(None)
        .max_buf_size(HEAD_MOST)
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // An error here is the peer's: it went away or does not speak HTTP.
        _ = &mut connection => {}
        Some(leave) = left.recv() => {
            // hyper has written nothing for this request: the socket is taken from it as it is.
            let stream = connection.into_parts().io.into_inner();
            match leave {
                Leave::Reset => reset(&stream),
                Leave::Script(script, pace) => play(stream, &script, pace).await,
            }
        }
    }
}

/// Hands a request over and waits for its answer. Where none is to be sent it never returns; the
/// connection is then ended by [`serve`] or by the peer.
async fn respond(
    request: hyper::Request<Incoming>,
    (peer, others): (SocketAddr, u32),
    to: mpsc::UnboundedSender<Arrived>,
    leave: mpsc::Sender<Leave>,
) -> Response<Full<Bytes>> {
    let request = match read(request).await {
        Ok(request) => request,
        Err(status) => return write(error_page(status, 0)),
    };
    let (answer, answered) = oneshot::channel();
    // A site that is gone drops the sender with the request: that ends in a reset as well.
    let _ = to.send(Arrived { request, peer, others, answer });
    let left = match answered.await {
        Ok(Answered::Reply(reply)) => return write(reply),
        Ok(Answered::Late(reply, by)) => {
            Waiting::new(Pace::Real).wait(by).await;
            return write(reply);
        }
        Ok(Answered::Silent) => pending().await,
        Ok(Answered::Script(script, pace)) => Leave::Script(script, pace),
        Ok(Answered::Reset) | Err(_) => Leave::Reset,
    };
    // One request at a time: there is room, and `serve` is there as long as this is polled.
    let _ = leave.try_send(left);
    pending().await
}

/// The request as data, or the status that refuses it.
async fn read(request: hyper::Request<Incoming>) -> Result<Request, u16> {
    let (head, body) = request.into_parts();
    let url = url(&head).ok_or(400u16)?;
    let method = match head.method {
        hyper::Method::GET => Method::Get,
        hyper::Method::HEAD => Method::Head,
        hyper::Method::POST => Method::Post,
        _ => Method::Other,
    };
    let fields = head.headers.iter().filter(|(name, _)| *name != HOST);
    let headers = fields
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    match Limited::new(body, BODY_MOST).collect().await {
        Ok(body) => Ok(Request { method, url, headers, body: body.to_bytes().to_vec() }),
        Err(error) if error.is::<LengthLimitError>() => Err(413),
        Err(_) => Err(400),
    }
}

/// The absolute URL: as it stands in the request line, or made so with `Host` (RFC 9112 §3.3).
fn url(head: &hyper::http::request::Parts) -> Option<Url> {
    if head.uri.authority().is_some() {
        return head.uri.to_string().parse().ok();
    }
    let host = head.headers.get(HOST)?.to_str().ok()?;
    format!("http://{host}{}", head.uri).parse().ok()
}

/// The reply as HTTP. A status or field that HTTP does not allow becomes a 500: the peer must see
/// that something is wrong.
fn write(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_owner(reply.body)));
    let mut sound = true;
    match StatusCode::from_u16(reply.status) {
        Ok(status) => *response.status_mut() = status,
        Err(_) => sound = false,
    }
    for (name, value) in &reply.headers {
        match (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => {
                response.headers_mut().append(name, value);
            }
            _ => sound = false,
        }
    }
    if !sound {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    }
    response
}
