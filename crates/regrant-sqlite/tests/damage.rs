//! A row that this crate did not write is an error of its own kind, never an absence, and stays as it is.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails the test")]

mod common;

use std::fs;

use common::{Database, create, key, record};
use regrant::Subject;
use regrant::store::{Expect, GrantIndex, GrantOwner, Swap, TokenStore, Version};
use regrant::token::Realm;
use rusqlite::types::Value;

/// What may be wrong with a row, with statements that make it so.
const DAMAGES: &[(&str, &str)] = &[
    ("a client id of other letters", "UPDATE regrant_grants SET client_id = 'caf\u{e9}'"),
    ("a client id of no letters", "UPDATE regrant_grants SET client_id = ''"),
    ("a client id that is no text", "UPDATE regrant_grants SET client_id = CAST(x'ff' AS TEXT)"),
    ("a subject of no letters", "UPDATE regrant_grants SET subject = ''"),
    ("a subject with a control character", "UPDATE regrant_grants SET subject = char(7)"),
    ("a version that is a text", "UPDATE regrant_grants SET version = 'one'"),
    ("an end that is a text", "UPDATE regrant_grants SET expires_at = 'never'"),
    ("a payload that is a text", "UPDATE regrant_grants SET payload = 'text'"),
    ("a payload that is nothing", "UPDATE regrant_grants SET payload = NULL"),
];

#[tokio::test]
async fn a_damaged_row_is_corrupt_and_stays_as_it_is() {
    for (what, sql) in DAMAGES {
        let database = Database::new();
        let _ = create(&database.open(), 1, record(b"whole")).await.unwrap();
        damage(&database, sql);
        let damaged = rows(&database);
        let store = database.open();

        assert!(store.load(&key(1)).await.unwrap_err().is_corrupt(), "{what}");
        assert_eq!(create(&store, 1, record(b"another")).await.unwrap(), Swap::Conflict, "{what}");
        assert_eq!(rows(&database), damaged, "{what}");
    }
}

#[tokio::test]
async fn a_listing_with_a_damaged_row_is_corrupt() {
    let database = Database::new();
    let store = database.open();
    let _ = create(&store, 1, record(b"whole")).await.unwrap();
    let _ = create(&store, 2, record(b"whole")).await.unwrap();
    database.execute("UPDATE regrant_grants SET id = x'02' WHERE id = x'02020202020202020202020202020202'");
    let owner = GrantOwner::Subject(Subject::new("demo").unwrap());
    let error = store.page(&Realm::default(), &owner, None, 10).await.unwrap_err();
    assert!(error.is_corrupt());
}

#[tokio::test]
async fn a_damaged_page_is_corrupt() {
    let database = Database::new();
    let store = database.open();
    let _ = create(&store, 1, record(&[7; 300])).await.unwrap();
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    let mut content = fs::read(&database.path).unwrap();
    content[4096..].fill(0xff);
    fs::write(&database.path, content).unwrap();
    assert!(store.load(&key(1)).await.unwrap_err().is_corrupt());
    let swap = store.compare_and_swap(&key(1), Expect::Version(Version(1)), record(b"over it")).await;
    assert!(swap.unwrap_err().is_corrupt());
}

/// Writes what the table does not admit: without STRICT and NOT NULL for as long as that takes.
fn damage(database: &Database, sql: &str) {
    let schema = "SELECT sql FROM sqlite_schema WHERE name = 'regrant_grants'";
    let strict: String = database.stranger().query_one(schema, [], |row| row.get(0)).unwrap();
    let lax = strict.replace("STRICT", "").replace("NOT NULL", "");
    set_schema(database, &lax);
    database.execute(sql);
    set_schema(database, &strict);
}

fn set_schema(database: &Database, table: &str) {
    let stranger = database.stranger();
    stranger.execute_batch("PRAGMA writable_schema = ON").unwrap();
    stranger.execute("UPDATE sqlite_schema SET sql = ?1 WHERE name = 'regrant_grants'", [table]).unwrap();
    stranger.execute_batch("PRAGMA writable_schema = RESET").unwrap();
}

fn rows(database: &Database) -> Vec<Vec<Value>> {
    let stranger = database.stranger();
    // As a blob, since not every text in there is one.
    let mut statement = stranger
        .prepare("SELECT id, realm, version, CAST(client_id AS BLOB), subject, expires_at, purge_at, payload FROM regrant_grants")
        .unwrap();
    let rows = statement.query_map([], |row| (0..8).map(|column| row.get(column)).collect()).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}
