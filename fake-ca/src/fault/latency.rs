//! `latency`: the answer comes later by a span of lab time, give or take a jitter.
//!
//! On both transports the answer, made when the request arrived, is held back as a lab-time event;
//! no wall time passes. Several latencies add up. The jitter is drawn for each request, evenly in
//! milliseconds, and makes no answer come before its time.

use revlab_lab::Span;

use super::{Acting, Answer};

/// The name in scenarios.
pub(super) const NAME: &str = "latency";

/// Adds to the delay of the answer; whether there was anything to add.
pub(super) fn act(answer: &mut Answer, latency: Span, jitter: Span, acting: &Acting<'_>) -> bool {
    let jitter = u64::try_from(jitter.as_millis()).unwrap_or(0);
    let drawn = match jitter {
        0 => 0,
        _ => acting.draw(NAME, jitter.saturating_mul(2).saturating_add(1)).cast_signed(),
    };
    let by = latency + Span::from_millis(drawn.saturating_sub(jitter.cast_signed()));
    answer.delay = answer.delay + Ord::max(by, Span::ZERO);
    by > Span::ZERO
}

#[cfg(test)]
mod tests {
    use revlab_lab::Seed;

    use super::super::Effect;
    use super::super::tests::{answer, fault, meeting};
    use super::*;

    fn late(secs: i64) -> Effect {
        Effect::Latency { latency: Span::from_secs(secs), jitter: Span::ZERO }
    }

    #[test]
    fn latencies_add_up() {
        let faults = [("a", late(2)), ("none", late(0)), ("b", late(3))];
        assert_eq!(answer(&faults).delay, Span::from_secs(5));
        assert_eq!(meeting(&faults).faults, ["a".into(), "b".into()]);
    }

    #[test]
    fn jitter_differs_from_request_to_request_within_its_bounds() {
        let fault = fault("f", late(1));
        let delay = |count| {
            let (mut answer, seed) = (Answer::default(), Seed(1));
            let acting = Acting { fault: &fault, count, seed };
            act(&mut answer, Span::from_millis(100), Span::from_millis(150), &acting);
            answer.delay.as_millis()
        };
        let delays: Vec<_> = (1..200).map(delay).collect();
        assert!(delays.iter().all(|ms| (0..=250).contains(ms)), "{delays:?}");
        assert!(delays.contains(&0) && delays.iter().any(|ms| *ms > 200));
        assert_eq!(delay(7), delay(7));
    }
}
