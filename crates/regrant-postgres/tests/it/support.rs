use std::time::Duration;

use regrant::clock::Timestamp;
use regrant::store::{Expect, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, TokenStore as _, Version};
use regrant_postgres::deadpool_postgres::{Manager, Pool};
use regrant_postgres::{PostgresStore, Table};
use testbed::{LONG, retry, short, text_of};
use tokio_postgres::NoTls;

use crate::server::{new_table, server};

/// Deadline for calls that must reach it.
pub(crate) fn soon() -> Duration {
    short(Duration::from_millis(300))
}

/// A store on a new table.
pub(crate) async fn open_new() -> (PostgresStore, Table) {
    let table = new_table();
    let builder = PostgresStore::builder(server().url()).unwrap().table(table.clone()).deadline(LONG);
    builder.migrate().await.unwrap();
    (builder.open().await.unwrap(), table)
}

/// Name of a table in `public`, without quotes.
pub(crate) fn name(table: &Table) -> String {
    table.to_string().replace("\"public\".", "").replace('"', "")
}

/// The table with this suffix.
pub(crate) fn beside(table: &Table, suffix: &str) -> String {
    format!("{}_{suffix}\"", table.to_string().trim_end_matches('"'))
}

/// A pool as an application might create it, with default settings.
pub(crate) fn pool(url: &str, size: usize) -> Pool {
    Pool::builder(Manager::new(url.parse().unwrap(), NoTls)).max_size(size).build().unwrap()
}

/// A record with an expiry.
pub(crate) fn record(payload: impl Into<Vec<u8>>) -> GrantRecord {
    GrantRecord { expires_at: Some(Timestamp::from_millis(1_000_000)), ..testbed::record(payload) }
}

pub(crate) async fn insert(store: &PostgresStore, key: &GrantKey, record: GrantRecord) {
    assert_eq!(store.compare_and_swap(key, Expect::Absent, record).await.unwrap(), Swap::Stored);
}

pub(crate) async fn swap(store: &PostgresStore, key: &GrantKey, from: Version, to: GrantRecord) {
    assert_eq!(store.compare_and_swap(key, Expect::Version(from), to).await.unwrap(), Swap::Stored);
}

pub(crate) async fn load(store: &PostgresStore, key: &GrantKey) -> StoredGrant {
    store.load(key).await.unwrap().unwrap()
}

pub(crate) fn assert_transient<T>(result: Result<T, StoreError>) {
    match result {
        Ok(_) => panic!("no error"),
        Err(error) => assert!(error.is_transient(), "{}", text_of(&error)),
    }
}

/// Waits until `is_reported` finds the statistics of a session that was closed. A session reports them when it ends, at
/// the latest; the runtime closes its connection while this function waits.
pub(crate) async fn statistics(is_reported: impl Fn() -> bool + Send + Sync) {
    retry(async || is_reported().then_some(()).ok_or("no statistics")).await;
}
