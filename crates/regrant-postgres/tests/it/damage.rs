//! Malformed rows are reported as corrupt and not changed.

use regrant::Subject;
use regrant::store::{GrantIndex as _, GrantOwner, StoreError, TokenStore as _};
use regrant::token::Realm;
use regrant_postgres::{PostgresStore, Table};
use testbed::{LONG, key, text_of};

use crate::server::server;
use crate::support::{insert, open_new, record};

#[tokio::test]
async fn an_invalid_client_id_is_corrupt() {
    assert_load_is_corrupt("client_id = ''").await;
    assert_load_is_corrupt("client_id = 'caf\u{e9}'").await;
}

#[tokio::test]
async fn an_invalid_subject_is_corrupt() {
    assert_load_is_corrupt("subject = E'two\\nlines'").await;
}

#[tokio::test]
async fn a_column_of_another_type_is_corrupt() {
    let (store, table) = open_new().await;
    insert(&store, &key(1), record("grant")).await;
    server().execute(&format!("ALTER TABLE {table} ALTER COLUMN version TYPE TEXT"));
    drop(store);
    let store = reopen(&table).await;
    let error = store.load(&key(1)).await.unwrap_err();
    assert!(error.is_corrupt(), "{}", text_of(&error));
}

#[tokio::test]
async fn an_id_of_another_length_makes_a_listing_corrupt() {
    let (store, table) = open_new().await;
    insert(&store, &key(1), record("grant")).await;
    damage(&table, "id = '\\x010203'");
    let owner = GrantOwner::Subject(Subject::new("demo").unwrap());
    assert_corrupt(store.page(&Realm::default(), &owner, None, 10).await, &table);
}

async fn assert_load_is_corrupt(assignment: &str) {
    let (store, table) = open_new().await;
    insert(&store, &key(1), record("grant")).await;
    damage(&table, assignment);
    assert_corrupt(store.load(&key(1)).await, &table);
}

async fn reopen(table: &Table) -> PostgresStore {
    let builder = PostgresStore::builder(server().url()).unwrap().deadline(LONG);
    builder.table(table.clone()).open().await.unwrap()
}

fn damage(table: &Table, assignment: &str) {
    server().execute(&format!("UPDATE {table} SET {assignment}"));
}

fn assert_corrupt<T: std::fmt::Debug>(result: Result<T, StoreError>, table: &Table) {
    let error = result.unwrap_err();
    assert!(error.is_corrupt() && !error.is_transient(), "{}", text_of(&error));
    assert_eq!(server().execute(&format!("SELECT count(*) FROM {table}")), "1");
}
