use std::time::Duration;

use regrant::clock::Timestamp;
use regrant::store::{Expect, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, TokenStore as _, Version};
use regrant_mysql::{MysqlStore, MysqlStoreBuilder, Table};
use testbed::{LONG, short, text_of};

use crate::server::{new_table, server};

/// Deadline for calls that must reach it. The timeout of locks has whole seconds.
pub(crate) fn soon() -> Duration {
    short(Duration::from_millis(300))
}

/// Options for the store at this URL.
pub(crate) fn at(url: &str) -> MysqlStoreBuilder {
    MysqlStore::builder(url).unwrap().deadline(LONG)
}

/// A store on a new table.
pub(crate) async fn open_new() -> (MysqlStore, Table) {
    let table = new_table();
    let builder = at(&server().url()).table(table.clone());
    builder.migrate().await.unwrap();
    (builder.open().await.unwrap(), table)
}

/// The table with this suffix.
pub(crate) fn beside(table: &Table, suffix: &str) -> String {
    format!("{}_{suffix}`", table.to_string().trim_end_matches('`'))
}

/// A record with an expiry.
pub(crate) fn record(payload: impl Into<Vec<u8>>) -> GrantRecord {
    GrantRecord { expires_at: Some(Timestamp::from_millis(1_000_000)), ..testbed::record(payload) }
}

pub(crate) async fn insert(store: &MysqlStore, key: &GrantKey, record: GrantRecord) {
    assert_eq!(store.compare_and_swap(key, Expect::Absent, record).await.unwrap(), Swap::Stored);
}

pub(crate) async fn swap(store: &MysqlStore, key: &GrantKey, from: Version, to: GrantRecord) {
    assert_eq!(store.compare_and_swap(key, Expect::Version(from), to).await.unwrap(), Swap::Stored);
}

pub(crate) async fn load(store: &MysqlStore, key: &GrantKey) -> StoredGrant {
    store.load(key).await.unwrap().unwrap()
}

pub(crate) fn assert_transient<T>(result: Result<T, StoreError>) {
    match result {
        Ok(_) => panic!("no error"),
        Err(error) => assert!(error.is_transient(), "{}", text_of(&error)),
    }
}
