//! A shaped reply as the bytes and pauses that go out, and what a client hears of it.
//!
//! `live` writes the script to the socket as it stands; in `sim` [`Script::heard`] says what a client
//! makes of it that reads HTTP as RFC 9112 has it. Both work on the same bytes.

use revlab_lab::Span;
use revlab_lab::http::{FetchError, Method, Reply};

use super::{Framing, Shape, bandwidth, slicer};
use crate::web_site::reason;

/// A reply as it goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    bytes: Vec<u8>,
    /// In order of their places.
    pauses: Vec<Pause>,
    end: End,
    /// Between the last byte and the end.
    close_after: Span,
    head: usize,
    whole: Whole,
    reply: Reply,
}

/// A pause before the byte with the index `at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Before which byte.
    pub at: usize,
    /// How long.
    pub wait: Span,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is closed (FIN).
    Close,
    /// It is reset (RST).
    Reset,
    /// The server's side ends (FIN); the connection stays until the client closes it.
    HalfClose,
}

/// What a client hears of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The reply, or why there is none.
    pub result: Result<Reply, FetchError>,
    /// How much later it knows than if all came at once.
    pub after: Span,
}

/// When a client knows that the reply is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whole {
    /// With so many bytes.
    With(usize),
    /// With the end of the connection.
    AtEnd,
    /// Never: with so many bytes it is no HTTP any more.
    BrokenWith(usize),
}

impl Heard {
    /// A reply that comes all at once.
    pub fn at_once(reply: Reply) -> Heard {
        Heard { result: Ok(reply), after: Span::ZERO }
    }
}

impl Script {
    /// The script of `reply` to a request with this method.
    pub fn new(shape: &Shape, reply: &Reply, method: Method) -> Script {
        let mut bytes = head(reply);
        let (head, whole) = frame(&mut bytes, shape.framing, reply, method);
        let mut end = End::Close;
        if let Some(cut) = shape.cut {
            bytes.truncate(usize::try_from(cut.after).unwrap_or(usize::MAX));
            end = cut.end;
        }
        let mut pauses = Vec::new();
        if let Some(rate) = shape.bandwidth {
            bandwidth::pauses(rate, bytes.len(), &mut pauses);
        }
        if let Some(slices) = shape.slices {
            slicer::pauses(slices, bytes.len(), &mut pauses);
        }
        pauses.sort_by_key(|pause: &Pause| pause.at);
        let close_after = shape.slow_close;
        Script { bytes, pauses, end, close_after, head, whole, reply: reply.clone() }
    }

    /// The same, beginning so much later.
    pub fn delayed(mut self, by: Span) -> Script {
        if by > Span::ZERO {
            self.pauses.insert(0, Pause { at: 0, wait: by });
        }
        self
    }

    /// All bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, piece by piece, with how long to wait before each. The last may be empty.
    pub fn pieces(&self) -> impl Iterator<Item = (Span, &[u8])> {
        let ends = self.pauses.iter().skip(1).map(|pause| pause.at);
        let first = self.pauses.first().filter(|pause| pause.at > 0);
        let begin = first.map(|pause| (Span::ZERO, self.bytes.get(..pause.at).unwrap_or_default()));
        let none = self.pauses.is_empty().then_some((Span::ZERO, &*self.bytes));
        let ends = ends.chain(std::iter::once(self.bytes.len()));
        let rest =
            self.pauses.iter().zip(ends).map(|(pause, end)| {
                (pause.wait, self.bytes.get(pause.at..end).unwrap_or_default())
            });
        begin.into_iter().chain(none).chain(rest)
    }

    /// How the connection ends, and how long after the last byte.
    pub fn end(&self) -> (End, Span) {
        (self.end, self.close_after)
    }

    /// What a client hears.
    pub fn heard(&self) -> Heard {
        let arrived = self.bytes.len();
        let with = |bytes: usize, result| Heard { result, after: self.time_of(bytes) };
        let at_end = |result| Heard { result, after: self.time_of(arrived) + self.close_after };
        match (self.whole, self.end) {
            (Whole::With(n), _) if n <= arrived => with(n, Ok(self.reply_of(n))),
            (Whole::BrokenWith(n), _) if n <= arrived => with(n, Err(FetchError::BadReply)),
            (_, End::Reset) => at_end(Err(FetchError::ConnectionReset)),
            (Whole::AtEnd, _) if self.head <= arrived => at_end(Ok(self.reply_of(arrived))),
            _ => at_end(Err(FetchError::BadReply)),
        }
    }

    /// How long it takes until the first so many bytes are there.
    fn time_of(&self, bytes: usize) -> Span {
        let before = self.pauses.iter().take_while(|pause| pause.at < bytes.max(1));
        before.fold(Span::ZERO, |sum, pause| sum + pause.wait)
    }

    fn reply_of(&self, bytes: usize) -> Reply {
        let body = self.bytes.get(self.head..bytes).unwrap_or_default();
        Reply { body: body.into(), ..self.reply.clone() }
    }
}

/// Status line and header fields, without the empty line and what tells the length.
fn head(reply: &Reply) -> Vec<u8> {
    let (status, reason) = (reply.status, reason(reply.status));
    let mut head = format!("HTTP/1.1 {status} {reason}\r\n");
    for (name, value) in &reply.headers {
        head.push_str(&format!("{}: {}\r\n", one_line(name), one_line(value)));
    }
    head.push_str("Connection: close\r\n");
    head.into_bytes()
}

/// A field never becomes two.
fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

/// Adds what tells the length, and the body. How long the head is, and when the reply is whole.
fn frame(
    bytes: &mut Vec<u8>,
    framing: Option<Framing>,
    reply: &Reply,
    method: Method,
) -> (usize, Whole) {
    let body = &*reply.body;
    let length = body.len() as u64;
    // RFC 9112 §6.3: these have no body, whatever the fields say.
    let bodiless = method == Method::Head || matches!(reply.status, 204 | 304);
    let field = match framing {
        _ if matches!(reply.status, 204 | 304) => String::new(),
        None => format!("Content-Length: {length}\r\n"),
        Some(Framing::WrongLength(by)) => {
            format!("Content-Length: {}\r\n", length.saturating_add_signed(by))
        }
        Some(Framing::BrokenChunking) => "Transfer-Encoding: chunked\r\n".to_owned(),
        Some(Framing::NoLength) => String::new(),
    };
    bytes.extend_from_slice(field.as_bytes());
    bytes.extend_from_slice(b"\r\n");
    let head = bytes.len();
    if bodiless {
        return (head, Whole::With(head));
    }
    let whole = match framing {
        None => Whole::With(head + body.len()),
        Some(Framing::WrongLength(by)) => {
            let told = length.saturating_add_signed(by);
            Whole::With(head.saturating_add(usize::try_from(told).unwrap_or(usize::MAX)))
        }
        Some(Framing::NoLength) => Whole::AtEnd,
        Some(Framing::BrokenChunking) => {
            let (first, rest) = body.split_at(body.len() / 2);
            if !first.is_empty() {
                bytes.extend_from_slice(format!("{:x}\r\n", first.len()).as_bytes());
                bytes.extend_from_slice(first);
                bytes.extend_from_slice(b"\r\n");
            }
            let broken = bytes.len() + 1;
            bytes.extend_from_slice(b"no size\r\n");
            bytes.extend_from_slice(rest);
            return (head, Whole::BrokenWith(broken));
        }
    };
    bytes.extend_from_slice(body);
    (head, whole)
}

#[cfg(test)]
mod tests {
    use super::super::tests::own;
    use super::*;

    fn script(shape: Shape) -> Script {
        Script::new(&shape, &own(b"0123456789"), Method::Get)
    }

    #[test]
    fn a_plain_script_is_a_reply_that_is_whole_at_once() {
        let script = script(Shape::default());
        insta::assert_snapshot!(String::from_utf8_lossy(script.bytes()).replace('\r', ""), @r"
        HTTP/1.1 200 OK
        Content-Type: application/pkix-crl
        Connection: close
        Content-Length: 10

        0123456789
        ");
        assert_eq!(script.heard(), Heard::at_once(own(b"0123456789")));
    }

    #[test]
    fn a_reply_to_head_and_a_304_have_no_body() {
        for (method, status) in [(Method::Head, 200), (Method::Get, 304), (Method::Get, 204)] {
            let reply = Reply { status, ..own(b"body") };
            let script = Script::new(&Shape::default(), &reply, method);
            assert!(script.bytes().ends_with(b"\r\n\r\n"), "{status}");
            assert_eq!(script.heard().result.map(|reply| reply.body.len()), Ok(0), "{status}");
        }
    }

    #[test]
    fn a_field_never_becomes_two() {
        let mut reply = own(b"");
        reply.headers.push(("X".into(), "a\r\nSet-Cookie: b".into()));
        let script = Script::new(&Shape::default(), &reply, Method::Get);
        assert!(!String::from_utf8_lossy(script.bytes()).contains("\r\nSet-Cookie"));
    }

    #[test]
    fn pieces_come_with_the_pauses_before_them() {
        let pause = |at, secs| Pause { at, wait: Span::from_secs(secs) };
        let mut script = script(Shape::default());
        script.pauses = vec![pause(0, 1), pause(4, 2), pause(4, 3)];
        let pieces: Vec<_> = script.pieces().map(|(wait, b)| (wait.as_secs(), b.len())).collect();
        let rest = script.bytes().len() - 4;
        assert_eq!(pieces, [(1, 4), (2, 0), (3, rest)]);
        assert_eq!(script.heard().after, Span::from_secs(6));
        let late = script.delayed(Span::from_secs(1));
        assert_eq!(late.heard().after, Span::from_secs(7));
    }
}
