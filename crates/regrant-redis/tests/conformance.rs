//! A single server keeps the promises of a store.

mod common;

use std::sync::{Arc, LazyLock};

use common::{at, behind_proxy, connected, fresh_prefix};
use regrant_conformance::{Fixture, StoreHarness};
use regrant_redis::RedisStore;
use testbed::{Disturbance, Redis};

static SERVER: LazyLock<Redis> = LazyLock::new(Redis::start);

struct Single;

#[async_trait::async_trait]
impl StoreHarness for Single {
    type Store = RedisStore;

    async fn fresh(&self) -> Fixture<RedisStore> {
        let prefix = fresh_prefix();
        let (proxy, url) = behind_proxy(&SERVER);
        let proxy = Arc::new(proxy);
        let [first, second] = [url.clone(), url].map(|url| at(url).key_prefix(&prefix));
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
}

regrant_conformance::store_tests!(Single, without: {
    purge_expired: "the server deletes what has expired by itself",
});
