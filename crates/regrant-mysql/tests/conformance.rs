//! The conformance kit, on one server and on two nodes of a Galera cluster.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails its test")]

use std::process::ExitCode;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use regrant_conformance::Proxy;
use regrant_conformance::store::{Fixture, StoreHarness, Suite};
use regrant_mysql::{MysqlStore, MysqlStoreBuilder};
use server::{new_table, server};
use testbed::{LONG, MariaDb};

#[path = "it/server.rs"]
mod server;

fn main() -> ExitCode {
    let of = |name, galera| {
        let suite = Suite::new(Mysql { galera }).grant_index().purge_expired().single_use().single_use_purge();
        suite.named(name)
    };
    regrant_conformance::run(of("server", false).into_iter().chain(of("galera", true)))
}

struct Mysql {
    galera: bool,
}

/// The servers of the two handles.
fn servers(galera: bool) -> [&'static MariaDb; 2] {
    static CLUSTER: LazyLock<[MariaDb; 2]> = LazyLock::new(MariaDb::cluster);
    if galera { CLUSTER.each_ref() } else { [server(), server()] }
}

#[async_trait]
impl StoreHarness for Mysql {
    type Store = MysqlStore;

    async fn fresh(&self) -> Fixture<MysqlStore> {
        // However busy the machine: none of these cases is about the deadline.
        self.fixture(|builder| builder.deadline(LONG)).await
    }

    async fn prompt(&self) -> Fixture<MysqlStore> {
        self.fixture(|builder| builder).await
    }
}

impl Mysql {
    async fn fixture(&self, with_deadline: fn(MysqlStoreBuilder) -> MysqlStoreBuilder) -> Fixture<MysqlStore> {
        let ([first, second], table) = (servers(self.galera), new_table());
        let [proxy, other] = [first, second].map(|server| Proxy::start(server.address()));
        let at = |url: String| with_deadline(MysqlStore::builder(url).unwrap().table(table.clone()).max_connections(4));
        let (one, two) = (at(first.url_at(proxy.address())), at(second.url_at(other.address())));
        let (one, two) = (opened(&one).await, opened(&two).await);
        let links = Arc::new([proxy, other]);
        let (cut, silent) = (Arc::clone(&links), Arc::clone(&links));
        Fixture::new(one)
            .with_second_handle(two)
            .with_outage(async move || cut.iter().for_each(Proxy::cut))
            .with_silence(async move || silent.iter().for_each(Proxy::swallow))
            .with_lost_reply(move || {
                links[0].drop_next_reply();
                std::future::ready(())
            })
    }
}

/// Opens a store, however busy the machine: the deadline of production may be too short for it.
async fn opened(builder: &MysqlStoreBuilder) -> MysqlStore {
    for _ in 0..50 {
        if builder.migrate().await.is_ok()
            && let Ok(store) = builder.open().await
        {
            return store;
        }
    }
    builder.open().await.unwrap()
}
