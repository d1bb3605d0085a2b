use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use regrant::clock::{Clock, Timestamp};
use regrant::store::{SingleUse, StoreError, Use, UseId};

/// Remembers what was used, in the memory of this process, and never more than a given number of things: for hosts of one
/// process that do not want their store written with each DPoP proof.
///
/// **What the bound costs.** A mark whose time is over gives way to a new one. When all that are held are live, the
/// next proof is refused with [`ReplayCacheFull`], and its client told to try again: to forget a live mark would let
/// whoever has `capacity` proofs of their own accepted use a stolen one once more. Choose the capacity from the highest
/// rate of requests and the time a proof is remembered, 90 seconds unless nonces are on: 1000 requests a second need
/// 90 000 marks, of about 200 bytes each. A restart forgets everything, and two processes do not know of each other:
/// for several, and for client assertions and JWT bearer assertions, which stay fresh for longer, use the store.
///
/// ```
/// use std::sync::Arc;
///
/// use regrant::clock::SystemClock;
/// use regrant_jose::{DpopVerifier, ReplayCache};
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
    /// The same, the one that expires first on top.
    ends: BinaryHeap<Reverse<(Timestamp, UseId)>>,
}

impl ReplayCache {
    /// An empty cache for `capacity` marks, which are live until their end by `clock`. It grows as it is used.
    #[must_use]
    pub fn new(capacity: usize, clock: Arc<dyn Clock>) -> Self {
        Self { capacity, clock, marks: Mutex::default() }
    }

    /// How many marks it holds, those that have expired included: they give way when it is full.
    #[must_use]
    pub fn len(&self) -> usize {
        self.marks().ends.len()
    }

    /// Whether it holds no mark.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        // Nothing under this lock can panic half way.
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
            // The one that expires first: where it is live, all are.
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

/// A [`ReplayCache`] holds as many live marks as it may. It takes new ones again when the first of them expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the replay cache is full of marks that are live")]
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
