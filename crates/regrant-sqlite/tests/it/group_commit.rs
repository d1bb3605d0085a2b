//! Writes that arrive during a commit share the next one, and nothing else.

use std::pin::pin;

use regrant::store::{Expect, StoreError, Swap, TokenStore};
use regrant_sqlite::SqliteStore;
use tokio::task::JoinSet;

use crate::support::{Database, create, key, payload, record, record_of};

#[tokio::test]
async fn swaps_at_once_share_commits() {
    let database = Database::new();
    let store = database.open();
    let before = database.commits();
    let answers = at_once(&database, &store, (0..32).map(|_| "app")).await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Swap::Stored))));
    // The writer may have taken some of them before the others arrived.
    assert!((1..=2).contains(&(database.commits() - before)));
}

#[tokio::test]
async fn swaps_of_one_version_in_one_commit_have_one_winner() {
    let database = Database::new();
    let store = database.open();
    let _ = create(&store, 1, record(b"first")).await.unwrap();
    let version = store.load(&key(1)).await.unwrap().unwrap().version;
    let lock = database.locked();
    let mut swaps = JoinSet::new();
    for number in 0..16 {
        let store = store.clone();
        swaps.spawn(async move {
            store.compare_and_swap(&key(1), Expect::Version(version), record([number])).await.unwrap()
        });
    }
    tokio::task::yield_now().await;
    drop(lock);
    let answers = swaps.join_all().await;
    assert_eq!(answers.iter().filter(|answer| **answer == Swap::Stored).count(), 1);
}

#[tokio::test]
async fn a_failed_write_does_not_affect_others_in_its_batch() {
    let database = Database::new();
    let store = database.open();
    database.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON regrant_grants WHEN NEW.client_id = 'bad' \
         BEGIN SELECT RAISE(ABORT, 'refused'); END",
    );
    let answers = at_once(&database, &store, with_failing_middle("bad")).await;
    for (number, answer) in (0..).zip(answers) {
        match answer {
            Ok(swap) => assert_eq!(swap, Swap::Stored),
            Err(error) => assert!(number == MIDDLE && !error.is_transient() && !error.is_corrupt(), "{error:?}"),
        }
        assert_eq!(payload(&store, number).await.is_some(), number != MIDDLE);
    }
}

#[tokio::test]
async fn a_transaction_that_sqlite_rolls_back_acknowledges_no_write() {
    let database = Database::new();
    let store = database.open();
    database.execute(
        "CREATE TRIGGER give_up BEFORE INSERT ON regrant_grants WHEN NEW.client_id = 'bad' \
         BEGIN SELECT RAISE(ROLLBACK, 'given up'); END",
    );
    let answers = at_once(&database, &store, with_failing_middle("bad")).await;
    assert_all_or_nothing(&store, answers).await;
}

#[tokio::test]
async fn a_failed_commit_acknowledges_no_write() {
    let database = Database::new();
    let store = database.open();
    database.execute(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY); \
         CREATE TABLE child (parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED); \
         CREATE TRIGGER fail_commit AFTER INSERT ON regrant_grants WHEN NEW.client_id = 'bad' \
         BEGIN INSERT INTO child VALUES (1); END",
    );
    let answers = at_once(&database, &store, with_failing_middle("bad")).await;
    assert_all_or_nothing(&store, answers).await;
}

#[tokio::test]
async fn a_swap_that_was_dropped_before_its_turn_is_not_done() {
    let database = Database::new();
    let store = database.open();
    let lock = database.locked();
    for number in 0..8 {
        let mut swap = pin!(create(&store, number, record(b"dropped")));
        assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(swap.as_mut().poll(cx))).await.is_pending());
    }
    drop(lock);
    // This write is queued behind them.
    assert_eq!(create(&store, 9, record(b"kept")).await.unwrap(), Swap::Stored);
    for number in 0..8 {
        assert_eq!(payload(&store, number).await, None);
    }
}

/// Position of the failing write: other writes stand before and after it, however the writer splits them.
const MIDDLE: u8 = 8;

fn with_failing_middle(bad: &'static str) -> impl Iterator<Item = &'static str> {
    (0..=2 * MIDDLE).map(move |number| if number == MIDDLE { bad } else { "app" })
}

/// Creates a record for each client. All writes are queued before the first one gets the write lock.
async fn at_once(
    database: &Database,
    store: &SqliteStore,
    clients: impl Iterator<Item = &'static str>,
) -> Vec<Result<Swap, StoreError>> {
    let lock = database.locked();
    let creations: Vec<_> = (0..)
        .zip(clients)
        .map(|(number, client_id)| {
            let store = store.clone();
            tokio::spawn(async move { create(&store, number, record_of(client_id)).await })
        })
        .collect();
    // This runtime has one thread, so all tasks have sent their write when this task runs again.
    tokio::task::yield_now().await;
    drop(lock);
    let mut answers = Vec::new();
    for creation in creations {
        answers.push(creation.await.unwrap());
    }
    answers
}

async fn assert_all_or_nothing(store: &SqliteStore, answers: Vec<Result<Swap, StoreError>>) {
    let mut failed_others = 0;
    for (number, answer) in (0..).zip(answers) {
        assert_eq!(payload(store, number).await.is_some(), answer.is_ok(), "{number}: {answer:?}");
        match answer {
            Ok(swap) => assert_eq!(swap, Swap::Stored),
            Err(_) if number == MIDDLE => {}
            Err(error) => {
                assert!(error.is_transient());
                failed_others += 1;
            }
        }
    }
    assert!(failed_others > 0, "no other write shared its batch");
    assert_eq!(create(store, u8::MAX, record(b"afterwards")).await.unwrap(), Swap::Stored);
}
