//! Malformed rows are reported as corrupt and not changed.

use regrant::Subject;
use regrant::store::{GrantIndex as _, GrantOwner, StoreError, TokenStore as _};
use regrant::token::Realm;
use regrant_mysql::Table;
use testbed::{key, text_of};

use crate::server::server;
use crate::support::{at, insert, open_new, record};

#[tokio::test]
async fn an_invalid_client_id_is_corrupt() {
    assert_load_is_corrupt("client_id = ''").await;
    assert_load_is_corrupt("client_id = x'636166c3a9'").await;
    assert_load_is_corrupt("client_id = x'ff'").await;
}

#[tokio::test]
async fn an_invalid_subject_is_corrupt() {
    assert_load_is_corrupt("subject = x'610a62'").await;
    assert_load_is_corrupt("subject = x'ff'").await;
}

#[tokio::test]
async fn a_column_of_another_type_is_corrupt() {
    let (store, table) = open_new().await;
    insert(&store, &key(1), record("grant")).await;
    server().execute(&format!("ALTER TABLE {table} MODIFY version TEXT"));
    let store = at(&server().url()).table(table.clone()).open().await.unwrap();
    assert_corrupt(store.load(&key(1)).await, &table);
}

#[tokio::test]
async fn an_id_of_another_length_makes_a_listing_corrupt() {
    let (store, table) = open_new().await;
    insert(&store, &key(1), record("grant")).await;
    damage(&table, "id = x'010203'");
    let owner = GrantOwner::Subject(Subject::new("demo").unwrap());
    assert_corrupt(store.page(&Realm::default(), &owner, None, 10).await, &table);
}

async fn assert_load_is_corrupt(assignment: &str) {
    let (store, table) = open_new().await;
    insert(&store, &key(1), record("grant")).await;
    damage(&table, assignment);
    assert_corrupt(store.load(&key(1)).await, &table);
}

fn damage(table: &Table, assignment: &str) {
    server().execute(&format!("UPDATE {table} SET {assignment}"));
}

fn assert_corrupt<T: std::fmt::Debug>(result: Result<T, StoreError>, table: &Table) {
    let error = result.unwrap_err();
    assert!(error.is_corrupt() && !error.is_transient(), "{}", text_of(&error));
    assert_eq!(server().execute(&format!("SELECT COUNT(*) FROM {table}")), "1");
}
