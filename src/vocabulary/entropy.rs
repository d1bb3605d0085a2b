//! Randomness as an argument.

use rand::Rng;

use super::forward_to_arc;

/// A source of randomness, for secrets, salts and grant ids.
///
/// # Contract
/// Every byte is unpredictable (a cryptographically secure generator, seeded by the operating system). With a
/// predictable source an attacker who also holds the key ring can compute first tokens. With a repeating source grant
/// ids collide, and requests fail as contended.
pub trait Entropy: Send + Sync {
    /// Overwrites all of `bytes` with random bytes.
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

/// Draws `N` bytes.
pub(crate) fn draw<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}
