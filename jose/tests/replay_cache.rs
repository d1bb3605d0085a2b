//! What was used, remembered in memory that is bounded.

use futures_util::FutureExt as _;
use regrant::Timestamp;
use regrant::store::{SingleUse as _, Use, UseId};
use regrant_jose::ReplayCache;

const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn mark(number: u64) -> UseId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    UseId::from_bytes(bytes)
}

#[tokio::test]
async fn a_full_replay_cache_forgets_what_expires_first() {
    let cache = ReplayCache::new(3);
    assert!(cache.is_empty());
    for (number, second) in [(1, 30), (2, 10), (3, 20)] {
        assert_eq!(cache.use_once(&mark(number), at(second)).await.unwrap(), Use::First);
        assert_eq!(cache.use_once(&mark(number), at(second)).await.unwrap(), Use::Again);
    }
    assert_eq!(cache.use_once(&mark(4), at(40)).await.unwrap(), Use::First);
    assert_eq!(cache.len(), 3);
    for number in [1, 3, 4] {
        assert_eq!(cache.use_once(&mark(number), at(50)).await.unwrap(), Use::Again, "{number}");
    }
    assert_eq!(cache.use_once(&mark(2), at(50)).await.unwrap(), Use::First, "the price of the bound");
}

#[test]
fn a_replay_cache_stays_small_under_a_million_proofs() {
    const CAPACITY: usize = 10_000;
    let cache = ReplayCache::new(CAPACITY);
    let use_once = |number: u64| {
        let expires_at = at(i64::try_from(number / 1000).unwrap());
        cache.use_once(&mark(number), expires_at).now_or_never().unwrap().unwrap()
    };
    let memory = allocation_counter::measure(|| {
        for number in 0..1_000_000 {
            assert_eq!(use_once(number), Use::First);
            assert_eq!(use_once(number - number % 1000), Use::Again);
        }
    });
    assert_eq!(cache.len(), CAPACITY);
    assert!(memory.bytes_max < 250 * CAPACITY as u64, "{memory:?}");
}
