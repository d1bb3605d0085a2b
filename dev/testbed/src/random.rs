//! Pseudo-random choices that a seed repeats.

use std::hash::{BuildHasher as _, RandomState};

/// A pseudo-random generator (`SplitMix64`): the same seed gives the same numbers.
///
/// ```
/// use testbed::Random;
///
/// let (mut one, mut two) = (Random::new(7), Random::new(7));
/// assert_eq!(one.below(1000), two.below(1000));
/// ```
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator with this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator with the seed in the environment variable `REGRANT_SEED`, or with a new one. Prints the seed, so
    /// that a failed run can be repeated as far as it depends on these choices.
    #[must_use]
    #[expect(clippy::print_stdout, reason = "a test shows it when it fails")]
    pub fn seeded() -> Self {
        let given = std::env::var("REGRANT_SEED").ok().map(|seed| seed.parse().expect("REGRANT_SEED is a number"));
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(()));
        println!("REGRANT_SEED={seed}");
        Self(seed)
    }

    /// A number less than `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// One of `choices`, which is not empty.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.index(choices.len())]
    }

    /// Another generator with its own seed.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("is less than a length")
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
