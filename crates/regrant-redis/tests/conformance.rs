//! A single server and a cluster keep the promises of a store. A cluster does so with and without waiting for replicas.

mod common;

use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::Duration;

use common::{at, connected, fresh_prefix};
use regrant_conformance::Proxy;
use regrant_conformance::store::{Fixture, StoreHarness, Suite};
use regrant_redis::{Durability, RedisStore, RedisStoreBuilder};
use testbed::{LONG, Redis, RedisCluster};

static SERVER: LazyLock<Redis> = LazyLock::new(Redis::start);
static CLUSTER: LazyLock<RedisCluster> = LazyLock::new(RedisCluster::start);

const REPLICATED: Durability = Durability::Replicated { replicas: 1, timeout: Duration::from_secs(20) };
const NO_PURGE: &str = "the server deletes expired records by itself";
const SHARED: &str = "a cluster tells its clients where its nodes are, so all cases share the way to it; see";

fn main() -> ExitCode {
    let cluster = |name, durability| {
        suite(name, Cluster(durability))
            .without("outage", &format!("{SHARED} `cluster_of_its_own`"))
            .without("silence", &format!("{SHARED} `silence.rs` of the testbed"))
            .without("lost_reply", &format!("{SHARED} `cluster.rs`"))
    };
    let outages = suite("cluster_of_its_own", OwnCluster).into_iter().filter(|trial| trial.name().contains("outage::"));
    let clusters =
        cluster("acknowledged", Durability::Acknowledged).into_iter().chain(cluster("replicated", REPLICATED));
    regrant_conformance::run(suite("single", Single).into_iter().chain(clusters).chain(outages))
}

fn suite<H: StoreHarness<Store = RedisStore> + 'static>(name: &str, harness: H) -> Suite<H> {
    Suite::new(harness).named(name).grant_index().single_use().without("purge_expired", NO_PURGE)
}

/// Opens a store, however busy the machine: the deadline of production may be too short for it.
async fn opened(builder: impl Fn() -> RedisStoreBuilder + Send) -> RedisStore {
    for _ in 0..50 {
        if let Ok(store) = builder().open().await {
            return store;
        }
    }
    connected(builder()).await
}

struct Single;

#[async_trait::async_trait]
impl StoreHarness for Single {
    type Store = RedisStore;

    async fn fresh(&self) -> Fixture<RedisStore> {
        Self::fixture(at).await
    }

    async fn prompt(&self) -> Fixture<RedisStore> {
        Self::fixture(RedisStore::builder).await
    }
}

impl Single {
    async fn fixture(builder: fn(String) -> RedisStoreBuilder) -> Fixture<RedisStore> {
        let (prefix, proxy) = (fresh_prefix(), Proxy::start(SERVER.address()));
        let url = format!("redis://{}", proxy.address());
        let builder = || builder(url.clone()).key_prefix(&prefix);
        let (one, two) = (opened(builder).await, opened(builder).await);
        Fixture::new(one).with_second_handle(two).with_proxy(proxy)
    }
}

struct Cluster(Durability);

#[async_trait::async_trait]
impl StoreHarness for Cluster {
    type Store = RedisStore;

    async fn fresh(&self) -> Fixture<RedisStore> {
        let prefix = fresh_prefix();
        let [first, second] = [(), ()]
            .map(|()| RedisStore::cluster(CLUSTER.urls()).deadline(LONG).key_prefix(&prefix).durability(self.0));
        Fixture::new(connected(first).await).with_second_handle(connected(second).await)
    }
}

/// A cluster for one case, because it is cut off.
struct OwnCluster;

#[async_trait::async_trait]
impl StoreHarness for OwnCluster {
    type Store = RedisStore;

    async fn fresh(&self) -> Fixture<RedisStore> {
        Self::fixture(|builder| builder.deadline(LONG)).await
    }

    async fn prompt(&self) -> Fixture<RedisStore> {
        Self::fixture(|builder| builder).await
    }
}

impl OwnCluster {
    async fn fixture(with_deadline: fn(RedisStoreBuilder) -> RedisStoreBuilder) -> Fixture<RedisStore> {
        let cluster = RedisCluster::start_behind_proxies();
        let builder = || with_deadline(RedisStore::cluster(cluster.urls()));
        let (one, two) = (opened(builder).await, opened(builder).await);
        Fixture::new(one)
            .with_second_handle(two)
            .with_outage(move || async move { cluster.proxies().iter().for_each(testbed::Proxy::shut) })
    }
}
