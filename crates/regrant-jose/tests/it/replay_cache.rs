//! The replay cache, whose memory is bounded.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use regrant::SystemEntropy;
use regrant::clock::{Clock as _, ManualClock};
use regrant::proof::{DpopProof, ProofError, ProofFault, ProofVerifier as _};
use regrant::store::{SingleUse as _, Use, UseId};
use regrant_jose::dpop::{DpopKey, ReplayCache, ReplayCacheFull};
use regrant_jose::{Algorithm, DpopVerifier};

use crate::support::{TOKEN_ENDPOINT, at, clock, key};

fn mark(number: u64) -> UseId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    UseId::from_bytes(bytes)
}

#[tokio::test]
async fn a_full_replay_cache_refuses_new_proofs_and_keeps_live_ones() {
    let clock = ManualClock::starting_at(at(0));
    let cache = ReplayCache::new(3, Arc::new(clock.clone()));
    assert!(cache.is_empty());
    for (number, second) in [(1, 30), (2, 10), (3, 20)] {
        assert_eq!(cache.use_once(&mark(number), at(second)).await.unwrap(), Use::First);
        assert_eq!(cache.use_once(&mark(number), at(second)).await.unwrap(), Use::Again);
    }
    for second in [0, 9] {
        clock.set(at(second));
        let full = cache.use_once(&mark(4), at(40)).await.unwrap_err();
        assert!(full.is_transient());
        assert!(full.source().unwrap().is::<ReplayCacheFull>());
        for number in [1, 2, 3] {
            assert_eq!(cache.use_once(&mark(number), at(50)).await.unwrap(), Use::Again, "{number}");
        }
    }
    // Only the second one has expired, so it is replaced.
    clock.set(at(10));
    assert_eq!(cache.use_once(&mark(4), at(40)).await.unwrap(), Use::First);
    assert_eq!(cache.len(), 3);
    assert!(cache.use_once(&mark(5), at(40)).await.is_err());
    for number in [1, 3, 4] {
        assert_eq!(cache.use_once(&mark(number), at(50)).await.unwrap(), Use::Again, "{number}");
    }
    assert!(ReplayCache::new(0, Arc::new(clock)).use_once(&mark(1), at(50)).await.is_err());
}

// An attacker who fills the cache with their own proofs cannot reuse an old one.
#[tokio::test]
async fn many_new_proofs_do_not_evict_an_old_one() {
    const CAPACITY: usize = 50;
    let clock = clock();
    let verifier = DpopVerifier::new(Arc::new(ReplayCache::new(CAPACITY, Arc::new(clock.clone()))));
    let proof = async |by: &DpopKey| {
        let jwt = by.proof("POST", TOKEN_ENDPOINT).sign(clock.now(), &SystemEntropy).await.unwrap();
        DpopProof { jwt, method: "POST".to_owned(), url: TOKEN_ENDPOINT.to_owned() }
    };
    let [victim, attacker] = [(); 2].map(|()| DpopKey::new(key(Algorithm::EdDsa)).unwrap());
    let stolen = proof(&victim).await;
    assert!(verifier.verify(&stolen, clock.now()).await.is_ok());
    // Proofs of a clock that is ahead expire later than the stolen one.
    clock.advance(Duration::from_secs(9));
    let mut own = Vec::new();
    for _ in 0..2 * CAPACITY {
        own.push(proof(&attacker).await);
    }
    clock.set(at(crate::support::NOW));
    for (number, proof) in own.iter().enumerate() {
        match verifier.verify(proof, clock.now()).await {
            Ok(_) => assert!(number < CAPACITY - 1),
            Err(ProofError::Unavailable(cause)) => {
                assert!(number >= CAPACITY - 1);
                assert_eq!(cause.source().unwrap().to_string(), "the replay cache is full of live marks");
            }
            Err(other) => panic!("{other}"),
        }
        let replayed = verifier.verify(&stolen, clock.now()).await;
        assert!(matches!(replayed, Err(ProofError::Invalid(ProofFault::Used))), "{number}: {replayed:?}");
    }
    // A proof that the full cache refused was not used up.
    clock.advance(Duration::from_secs(60));
    assert!(verifier.verify(&own[2 * CAPACITY - 1], clock.now()).await.is_err(), "held marks are kept longer");
    clock.advance(Duration::from_secs(30));
    let fresh = proof(&victim).await;
    assert!(verifier.verify(&fresh, clock.now()).await.is_ok(), "there is room again");
    let replayed = verifier.verify(&stolen, clock.now()).await;
    assert!(matches!(replayed, Err(ProofError::Invalid(ProofFault::Expired))), "{replayed:?}");
}

#[test]
fn a_replay_cache_stays_small_under_a_million_proofs() {
    const CAPACITY: usize = 10_000;
    let clock = ManualClock::starting_at(at(0));
    let cache = ReplayCache::new(CAPACITY, Arc::new(clock.clone()));
    let use_once = |number: u64| {
        let second = i64::try_from(number / 1000).unwrap();
        clock.set(at(second));
        cache.use_once(&mark(number), at(second + 10)).now_or_never().unwrap().unwrap()
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
