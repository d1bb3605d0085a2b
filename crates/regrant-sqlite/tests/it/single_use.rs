//! Single-use marks: in a file of an older schema, several in one commit, and with a failed commit.

use regrant::clock::Timestamp;
use regrant::store::{PurgeExpired, SingleUse, StoreError, Use, UseId};
use regrant_sqlite::SqliteStore;

use crate::support::{Database, create, payload, record};

const END: Timestamp = Timestamp::from_millis(1000);

/// More rows than a purge examines in one step.
const MANY: u8 = 200;

#[tokio::test]
async fn a_file_of_the_first_schema_keeps_its_grants_and_gets_marks() {
    let database = Database::closed();
    let _ = create(&database.open(), 1, record(b"kept")).await.unwrap();
    database.execute("DROP TABLE regrant_marks; DROP TABLE regrant_clients; PRAGMA user_version = 1");
    let store = database.open();
    assert_eq!(payload(&store, 1).await.as_deref(), Some(&b"kept"[..]));
    assert_eq!(use_once(&store, 1).await.unwrap(), Use::First);
    assert_eq!(use_once(&database.open(), 1).await.unwrap(), Use::Again);
}

#[tokio::test]
async fn of_many_uses_in_one_commit_one_is_first() {
    let database = Database::new();
    let store = database.open();
    let before = database.commits();
    let uses = at_once(&database, &store, [7; 32]).await;
    assert_eq!(uses.iter().filter(|used| matches!(used, Ok(Use::First))).count(), 1);
    assert!(uses.iter().all(Result::is_ok), "{uses:?}");
    // The writer may have taken some of them before the others arrived.
    assert!((1..=2).contains(&(database.commits() - before)));
}

#[tokio::test]
async fn a_failed_commit_is_not_a_first_use() {
    let database = Database::new();
    let store = database.open();
    database.execute(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY); \
         CREATE TABLE child (parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED); \
         CREATE TRIGGER fail_commit AFTER INSERT ON regrant_marks BEGIN INSERT INTO child VALUES (1); END",
    );
    for used in at_once(&database, &store, [7; 32]).await {
        assert!(used.as_ref().is_err_and(StoreError::is_transient), "{used:?}");
    }
    database.execute("DROP TRIGGER fail_commit");
    assert_eq!(use_once(&store, 7).await.unwrap(), Use::First);
}

#[tokio::test]
async fn a_purge_of_marks_works_in_small_steps() {
    let database = Database::new();
    let store = database.open();
    at_once(&database, &store, 0..MANY).await;
    let before = database.commits();
    assert_eq!(store.purge_expired(END, usize::MAX).await.unwrap(), usize::from(MANY));
    assert!(database.commits() - before >= 4, "this many rows take several transactions");
}

async fn use_once(store: &SqliteStore, number: u8) -> Result<Use, StoreError> {
    store.use_once(&UseId::from_bytes([number; 32]), END).await
}

/// Uses the ids of these numbers. All uses are queued before the first one gets the write lock.
async fn at_once(
    database: &Database,
    store: &SqliteStore,
    numbers: impl IntoIterator<Item = u8>,
) -> Vec<Result<Use, StoreError>> {
    let lock = database.locked();
    let uses: Vec<_> = numbers
        .into_iter()
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { use_once(&store, number).await })
        })
        .collect();
    // This runtime has one thread, so all tasks have sent their use when this task runs again.
    tokio::task::yield_now().await;
    drop(lock);
    let mut outcomes = Vec::new();
    for used in uses {
        outcomes.push(used.await.unwrap());
    }
    outcomes
}
