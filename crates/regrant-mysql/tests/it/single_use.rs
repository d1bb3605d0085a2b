//! Single-use marks: sent once, and never accepted from a server that accepts no writes.

use regrant::clock::Timestamp;
use regrant::store::{PurgeExpired as _, SingleUse as _, StoreError, Use, UseId};
use regrant_mysql::MysqlStore;
use testbed::{Disturbance, MariaDb, Proxy, text_of};

use crate::server::server;
use crate::support::{assert_transient, at, beside, open_new};

const END: Timestamp = Timestamp::from_millis(1_000_000);

async fn use_once(store: &MysqlStore, number: u8) -> Result<Use, StoreError> {
    store.use_once(&UseId::from_bytes([number; 32]), END).await
}

/// The mark may be stored or not: the next use may be a replay, and this one may not.
#[tokio::test]
async fn a_use_whose_reply_was_lost_has_an_unknown_outcome() {
    let (_, table) = open_new().await;
    let proxy = Proxy::before(server().address());
    let store = at(&server().url_at(proxy.address())).table(table).max_connections(1).open().await.unwrap();
    for (number, fault, then) in [(1, Disturbance::DropReply, Use::Again), (2, Disturbance::CutRequest, Use::First)] {
        // The statement is prepared now, so the next request is the write itself.
        assert_eq!(use_once(&store, 10 + number).await.unwrap(), Use::First);
        proxy.disturb(fault);
        assert_transient(use_once(&store, number).await);
        assert_eq!(use_once(&store, number).await.unwrap(), then, "{fault:?}");
    }
}

#[tokio::test]
async fn a_read_only_server_marks_nothing() {
    let server = MariaDb::start();
    let builder = at(&server.url());
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    assert_eq!(use_once(&store, 1).await.unwrap(), Use::First);
    server.execute("SET GLOBAL read_only = ON");
    for number in [1, 2] {
        assert_transient(use_once(&store, number).await);
    }
    server.execute("SET GLOBAL read_only = OFF");
    assert_eq!(use_once(&store, 1).await.unwrap(), Use::Again);
    assert_eq!(use_once(&store, 2).await.unwrap(), Use::First);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_uses_at_once_one_is_the_first() {
    let (_, table) = open_new().await;
    let store = at(&server().url()).table(table).max_connections(16).open().await.unwrap();
    for number in 0..20 {
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { use_once(&store, number).await })
            })
            .collect();
        let mut firsts = 0;
        for task in tasks {
            firsts += usize::from(task.await.unwrap().unwrap() == Use::First);
        }
        assert_eq!(firsts, 1);
    }
}

#[tokio::test]
async fn a_refused_insertion_is_neither_a_first_use_nor_a_replay() {
    let (store, table) = open_new().await;
    let marks = beside(&table, "marks");
    server().execute(&format!(
        "CREATE TRIGGER {} AFTER INSERT ON {marks} FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not now'",
        beside(&table, "refusal"),
    ));
    let error = use_once(&store, 1).await.unwrap_err();
    assert!(text_of(&error).contains("not now") && !error.is_transient(), "{}", text_of(&error));
    server().execute(&format!("DROP TRIGGER {}", beside(&table, "refusal")));
    assert_eq!(use_once(&store, 1).await.unwrap(), Use::First);
}

#[tokio::test]
async fn a_duplicate_in_an_index_of_somebody_else_is_no_replay() {
    let (store, table) = open_new().await;
    server().execute(&format!("ALTER TABLE {} ADD UNIQUE KEY other (expires_at)", beside(&table, "marks")));
    assert_eq!(use_once(&store, 1).await.unwrap(), Use::First);
    assert_eq!(use_once(&store, 1).await.unwrap(), Use::Again);
    let error = use_once(&store, 2).await.unwrap_err();
    assert!(!error.is_transient() && text_of(&error).contains("1062"), "{}", text_of(&error));
}

#[tokio::test]
async fn every_use_and_every_purge_of_marks_uses_an_index() {
    let server = MariaDb::start();
    let builder = at(&server.url()).max_connections(1);
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    server.execute(
        "INSERT INTO regrant_grants_marks SELECT UNHEX(SHA2(seq, 256)), 10 FROM seq_1_to_20000; \
         ANALYZE TABLE regrant_grants_marks",
    );
    let examined =
        "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'HANDLER_READ_RND_NEXT'";
    let before: u64 = server.execute(examined).parse().unwrap();
    for number in 0..12 {
        assert_eq!(use_once(&store, number).await.unwrap(), Use::First);
        assert_eq!(store.purge_expired(Timestamp::from_millis(10), 100).await.unwrap(), 100);
    }
    // Several windows in one call.
    assert_eq!(store.purge_expired(Timestamp::from_millis(10), 3000).await.unwrap(), 3000);
    let after: u64 = server.execute(examined).parse().unwrap();
    assert!(after - before < 10_000, "{} rows were scanned", after - before);
}
