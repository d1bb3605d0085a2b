//! A store that routes by grant id to several stores.
//!
//! A grant is one record, and no call of the service changes two records in one transaction. So grants can be on
//! different databases without a coordinator.

use async_trait::async_trait;
use futures_util::future::try_join_all;
use regrant::GrantId;
use regrant::clock::Timestamp;
use regrant::store::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, PurgeExpired, SingleUse, StoreError, StoredGrant, Swap,
    TokenStore, Use, UseId,
};
use regrant::token::Realm;

/// Several stores that together are one store. Ids are uniformly distributed, so each shard owns an equal range of
/// them, in the order of the ids.
///
/// All nodes must have the same shards in the same order. Nothing checks that: a node with another list finds no
/// grants, and answers `invalid_grant`.
#[derive(Clone, Debug)]
pub struct Sharded<S>(Vec<S>);

impl<S> Sharded<S> {
    /// A store over `shards`; `None` without a shard.
    #[must_use]
    pub fn new(shards: Vec<S>) -> Option<Self> {
        (!shards.is_empty()).then_some(Self(shards))
    }

    /// Returns the place of the shard that owns the ids beginning with these bytes.
    fn place(&self, first: [u8; 8]) -> usize {
        let place = (u128::from(u64::from_be_bytes(first)) * self.0.len() as u128) >> 64;
        usize::try_from(place).unwrap_or_default()
    }

    fn place_of(&self, id: &GrantId) -> usize {
        self.place(*id.as_bytes().first_chunk().unwrap_or(&[0; 8]))
    }
}

#[async_trait]
impl<S: TokenStore> TokenStore for Sharded<S> {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        self.0[self.place_of(&key.id)].load(key).await
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        self.0[self.place_of(&key.id)].compare_and_swap(key, expect, record).await
    }
}

#[async_trait]
impl<S: GrantIndex> GrantIndex for Sharded<S> {
    /// Asks all shards that own ids greater than `after` at once. Their pages in the order of the shards are one page
    /// in the order of the ids.
    async fn page(
        &self,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        let first = after.as_ref().map_or(0, |id| self.place_of(id));
        let pages = self.0[first..].iter().map(|shard| shard.page(realm, owner, after, limit));
        Ok(try_join_all(pages).await?.into_iter().flatten().take(limit).collect())
    }
}

#[async_trait]
impl<S: PurgeExpired> PurgeExpired for Sharded<S> {
    /// Purges one shard after the other. A shard that fails does not keep the others from being purged.
    async fn purge_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let (mut purged, mut failure) = (0, None);
        for shard in &self.0 {
            match shard.purge_expired(now, limit - purged).await {
                Ok(count) => purged += count,
                Err(error) => failure = Some(error),
            }
            if purged >= limit {
                break;
            }
        }
        failure.map_or(Ok(purged), Err)
    }
}

#[async_trait]
impl<S: SingleUse> SingleUse for Sharded<S> {
    async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError> {
        let place = self.place(*id.as_bytes().first_chunk().unwrap_or(&[0; 8]));
        self.0[place].use_once(id, expires_at).await
    }
}
