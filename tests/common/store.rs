use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use regrant::store::{Expect, GrantIndex, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, TokenStore};
use regrant::{GrantId, GrantOwner, MemoryStore, Realm};

/// A [`MemoryStore`] that counts what is asked of it, keeps all that was ever written, and fails when told to.
#[derive(Clone, Default)]
pub(crate) struct WatchedStore {
    inner: MemoryStore,
    log: Arc<Mutex<Log>>,
}

#[derive(Default)]
struct Log {
    calls: usize,
    written: Vec<(GrantKey, GrantRecord)>,
    content: BTreeMap<GrantKey, GrantRecord>,
    is_down: bool,
}

impl WatchedStore {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect("no panic under the lock")
    }

    /// How often it was asked for anything.
    pub(crate) fn calls(&self) -> usize {
        self.log().calls
    }

    /// How many writes it stored.
    pub(crate) fn writes(&self) -> usize {
        self.log().written.len()
    }

    /// All records ever stored.
    pub(crate) fn written(&self) -> Vec<(GrantKey, GrantRecord)> {
        self.log().written.clone()
    }

    /// What it holds now, and how many writes led there: equal snapshots mean that nothing was written in between.
    pub(crate) fn snapshot(&self) -> (usize, BTreeMap<GrantKey, GrantRecord>) {
        let log = self.log();
        (log.written.len(), log.content.clone())
    }

    /// From now on every call fails, or none does.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.log().is_down = is_down;
    }

    fn called(&self) -> Result<(), StoreError> {
        let mut log = self.log();
        log.calls += 1;
        if log.is_down { Err(StoreError::unavailable("connection refused")) } else { Ok(()) }
    }
}

#[async_trait]
impl TokenStore for WatchedStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        self.called()?;
        self.inner.load(key).await
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        self.called()?;
        let swap = self.inner.compare_and_swap(key, expect, record.clone()).await?;
        if swap == Swap::Stored {
            let mut log = self.log();
            log.written.push((key.clone(), record.clone()));
            log.content.insert(key.clone(), record);
        }
        Ok(swap)
    }
}

#[async_trait]
impl GrantIndex for WatchedStore {
    async fn page(
        &self,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        self.called()?;
        self.inner.page(realm, owner, after, limit).await
    }
}
