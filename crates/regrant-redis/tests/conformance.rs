//! A single server, one that sentinels name, and a cluster keep the promises of a store. A cluster does so with and
//! without waiting for replicas.

mod common;

use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::Duration;

use common::{at, connected, fresh_name, fresh_prefix};
use regrant_conformance::Proxy;
use regrant_conformance::store::{Fixture, StoreHarness, Suite};
use regrant_redis::{Durability, RedisStore, RedisStoreBuilder};
use testbed::{LONG, Redis, RedisCluster, RedisSentinels, short};

static SERVER: LazyLock<Redis> = LazyLock::new(Redis::start);
static SENTINELS: LazyLock<RedisSentinels> = LazyLock::new(RedisSentinels::start);
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
    let single = suite("single", Single).into_iter().chain(suite("sentinel", Sentinel));
    regrant_conformance::run(single.chain(clusters).chain(outages))
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
        let proxy = Proxy::start(SERVER.address());
        let url = format!("redis://{}", proxy.address());
        reached_by(|| builder(url.clone()), proxy).await
    }
}

/// The server behind a proxy, whose address the sentinels name.
struct Sentinel;

#[async_trait::async_trait]
impl StoreHarness for Sentinel {
    type Store = RedisStore;

    async fn fresh(&self) -> Fixture<RedisStore> {
        // A call waits for a failover until its deadline.
        Self::fixture(|builder| builder.deadline(short(Duration::from_secs(4)))).await
    }

    async fn prompt(&self) -> Fixture<RedisStore> {
        Self::fixture(|builder| builder).await
    }
}

impl Sentinel {
    async fn fixture(with_deadline: fn(RedisStoreBuilder) -> RedisStoreBuilder) -> Fixture<RedisStore> {
        let (name, proxy) = (fresh_name(), Proxy::start(SERVER.address()));
        SENTINELS.watch(&name, proxy.address());
        reached_by(|| with_deadline(RedisStore::builder(SENTINELS.url_for(&name))), proxy).await
    }
}

/// Two stores that reach their server by the proxy.
async fn reached_by(builder: impl Fn() -> RedisStoreBuilder + Sync, proxy: Proxy) -> Fixture<RedisStore> {
    let prefix = fresh_prefix();
    let builder = || builder().key_prefix(&prefix);
    let (one, two) = (opened(builder).await, opened(builder).await);
    Fixture::new(one).with_second_handle(two).with_proxy(proxy)
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
