//! A TLS stream that remembers the alert which ended it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::failure;
use super::stopwatch::Running;

/// Where the alert is kept: it outlives the stream, which the HTTP connection owns.
pub(super) type SeenAlert = Arc<OnceLock<u8>>;

/// When the first byte came, in milliseconds from the request.
pub(super) type FirstByte = Arc<OnceLock<i64>>;

/// Passes everything through, and notes an alert that the server sent and when its first byte came.
///
/// Over TLS 1.3 a server refuses a client after the client has begun to send its request. The
/// alert is then in the receive buffer while writing fails: it must still be read, or a refusal
/// looks like a broken connection.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    alert: SeenAlert,
    running: Running,
    first_byte: FirstByte,
}

/// How often a broken stream is read: an alert is at most behind an answer's beginning.
const DRAINED: usize = 64;

impl<S: AsyncRead + Unpin> Watched<S> {
    /// `running`: since the request.
    pub(super) fn new(stream: S, running: Running) -> (Watched<S>, SeenAlert, FirstByte) {
        let (alert, first_byte) = (SeenAlert::default(), FirstByte::default());
        let (told, first) = (alert.clone(), first_byte.clone());
        (Watched { stream, alert, running, first_byte }, told, first)
    }

    fn note(&self, error: &io::Error) {
        if let Some(number) = failure::alert(error) {
            // Only the first counts: it is the one that ended the connection.
            let _ = self.alert.set(number);
        }
    }

    /// Reads what has already arrived, for the alert in it.
    fn drain(&mut self, cx: &mut Context<'_>) {
        let mut scratch = [0; 1024];
        for _ in 0..DRAINED {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(Ok(())) | Poll::Pending => return,
                Poll::Ready(Err(error)) => return self.note(&error),
            }
        }
    }

    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        done: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(error)) = &done {
            self.note(error);
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
                let _ = self.first_byte.get_or_init(|| self.running.ms());
            }
            Poll::Ready(Err(error)) => self.note(error),
            _ => {}
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
