//! Poolers between the store and the server.

use regrant_postgres::{OpenError, PostgresStore, PostgresStoreBuilder};
use testbed::{LONG, PgBouncer, key, text_of};

use crate::server::server;
use crate::support::{insert, load, open_new, pool, record, swap};

/// Every time, not only when two calls meet: PgBouncer before 1.21 passes most single calls.
#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_does_not_follow_prepared_statements_is_named() {
    let pooler = PgBouncer::by_transaction(server());
    for round in 0..10 {
        let (_, table) = open_new().await;
        let own = PostgresStore::builder(pooler.url()).unwrap();
        for builder in [own, PostgresStoreBuilder::from_pool(pool(pooler.url(), 4))] {
            let opened = builder.table(table.clone()).deadline(LONG).open().await;
            if PgBouncer::follows_statements() {
                let store = opened.unwrap();
                let grants: Vec<_> =
                    (0..20).map(|number| insert_and_swap(store.clone(), round * 100 + number)).collect();
                for grant in grants {
                    grant.await.unwrap();
                }
                insert(&store, &key(round * 100 + 50), record("grant")).await;
                server().execute(&format!("DELETE FROM {table}"));
            } else {
                let error = opened.unwrap_err();
                assert!(matches!(error, OpenError::Pooler(_)), "{}", text_of(&error));
            }
        }
    }
}

fn insert_and_swap(store: PostgresStore, number: u128) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        insert(&store, &key(number), record("old")).await;
        let version = load(&store, &key(number)).await.version;
        swap(&store, &key(number), version, record("new")).await;
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_by_session_is_like_the_server() {
    let pooler = PgBouncer::by_session(server());
    let (_, table) = open_new().await;
    let builder = PostgresStore::builder(pooler.url()).unwrap().max_connections(4).table(table).deadline(LONG);
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    for grant in (0..20).map(|number| insert_and_swap(store.clone(), number)).collect::<Vec<_>>() {
        grant.await.unwrap();
    }
}

/// The check of the pooler leaves no connection of the application inside a transaction.
#[tokio::test]
async fn the_pool_of_the_application_is_returned_as_it_was() {
    let (_, table) = open_new().await;
    let url = format!("{}?application_name=returned_as_it_was", server().url());
    let pool = pool(&url, 2);
    let _store = PostgresStoreBuilder::from_pool(pool.clone()).table(table).deadline(LONG).open().await.unwrap();
    let (one, two) = (pool.get().await.unwrap(), pool.get().await.unwrap());
    let open = "SELECT count(*) FROM pg_stat_activity \
                WHERE application_name = 'returned_as_it_was' AND state LIKE 'idle in transaction%'";
    assert_eq!(one.query_one(open, &[]).await.unwrap().get::<_, i64>(0), 0);
    drop(two);
}
