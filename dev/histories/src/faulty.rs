//! A store in memory that fails, and the ways to break it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use regrant::MemoryStore;
use regrant::clock::Timestamp;
use regrant::store::{Expect, GrantKey, GrantRecord, PurgeExpired, StoreError, StoredGrant, Swap, TokenStore, Version};
use testbed::Random;
use tokio::task::yield_now;

/// An error of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests list them")]
pub enum Flaw {
    /// None: the store fails before or after its work, or does it later, and reports that.
    None,
    /// A read returns the record before the last write.
    StaleRead,
    /// An acknowledged write is not stored.
    LostWrite,
    /// A write wins whatever its version is.
    TwoWinners,
    /// A revocation is acknowledged and undone by the next write.
    RevocationUndone,
    /// A failed read is reported as an absent record.
    AbsentOnError,
    /// A failed write is reported as stored.
    StoredOnError,
    /// A purge deletes a live record.
    EarlyPurge,
}

/// A store whose every call lets others run, and fails now and then.
#[derive(Clone, Debug)]
pub struct Faulty {
    memory: MemoryStore,
    flaw: Flaw,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    random: Random,
    before: HashMap<GrantKey, StoredGrant>,
    late: Vec<(GrantKey, Expect, GrantRecord)>,
    faults: usize,
}

impl Faulty {
    /// An empty store.
    #[must_use]
    pub fn new(flaw: Flaw, random: Random) -> Self {
        let state = State { random, before: HashMap::new(), late: Vec::new(), faults: 0 };
        Self { memory: MemoryStore::new(), flaw, state: Arc::new(Mutex::new(state)) }
    }

    /// Number of faults.
    #[must_use]
    pub fn faults(&self) -> usize {
        self.state().faults
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn strikes(&self, one_in: u64) -> bool {
        let mut state = self.state();
        let strikes = state.random.below(one_in) == 0;
        state.faults += usize::from(strikes);
        strikes
    }

    /// Stores a write that was reported as failed.
    async fn deliver(&self) {
        let late = self.state().late.pop();
        if let Some((key, expect, record)) = late {
            drop(self.memory.compare_and_swap(&key, expect, record).await);
        }
    }

    async fn swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        let current = self.memory.load(key).await?;
        let is_revocation = current.as_ref().is_some_and(|current| is_shorter(&record, &current.record));
        let expect = match (self.flaw, &current) {
            (Flaw::LostWrite, Some(_)) if self.strikes(16) => return Ok(Swap::Stored),
            (Flaw::RevocationUndone, Some(_)) if is_revocation => return Ok(Swap::Stored),
            (Flaw::TwoWinners, Some(current)) => Expect::Version(current.version),
            _ => expect,
        };
        if let Some(current) = current {
            self.state().before.insert(key.clone(), current);
        }
        self.memory.compare_and_swap(key, expect, record).await
    }
}

#[async_trait]
impl TokenStore for Faulty {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        yield_now().await;
        if self.strikes(16) {
            return if self.flaw == Flaw::AbsentOnError { Ok(None) } else { Err(failure()) };
        }
        let before = self.state().before.get(key).cloned();
        match before {
            // The version is the current one, or no write would follow.
            Some(StoredGrant { record, .. }) if self.flaw == Flaw::StaleRead && self.strikes(8) => {
                let version = self.memory.load(key).await?.map_or(Version(0), |current| current.version);
                Ok(Some(StoredGrant { version, record }))
            }
            _ => self.memory.load(key).await,
        }
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        yield_now().await;
        self.deliver().await;
        if self.strikes(12) {
            return if self.flaw == Flaw::StoredOnError { Ok(Swap::Stored) } else { Err(failure()) };
        }
        if self.strikes(12) {
            self.state().late.push((key.clone(), expect, record));
            yield_now().await;
            return Err(failure());
        }
        let swap = self.swap(key, expect, record).await?;
        yield_now().await;
        if self.strikes(12) { Err(failure()) } else { Ok(swap) }
    }
}

#[async_trait]
impl PurgeExpired for Faulty {
    async fn purge_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let now = if self.flaw == Flaw::EarlyPurge { Timestamp::from_millis(i64::MAX) } else { now };
        self.memory.purge_expired(now, limit).await
    }
}

/// A revocation removes the tokens from the record.
fn is_shorter(record: &GrantRecord, than: &GrantRecord) -> bool {
    record.payload.len() + 30 < than.payload.len() && record.payload.len() < 160
}

fn failure() -> StoreError {
    StoreError::unavailable("a fault")
}
