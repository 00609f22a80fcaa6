//! What happens to a reply on the wire, as data.

use revlab_lab::Span;

use super::{End, Slices};

/// What happens to a reply on the wire. The default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// How the length of the body is told, where not by its `Content-Length`.
    pub framing: Option<Framing>,
    /// Where it is cut off.
    pub cut: Option<Cut>,
    /// So many bytes a second, at least 1.
    pub bandwidth: Option<u64>,
    /// It comes in slices.
    pub slices: Option<Slices>,
    /// So much later than its last byte the connection ends.
    pub slow_close: Span,
}

/// How the length of a body is told wrongly, or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length` says so many bytes more; negative: fewer, but not below 0.
    WrongLength(i64),
    /// Chunks (RFC 9112 §7.1) of which the second has no size.
    BrokenChunking,
    /// By the end of the connection (RFC 9112 §6.3).
    NoLength,
}

/// An end before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// After so many bytes of the answer, its head included.
    pub after: u64,
    /// What happens then.
    pub end: End,
}

impl Shape {
    /// Whether the reply goes out as any other.
    pub fn is_plain(&self) -> bool {
        *self == Shape::default()
    }
}
