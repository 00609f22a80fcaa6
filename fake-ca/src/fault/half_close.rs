//! `half_close`: the server ends its side of the connection and keeps it open.
//!
//! A client that waits for the answer sees the end of it. On the wire it differs from a close: what
//! the client still sends is taken, and no RST follows.

use super::{Answer, Cut, End};

/// The name in scenarios.
pub(super) const NAME: &str = "half_close";

/// Ends the answer.
pub(super) fn act(answer: &mut Answer, after: u64) -> bool {
    answer.shape.cut = Some(Cut { after, end: End::HalfClose });
    true
}

#[cfg(test)]
mod tests {
    use revlab_lab::http::FetchError;

    use super::super::Effect;
    use super::super::tests::heard;

    #[test]
    fn a_connection_whose_other_side_has_ended_brings_no_answer() {
        let heard = heard(&[("f", Effect::HalfClose(0))], b"crl");
        assert_eq!(heard.result, Err(FetchError::BadReply));
    }
}
