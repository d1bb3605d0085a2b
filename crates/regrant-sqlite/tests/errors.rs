//! Errors of SQLite name the cause and the path, and tell whether trying again may help.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails the test")]

mod common;

use std::error::Error;
use std::time::Duration;

use common::{Database, create, key, record};
use regrant::Subject;
use regrant::clock::Timestamp;
use regrant::store::{GrantIndex, GrantOwner, PurgeExpired, SingleUse, StoreError, TokenStore, UseId};
use regrant::token::Realm;
use regrant_sqlite::SqliteStore;

/// All calls of a store, each of which must fail.
async fn failures(store: &SqliteStore) -> Vec<StoreError> {
    let (realm, owner) = (Realm::default(), GrantOwner::Subject(Subject::new("demo").unwrap()));
    vec![
        store.load(&key(1)).await.unwrap_err(),
        create(store, 2, record(b"next")).await.unwrap_err(),
        store.page(&realm, &owner, None, 10).await.unwrap_err(),
        store.purge_expired(Timestamp::from_millis(0), 10).await.unwrap_err(),
        store.use_once(&UseId::from_bytes([1; 32]), Timestamp::from_millis(0)).await.unwrap_err(),
    ]
}

fn told(error: &StoreError) -> String {
    let causes = std::iter::successors(error.source(), |cause| (**cause).source());
    causes.fold(String::new(), |text, cause| format!("{text}{cause}; "))
}

#[tokio::test]
async fn a_missing_table_is_rejected_and_named_with_the_file() {
    let database = Database::new();
    let store = database.open();
    let _ = create(&store, 1, record(b"kept")).await.unwrap();
    database.execute("DROP TABLE regrant_grants; DROP TABLE regrant_marks");
    for error in failures(&store).await {
        assert!(!error.is_transient() && !error.is_corrupt(), "{error:?}");
        let told = told(&error);
        assert!(told.contains("no such table: regrant_") && told.contains("grants.db"), "{told}");
    }
}

#[tokio::test]
async fn a_row_that_the_table_refuses_is_rejected_and_not_quoted() {
    let database = Database::new();
    let store = database.open();
    database.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON regrant_grants BEGIN SELECT RAISE(ABORT, 'not by this trigger'); END",
    );
    let error = create(&store, 1, record(b"digest-of-a-token")).await.unwrap_err();
    assert!(!error.is_transient() && !error.is_corrupt(), "{error:?}");
    assert!(told(&error).contains("not by this trigger"), "{}", told(&error));
    assert!(!format!("{error:?}").contains("digest-of-a-token"));
}

#[tokio::test]
async fn a_lock_that_lasts_is_transient_and_named() {
    let database = Database::new();
    let store = SqliteStore::builder().deadline(Duration::from_millis(50)).open(&database.path).unwrap();
    let _stranger = database.locked();
    let error = create(&store, 1, record(b"late")).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    let told = told(&error);
    assert!(told.contains("lock") && told.contains("grants.db"), "{told}");
}
