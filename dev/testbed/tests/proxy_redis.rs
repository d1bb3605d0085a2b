//! A link to Redis that loses, cuts and delays costs nobody a session.

use std::time::Duration;

use regrant_redis::RedisStore;
use testbed::{Ordeal, Proxy, Random, Redis};

const DEADLINE: Duration = Duration::from_millis(500);

#[tokio::test]
async fn three_hundred_rounds_over_a_bad_link() {
    let redis = Redis::start();
    let proxy = Proxy::before(redis.address());
    let store = RedisStore::builder(format!("redis://{}", proxy.address())).deadline(DEADLINE).open().await.unwrap();
    let mut ordeal = Ordeal::new(store, Random::seeded());
    ordeal.run(300, |random| proxy.disturb_at_random(random, DEADLINE)).await;
    proxy.calm();
    let report = ordeal.finish().await;
    println!("{report}");
    assert!(report.is_clean() && proxy.struck() > 50, "{report}");
}
