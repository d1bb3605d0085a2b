//! A row that this crate did not write is reported as corrupt, not as absent, and is not changed.

use std::fs;

use regrant::Subject;
use regrant::store::{Expect, GrantIndex, GrantOwner, Swap, TokenStore, Version};
use regrant::token::Realm;
use rusqlite::types::Value;

use crate::support::{Database, create, key, record};

/// Kinds of damage to a row, each with the statement that causes it.
const DAMAGE: &[(&str, &str)] = &[
    ("a client id with a non-ASCII character", "UPDATE regrant_grants SET client_id = 'caf\u{e9}'"),
    ("an empty client id", "UPDATE regrant_grants SET client_id = ''"),
    ("a client id that is not UTF-8", "UPDATE regrant_grants SET client_id = CAST(x'ff' AS TEXT)"),
    ("an empty subject", "UPDATE regrant_grants SET subject = ''"),
    ("a subject with a control character", "UPDATE regrant_grants SET subject = char(7)"),
    ("a version of type TEXT", "UPDATE regrant_grants SET version = 'one'"),
    ("an expiry of type TEXT", "UPDATE regrant_grants SET expires_at = 'never'"),
    ("a payload of type TEXT", "UPDATE regrant_grants SET payload = 'text'"),
    ("a NULL payload", "UPDATE regrant_grants SET payload = NULL"),
];

#[tokio::test]
async fn a_damaged_row_is_corrupt_and_not_changed() {
    for (what, sql) in DAMAGE {
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
    database.execute("UPDATE regrant_grants SET id = x'02' WHERE id = x'00000000000000000000000000000002'");
    let owner = GrantOwner::Subject(Subject::new("demo").unwrap());
    let error = store.page(&Realm::default(), &owner, None, 10).await.unwrap_err();
    assert!(error.is_corrupt());
}

#[tokio::test]
async fn a_damaged_page_is_corrupt() {
    let database = Database::new();
    let store = database.open();
    let _ = create(&store, 1, record([7; 300])).await.unwrap();
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    let mut content = fs::read(&database.path).unwrap();
    content[4096..].fill(0xff);
    fs::write(&database.path, content).unwrap();
    assert!(store.load(&key(1)).await.unwrap_err().is_corrupt());
    let swap = store.compare_and_swap(&key(1), Expect::Version(Version(1)), record(b"over it")).await;
    assert!(swap.unwrap_err().is_corrupt());
}

/// Runs `sql` on a table without STRICT and NOT NULL, which would refuse the damage, then restores the schema.
fn damage(database: &Database, sql: &str) {
    let schema = "SELECT sql FROM sqlite_schema WHERE name = 'regrant_grants'";
    let strict: String = database.connection().query_one(schema, [], |row| row.get(0)).unwrap();
    let lax = strict.replace("STRICT", "").replace("NOT NULL", "");
    set_schema(database, &lax);
    database.execute(sql);
    set_schema(database, &strict);
}

fn set_schema(database: &Database, table: &str) {
    let other = database.connection();
    other.execute_batch("PRAGMA writable_schema = ON").unwrap();
    other.execute("UPDATE sqlite_schema SET sql = ?1 WHERE name = 'regrant_grants'", [table]).unwrap();
    other.execute_batch("PRAGMA writable_schema = RESET").unwrap();
}

fn rows(database: &Database) -> Vec<Vec<Value>> {
    let other = database.connection();
    // As a blob, because not every text in the table is valid.
    let mut statement = other
        .prepare(
            "SELECT id, realm, version, CAST(client_id AS BLOB), subject, expires_at, purge_at, payload \
             FROM regrant_grants",
        )
        .unwrap();
    let rows = statement.query_map([], |row| (0..8).map(|column| row.get(column)).collect()).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}
