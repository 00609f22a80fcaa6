//! `slicer`: the answer comes in small slices, with a pause before each but the first.
//!
//! An answer is cut into no more than some ten thousand slices; what is left comes in one.

use revlab_lab::{Seed, Span};

use super::{Acting, Answer, Pause};

/// The name in scenarios.
pub(super) const NAME: &str = "slicer";

/// The most slices of one answer.
const MOST: usize = 1 << 16;

/// The slices of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slices {
    /// Bytes in each, on average; at least 1.
    pub average_size: u64,
    /// Give or take so many, by the seed.
    pub size_variation: u64,
    /// The pause before each but the first.
    pub delay: Span,
    /// By what the sizes are drawn; set for each request.
    pub draw: u64,
}

/// Slices the answer.
pub(super) fn act(answer: &mut Answer, slices: Slices, acting: &Acting<'_>) -> bool {
    let draw = match slices.size_variation {
        0 => 0,
        _ => acting.draw(NAME, u64::MAX),
    };
    answer.shape.slices = Some(Slices { draw, ..slices });
    true
}

/// The pauses in so many bytes.
pub(super) fn pauses(slices: Slices, bytes: usize, pauses: &mut Vec<Pause>) {
    let mut sizes = Seed(slices.draw).stream(NAME);
    let (average, variation) = (slices.average_size, slices.size_variation);
    let mut at = 0usize;
    for _ in 1..MOST {
        let spread = sizes.below(variation.saturating_mul(2).saturating_add(1));
        let size = average.saturating_add(spread).saturating_sub(variation).max(1);
        at = at.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
        if at >= bytes {
            return;
        }
        pauses.push(Pause { at, wait: slices.delay });
    }
}

#[cfg(test)]
mod tests {
    use super::super::Effect;
    use super::super::tests::heard;
    use super::*;

    fn slices(average_size: u64, size_variation: u64) -> Slices {
        Slices { average_size, size_variation, delay: Span::from_millis(10), draw: 1 }
    }

    fn places(slices: Slices, bytes: usize) -> Vec<usize> {
        let mut made = Vec::new();
        pauses(slices, bytes, &mut made);
        made.iter().map(|pause| pause.at).collect()
    }

    #[test]
    fn there_is_a_pause_between_slices_and_none_at_the_ends() {
        assert_eq!(places(slices(4, 0), 12), [4, 8]);
        assert_eq!(places(slices(4, 0), 13), [4, 8, 12]);
        assert_eq!(places(slices(0, 0), 3), [1, 2]);
        assert!(places(slices(4, 0), 4).is_empty());
    }

    #[test]
    fn sizes_vary_about_their_average() {
        let places = places(slices(10, 5), 100_000);
        let sizes: Vec<_> = places.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(sizes.iter().all(|size| (5..=15).contains(size)));
        assert!(sizes.contains(&5) && sizes.contains(&15));
        let mean = sizes.iter().sum::<usize>() as f64 / sizes.len() as f64;
        assert!((9.5..10.5).contains(&mean), "{mean}");
    }

    #[test]
    fn the_answer_takes_as_long_as_its_pauses() {
        let heard = heard(&[("f", Effect::Slicer(slices(1_000_000, 0)))], b"crl");
        assert_eq!(heard.after, Span::ZERO);
        let heard = super::super::tests::heard(&[("f", Effect::Slicer(slices(50, 0)))], b"crl");
        assert_eq!(heard.after, Span::from_millis(10));
    }

    #[test]
    fn a_large_answer_is_cut_into_bounded_slices() {
        assert_eq!(places(slices(1, 0), 10_000_000).len(), MOST - 1);
    }
}
