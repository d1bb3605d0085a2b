//! A Redis that syncs its log at every write, and is killed under load, has lost nothing it acknowledged.

use std::time::Duration;

use regrant_redis::RedisStore;
use testbed::{Load, Random, Redis};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_survives_five_kills() {
    let redis = Redis::start();
    let store = RedisStore::builder(redis.url()).deadline(Duration::from_secs(1)).open().await.unwrap();
    let mut random = Random::seeded();
    let mut load = Load::begin(&store, 4, &mut random);
    for _ in 0..5 {
        load.rounds(100 + random.below(100)).await;
        redis.kill();
        redis.restart();
    }
    load.rounds(100).await;
    let report = load.end().await;
    println!("{report}");
    assert!(report.is_clean(), "{report}");
}
