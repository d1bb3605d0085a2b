//! The conformance kit, on both layouts of the table, on a pool of sqlx, and behind a pooler.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails its test")]

use std::num::NonZeroU16;
use std::process::ExitCode;
use std::sync::LazyLock;
#[cfg(feature = "sqlx")]
use std::time::Duration;

use async_trait::async_trait;
use regrant_conformance::Proxy;
use regrant_conformance::store::{Fixture, StoreHarness, Suite};
use regrant_postgres::{PostgresStore, PostgresStoreBuilder};
use server::{new_table, server};
use testbed::{LONG, PgBouncer};

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
        let behind = if matches!(self.way, Way::Pooler) { POOLER.address() } else { server().address() };
        let proxy = Proxy::start(behind);
        let builder = with_deadline(self.way.builder(server().url_at(proxy.address())).table(table).max_connections(4));
        let (one, two) = (opened(&builder).await, opened(&builder).await);
        Fixture::new(one).with_second_handle(two).with_proxy(proxy)
    }
}

impl Way {
    fn builder(self, url: String) -> PostgresStoreBuilder {
        match self {
            Self::Own | Self::Pooler => PostgresStore::builder(url).unwrap(),
            #[cfg(feature = "sqlx")]
            Self::Sqlx => {
                let options = sqlx_postgres::PgPoolOptions::new().max_connections(4);
                // During an outage a call ends as soon as the pool gives up.
                let pool = options.acquire_timeout(Duration::from_secs(5)).connect_lazy(&url).unwrap();
                PostgresStoreBuilder::from_sqlx_pool(pool)
            }
        }
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
