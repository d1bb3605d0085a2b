//! Rows that are no records are told as such, and left as they are.

use regrant::Subject;
use regrant::store::{GrantIndex as _, GrantOwner, StoreError, TokenStore as _};
use regrant::token::Realm;
use regrant_postgres::{PostgresStore, Table};

use crate::server::server;
use crate::support::{PATIENT, insert, key, open_new, record, telling};

#[tokio::test]
async fn a_client_id_that_is_none_is_damage() {
    is_damage_to_a_load("client_id = ''").await;
    is_damage_to_a_load("client_id = 'caf\u{e9}'").await;
}

#[tokio::test]
async fn a_subject_that_is_none_is_damage() {
    is_damage_to_a_load("subject = E'two\\nlines'").await;
}

#[tokio::test]
async fn a_column_of_another_type_is_damage() {
    let (store, table) = open_new().await;
    insert(&store, &key(1), record("grant")).await;
    server().execute(&format!("ALTER TABLE {table} ALTER COLUMN version TYPE TEXT"));
    drop(store);
    let store = reopen(&table).await;
    let error = store.load(&key(1)).await.unwrap_err();
    assert!(error.is_corrupt(), "{}", telling(&error));
}

#[tokio::test]
async fn an_id_of_another_length_is_damage_to_a_listing() {
    let (store, table) = open_new().await;
    insert(&store, &key(1), record("grant")).await;
    damage(&table, "id = '\\x010203'");
    let owner = GrantOwner::Subject(Subject::new("demo").unwrap());
    assert_damaged(store.page(&Realm::default(), &owner, None, 10).await, &table);
}

async fn is_damage_to_a_load(assignment: &str) {
    let (store, table) = open_new().await;
    insert(&store, &key(1), record("grant")).await;
    damage(&table, assignment);
    assert_damaged(store.load(&key(1)).await, &table);
}

async fn reopen(table: &Table) -> PostgresStore {
    let builder = PostgresStore::builder(server().url()).unwrap().deadline(PATIENT);
    builder.table(table.clone()).open().await.unwrap()
}

fn damage(table: &Table, assignment: &str) {
    server().execute(&format!("UPDATE {table} SET {assignment}"));
}

fn assert_damaged<T: std::fmt::Debug>(result: Result<T, StoreError>, table: &Table) {
    let error = result.unwrap_err();
    assert!(error.is_corrupt() && !error.is_transient(), "{}", telling(&error));
    assert_eq!(server().execute(&format!("SELECT count(*) FROM {table}")), "1");
}
