//! The conformance kit, on both layouts of the table.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails its test")]

use std::num::NonZeroU16;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use regrant_conformance::store::{Fixture, StoreHarness, Suite};
use regrant_postgres::{PostgresStore, PostgresStoreBuilder, Table};
use server::{new_table, server};
use testbed::{Disturbance, Proxy};

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
        let table = match self.partitions {
            None => new_table(),
            Some(count) => new_table().partitioned(count),
        };
        let proxy = Proxy::before(server().address());
        let builder = builder(&proxy, table);
        builder.migrate().await.unwrap();
        let (one, two) = (builder.open().await.unwrap(), builder.open().await.unwrap());
        let proxy = Arc::new(proxy);
        let outage = Arc::clone(&proxy);
        Fixture::new(one).with_second_handle(two).with_outage(async move || outage.shut()).with_lost_reply(move || {
            proxy.disturb(Disturbance::DropReply);
            std::future::ready(())
        })
    }
}

fn builder(proxy: &Proxy, table: Table) -> PostgresStoreBuilder {
    // However busy the machine: no case is about the deadline.
    let builder = PostgresStore::builder(server().url_at(proxy.address())).unwrap().deadline(Duration::from_secs(60));
    builder.table(table).max_connections(4)
}
