//! A Galera cluster: two nodes of the application on two nodes of the database, which both accept writes.

use std::sync::LazyLock;

use regrant::clock::Timestamp;
use regrant::store::{Expect, SingleUse as _, Swap, TokenStore as _, Use, UseId};
use regrant_mysql::{MysqlStore, OpenError};
use testbed::{MariaDb, failures, key, text_of};
use tokio::task::JoinSet;

use crate::errors::count_up;
use crate::server::new_table;
use crate::support::{at, insert, load, record, swap};

fn cluster() -> &'static [MariaDb; 2] {
    static CLUSTER: LazyLock<[MariaDb; 2]> = LazyLock::new(MariaDb::cluster);
    &CLUSTER
}

/// A store at each node, on one table.
async fn stores([first, second]: &[MariaDb; 2]) -> [MysqlStore; 2] {
    let table = new_table();
    at(&first.url()).table(table.clone()).migrate().await.unwrap();
    let [one, two] = [first, second].map(|node| at(&node.url()).table(table.clone()));
    [one.open().await.unwrap(), two.open().await.unwrap()]
}

#[tokio::test]
async fn a_write_at_one_node_is_read_at_the_other_at_once() {
    let [one, two] = stores(cluster()).await;
    insert(&one, &key(1), record("grant")).await;
    for round in 0_u32..300 {
        let version = load(&two, &key(1)).await.version;
        swap(&one, &key(1), version, record(round.to_be_bytes())).await;
        assert_eq!(load(&two, &key(1)).await.record, record(round.to_be_bytes()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn swaps_at_both_nodes_lose_no_write_and_repeat_none() {
    let [one, two] = stores(cluster()).await;
    insert(&one, &key(1), record(0_u32.to_be_bytes())).await;
    let mut writers = JoinSet::new();
    for store in [&one, &two, &one, &two] {
        let store = store.clone();
        writers.spawn(async move {
            for _ in 0..15 {
                count_up(&store).await;
            }
        });
    }
    writers.join_all().await;
    assert_eq!(*load(&one, &key(1)).await.record.payload, 60_u32.to_be_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_uses_and_creations_at_both_nodes_at_once_one_is_the_first() {
    let [one, two] = stores(cluster()).await;
    let end = Timestamp::from_millis(1_000_000);
    for number in 0..40 {
        let used = UseId::from_bytes([number; 32]);
        let (first, second) = tokio::join!(one.use_once(&used, end), two.use_once(&used, end));
        let firsts = [first.unwrap(), second.unwrap()].iter().filter(|used| **used == Use::First).count();
        assert_eq!(firsts, 1, "{number}");
        let new = key(u128::from(number));
        let (first, second) = tokio::join!(
            one.compare_and_swap(&new, Expect::Absent, record("one")),
            two.compare_and_swap(&new, Expect::Absent, record("two")),
        );
        let stored = [first.unwrap(), second.unwrap()].iter().filter(|swap| **swap == Swap::Stored).count();
        assert_eq!(stored, 1, "{number}");
    }
}

/// Such a node answers as one that has lost the others: it refuses every statement on a table.
#[tokio::test]
async fn a_node_that_refuses_statements_is_transient_and_named() {
    let [_other, node] = MariaDb::cluster();
    let builder = at(&node.url());
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    insert(&store, &key(1), record("grant")).await;
    node.execute("SET GLOBAL wsrep_reject_queries = ALL");
    for error in failures(&store).await {
        assert!(error.is_transient() && text_of(&error).contains("1047"), "{}", text_of(&error));
    }
    let opened = builder.open().await;
    assert!(matches!(opened, Err(OpenError::NotInPrimaryComponent(_))), "{:?}", opened.err());
    node.execute("SET GLOBAL wsrep_reject_queries = NONE");
    assert_eq!(load(&store, &key(1)).await.record, record("grant"));
}
