//! A store that keeps grants and does nothing else is judged as such.

use async_trait::async_trait;
use regrant::MemoryStore;
use regrant::store::{Expect, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, TokenStore};
use regrant_conformance::{Fixture, StoreHarness};

struct Smallest(MemoryStore);

#[async_trait]
impl TokenStore for Smallest {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        self.0.load(key).await
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        self.0.compare_and_swap(key, expect, record).await
    }
}

struct Harness;

#[async_trait]
impl StoreHarness for Harness {
    type Store = Smallest;

    async fn fresh(&self) -> Fixture<Smallest> {
        Fixture::new(Smallest(MemoryStore::new()))
    }
}

regrant_conformance::store_tests!(Harness, without: {
    second_handle: "there is one process",
    grant_index: "nobody lists",
    purge_expired: "it forgets at a restart",
    single_use: "no client sends an assertion",
    outage: "nothing lies between a store in memory and its data",
    lost_reply: "nothing lies between a store in memory and its data",
});
