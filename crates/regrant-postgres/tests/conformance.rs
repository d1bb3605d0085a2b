//! The conformance kit, on both layouts of the table, on a pool of sqlx, and behind a pooler.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails its test")]

use std::num::NonZeroU16;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use regrant_conformance::store::{Fixture, StoreHarness, Suite};
use regrant_postgres::{PostgresStore, PostgresStoreBuilder, Table};
use server::{new_table, server};
use testbed::{Disturbance, PgBouncer, Proxy};

#[path = "it/server.rs"]
mod server;

fn main() -> ExitCode {
    let of = |name, partitions, way| {
        let suite = Suite::new(Postgres { partitions: NonZeroU16::new(partitions), way });
        suite.grant_index().purge_expired().single_use().single_use_purge().named(name)
    };
    let own = of("plain", 0, Way::Own).into_iter().chain(of("partitioned", 4, Way::Own));
    #[cfg(feature = "sqlx")]
    let own = own.chain(of("sqlx", 0, Way::Sqlx));
    let pooler = PgBouncer::follows_statements().then(|| of("pooler", 0, Way::Pooler));
    regrant_conformance::run(own.chain(pooler.into_iter().flatten()))
}

static POOLER: LazyLock<PgBouncer> = LazyLock::new(|| PgBouncer::by_transaction(server()));

struct Postgres {
    partitions: Option<NonZeroU16>,
    way: Way,
}

/// Way to the server, behind a proxy.
#[derive(Clone, Copy)]
enum Way {
    /// The pool of the store.
    Own,
    #[cfg(feature = "sqlx")]
    Sqlx,
    /// The pool of the store and PgBouncer, by transaction.
    Pooler,
}

#[async_trait]
impl StoreHarness for Postgres {
    type Store = PostgresStore;

    async fn fresh(&self) -> Fixture<PostgresStore> {
        let table = match self.partitions {
            None => new_table(),
            Some(count) => new_table().partitioned(count),
        };
        let behind = if matches!(self.way, Way::Pooler) { POOLER.address() } else { server().address() };
        let proxy = Proxy::before(behind);
        let builder = builder(&proxy, table, self.way);
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

fn builder(proxy: &Proxy, table: Table, way: Way) -> PostgresStoreBuilder {
    let url = server().url_at(proxy.address());
    let builder = match way {
        Way::Own | Way::Pooler => PostgresStore::builder(url).unwrap(),
        #[cfg(feature = "sqlx")]
        Way::Sqlx => {
            let options = sqlx_postgres::PgPoolOptions::new().max_connections(4);
            // During an outage a call ends as soon as the pool gives up.
            let pool = options.acquire_timeout(Duration::from_secs(5)).connect_lazy(&url).unwrap();
            PostgresStoreBuilder::from_sqlx_pool(pool)
        }
    };
    // However busy the machine: no case is about the deadline.
    builder.deadline(Duration::from_secs(60)).table(table).max_connections(4)
}
