//! A store that can be taken down and rolled back, for `--manual-clock` alone.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use regrant::GrantId;
use regrant::clock::Timestamp;
use regrant::store::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, PurgeExpired, SharedStore, SingleUse, StoreError,
    StoredGrant, Swap, TokenStore, Use, UseId,
};
use regrant::token::Realm;

/// The records that are kept of a grant, and the grants.
const RECORDS: usize = 16;
const GRANTS: usize = 1000;

/// The chosen store, with a switch and a memory. Clones share both.
#[derive(Clone)]
pub(crate) struct LiveStore(Arc<Inner>);

struct Inner {
    store: SharedStore,
    is_down: AtomicBool,
    /// The records that were written, oldest first.
    written: Mutex<HashMap<GrantKey, VecDeque<GrantRecord>>>,
}

impl LiveStore {
    pub(crate) fn new(store: SharedStore) -> Self {
        Self(Arc::new(Inner { store, is_down: AtomicBool::new(false), written: Mutex::default() }))
    }

    /// Lets every call fail from now on, or none.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.0.is_down.store(is_down, Ordering::Relaxed);
    }

    /// Puts the record of a grant back to that before its last write, as a failover that loses the write does. Returns
    /// false when no earlier record is known.
    pub(crate) async fn roll_back(&self, id: GrantId) -> Result<bool, StoreError> {
        let key = GrantKey { realm: Realm::default(), id };
        let Some(stored) = self.0.store.load(&key).await? else { return Ok(false) };
        let Some(earlier) = self.before_last(&key) else { return Ok(false) };
        Ok(self.0.store.compare_and_swap(&key, Expect::Version(stored.version), earlier).await? == Swap::Stored)
    }

    fn before_last(&self, key: &GrantKey) -> Option<GrantRecord> {
        let mut written = self.0.written.lock().unwrap_or_else(PoisonError::into_inner);
        let records = written.get_mut(key).filter(|records| records.len() > 1)?;
        records.pop_back();
        records.back().cloned()
    }

    fn remember(&self, key: &GrantKey, record: GrantRecord) {
        let mut written = self.0.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.len() >= GRANTS && !written.contains_key(key) {
            written.clear();
        }
        let records = written.entry(key.clone()).or_default();
        records.push_back(record);
        if records.len() > RECORDS {
            records.pop_front();
        }
    }

    fn up(&self) -> Result<&SharedStore, StoreError> {
        if self.0.is_down.load(Ordering::Relaxed) {
            return Err(StoreError::unavailable("the store was taken down by hand"));
        }
        Ok(&self.0.store)
    }
}

#[async_trait]
impl TokenStore for LiveStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        self.up()?.load(key).await
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        let swap = self.up()?.compare_and_swap(key, expect, record.clone()).await?;
        if swap == Swap::Stored {
            self.remember(key, record);
        }
        Ok(swap)
    }
}

#[async_trait]
impl GrantIndex for LiveStore {
    async fn page(
        &self,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        self.up()?.page(realm, owner, after, limit).await
    }
}

#[async_trait]
impl PurgeExpired for LiveStore {
    async fn purge_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.up()?.purge_expired(now, limit).await
    }
}

#[async_trait]
impl SingleUse for LiveStore {
    async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError> {
        self.up()?.use_once(id, expires_at).await
    }
}
