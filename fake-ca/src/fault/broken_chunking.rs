//! `broken_chunking`: the body comes in chunks, of which the first is sound and the second has no
//! size.

use super::{Answer, Framing};

/// The name in scenarios.
pub(super) const NAME: &str = "broken_chunking";

/// Chunks the body.
pub(super) fn act(answer: &mut Answer) -> bool {
    answer.shape.framing = Some(Framing::BrokenChunking);
    true
}

#[cfg(test)]
mod tests {
    use revlab_lab::http::FetchError;

    use super::super::Effect;
    use super::super::tests::heard;

    #[test]
    fn whatever_the_body_it_cannot_be_read() {
        for body in [&b""[..], b"x", b"0123456789"] {
            let heard = heard(&[("f", Effect::BrokenChunking)], body);
            assert_eq!(heard.result, Err(FetchError::BadReply));
        }
    }
}
