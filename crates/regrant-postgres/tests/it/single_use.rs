//! Single-use marks: sent once, and never accepted from a server that accepts no writes.

use regrant::clock::Timestamp;
use regrant::store::{PurgeExpired as _, SingleUse as _, StoreError, Use, UseId};
use regrant_postgres::{OpenError, PostgresStore, PostgresStoreBuilder};
use testbed::{Disturbance, LONG, Postgres, Proxy, key, text_of};

use crate::server::server;
use crate::support::{assert_transient, beside, insert, load, open_new, pool, record, statistics};

const END: Timestamp = Timestamp::from_millis(1_000_000);

async fn use_once(store: &PostgresStore, number: u8) -> Result<Use, StoreError> {
    store.use_once(&UseId::from_bytes([number; 32]), END).await
}

/// The mark may be stored or not: the next use may be a replay, and this one may not.
#[tokio::test]
async fn a_use_whose_reply_was_lost_has_an_unknown_outcome() {
    let (_, table) = open_new().await;
    let proxy = Proxy::before(server().address());
    let pool = pool(&server().url_at(proxy.address()), 1);
    let store = PostgresStoreBuilder::from_pool(pool).table(table).deadline(LONG).open().await.unwrap();
    for (number, fault, then) in [(1, Disturbance::DropReply, Use::Again), (2, Disturbance::CutRequest, Use::First)] {
        // The statement is prepared now, so the next request is the write itself.
        assert_eq!(use_once(&store, 10 + number).await.unwrap(), Use::First);
        proxy.disturb(fault);
        assert_transient(use_once(&store, number).await);
        assert_eq!(use_once(&store, number).await.unwrap(), then, "{fault:?}");
    }
}

#[tokio::test]
async fn a_replica_that_a_pool_falls_back_to_marks_nothing() {
    let (_, table) = open_new().await;
    let (proxy, replica) = (Proxy::before(server().address()), server().standby());
    let both = format_args!("{},{}", proxy.address(), replica.address());
    let pool = pool(&server().url_at(both), 2);
    let store = PostgresStoreBuilder::from_pool(pool).table(table).deadline(LONG).open().await.unwrap();
    assert_eq!(use_once(&store, 1).await.unwrap(), Use::First);
    proxy.shut();
    for number in [1, 2] {
        assert_transient(use_once(&store, number).await);
    }
    proxy.reopen();
    assert_eq!(use_once(&store, 1).await.unwrap(), Use::Again);
    assert_eq!(use_once(&store, 2).await.unwrap(), Use::First);
}

#[tokio::test(flavor = "multi_thread")]
async fn serialization_failures_allow_no_second_first_use() {
    let (_, table) = open_new().await;
    let url = format!("{}?options=-c%20default_transaction_isolation%3Dserializable", server().url());
    let store =
        PostgresStore::builder(&url).unwrap().table(table).max_connections(16).deadline(LONG).open().await.unwrap();
    for number in 0..10 {
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { use_once(&store, number).await })
            })
            .collect();
        let mut firsts = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(used) => firsts += usize::from(used == Use::First),
                Err(error) => assert!(error.is_transient(), "{}", text_of(&error)),
            }
        }
        assert_eq!(firsts, 1);
    }
}

#[tokio::test]
async fn a_failed_commit_is_not_a_first_use() {
    let (store, table) = open_new().await;
    let marks = beside(&table, "marks");
    server().execute(&format!(
        "CREATE FUNCTION refuse_marks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not at the commit'; END $$; \
         CREATE CONSTRAINT TRIGGER late AFTER INSERT ON {marks} DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION refuse_marks()"
    ));
    let error = use_once(&store, 1).await.unwrap_err();
    assert!(text_of(&error).contains("not at the commit"), "{}", text_of(&error));
    server().execute(&format!("DROP TRIGGER late ON {marks}"));
    assert_eq!(use_once(&store, 1).await.unwrap(), Use::First);
}

#[tokio::test]
async fn a_table_of_the_first_schema_keeps_its_grants_and_gets_marks() {
    let (store, table) = open_new().await;
    insert(&store, &key(1), record("grant")).await;
    server().execute(&format!(
        "DROP TABLE {}; DELETE FROM {} WHERE version > 1",
        beside(&table, "marks"),
        beside(&table, "schema")
    ));
    let builder = PostgresStore::builder(server().url()).unwrap().table(table).deadline(LONG);
    assert!(matches!(builder.open().await, Err(OpenError::OlderSchema { found: 1, known: 3 })));
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    assert_eq!(load(&store, &key(1)).await.record, record("grant"));
    assert_eq!(use_once(&store, 1).await.unwrap(), Use::First);
}

#[tokio::test]
async fn every_use_and_every_purge_of_marks_uses_an_index() {
    // A server of its own, so that no other test changes the statistics; autovacuum would, too.
    let server = Postgres::start_with(&["autovacuum=off"]);
    let builder = PostgresStore::builder(server.url()).unwrap().deadline(LONG);
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    server.execute(
        "INSERT INTO regrant_grants_marks SELECT sha256(n::text::bytea), 10 FROM generate_series(1, 100000) n; \
         ANALYZE regrant_grants_marks",
    );
    let scans = "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'regrant_grants_marks'";
    // Creating the index and gathering the statistics scan the whole table.
    let before = server.execute(scans);
    // Often enough for a generic plan, which is made without the parameters.
    for number in 0..12 {
        assert_eq!(use_once(&store, number).await.unwrap(), Use::First);
        assert_eq!(store.purge_expired(Timestamp::from_millis(10), 100).await.unwrap(), 100);
    }
    // Several windows in one call.
    assert_eq!(store.purge_expired(Timestamp::from_millis(10), 3000).await.unwrap(), 3000);
    drop(store);
    let done = "SELECT n_tup_del FROM pg_stat_user_tables WHERE relname = 'regrant_grants_marks'";
    statistics(|| server.execute(done) == "4200").await;
    assert_eq!(server.execute(scans), before);
}
