//! A single server, one that sentinels name, and a cluster keep the promises of a store. A cluster does so with and
//! without waiting for replicas.

mod common;

use std::process::ExitCode;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use common::{at, behind_proxy, connected, fresh_name, fresh_prefix};
use regrant_conformance::store::{Fixture, StoreHarness, Suite};
use regrant_redis::{Durability, RedisStore};
use testbed::{Disturbance, LONG, Proxy, Redis, RedisCluster, RedisSentinels, short};

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

struct Single;

#[async_trait::async_trait]
impl StoreHarness for Single {
    type Store = RedisStore;

    async fn fresh(&self) -> Fixture<RedisStore> {
        let (proxy, url) = behind_proxy(&SERVER);
        reached_at(&url, proxy, LONG).await
    }
}

/// The server behind a proxy, whose address the sentinels name.
struct Sentinel;

#[async_trait::async_trait]
impl StoreHarness for Sentinel {
    type Store = RedisStore;

    async fn fresh(&self) -> Fixture<RedisStore> {
        let (proxy, _) = behind_proxy(&SERVER);
        let name = fresh_name();
        SENTINELS.watch(&name, proxy.address());
        // A call waits for a failover until its deadline.
        reached_at(&SENTINELS.url_for(&name), proxy, short(Duration::from_secs(4))).await
    }
}

/// Two stores at this URL, which leads through the proxy.
async fn reached_at(url: &str, proxy: Proxy, deadline: Duration) -> Fixture<RedisStore> {
    let prefix = fresh_prefix();
    let proxy = Arc::new(proxy);
    let [first, second] = [(), ()].map(|()| at(url).deadline(deadline).key_prefix(&prefix));
    Fixture::new(connected(first).await)
        .with_second_handle(connected(second).await)
        .with_outage({
            let proxy = Arc::clone(&proxy);
            async move || proxy.shut()
        })
        .with_lost_reply(move || {
            proxy.disturb(Disturbance::DropReply);
            std::future::ready(())
        })
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
        let cluster = RedisCluster::start_behind_proxies();
        let [first, second] = [(), ()].map(|()| RedisStore::cluster(cluster.urls()).deadline(LONG));
        Fixture::new(connected(first).await)
            .with_second_handle(connected(second).await)
            .with_outage(move || async move { cluster.proxies().iter().for_each(Proxy::shut) })
    }
}
