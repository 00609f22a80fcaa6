//! A TLS stream that remembers the alert which ended it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use revlab_lab::trace::Phase;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::failure;
use super::stopwatch::Running;
use crate::observation::Seen;

/// What a stream has noted: it outlives the stream, which the HTTP connection owns.
#[derive(Clone, Debug, Default)]
pub(super) struct Noted(Arc<Notes>);

#[derive(Debug, Default)]
struct Notes {
    alert: OnceLock<u8>,
    broke: OnceLock<Seen>,
    first_byte: OnceLock<i64>,
}

impl Noted {
    /// The server's refusal, if it sent an alert.
    pub(super) fn alert(&self) -> Option<Seen> {
        self.0.alert.get().map(|number| failure::refused(*number))
    }

    /// How the stream ended, where it did not end by an alert: the error of the socket or of TLS, or the
    /// server's end of it.
    pub(super) fn broke(&self) -> Option<Seen> {
        self.0.broke.get().cloned()
    }

    /// When the first byte came, in milliseconds from the request.
    pub(super) fn first_byte(&self) -> Option<i64> {
        self.0.first_byte.get().copied()
    }

    fn error(&self, error: &io::Error) {
        // Only the first counts: it is the one that ended the connection.
        let _ = match failure::alert(error) {
            Some(number) => self.0.alert.set(number).is_ok(),
            None => self.0.broke.set(failure::of_io(error, Phase::Request)).is_ok(),
        };
    }
}

/// Passes everything through, and notes an alert that the server sent and when its first byte came.
///
/// Over TLS 1.3 a server refuses a client after the client has begun to send its request. The
/// alert is then in the receive buffer while writing fails: it must still be read, or a refusal
/// looks like a broken connection.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    noted: Noted,
    running: Running,
}

/// How often a broken stream is read: an alert is at most behind an answer's beginning.
const DRAINED: usize = 64;

impl<S: AsyncRead + Unpin> Watched<S> {
    /// `running`: since the request.
    pub(super) fn new(stream: S, running: Running) -> (Watched<S>, Noted) {
        let noted = Noted::default();
        (Watched { stream, noted: noted.clone(), running }, noted)
    }

    /// Reads what has already arrived, for the alert in it.
    fn drain(&mut self, cx: &mut Context<'_>) {
        let mut scratch = [0; 1024];
        for _ in 0..DRAINED {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(Ok(())) | Poll::Pending => return,
                Poll::Ready(Err(error)) => return self.noted.error(&error),
            }
        }
    }

    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        done: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(error)) = &done {
            self.noted.error(error);
            self.drain(cx);
        }
        done
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let done = Pin::new(&mut self.stream).poll_read(cx, buf);
        match &done {
            Poll::Ready(Ok(())) if buf.filled().len() > before => {
                let _ = self.noted.0.first_byte.get_or_init(|| self.running.ms());
            }
            Poll::Ready(Ok(())) => {
                let _ = self.noted.0.broke.set(Seen::Closed { phase: Phase::Request });
            }
            Poll::Ready(Err(error)) => self.noted.error(error),
            Poll::Pending => {}
        }
        done
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.written(cx, done)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_flush(cx);
        self.written(cx, done)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.written(cx, done)
    }
}
