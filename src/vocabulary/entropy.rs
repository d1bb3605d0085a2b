//! Randomness as an argument. A test can repeat a race with the same bytes; a host can use its own generator.

use rand::Rng;

use super::forward_to_arc;

/// A source of randomness, for secrets, salts and grant ids.
///
/// # Contract
/// Every byte is unpredictable (a cryptographically secure generator, seeded by the operating system). With a
/// predictable source an attacker who also holds the key ring can compute first tokens. With a repeating source grant
/// ids collide, and requests fail as contended.
///
/// Successors of refresh tokens are derived, not drawn. Only the salt of a rotation is random.
///
/// ```
/// use regrant::{Entropy, KeyRing};
///
/// /// Repeats one byte: for tests only.
/// struct Constant(u8);
///
/// impl Entropy for Constant {
///     fn fill(&self, bytes: &mut [u8]) {
///         bytes.fill(self.0);
///     }
/// }
/// let same_ring_in_every_run = KeyRing::generate(&Constant(7));
/// ```
pub trait Entropy: Send + Sync {
    /// Overwrites all of `bytes` with random bytes. The method cannot fail: a generator that has no entropy blocks or
    /// panics, because a token of weak randomness is worse than no token.
    fn fill(&self, bytes: &mut [u8]);
}

forward_to_arc! {
    Entropy {
        fn fill(&self, bytes: &mut [u8]);
    }
}

/// The thread-local generator of the `rand` crate: ChaCha, seeded and reseeded by the operating system. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "the one place where the library draws randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// Draws `N` bytes. The type of the result fixes the number, so no caller can draw too few.
pub(crate) fn draw<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}
