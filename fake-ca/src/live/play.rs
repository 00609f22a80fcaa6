//! Writes a script to a socket.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Pace;
use super::pace::Waiting;
use crate::fault::{End, Script};

/// Writes all of `script` and ends the connection as it says. Ends early when the peer goes away.
pub(super) async fn play(mut stream: TcpStream, script: &Script, pace: Pace) {
    let mut waiting = Waiting::new(pace);
    // Slices go out as they are. Where that cannot be had they may be joined.
    let _ = stream.set_nodelay(true);
    for (pause, bytes) in script.pieces() {
        waiting.wait(pause).await;
        if stream.write_all(bytes).await.is_err() {
            return;
        }
    }
    let (end, after) = script.end();
    waiting.wait(after).await;
    match end {
        End::Close => {}
        End::Reset => reset(&stream),
        End::HalfClose => {
            let _ = stream.shutdown().await;
            drain(stream).await;
        }
    }
}

/// Makes the close of the connection a RST. Where that fails the peer is gone already.
pub(super) fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

/// Reads and forgets until the peer ends the connection.
async fn drain(mut stream: TcpStream) {
    let mut forgotten = [0; 4096];
    while stream.read(&mut forgotten).await.is_ok_and(|read| read > 0) {}
}
