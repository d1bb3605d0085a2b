//! Stores for tests.

#![allow(dead_code, reason = "each test binary uses its part of it")]
#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails the test")]

use std::sync::atomic::{AtomicU64, Ordering};

use regrant_redis::{RedisStore, RedisStoreBuilder};
use testbed::{LONG, Proxy, Redis};

/// Options for a store at `url` with a long deadline.
pub(crate) fn at(url: impl AsRef<str>) -> RedisStoreBuilder {
    RedisStore::builder(url).deadline(LONG)
}

/// A key prefix for one test.
pub(crate) fn fresh_prefix() -> String {
    format!("{}:", fresh_name())
}

/// A name that is used once.
pub(crate) fn fresh_name() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    format!("test-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// A proxy in front of the server, and the URL that leads through the proxy.
pub(crate) fn behind_proxy(server: &Redis) -> (Proxy, String) {
    let proxy = Proxy::before(server.address());
    let url = format!("redis://{}", proxy.address());
    (proxy, url)
}

pub(crate) async fn connected(builder: RedisStoreBuilder) -> RedisStore {
    builder.open().await.unwrap()
}
