use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use regrant::store::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, StoreError, StoredGrant, Swap, TokenStore,
};
use regrant::token::Realm;
use regrant::{GrantId, MemoryStore};

/// A store that records calls and fails on request. By default over a [`MemoryStore`].
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "stores have nothing to show")]
pub struct WatchedStore {
    inner: Arc<dyn Inner>,
    seen: Arc<Mutex<Seen>>,
    is_down: Arc<Mutex<bool>>,
}

/// The traits of the store that the cases need.
trait Inner: TokenStore + GrantIndex {}

impl<S: TokenStore + GrantIndex> Inner for S {}

/// The calls of a store so far.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) calls: usize,
    pub(super) writes: usize,
    /// Each record as it is now, byte for byte.
    pub(super) records: BTreeMap<GrantKey, GrantRecord>,
}

impl WatchedStore {
    /// Watches `store`.
    pub fn over(store: impl TokenStore + GrantIndex + 'static) -> Self {
        Self { inner: Arc::new(store), seen: Arc::default(), is_down: Arc::default() }
    }

    pub(super) fn seen(&self) -> Seen {
        self.lock().clone()
    }

    /// Makes every call fail from now on.
    pub(super) fn break_down(&self) {
        *self.is_down.lock().unwrap() = true;
    }

    pub(super) fn repair(&self) {
        *self.is_down.lock().unwrap() = false;
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn called(&self) -> Result<(), StoreError> {
        self.lock().calls += 1;
        if *self.is_down.lock().unwrap() { Err(StoreError::unavailable("connection refused")) } else { Ok(()) }
    }
}

impl Default for WatchedStore {
    fn default() -> Self {
        Self::over(MemoryStore::default())
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
            let mut seen = self.lock();
            seen.writes += 1;
            seen.records.insert(key.clone(), record);
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
