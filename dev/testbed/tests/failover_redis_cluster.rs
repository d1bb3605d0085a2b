//! What a Redis Cluster loses when a replica takes over, by the durability that was asked for.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper that cannot go on fails the test")]

use std::time::Duration;

use regrant_redis::{Durability, RedisStore};
use testbed::{Load, Random, RedisCluster, Report, until};

const REPLICATED: Durability = Durability::Replicated { replicas: 1, timeout: Duration::from_millis(200) };

/// Kills each primary in turn under load, when its replica follows or when it lags.
async fn failover(durability: Durability, lag: impl Fn(&RedisCluster, usize)) -> Report {
    let cluster = RedisCluster::start();
    let store = RedisStore::cluster(cluster.urls()).durability(durability).deadline(Duration::from_secs(1));
    let mut load = Load::begin(&store.open().await.unwrap(), 4, &mut Random::seeded());
    for primary in 0..3 {
        load.rounds(60).await;
        lag(&cluster, primary);
        cluster.kill(primary);
        cluster.wait_until_ok();
        // Until then, no write of this shard can be replicated.
        cluster.restart(primary);
        cluster.wait_for_replicas();
    }
    load.rounds(60).await;
    let report = load.end().await;
    println!("{durability:?}: {report}");
    assert_eq!((report.lost_sessions, report.forks), (0, 0), "{report}");
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_are_lost_with_the_primary_and_sessions_heal() {
    failover(Durability::Acknowledged, |_, _| {}).await;
    assert!(failover(Durability::Acknowledged, fall_behind).await.heals > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicated_writes_survive_the_primary() {
    assert!(failover(REPLICATED, |_, _| {}).await.is_clean());
    assert!(failover(REPLICATED, fall_behind).await.is_clean());
}

/// Parts a primary from its replica, and waits until it has written what the replica does not have.
fn fall_behind(cluster: &RedisCluster, primary: usize) {
    // It cannot follow with a password that nobody asked for.
    cluster.command(primary + 3, &["CONFIG", "SET", "masterauth", "unasked"]);
    cluster.command(primary, &["CLIENT", "KILL", "TYPE", "replica"]);
    let parted_at = written(cluster, primary);
    until("writes that are not replicated", || written(cluster, primary) > parted_at + 4000);
}

/// How many bytes a primary has written to its replication log.
fn written(cluster: &RedisCluster, primary: usize) -> u64 {
    let info = cluster.command(primary, &["INFO", "replication"]);
    let offset = info.lines().find_map(|line| line.strip_prefix("master_repl_offset:"));
    offset.and_then(|offset| offset.trim().parse().ok()).expect("an offset")
}
