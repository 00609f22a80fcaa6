//! Named streams of seeded randomness.
//!
//! Each use of chance draws from a stream of its own, named for what it decides. Adding a use does
//! not shift the numbers of the others, and the same seed and name give the same numbers for ever.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The seed of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream called `name`.
    pub fn stream(self, name: &str) -> Stream {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&self.0.to_le_bytes());
        // FNV-1a over the name, once for each of three words: a stable spread, not a secret.
        for (i, word) in key[8..].chunks_exact_mut(8).enumerate() {
            let mut hash =
                0xcbf2_9ce4_8422_2325u64 ^ (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            for byte in name.bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
            word.copy_from_slice(&hash.to_le_bytes());
        }
        Stream(ChaCha20Rng::from_seed(key))
    }
}

/// One stream of random numbers.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha20Rng);

impl Stream {
    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    /// A number below `bound`; 0 when `bound` is 0. Its bias is below 2⁻³² for bounds below 2³².
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            0
        } else {
            ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_stable_and_apart() {
        let draw = |seed, name: &str| Seed(seed).stream(name).below(1_000_000);
        assert_eq!(draw(1, "keys/issuing"), draw(1, "keys/issuing"));
        assert_ne!(draw(1, "keys/issuing"), draw(2, "keys/issuing"));
        assert_ne!(draw(1, "keys/issuing"), draw(1, "keys/root"));
    }
}
