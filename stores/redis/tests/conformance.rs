//! A single server keeps the promises of a store.

mod common;

use std::sync::LazyLock;

use common::{behind_proxy, connected, fresh_prefix};
use regrant_conformance::{Fixture, StoreHarness};
use regrant_redis::RedisStore;
use regrant_testbed::Redis;

static SERVER: LazyLock<Redis> = LazyLock::new(Redis::start);

struct Single;

#[async_trait::async_trait]
impl StoreHarness for Single {
    type Store = RedisStore;

    async fn fresh(&self) -> Fixture<RedisStore> {
        let prefix = fresh_prefix();
        let (proxy, url) = behind_proxy(&SERVER);
        let [first, second] = [url.clone(), url].map(|url| RedisStore::builder(url).key_prefix(&prefix));
        Fixture::new(connected(first).await)
            .with_second_handle(connected(second).await)
            .with_outage(move || async move { proxy.shut() })
    }
}

regrant_conformance::store_tests!(Single, without: {
    purge_expired: "the server deletes what has expired by itself",
});
