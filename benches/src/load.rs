//! A load generator for HTTP: as many GETs of one path as 16 connections can have answered.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures wall time")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 16;

/// A server that takes longer has not answered.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers a second. Whatever goes wrong with one request is not counted.
pub fn rate(address: SocketAddr, path: &str, time: Duration) -> f64 {
    let end = Instant::now() + time;
    let count = |_| {
        let path = path.to_owned();
        std::thread::spawn(move || until(end, address, &path))
    };
    let all: Vec<_> = (0..CONNECTIONS).map(count).collect();
    let answered: u64 = all.into_iter().filter_map(|one| one.join().ok()).sum();
    answered as f64 / time.as_secs_f64()
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

fn until(end: Instant, address: SocketAddr, path: &str) -> u64 {
    let request = request(address, path);
    let (mut stream, mut answered) = (None, 0);
    while Instant::now() < end {
        let open = match stream.take() {
            Some(open) => Some(open),
            None => TcpStream::connect(address).ok(),
        };
        let Some(mut open) = open else { continue };
        let _ = open.set_nodelay(true);
        let _ = open.set_read_timeout(Some(PATIENCE));
        if exchange(&mut open, &request).is_some() {
            answered += 1;
            stream = Some(open);
        }
    }
    answered
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
