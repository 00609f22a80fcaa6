//! A load generator for HTTP: as many GETs of one path as 16 connections can have answered.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures wall time")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream as AsyncStream;

const CONNECTIONS: usize = 16;

/// So long after the end of a round an answer is still waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers a second, by one thread that waits for whichever connection is answered next. Whatever goes
/// wrong with one request is not counted.
///
/// # Panics
///
/// No runtime can be had.
pub fn rate(address: SocketAddr, path: &str, time: Duration) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let answered = runtime.expect("a runtime").block_on(async {
        let end = tokio::time::Instant::now() + time;
        let request: std::sync::Arc<[u8]> = request(address, path).into();
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..CONNECTIONS {
            let counted = std::sync::Arc::new(AtomicU64::new(0));
            let (request, count) = (request.clone(), counted.clone());
            all.spawn(async move {
                tokio::select! {
                    () = tokio::time::sleep_until(end + PATIENCE) => {}
                    () = keep_asking(end, address, &request, &count) => {}
                }
                counted.load(Relaxed)
            });
        }
        all.join_all().await.into_iter().sum::<u64>()
    });
    answered as f64 / time.as_secs_f64()
}

/// Asks until the end, by a new connection whenever the server has ended the last. Each connection sends
/// its request: `openssl ocsp` never comes back from one that does not.
async fn keep_asking(
    end: tokio::time::Instant,
    address: SocketAddr,
    request: &[u8],
    answered: &AtomicU64,
) {
    let mut room = vec![0; 8192];
    while tokio::time::Instant::now() < end {
        let Ok(mut stream) = AsyncStream::connect(address).await else { continue };
        let _ = stream.set_nodelay(true);
        while ask(&mut stream, request, &mut room).await.is_some() {
            answered.fetch_add(1, Relaxed);
            if tokio::time::Instant::now() >= end {
                break;
            }
        }
    }
}

/// One request and its whole answer, which has to fit into `room`.
async fn ask(stream: &mut AsyncStream, request: &[u8], room: &mut [u8]) -> Option<()> {
    stream.write_all(request).await.ok()?;
    let mut got = 0;
    loop {
        let read = stream.read(room.get_mut(got..)?).await.ok().filter(|read| *read > 0)?;
        got += read;
        if whole(room.get(..got)?).is_some_and(|length| length <= got) {
            return Some(());
        }
    }
}

/// How long the answer is that begins here, once its head is there.
fn whole(got: &[u8]) -> Option<usize> {
    const FIELD: &[u8] = b"content-length:";
    let head = got.windows(4).position(|end| end == b"\r\n\r\n")?;
    let is_field =
        |line: &&[u8]| line.get(..FIELD.len()).is_some_and(|f| f.eq_ignore_ascii_case(FIELD));
    let line = got.get(..head)?.split(|octet| *octet == b'\n').find(is_field)?;
    let length =
        std::str::from_utf8(line.get(FIELD.len()..)?).ok()?.trim().parse::<usize>().ok()?;
    Some(head + 4 + length)
}

/// The body of one answer; empty where there is none.
pub fn once(address: SocketAddr, path: &str) -> Vec<u8> {
    let Ok(mut stream) = TcpStream::connect(address) else { return Vec::new() };
    exchange(&mut stream, &request(address, path)).unwrap_or_default()
}

/// How long each of so many GETs takes, one after the other on one connection.
///
/// # Panics
///
/// One is not answered: the rest would measure something else.
pub fn latencies(address: SocketAddr, path: &str, requests: usize) -> Vec<Duration> {
    let request = request(address, path);
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_nodelay(true).expect("a socket option");
    let one = |_| {
        let began = Instant::now();
        exchange(&mut stream, &request).expect("an answer");
        began.elapsed()
    };
    (0..requests).map(one).collect()
}

fn request(address: SocketAddr, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes()
}

/// The body, read by its `Content-Length`; none where the connection ends before.
fn exchange(stream: &mut TcpStream, request: &[u8]) -> Option<Vec<u8>> {
    stream.write_all(request).ok()?;
    let (mut got, mut room) = (Vec::new(), [0; 8192]);
    let (head, length) = loop {
        let read = stream.read(&mut room).ok().filter(|read| *read > 0)?;
        got.extend_from_slice(room.get(..read)?);
        let Some(head) = got.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        let fields = String::from_utf8_lossy(got.get(..head)?).to_ascii_lowercase();
        let length = fields.lines().find_map(|line| line.strip_prefix("content-length:"))?;
        break (head + 4, length.trim().parse::<usize>().ok()?);
    };
    let mut body = got.split_off(head);
    let there = body.len();
    body.resize(length.max(there), 0);
    stream.read_exact(body.get_mut(there..)?).ok()?;
    Some(body)
}
