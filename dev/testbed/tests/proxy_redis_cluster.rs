//! Links to the nodes of a Redis Cluster that lose, cut and delay cost nobody a session.

use std::time::Duration;

use regrant_redis::RedisStore;
use testbed::{Ordeal, Proxy, Random, RedisCluster};

const DEADLINE: Duration = Duration::from_secs(1);

#[tokio::test]
async fn three_hundred_rounds_over_bad_links() {
    let cluster = RedisCluster::start_behind_proxies();
    let store = RedisStore::cluster(cluster.urls()).deadline(DEADLINE).open().await.unwrap();
    let primaries = &cluster.proxies()[..3];
    let mut ordeal = Ordeal::new(store, Random::seeded());
    // Each link in turn may be disturbed, and stays so until a request meets it.
    ordeal.run(300, |random| random.pick(primaries).disturb_at_random(random, DEADLINE)).await;
    primaries.iter().for_each(Proxy::calm);
    let report = ordeal.finish().await;
    println!("{report}");
    assert!(report.is_clean() && primaries.iter().map(Proxy::struck).sum::<usize>() > 50, "{report}");
}
