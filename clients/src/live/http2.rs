//! A request over HTTP/2 (RFC 9113): a connection with one stream.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use revlab_lab::trace::Phase;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::exchange::{MAX_BODY, cut};
use super::stopwatch::{Progress, Running};
use super::watched::{Noted, Watched};
use crate::observation::{ANSWER_TOO_LONG, Seen};

/// Sends the request and reads the whole answer. Its first byte is that of its fields: the server's
/// settings may have come before the request.
pub(super) async fn ask(
    stream: TlsStream<TcpStream>,
    request: Request<Empty<Bytes>>,
    running: Running,
    progress: &Progress,
) -> Seen {
    let (stream, noted) = Watched::new(stream, running.clone());
    let io = TokioIo::new(stream);
    let (mut sender, connection) = match http2::handshake(TokioExecutor::new(), io).await {
        Ok(parts) => parts,
        Err(error) => return ended(&error, &noted),
    };
    let answer = async move {
        let response = sender.send_request(request).await.map_err(|e| ended(&e, &noted))?;
        progress.note(|reached| reached.times.first_byte_ms = Some(running.ms()));
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
        let body = body.map_err(|error| why_cut(error, &noted))?;
        Ok(Seen::Response { status, body: Arc::from(&*body.to_bytes()) })
    };
    let (answer, _) = tokio::join!(answer, connection);
    answer.unwrap_or_else(|seen| seen)
}

/// Why a body did not arrive whole.
pub(super) fn why_cut(error: Box<dyn Error + std::marker::Send + Sync>, noted: &Noted) -> Seen {
    match cut(error) {
        long @ Seen::Broken { .. } if is_too_long(&long) => long,
        seen => how_it_ended(noted).unwrap_or(seen),
    }
}

fn is_too_long(seen: &Seen) -> bool {
    matches!(seen, Seen::Broken { error, .. } if &**error == ANSWER_TOO_LONG)
}

/// What the stream knows of its end: HTTP/2 has its own words for it.
fn how_it_ended(noted: &Noted) -> Option<Seen> {
    noted.alert().or_else(|| noted.broke())
}

/// Why there was no answer.
pub(super) fn ended(error: &hyper::Error, noted: &Noted) -> Seen {
    how_it_ended(noted).unwrap_or_else(|| {
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
        let error = format!("{error}{}", cause.unwrap_or_default()).into();
        Seen::Broken { phase: Phase::Request, error }
    })
}
