//! Errors of SQLite name the cause and the path, and say whether a retry may help.

use std::time::Duration;

use regrant_sqlite::SqliteStore;
use testbed::{failures, text_of};

use crate::support::{Database, create, record};

#[tokio::test]
async fn a_missing_table_is_rejected_and_named_with_the_file() {
    let database = Database::new();
    let store = database.open();
    let _ = create(&store, 1, record(b"kept")).await.unwrap();
    database.execute("DROP TABLE regrant_grants; DROP TABLE regrant_marks");
    for error in failures(&store).await {
        assert!(!error.is_transient() && !error.is_corrupt(), "{error:?}");
        let text = text_of(&error);
        assert!(text.contains("no such table: regrant_") && text.contains("grants.db"), "{text}");
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
    assert!(text_of(&error).contains("not by this trigger"), "{}", text_of(&error));
    assert!(!format!("{error:?}").contains("digest-of-a-token"));
}

#[tokio::test]
async fn a_lock_that_lasts_is_transient_and_named() {
    let database = Database::new();
    let store = SqliteStore::builder().deadline(Duration::from_millis(50)).open(&database.path).unwrap();
    let _other = database.locked();
    let error = create(&store, 1, record(b"late")).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    let text = text_of(&error);
    assert!(text.contains("lock") && text.contains("grants.db"), "{text}");
}
