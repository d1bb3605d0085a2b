//! Stores for tests, and what they are given to keep.

#![allow(dead_code, reason = "each test file uses its part of it")]
#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails the test")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::ConnectionLike as _;
use regrant::GrantId;
use regrant::clock::{Clock as _, SystemClock, Timestamp};
use regrant::store::{Expect, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, TokenStore as _, Version};
use regrant::token::Realm;
use regrant_redis::{RedisStore, RedisStoreBuilder};
use testbed::{Proxy, Redis};

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// A deadline for tests that are about something else, on however busy a machine.
pub(crate) const PATIENT: Duration = Duration::from_secs(20);

/// A store at `url` that waits patiently.
pub(crate) fn at(url: impl AsRef<str>) -> RedisStoreBuilder {
    RedisStore::builder(url).deadline(PATIENT)
}

/// A prefix that no other test uses.
pub(crate) fn fresh_prefix() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    format!("test-{}:", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// A proxy before the server, and the URL that leads through it.
pub(crate) fn behind_proxy(server: &Redis) -> (Proxy, String) {
    let proxy = Proxy::before(server.address());
    let url = format!("redis://{}", proxy.address());
    (proxy, url)
}

pub(crate) async fn connected(builder: RedisStoreBuilder) -> RedisStore {
    builder.open().await.unwrap()
}

pub(crate) fn key(number: u8) -> GrantKey {
    GrantKey { realm: Realm::default(), id: GrantId::from_bytes([number; 16]) }
}

/// Where the store keeps it, with the default prefix.
pub(crate) fn name(key: &GrantKey) -> String {
    format!("regrant:g:{{{}}}:{}", key.id, key.realm)
}

/// Where the store keeps the grants of "demo" in the default realm: "ids" or "ends".
pub(crate) fn subject_index(part: &str) -> String {
    format!("regrant:s:{{.ZGVtbw}}:{part}")
}

/// The same of the client "app".
pub(crate) fn client_index(part: &str) -> String {
    format!("regrant:c:{{.YXBw}}:{part}")
}

/// A record of "app" and "demo" that lives for another hour.
pub(crate) fn record(payload: impl Into<Vec<u8>>) -> GrantRecord {
    record_until(payload, Some(SystemClock.now() + HOUR))
}

pub(crate) fn record_until(payload: impl Into<Vec<u8>>, expires_at: Option<Timestamp>) -> GrantRecord {
    GrantRecord {
        payload: payload.into(),
        client_id: "app".try_into().unwrap(),
        subject: Some("demo".try_into().unwrap()),
        expires_at,
    }
}

pub(crate) async fn create(store: &RedisStore, key: &GrantKey, record: GrantRecord) -> Version {
    assert_eq!(store.compare_and_swap(key, Expect::Absent, record).await.unwrap(), Swap::Stored);
    existing(store, key).await.version
}

/// Puts `record` in the place of `version`.
pub(crate) async fn swap(
    store: &RedisStore,
    key: GrantKey,
    version: Version,
    record: GrantRecord,
) -> Result<Swap, StoreError> {
    store.compare_and_swap(&key, Expect::Version(version), record).await
}

pub(crate) async fn existing(store: &RedisStore, key: &GrantKey) -> StoredGrant {
    store.load(key).await.unwrap().unwrap()
}

pub(crate) async fn replace(store: &RedisStore, key: &GrantKey, record: GrantRecord) {
    let version = existing(store, key).await.version;
    assert_eq!(swap(store, key.clone(), version, record).await.unwrap(), Swap::Stored, "nobody else writes");
}

/// Counts one up in the payload, however often others come between and the store is away for a moment. `None` is a count
/// of unknown outcome.
pub(crate) async fn count_up(store: &RedisStore, key: &GrantKey) -> Option<()> {
    loop {
        let Ok(stored) = store.load(key).await.inspect_err(assert_transient) else { continue };
        let StoredGrant { version, record: mut counter } = stored.unwrap();
        let count = u64::from_be_bytes(counter.payload.try_into().unwrap());
        counter.payload = (count + 1).to_be_bytes().to_vec();
        match swap(store, key.clone(), version, counter).await {
            Ok(Swap::Stored) => return Some(()),
            Ok(Swap::Conflict) => {}
            Err(error) => {
                assert_transient(&error);
                return None;
            }
        }
    }
}

pub(crate) async fn count(store: &RedisStore, key: &GrantKey) -> u64 {
    u64::from_be_bytes(existing(store, key).await.record.payload.try_into().unwrap())
}

pub(crate) fn assert_transient(error: &StoreError) {
    assert!(error.is_transient(), "{error:?}");
}

/// Speaks to the server past the store.
pub(crate) fn ask<T: redis::FromRedisValue>(server: &Redis, command: &redis::Cmd) -> T {
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let reply = connection.req_command(command).unwrap();
    redis::from_redis_value(reply).unwrap()
}

/// The words of an error and of all that caused it.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(format!("{error} {error:?}"), |text, cause| format!("{text} {cause} {cause:?}"))
}
