//! SHA-256 (FIPS 180-4) of an input that fits into the last block.
//!
//! The hasher of the crate `sha2` takes any input. For one block, half of its time goes into a buffer, which is zeroed
//! byte by byte. This module calls the same compression function.

use sha2::block_api::compress256;
use zeroize::Zeroize as _;

use crate::vocabulary::SecretBytes;

/// The most bytes that fit into the last block, beside their padding (section 5.1.1).
const MAX: usize = 64 - 1 - size_of::<u64>();

/// A hash after some blocks. Zeroed when dropped: after a key it is as secret as the key.
#[derive(Clone)]
pub(super) struct Sha256 {
    state: [u32; 8],
    bytes: u64,
}

impl Sha256 {
    /// Nothing hashed (section 5.3.3).
    pub(super) const fn new() -> Self {
        let state =
            [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
        Self { state, bytes: 0 }
    }

    /// One block hashed: the key, and as many zeros.
    pub(super) fn keyed(key: &[u8; 32]) -> Self {
        let mut block = SecretBytes::<64>::zero();
        block[..32].copy_from_slice(key);
        let mut hash = Self::new();
        compress256(&mut hash.state, std::slice::from_ref(&block));
        hash.bytes = 64;
        hash
    }

    /// Returns the digest of what was hashed and `end`.
    pub(super) fn digest<const N: usize>(&self, end: &[u8; N]) -> SecretBytes<32> {
        const { assert!(N <= MAX, "the input must fit into one block with its padding") };
        let mut block = SecretBytes::<64>::zero();
        block[..N].copy_from_slice(end);
        block[N] = 0x80;
        block[56..].copy_from_slice(&((self.bytes + N as u64) * 8).to_be_bytes());
        let mut hash = self.clone();
        compress256(&mut hash.state, std::slice::from_ref(&block));
        let mut digest = SecretBytes::zero();
        for (to, word) in digest.chunks_exact_mut(4).zip(hash.state) {
            to.copy_from_slice(&word.to_be_bytes());
        }
        digest
    }
}

impl Drop for Sha256 {
    fn drop(&mut self) {
        self.state.as_mut_slice().zeroize();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::cast_possible_truncation, reason = "positions in a block")]

    use sha2::Digest as _;

    use super::*;

    /// Asserts that inputs of `N` bytes have the digests of the crate `sha2`, from the start and after a key.
    fn assert_digests<const N: usize>() {
        let (key, end) = (std::array::from_fn(|at| at as u8), std::array::from_fn(|at| !at as u8));
        let expected = sha2::Sha256::digest(end);
        assert_eq!(Sha256::new().digest::<N>(&end)[..], expected[..], "{N} bytes");
        let expected = sha2::Sha256::new().chain_update(key).chain_update([0; 32]).chain_update(end).finalize();
        assert_eq!(Sha256::keyed(&key).digest::<N>(&end)[..], expected[..], "{N} bytes after a key");
    }

    #[test]
    fn digests_are_those_of_the_crate_sha2() {
        assert_digests::<0>();
        assert_digests::<1>();
        assert_digests::<31>();
        assert_digests::<32>();
        assert_digests::<53>();
        assert_digests::<MAX>();
    }
}
