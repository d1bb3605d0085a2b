//! A store that takes simulated time, and is down for a while.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use regrant::MemoryStore;
use regrant::clock::{Clock as _, ManualClock, Timestamp};
use regrant::store::{Expect, GrantKey, GrantRecord, PurgeExpired, StoreError, StoredGrant, Swap, TokenStore};
use testbed::Random;

/// The deadline of the stores (docs/stores.md).
const DEADLINE: Duration = Duration::from_secs(2);

/// The time in which the store gets slower, before it is down.
const DECLINE: Duration = Duration::from_secs(600);

/// A store that takes simulated time for each call. It is down from `down` to `up`: calls end by the deadline.
#[derive(Clone)]
pub struct SlowStore {
    records: MemoryStore,
    clock: ManualClock,
    random: Arc<Mutex<Random>>,
    down: Timestamp,
    up: Timestamp,
}

impl fmt::Debug for SlowStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlowStore").field("down", &self.down).field("up", &self.up).finish_non_exhaustive()
    }
}

impl SlowStore {
    /// An empty store.
    #[must_use]
    pub fn new(clock: ManualClock, random: Random, down: Timestamp, up: Timestamp) -> Self {
        Self { records: MemoryStore::new(), clock, random: Arc::new(Mutex::new(random)), down, up }
    }

    /// Takes the time of one call.
    fn work(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        if self.down <= now && now < self.up {
            self.clock.advance(DEADLINE);
            return Err(StoreError::unavailable(io::Error::from(io::ErrorKind::TimedOut)));
        }
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        // One call in 200 waits for the disk.
        let usual = if random.below(200) == 0 { 10 + random.below(30) } else { 1 + random.below(4) };
        // Ten minutes before the outage a call takes the usual time; shortly before it, 100 times as long.
        let left = self.down.since(now).filter(|left| *left < DECLINE);
        let factor = left.map_or(1, |left| 1 + 100 * DECLINE.saturating_sub(left).as_secs() / DECLINE.as_secs());
        self.clock.advance(Duration::from_millis(usual * factor).min(DEADLINE));
        Ok(())
    }
}

#[async_trait]
impl TokenStore for SlowStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        self.work()?;
        self.records.load(key).await
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        self.work()?;
        self.records.compare_and_swap(key, expect, record).await
    }
}

#[async_trait]
impl PurgeExpired for SlowStore {
    async fn purge_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.work()?;
        self.records.purge_expired(now, limit).await
    }
}
