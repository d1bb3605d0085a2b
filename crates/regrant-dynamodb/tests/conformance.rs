//! The conformance kit, on a server with the API of DynamoDB.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails its test")]

mod common;

use std::net::SocketAddr;
use std::process::ExitCode;

use common::{at, client, new_table, server};
use regrant_conformance::Proxy;
use regrant_conformance::store::{Fixture, StoreHarness, Suite};
use regrant_dynamodb::{DynamoStore, DynamoStoreBuilder};

fn main() -> ExitCode {
    let suite = Suite::new(Dynamo).grant_index().single_use();
    regrant_conformance::run(suite.without("purge_expired", "the table deletes expired items by itself"))
}

struct Dynamo;

#[async_trait::async_trait]
impl StoreHarness for Dynamo {
    type Store = DynamoStore;

    async fn fresh(&self) -> Fixture<DynamoStore> {
        // However busy the machine: none of these cases is about the deadline.
        fixture(at).await
    }

    async fn prompt(&self) -> Fixture<DynamoStore> {
        fixture(|address, table| DynamoStore::builder(client(address), table).assume_time_to_live()).await
    }
}

async fn fixture(builder: fn(SocketAddr, &str) -> DynamoStoreBuilder) -> Fixture<DynamoStore> {
    let (table, proxy) = (new_table().await, Proxy::start(server().address()));
    let [one, two] = [(), ()].map(|()| builder(proxy.address(), &table));
    Fixture::new(opened(&one).await).with_second_handle(opened(&two).await).with_proxy(proxy)
}

/// Opens a store, however busy the machine: the deadline of production may be too short for it.
async fn opened(builder: &DynamoStoreBuilder) -> DynamoStore {
    for _ in 0..50 {
        if let Ok(store) = builder.open().await {
            return store;
        }
    }
    builder.open().await.unwrap()
}
