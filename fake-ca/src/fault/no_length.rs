//! `no_length`: nothing tells the length of the body but the end of the connection.
//!
//! That is sound HTTP (RFC 9112 §6.3), with which a body that is cut off looks whole, and a slow
//! close makes a slow answer.

use super::{Answer, Framing};

/// The name in scenarios.
pub(super) const NAME: &str = "no_length";

/// Leaves the length out.
pub(super) fn act(answer: &mut Answer) -> bool {
    answer.shape.framing = Some(Framing::NoLength);
    true
}

#[cfg(test)]
mod tests {
    use revlab_lab::Span;
    use revlab_lab::http::FetchError;

    use super::super::tests::heard;
    use super::super::{Effect, ResetAt};

    const F: (&str, Effect) = ("f", Effect::NoLength);

    #[test]
    fn the_body_is_whole_when_the_connection_is_closed() {
        let heard = heard(&[F, ("slow", Effect::SlowClose(Span::from_secs(2)))], b"crl");
        assert_eq!(heard.result.map(|reply| reply.body.to_vec()), Ok(b"crl".to_vec()));
        assert_eq!(heard.after, Span::from_secs(2));
    }

    #[test]
    fn a_body_that_is_cut_off_looks_whole_unless_a_reset_cuts_it() {
        let head = heard(&[F], b"").result.map(|_| ());
        assert_eq!(head, Ok(()));
        let cut = heard(&[F, ("cut", Effect::LimitData(75))], b"0123456789").result.unwrap();
        assert!(cut.body.len() < 10 && b"0123456789".starts_with(&cut.body), "{cut:?}");
        let reset = Effect::ResetPeer(ResetAt::Bytes(75));
        let reset = heard(&[F, ("reset", reset)], b"0123456789").result;
        assert_eq!(reset, Err(FetchError::ConnectionReset));
    }
}
