//! `bandwidth`: the answer comes at so many bytes a second.
//!
//! Of several the lowest rate counts. The bytes come in pieces of a tenth of a second, and in no more
//! than some thousand pieces.

use revlab_lab::Span;

use super::{Answer, Pause};

/// The name in scenarios.
pub(super) const NAME: &str = "bandwidth";

/// The most pieces of one answer, about.
const PIECES: usize = 4096;

/// Limits the rate.
pub(super) fn act(answer: &mut Answer, rate: u64) -> bool {
    answer.shape.bandwidth = Some(rate.max(1));
    true
}

/// The pauses in so many bytes: each piece comes when its last byte is through.
pub(super) fn pauses(rate: u64, bytes: usize, pauses: &mut Vec<Pause>) {
    let piece = usize::try_from(rate / 10).unwrap_or(usize::MAX).max(bytes / PIECES).max(1);
    let through = |bytes: usize| {
        let millis = bytes as u128 * 1000 / u128::from(rate.max(1));
        i64::try_from(millis).unwrap_or(i64::MAX)
    };
    for at in (0..bytes).step_by(piece) {
        let end = at.saturating_add(piece).min(bytes);
        let wait = Span::from_millis(through(end) - through(at));
        pauses.push(Pause { at, wait });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Effect;
    use super::super::tests::{answer, heard, meeting};
    use super::*;

    #[test]
    fn the_lowest_rate_counts() {
        let faults = [("fast", Effect::Bandwidth(5000)), ("slow", Effect::Bandwidth(100))];
        assert_eq!(answer(&faults).shape.bandwidth, Some(100));
        assert_eq!(meeting(&faults).faults, ["slow".into()]);
        let after = heard(&faults, &[0; 1000]).after;
        assert!(after > Span::from_secs(10) && after < Span::from_secs(12), "{after:?}");
    }

    proptest! {
        #[test]
        fn all_bytes_together_take_what_the_rate_says(
            rate in 1u64..1_000_000, bytes in 0usize..1_000_000
        ) {
            let mut made = Vec::new();
            pauses(rate, bytes, &mut made);
            prop_assert!(made.len() <= 2 * PIECES);
            let sum: i64 = made.iter().map(|pause| pause.wait.as_millis()).sum();
            prop_assert_eq!(sum as u64, bytes as u64 * 1000 / rate);
        }
    }
}
