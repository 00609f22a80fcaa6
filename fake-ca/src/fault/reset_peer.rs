//! `reset_peer`: the connection is reset: once it stands, once the request is read, or in the answer.
//!
//! `sim` charges the way there and reports a reset. In `live` the socket is closed with zero linger,
//! which sends a real RST.

use super::{Answer, Cut, End, Ruling};

/// The name in scenarios.
pub(super) const NAME: &str = "reset_peer";

/// When a connection is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetAt {
    /// Once it is accepted.
    Connect,
    /// Once the request is read.
    Request,
    /// After so many bytes of the answer, head included. Where the answer is shorter it arrives.
    Bytes(u64),
}

/// What comes of the request; none: part of an answer.
pub(super) fn ruling(at: ResetAt) -> Option<Ruling> {
    match at {
        ResetAt::Connect => Some(Ruling::ResetAtConnect),
        ResetAt::Request => Some(Ruling::Reset),
        ResetAt::Bytes(_) => None,
    }
}

/// Cuts the answer off.
pub(super) fn act(answer: &mut Answer, at: ResetAt) -> bool {
    if let ResetAt::Bytes(after) = at {
        answer.shape.cut = Some(Cut { after, end: End::Reset });
    }
    matches!(at, ResetAt::Bytes(_))
}

#[cfg(test)]
mod tests {
    use revlab_lab::Span;
    use revlab_lab::http::FetchError;

    use super::super::Effect;
    use super::super::tests::{heard, meeting};
    use super::*;

    #[test]
    fn a_reset_leaves_no_answer_to_delay_or_replace() {
        let met = meeting(&[
            ("slow", Effect::Latency { latency: Span::from_secs(1), jitter: Span::ZERO }),
            ("busy", Effect::Status { status: 503, body: None }),
            ("reset", Effect::ResetPeer(ResetAt::Request)),
        ]);
        assert_eq!(met.ruling, Ruling::Reset);
        assert_eq!(met.faults, ["reset".into()]);
    }

    #[test]
    fn a_connection_that_is_reset_at_once_carries_no_request() {
        let met = meeting(&[
            ("late", Effect::ResetPeer(ResetAt::Request)),
            ("early", Effect::ResetPeer(ResetAt::Connect)),
        ]);
        assert_eq!(met.ruling, Ruling::ResetAtConnect);
        assert_eq!(met.faults, ["early".into()]);
    }

    #[test]
    fn a_reset_in_the_answer_is_heard_unless_the_answer_is_whole_before() {
        let of = |after| heard(&[("f", Effect::ResetPeer(ResetAt::Bytes(after)))], b"body").result;
        assert_eq!(of(0), Err(FetchError::ConnectionReset));
        assert_eq!(of(60), Err(FetchError::ConnectionReset));
        assert!(of(10_000).is_ok());
    }
}
