//! `wrong_length`: `Content-Length` says more or less than there is.
//!
//! With more the client waits for bytes until the connection ends, and has no whole answer; with
//! less it takes the beginning for the whole.

use super::{Answer, Framing};

/// The name in scenarios.
pub(super) const NAME: &str = "wrong_length";

/// Makes the length wrong, if it does.
pub(super) fn act(answer: &mut Answer, by: i64) -> bool {
    answer.shape.framing = (by != 0).then_some(Framing::WrongLength(by));
    by != 0
}

#[cfg(test)]
mod tests {
    use revlab_lab::Span;
    use revlab_lab::http::FetchError;

    use super::super::Effect;
    use super::super::tests::heard;

    #[test]
    fn a_length_too_long_is_known_at_the_end_of_the_connection() {
        let slow = ("slow", Effect::SlowClose(Span::from_secs(3)));
        let heard = heard(&[("f", Effect::WrongLength(1)), slow], b"0123456789");
        assert_eq!((heard.result, heard.after), (Err(FetchError::BadReply), Span::from_secs(3)));
    }

    #[test]
    fn a_length_too_short_cuts_the_body_off() {
        for (by, left) in [(-4, &b"012345"[..]), (-10, b""), (-11, b"")] {
            let heard = heard(&[("f", Effect::WrongLength(by))], b"0123456789");
            assert_eq!(heard.result.map(|reply| reply.body.to_vec()), Ok(left.to_vec()));
        }
    }
}
