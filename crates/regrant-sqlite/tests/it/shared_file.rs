//! A store in a database of the application, under a prefix.

use std::sync::Barrier;
use std::thread;

use regrant::authenticator::{ClientDirectory as _, ClientStore as _, RegisteredClient};
use regrant::clock::Timestamp;
use regrant::store::{PurgeExpired, SingleUse, Swap, Use, UseId};
use regrant::{Client, ClientId};
use regrant_sqlite::{OpenError, SqliteStore, TablePrefix};

use crate::support::{Database, count_up, create, payload, record, record_until};

const NEVER: Timestamp = Timestamp::from_millis(i64::MAX);

/// A database of an application, with all that it may call its own.
fn application() -> Database {
    let database = Database::new();
    database.execute(
        "CREATE TABLE accounts (name TEXT); INSERT INTO accounts VALUES ('demo'); \
         CREATE TABLE grants (theirs); CREATE TABLE regrant_grants (theirs); \
         PRAGMA application_id = 7; PRAGMA user_version = 42",
    );
    database
}

/// Everything in the file that is not of the prefix `oauth_`.
fn theirs(database: &Database) -> (i32, i32, Vec<(String, String)>) {
    let other = database.connection();
    let number = |pragma| other.pragma_query_value(None, pragma, |row| row.get(0)).unwrap();
    let mut select = other
        .prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE '%oauth%' ORDER BY name")
        .unwrap();
    let objects = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>();
    (number("application_id"), number("user_version"), objects.unwrap())
}

#[tokio::test]
async fn a_store_lives_beside_the_tables_of_the_application_and_changes_none_of_them() {
    let database = application();
    let before = theirs(&database);
    let store = database.open_under("oauth_");
    let _ = create(&store, 1, record(b"kept")).await.unwrap();
    drop(store);
    assert_eq!(theirs(&database), before);
    let store = database.open_under("oauth_");
    assert_eq!(payload(&store, 1).await.as_deref(), Some(&b"kept"[..]));
    let names: i64 = database
        .connection()
        .query_one("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name LIKE 'oauth_%'", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(names, 4);
}

#[tokio::test]
async fn the_application_goes_on_using_its_numbers_and_the_store_its_version() {
    let database = application();
    drop(database.open_under("oauth_"));
    database.execute("PRAGMA user_version = 43; PRAGMA application_id = 8");
    let store = database.open_under("oauth_");
    assert_eq!(create(&store, 1, record(b"kept")).await.unwrap(), Swap::Stored);
    assert_eq!((theirs(&database).0, theirs(&database).1), (8, 43));
}

#[tokio::test]
async fn two_prefixes_in_one_file_see_nothing_of_each_other() {
    let database = application();
    let (one, two) = (database.open_under("one_"), database.open_under("two_"));
    let _ = create(&one, 1, record_until(Some(1))).await.unwrap();
    assert_eq!(payload(&two, 1).await, None);
    assert_eq!(create(&two, 1, record_until(Some(1))).await.unwrap(), Swap::Stored);

    let used = UseId::from_bytes([1; 32]);
    assert_eq!(one.use_once(&used, NEVER).await.unwrap(), Use::First);
    assert_eq!(two.use_once(&used, NEVER).await.unwrap(), Use::First);
    assert_eq!(two.use_once(&used, NEVER).await.unwrap(), Use::Again);

    let client = RegisteredClient::new(Client::public(ClientId::from_static("app")), []).unwrap();
    one.clients().put(&client).await.unwrap();
    assert!(one.clients().find(&client.client().id).await.unwrap().is_some());
    assert!(two.clients().find(&client.client().id).await.unwrap().is_none());
    assert!(two.clients().page(None, 10).await.unwrap().is_empty());
    assert!(two.clients().supported().await.unwrap().methods.is_empty());
    assert!(!two.clients().delete(&client.client().id).await.unwrap());

    assert_eq!(one.purge_expired(Timestamp::from_millis(1), 10).await.unwrap(), 1);
    assert_eq!((payload(&one, 1).await, payload(&two, 1).await.is_some()), (None, true));
}

/// The prefix may be that of the tables in a file of its own.
#[tokio::test]
async fn the_usual_names_are_a_prefix_like_any_other() {
    let database = Database::new();
    let _ = create(&database.open_under("regrant_"), 1, record(b"kept")).await.unwrap();
    assert!(matches!(SqliteStore::open(&database.path), Err(OpenError::OtherApplication)));
    assert_eq!(payload(&database.open_under("regrant_"), 1).await.as_deref(), Some(&b"kept"[..]));
}

#[tokio::test]
async fn a_file_of_its_own_stays_one_beside_a_prefix() {
    let database = Database::new();
    let own = database.open();
    let _ = create(&own, 1, record(b"own")).await.unwrap();
    let other = database.open_under("other_");
    assert_eq!(payload(&other, 1).await, None);
    drop(own);
    assert_eq!(payload(&database.open(), 1).await.as_deref(), Some(&b"own"[..]));
    assert!(matches!(database.try_open_under("regrant_"), Err(OpenError::OtherTables)));
}

#[test]
fn tables_of_another_maker_under_the_prefix_are_refused_and_not_changed() {
    for sql in [
        "CREATE TABLE oauth_grants (theirs)",
        "CREATE TABLE OAuth_Marks (theirs)",
        "CREATE VIEW oauth_clients AS SELECT 1",
        "CREATE TABLE oauth_schema (version INTEGER); INSERT INTO oauth_schema VALUES (1)",
        "CREATE TABLE oauth_schema (application_id, version); INSERT INTO oauth_schema VALUES (7, 1)",
    ] {
        let database = Database::new();
        database.execute(sql);
        let content = std::fs::read(&database.path).unwrap();
        let error = database.try_open_under("oauth_").unwrap_err();
        assert!(matches!(error, OpenError::OtherTables), "{sql}: {error:?}");
        assert_eq!(std::fs::read(&database.path).unwrap(), content, "{sql}");
    }
}

#[test]
fn a_newer_schema_under_the_prefix_is_refused() {
    let database = application();
    drop(database.open_under("oauth_"));
    database.execute("UPDATE oauth_schema SET version = 4");
    let error = database.try_open_under("oauth_").unwrap_err();
    assert!(matches!(error, OpenError::NewerSchema { found: 4, known: 3 }), "{error:?}");
}

#[tokio::test]
async fn an_older_schema_under_the_prefix_is_migrated_and_keeps_its_grants() {
    let database = application();
    let _ = create(&database.open_under("oauth_"), 1, record(b"kept")).await.unwrap();
    database.execute("DROP TABLE oauth_clients; UPDATE oauth_schema SET version = 2");
    let store = database.open_under("oauth_");
    assert_eq!(payload(&store, 1).await.as_deref(), Some(&b"kept"[..]));
    assert!(store.clients().page(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn one_prefix_is_opened_by_many_at_once() {
    const MANY: usize = 8;
    let database = application();
    let barrier = Barrier::new(MANY);
    let stores: Vec<_> = thread::scope(|scope| {
        let open = || {
            barrier.wait();
            database.open_under("oauth_")
        };
        let threads: Vec<_> = (0..MANY).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let _ = create(&stores[0], 1, record(b"0")).await.unwrap();
    for (store, expected) in stores.iter().zip(1..) {
        assert_eq!(count_up(store, 1).await, expected);
    }
}

#[tokio::test]
async fn one_backup_has_the_rows_of_the_application_and_the_grants() {
    let database = application();
    let store = database.open_under("oauth_");
    let _ = create(&store, 1, record(b"kept")).await.unwrap();
    let path = database.folder.path().join("copy.db");
    database.connection().execute("VACUUM INTO ?1", [path.to_str()]).unwrap();
    let copy = SqliteStore::builder().table_prefix(TablePrefix::new("oauth_").unwrap()).open(&path).unwrap();
    assert_eq!(payload(&copy, 1).await.as_deref(), Some(&b"kept"[..]));
    let account =
        rusqlite::Connection::open(&path).unwrap().query_one("SELECT name FROM accounts", [], |row| row.get(0));
    assert_eq!(account, Ok("demo".to_owned()));
}

#[test]
fn a_prefix_is_a_plain_word_in_one_case() {
    let long = "a".repeat(32);
    for prefix in ["a", "oauth_", "oauth2_", "sqlite", &long] {
        TablePrefix::new(prefix).unwrap();
    }
    let too_long = "a".repeat(33);
    let wrong =
        ["", "_oauth", "2oauth", "OAuth_", "o auth", "o'", "o\"", "o;", "o.", "\u{f6}", "sqlite_x", "o\0", &too_long];
    for prefix in wrong {
        assert!(matches!(TablePrefix::new(prefix), Err(OpenError::InvalidTablePrefix)), "{prefix:?}");
    }
}
