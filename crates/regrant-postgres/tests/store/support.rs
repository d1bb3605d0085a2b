use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use regrant::clock::Timestamp;
use regrant::store::{Expect, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, TokenStore as _, Version};
use regrant::token::Realm;
use regrant::{ClientId, GrantId, Subject};
use regrant_postgres::deadpool_postgres::{Manager, Pool};
use regrant_postgres::{PostgresStore, Table};
use tokio_postgres::NoTls;

use crate::server::{new_table, server};

/// A deadline for tests that wait for it: short, but not too short for a login on a busy machine.
pub(crate) const SHORT: Duration = Duration::from_secs(2);

/// A deadline for tests that are about something else, on however busy a machine.
pub(crate) const PATIENT: Duration = Duration::from_secs(60);

/// A store on a new table.
pub(crate) async fn open_new() -> (PostgresStore, Table) {
    let table = new_table();
    let builder = PostgresStore::builder(server().url()).unwrap().table(table.clone()).deadline(PATIENT);
    builder.migrate().await.unwrap();
    (builder.open().await.unwrap(), table)
}

/// The name of a table in `public`, without quotes.
pub(crate) fn name(table: &Table) -> String {
    table.to_string().replace("\"public\".", "").replace('"', "")
}

/// The table beside it, with this suffix.
pub(crate) fn beside(table: &Table, suffix: &str) -> String {
    format!("{}_{suffix}\"", table.to_string().trim_end_matches('"'))
}

/// A pool as an application might make it: with nothing set.
pub(crate) fn pool(url: &str, size: usize) -> Pool {
    Pool::builder(Manager::new(url.parse().unwrap(), NoTls)).max_size(size).build().unwrap()
}

pub(crate) fn key(id: u128) -> GrantKey {
    GrantKey { realm: Realm::default(), id: GrantId::from_bytes(id.to_be_bytes()) }
}

pub(crate) fn record(payload: impl Into<Vec<u8>>) -> GrantRecord {
    GrantRecord {
        payload: payload.into(),
        client_id: ClientId::new("app").unwrap(),
        subject: Some(Subject::new("demo").unwrap()),
        expires_at: Some(Timestamp::from_millis(1_000_000)),
    }
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

/// An error with all its causes, in each form in which it may reach a log.
pub(crate) fn telling(error: &(dyn Error + 'static)) -> String {
    let mut text = format!("{error:?}");
    let mut cause = Some(error);
    while let Some(error) = cause {
        write!(text, "; {error}").unwrap();
        cause = error.source();
    }
    text
}

pub(crate) fn assert_transient<T>(result: Result<T, StoreError>) {
    match result {
        Ok(_) => panic!("no error"),
        Err(error) => assert!(error.is_transient(), "{}", telling(&error)),
    }
}
