use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use regrant::clock::{Clock, Timestamp};
use regrant::store::{SingleUse, StoreError, Use, UseId};

/// Remembers used ids in the memory of this process, up to a fixed number. For hosts with a single process that do not
/// want a store write for each DPoP proof.
///
/// **Cost of the bound.** A new mark replaces an expired one. When all marks are live, the next proof is refused with
/// [`ReplayCacheFull`], and the client is asked to try again. Dropping a live mark instead would let an attacker with
/// `capacity` proofs of their own reuse a stolen one.
///
/// Choose the capacity from the highest request rate and the time for which a proof is remembered (90 seconds, unless
/// nonces are on): 1000 requests a second need 90 000 marks of about 200 bytes each.
///
/// A restart forgets all marks, and two processes do not share them. With several processes, use the store. Use it also
/// for client assertions and JWT bearer assertions, which stay valid longer than proofs.
///
/// ```
/// use std::sync::Arc;
///
/// use regrant::clock::SystemClock;
/// use regrant_jose::dpop::ReplayCache;
/// use regrant_jose::DpopVerifier;
///
/// let verifier = DpopVerifier::new(Arc::new(ReplayCache::new(100_000, Arc::new(SystemClock))));
/// ```
pub struct ReplayCache {
    capacity: usize,
    clock: Arc<dyn Clock>,
    marks: Mutex<Marks>,
}

#[derive(Default)]
struct Marks {
    used: HashSet<UseId>,
    /// The same ids, the first to expire on top.
    ends: BinaryHeap<Reverse<(Timestamp, UseId)>>,
}

impl ReplayCache {
    /// Creates an empty cache for `capacity` marks. A mark is live until it expires by `clock`. Memory grows with use.
    #[must_use]
    pub fn new(capacity: usize, clock: Arc<dyn Clock>) -> Self {
        Self { capacity, clock, marks: Mutex::default() }
    }

    /// The number of marks, including expired ones that have not been replaced yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.marks().ends.len()
    }

    /// Returns true if there are no marks.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        // No code under this lock can panic halfway.
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SingleUse for ReplayCache {
    async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError> {
        let now = self.clock.now();
        let marks = &mut *self.marks();
        if marks.used.contains(id) {
            return Ok(Use::Again);
        }
        if marks.ends.len() >= self.capacity {
            // If the first mark to expire is live, all are.
            let expired = marks.ends.peek().copied().filter(|Reverse((end, _))| *end <= now);
            let Some(Reverse((_, forgotten))) = expired else { return Err(StoreError::unavailable(ReplayCacheFull)) };
            marks.ends.pop();
            marks.used.remove(&forgotten);
        }
        marks.used.insert(*id);
        marks.ends.push(Reverse((expires_at, *id)));
        Ok(Use::First)
    }
}

/// A [`ReplayCache`] is full of live marks. It accepts new ones when the first of them expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the replay cache is full of live marks")]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to add")]
pub struct ReplayCacheFull;

impl fmt::Debug for ReplayCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayCache")
            .field("capacity", &self.capacity)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
