//! `timeout`: the connection is accepted and never answered.
//!
//! The client waits until its own time is up. In `sim` no answer is scheduled; in `live` the
//! connection stays open without a byte until the client closes it, while lab time goes on. Where a
//! time is given, as toxiproxy has it, the connection is closed after it.

use revlab_lab::Span;

use super::{Answer, Cut, End, Ruling};

/// The name in scenarios.
pub(super) const NAME: &str = "timeout";

/// What comes of the request where no time is given.
pub(super) const RULING: Ruling = Ruling::Silent;

/// Closes the connection after this time, without a byte.
pub(super) fn act(answer: &mut Answer, after: Option<Span>) -> bool {
    let Some(after) = after else { return false };
    answer.shape.cut = Some(Cut { after: 0, end: End::Close });
    answer.delay = answer.delay + after;
    true
}

#[cfg(test)]
mod tests {
    use revlab_lab::http::FetchError;

    use super::super::Effect;
    use super::super::tests::{answer, heard, meeting};
    use super::*;

    #[test]
    fn silence_is_no_slow_answer() {
        let slow = Effect::Latency { latency: Span::from_secs(1), jitter: Span::ZERO };
        let met = meeting(&[("slow", slow), ("silent", Effect::Timeout(None))]);
        assert_eq!(met.ruling, Ruling::Silent);
        assert_eq!(met.faults, ["silent".into()]);
    }

    #[test]
    fn after_its_time_the_connection_is_closed_without_an_answer() {
        let timeout = [("f", Effect::Timeout(Some(Span::from_secs(5))))];
        assert_eq!(answer(&timeout).delay, Span::from_secs(5));
        assert_eq!(heard(&timeout, b"body").result, Err(FetchError::BadReply));
    }
}
