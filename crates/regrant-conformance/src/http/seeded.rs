use std::sync::atomic::{AtomicU64, Ordering};

use regrant::Entropy;

/// A reproducible entropy source for tests (`SplitMix64`): all servers of one case issue the same tokens.
pub(super) struct Seeded(AtomicU64);

impl Seeded {
    pub(super) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let drawn = mixed(self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst)).to_be_bytes();
            chunk.copy_from_slice(&drawn[..chunk.len()]);
        }
    }
}

const fn mixed(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}
