//! The conformance kit, on both layouts of the table.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails its test")]

use std::num::NonZeroU16;
use std::process::ExitCode;

use async_trait::async_trait;
use regrant_conformance::Proxy;
use regrant_conformance::store::{Fixture, StoreHarness, Suite};
use regrant_postgres::{PostgresStore, PostgresStoreBuilder};
use server::{new_table, server};
use testbed::LONG;

#[path = "it/server.rs"]
mod server;

fn main() -> ExitCode {
    let of = |name, partitions| {
        let suite = Suite::new(Postgres { partitions: NonZeroU16::new(partitions) });
        suite.grant_index().purge_expired().single_use().single_use_purge().named(name)
    };
    regrant_conformance::run(of("plain", 0).into_iter().chain(of("partitioned", 4)))
}

struct Postgres {
    partitions: Option<NonZeroU16>,
}

#[async_trait]
impl StoreHarness for Postgres {
    type Store = PostgresStore;

    async fn fresh(&self) -> Fixture<PostgresStore> {
        // However busy the machine: none of these cases is about the deadline.
        self.fixture(|builder| builder.deadline(LONG)).await
    }

    async fn prompt(&self) -> Fixture<PostgresStore> {
        self.fixture(|builder| builder).await
    }
}

impl Postgres {
    async fn fixture(&self, with_deadline: fn(PostgresStoreBuilder) -> PostgresStoreBuilder) -> Fixture<PostgresStore> {
        let table = match self.partitions {
            None => new_table(),
            Some(count) => new_table().partitioned(count),
        };
        let proxy = Proxy::start(server().address());
        let builder = PostgresStore::builder(server().url_at(proxy.address())).unwrap().table(table).max_connections(4);
        let builder = with_deadline(builder);
        let (one, two) = (opened(&builder).await, opened(&builder).await);
        Fixture::new(one).with_second_handle(two).with_proxy(proxy)
    }
}

/// Opens a store, however busy the machine: the deadline of production may be too short for it.
async fn opened(builder: &PostgresStoreBuilder) -> PostgresStore {
    for _ in 0..50 {
        if builder.migrate().await.is_ok()
            && let Ok(store) = builder.open().await
        {
            return store;
        }
    }
    builder.open().await.unwrap()
}
