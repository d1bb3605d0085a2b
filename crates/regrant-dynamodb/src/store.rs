use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use regrant::GrantId;
use regrant::clock::Timestamp;
use regrant::store::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, PurgeExpired, SingleUse, StoreError, StoredGrant, Swap,
    TokenStore, Use, UseId,
};
use regrant::token::Realm;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::call::Settings;
use crate::failure::Overdue;

/// Store for grants and single-use marks in one table of Amazon DynamoDB. Clones share the client.
///
/// ```no_run
/// use regrant_dynamodb::aws_sdk_dynamodb::Client;
/// use regrant_dynamodb::{DynamoStore, OpenError};
///
/// async fn store(client: Client) -> Result<DynamoStore, OpenError> {
///     DynamoStore::open(client, "regrant").await
/// }
/// ```
#[derive(Clone, Debug)]
pub struct DynamoStore(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) client: Client,
    pub(crate) table: String,
    pub(crate) settings: Settings,
    pub(crate) deadline: Duration,
}

impl DynamoStore {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }
}

#[async_trait]
impl TokenStore for DynamoStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        in_time(timeout(self.0.deadline, self.0.load(key)).await)
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        in_time(timeout(self.0.deadline, self.0.swap(key, expect, &record)).await)
    }
}

#[async_trait]
impl GrantIndex for DynamoStore {
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
impl PurgeExpired for DynamoStore {
    /// Always returns 0: the table deletes grants, index entries and marks itself, some time after their end.
    async fn purge_expired(&self, _now: Timestamp, _limit: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
}

#[async_trait]
impl SingleUse for DynamoStore {
    async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError> {
        in_time(timeout(self.0.deadline, self.0.use_once(id, expires_at)).await)
    }
}

/// Applies the deadline to a whole call, with all its requests and the wait for credentials.
fn in_time<T>(outcome: Result<Result<T, StoreError>, Elapsed>) -> Result<T, StoreError> {
    outcome.unwrap_or_else(|_| Err(StoreError::unavailable(Overdue)))
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DynamoStore")
            .field("table", &self.table)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
