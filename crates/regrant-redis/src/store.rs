use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use regrant::GrantId;
use regrant::clock::Timestamp;
use regrant::store::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, OpenUrl, PurgeExpired, SharedStore, SingleUse, StoreError,
    StoredGrant, Swap, TokenStore, Use, UseId,
};
use regrant::token::Realm;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::durability::Durability;
use crate::grants::Failure;
use crate::keys::Keys;
use crate::server::{Server, Wait};

/// Store for grants and single-use marks in a Redis or Valkey server, in the primary that sentinels name, or in a Redis
/// Cluster. Clones share connections.
///
/// ```no_run
/// # async fn open() -> Result<(), regrant_redis::OpenError> {
/// use regrant_redis::RedisStore;
///
/// let single = RedisStore::open("rediss://app:secret@redis.example:6379").await?;
/// let watched = RedisStore::open("redis-sentinel://app:secret@s1.example,s2.example,s3.example/main").await?;
/// let cluster = RedisStore::open("redis-cluster://app:secret@a.example:6379,b.example:6379").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RedisStore(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) server: Server,
    pub(crate) keys: Keys,
    pub(crate) durability: Durability,
    pub(crate) deadline: Duration,
}

impl RedisStore {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }
}

impl Inner {
    /// Replicas that a write waits for.
    pub(crate) const fn wait(&self) -> Option<Wait> {
        match self.durability {
            Durability::Acknowledged => None,
            Durability::Replicated { replicas, timeout } => Some(Wait { replicas, timeout }),
        }
    }
}

#[async_trait]
impl OpenUrl for RedisStore {
    const SCHEMES: &'static [&'static str] =
        &["redis", "rediss", "redis-sentinel", "rediss-sentinel", "redis-cluster", "rediss-cluster"];

    /// Opens the store, as [`open`](RedisStore::open) does.
    async fn open_url(url: &str) -> Result<SharedStore, Box<dyn Error + Send + Sync>> {
        Ok(Arc::new(Self::open(url).await?))
    }
}

#[async_trait]
impl TokenStore for RedisStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        in_time(timeout(self.0.deadline, self.0.load(key)).await)
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        in_time(timeout(self.0.deadline, self.0.swap(key, expect, &record)).await)
    }
}

#[async_trait]
impl GrantIndex for RedisStore {
    async fn page(
        &self,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        in_time(timeout(self.0.deadline, self.0.page(realm, owner, after, limit)).await)
    }
}

#[async_trait]
impl PurgeExpired for RedisStore {
    /// Always returns 0: the server deletes the keys of grants and marks itself, a minute after they expire.
    async fn purge_expired(&self, _now: Timestamp, _limit: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
}

#[async_trait]
impl SingleUse for RedisStore {
    async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError> {
        in_time(timeout(self.0.deadline, self.0.use_once(id, expires_at)).await)
    }
}

/// Applies the deadline to a whole call, with all its attempts and its wait for a connection.
fn in_time<T>(outcome: Result<Result<T, StoreError>, Elapsed>) -> Result<T, StoreError> {
    outcome.unwrap_or_else(|_| Err(StoreError::unavailable(Failure::Deadline)))
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisStore")
            .field("keys", &self.keys)
            .field("durability", &self.durability)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
