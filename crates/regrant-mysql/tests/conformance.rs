//! The conformance kit, on one server and on two nodes of a Galera cluster.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails its test")]

use std::process::ExitCode;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use regrant_conformance::store::{Fixture, StoreHarness, Suite};
use regrant_mysql::MysqlStore;
use server::{new_table, server};
use testbed::{Disturbance, MariaDb, Proxy};

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
        let ([first, second], table) = (servers(self.galera), new_table());
        let proxy = Proxy::before(first.address());
        let at = |url: String| {
            let builder = MysqlStore::builder(url).unwrap().table(table.clone()).max_connections(4);
            // However busy the machine: no case is about the deadline.
            builder.deadline(Duration::from_secs(60))
        };
        let builder = at(first.url_at(proxy.address()));
        builder.migrate().await.unwrap();
        let (one, two) = (builder.open().await.unwrap(), at(second.url()).open().await.unwrap());
        let proxy = Arc::new(proxy);
        let outage = Arc::clone(&proxy);
        Fixture::new(one).with_second_handle(two).with_outage(async move || outage.shut()).with_lost_reply(move || {
            proxy.disturb(Disturbance::DropReply);
            std::future::ready(())
        })
    }
}
