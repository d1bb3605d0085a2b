//! A cluster keeps the promises of a store, whether its writes wait for replicas or not.

mod common;

use std::sync::LazyLock;
use std::time::Duration;

use common::{PATIENT, connected, fresh_prefix};
use regrant_conformance::cases::{outage, single_use_outage};
use regrant_conformance::{Fixture, StoreHarness};
use regrant_redis::{Durability, RedisStore};
use testbed::{Proxy, RedisCluster};

static CLUSTER: LazyLock<RedisCluster> = LazyLock::new(RedisCluster::start);

struct Cluster(Durability);

#[async_trait::async_trait]
impl StoreHarness for Cluster {
    type Store = RedisStore;

    async fn fresh(&self) -> Fixture<RedisStore> {
        let prefix = fresh_prefix();
        let [first, second] = [(), ()]
            .map(|()| RedisStore::cluster(CLUSTER.urls()).deadline(PATIENT).key_prefix(&prefix).durability(self.0));
        Fixture::new(connected(first).await).with_second_handle(connected(second).await)
    }
}

mod acknowledged {
    use super::*;

    regrant_conformance::store_tests!(Cluster(Durability::Acknowledged), without: {
        purge_expired: "the servers delete what has expired by themselves",
        outage: "a cluster tells its clients where its nodes are, so all cases share the way there; see `unreachable`",
        lost_reply: "a cluster tells its clients where its nodes are, so all cases share the way there; see `cluster.rs`",
    });
}

mod replicated {
    use super::*;

    const DURABILITY: Durability = Durability::Replicated { replicas: 1, timeout: Duration::from_secs(2) };

    regrant_conformance::store_tests!(Cluster(DURABILITY), without: {
        purge_expired: "the servers delete what has expired by themselves",
        outage: "a cluster tells its clients where its nodes are, so all cases share the way there; see `unreachable`",
        lost_reply: "a cluster tells its clients where its nodes are, so all cases share the way there; see `cluster.rs`",
    });
}

mod unreachable {
    use super::*;

    /// A cluster for one case, because it is cut off.
    struct OwnCluster;

    #[async_trait::async_trait]
    impl StoreHarness for OwnCluster {
        type Store = RedisStore;

        async fn fresh(&self) -> Fixture<RedisStore> {
            let cluster = RedisCluster::start_behind_proxies();
            let [first, second] = [(), ()].map(|()| RedisStore::cluster(cluster.urls()).deadline(PATIENT));
            Fixture::new(connected(first).await)
                .with_second_handle(connected(second).await)
                .with_outage(move || async move { cluster.proxies().iter().for_each(Proxy::shut) })
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_unreachable_cluster_fails_transiently() {
        outage::an_unreachable_store_fails_transiently(&OwnCluster).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_unreachable_cluster_knows_neither_first_nor_again() {
        single_use_outage::an_unreachable_store_knows_neither_first_nor_again(&OwnCluster).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_unreachable_cluster_is_no_absence_to_the_service() {
        outage::an_unreachable_store_is_no_absence_to_the_service(&OwnCluster).await;
    }
}
