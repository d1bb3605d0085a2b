//! Randomness as an argument.

use std::sync::Arc;

use rand::Rng;

/// Where secrets, salts and grant ids are drawn.
///
/// # Contract
/// Every byte is unpredictable to anyone outside (a cryptographically secure generator, seeded by the operating system).
/// A predictable source lets an attacker who also holds the key ring compute first tokens; a repeating one makes grant
/// ids collide, which is refused as contention.
pub trait Entropy: Send + Sync {
    /// Overwrites all of `bytes` with random ones.
    fn fill(&self, bytes: &mut [u8]);
}

impl<T: Entropy + ?Sized> Entropy for Arc<T> {
    fn fill(&self, bytes: &mut [u8]) {
        (**self).fill(bytes);
    }
}

/// The thread-local generator of the `rand` crate: ChaCha, seeded and reseeded by the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "the one place where the library draws randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// Draws `N` bytes.
pub(crate) fn draw<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}
