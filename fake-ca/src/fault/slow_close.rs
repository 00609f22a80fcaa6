//! `slow_close`: the connection is closed later.
//!
//! A client that knows the length of the answer does not notice; one that does not (`no_length`,
//! `wrong_length`, `limit_data`) waits for it. Several add up.

use revlab_lab::Span;

use super::Answer;

/// The name in scenarios.
pub(super) const NAME: &str = "slow_close";

/// Adds to the time before the end; whether there was anything to add.
pub(super) fn act(answer: &mut Answer, delay: Span) -> bool {
    answer.shape.slow_close = answer.shape.slow_close + delay;
    delay > Span::ZERO
}

#[cfg(test)]
mod tests {
    use super::super::Effect;
    use super::super::tests::heard;
    use super::*;

    #[test]
    fn whoever_knows_the_length_does_not_wait_for_the_end() {
        let slow = |secs| ("slow", Effect::SlowClose(Span::from_secs(secs)));
        assert_eq!(heard(&[slow(1)], b"crl").after, Span::ZERO);
        let cut = heard(&[slow(1), ("cut", Effect::LimitData(5)), slow(2)], b"crl");
        assert_eq!(cut.after, Span::from_secs(3));
    }
}
