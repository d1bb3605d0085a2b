//! The store in memory is judged like any other.

use async_trait::async_trait;
use regrant::MemoryStore;
use regrant_conformance::{Fixture, StoreHarness};

struct Memory;

#[async_trait]
impl StoreHarness for Memory {
    type Store = MemoryStore;

    async fn fresh(&self) -> Fixture<MemoryStore> {
        let store = MemoryStore::new();
        Fixture::new(store.clone()).with_second_handle(store)
    }
}

regrant_conformance::store_tests!(Memory, without: {
    outage: "nothing lies between a store in memory and its data",
    lost_reply: "nothing lies between a store in memory and its data",
});
