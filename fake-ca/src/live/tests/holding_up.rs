//! The site under clients that are slow, rude or many. Nothing here waits for a length of time but
//! where a delay itself is looked at.

use revlab_lab::Seed;

use super::*;
use crate::fault::{Cut, End, Script, Shape};

/// A script of a reply with 1000 octets.
fn script(shape: &Shape) -> Script {
    Script::new(shape, &reply(200, &[b'x'; 1000]), Method::Get)
}

fn nothing_has_come(stream: &TcpStream) -> bool {
    stream.try_read(&mut [0; 1]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

#[tokio::test]
async fn a_hundred_slow_connections_delay_nobody_else() {
    let mut site = site();
    let hour = Span::from_hours(1);
    let late = script(&Shape::default()).delayed(hour);
    let mut slow = Vec::new();
    for n in 0..100 {
        let mut stream = TcpStream::connect(site.address()).await.unwrap();
        if n % 4 == 0 {
            // Half a request, and no more of it.
            stream.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
        } else {
            stream.write_all(&get("/slow")).await.unwrap();
            let answered = match n % 4 {
                1 => Answered::Late(reply(200, b"late"), hour),
                2 => Answered::Script(Box::new(late.clone()), Pace::Real),
                _ => Answered::Silent,
            };
            site.next().await.unwrap().answer.send(answered).unwrap();
        }
        slow.push(stream);
    }
    let client = tokio::spawn(talk(site.address(), get("/fast")));
    let fast = site.next().await.unwrap();
    assert_eq!(fast.request.url.path(), "/fast");
    fast.answer.send(Answered::Reply(reply(200, b"fast"))).unwrap();
    assert!(client.await.unwrap().0.ends_with("fast"));
    assert!(slow.iter().all(nothing_has_come));
}

#[tokio::test]
async fn a_reset_after_some_octets_is_seen_as_a_reset_and_a_close_is_not() {
    let cut = |end| Shape { cut: Some(Cut { after: 300, end }), ..Shape::default() };
    for (end, kind) in [(End::Reset, Some(io::ErrorKind::ConnectionReset)), (End::Close, None)] {
        let answered = Answered::Script(Box::new(script(&cut(end))), Pace::Lab);
        let (_, text, ended) = exchange(get("/"), answered).await;
        assert_eq!((text.len(), ended.err().map(|e| e.kind())), (300, kind));
    }
}

#[tokio::test]
async fn a_half_closed_connection_still_takes_what_comes() {
    let cut = Cut { after: 300, end: End::HalfClose };
    let answered = script(&Shape { cut: Some(cut), ..Shape::default() });
    let mut site = site();
    let mut stream = TcpStream::connect(site.address()).await.unwrap();
    stream.write_all(&get("/")).await.unwrap();
    let arrived = site.next().await.unwrap();
    arrived.answer.send(Answered::Script(Box::new(answered), Pace::Lab)).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer.len(), 300);
    // More than any buffer between the two holds: somebody reads it.
    stream.write_all(&vec![0; 16 << 20]).await.unwrap();
}

#[tokio::test]
async fn a_connection_to_reset_is_reset_before_its_request() {
    let mut site = site();
    site.gate().reset_next();
    let mut stream = TcpStream::connect(site.address()).await.unwrap();
    let read = stream.read(&mut [0; 1]).await.map_err(|error| error.kind());
    assert_eq!(read, Err(io::ErrorKind::ConnectionReset));
    let client = tokio::spawn(talk(site.address(), get("/next")));
    let next = site.next().await.unwrap();
    next.answer.send(Answered::Reply(reply(200, b"next"))).unwrap();
    assert!(client.await.unwrap().0.ends_with("next"));
}

#[tokio::test]
async fn what_is_swallowed_is_neither_accepted_nor_refused() {
    let (_kept, address) = swallowing_port().unwrap();
    let swallowed = tokio::spawn(TcpStream::connect(address));
    for _ in 0..20 {
        let (_, text, _) = exchange(get("/"), Answered::Reply(reply(200, b"other"))).await;
        assert!(text.ends_with("other"));
    }
    assert!(!swallowed.is_finished());
    swallowed.abort();
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "that a delay is waited for shows in wall time")]
async fn at_real_pace_delays_are_waited_for_and_at_lab_pace_not() {
    let shape = Shape { slow_close: Span::from_hours(3), ..Shape::default() };
    let at_once = Answered::Script(Box::new(script(&shape)), Pace::Lab);
    assert!(exchange(get("/"), at_once).await.2.is_ok());
    let delay = Span::from_millis(60);
    let late = Answered::Script(Box::new(script(&Shape::default()).delayed(delay)), Pace::Real);
    for answered in [Answered::Late(reply(200, b"late"), delay), late] {
        let began = std::time::Instant::now();
        let (_, text, _) = exchange(get("/"), answered).await;
        assert!(text.starts_with("HTTP/1.1 200 OK"));
        assert!(began.elapsed().as_millis() >= 60);
    }
}

#[tokio::test]
async fn ten_thousand_malformed_requests_leave_the_site_serving() {
    let mut site = site();
    let mut noise = Seed(1).stream("noise");
    let good = get("/a.crl");
    for n in 0..10_000u32 {
        let mut line = good.clone();
        match n % 4 {
            // Octets changed, the end cut off, nothing but noise, a line without an end.
            0 => {
                let at = noise.below(20) as usize;
                noise.fill(&mut line[at..at + 4]);
            }
            1 => line.truncate(noise.below(line.len() as u64) as usize),
            2 => noise.fill(&mut line),
            _ => line.retain(|byte| *byte != b'\n'),
        }
        let mut stream = TcpStream::connect(site.address()).await.unwrap();
        // The site may have ended the connection already: that is its right.
        let _ = stream.write_all(&line).await;
        if n % 8 == 0 {
            let _ = stream.try_read(&mut [0; 64]);
        }
        // Without a RST ten thousand ports would be kept for a minute.
        let _ = stream.set_zero_linger();
        drop(stream);
        // What was sound in spite of it has arrived and is dropped.
        while let Ok(arrived) = site.arrived.try_recv() {
            drop(arrived);
        }
    }
    let client = tokio::spawn(talk(site.address(), get("/good")));
    loop {
        let arrived = site.next().await.unwrap();
        if arrived.request.url.path() == "/good" {
            arrived.answer.send(Answered::Reply(reply(200, b"good"))).unwrap();
            break;
        }
    }
    assert!(client.await.unwrap().0.ends_with("good"));
}
