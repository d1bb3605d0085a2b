//! A purge works in small steps and finds every expired grant.

use std::sync::atomic::{AtomicUsize, Ordering};

use regrant::clock::Timestamp;
use regrant::store::{Expect, PurgeExpired, Swap, TokenStore};
use regrant_sqlite::SqliteStore;
use tokio::task::JoinSet;

use crate::support::{Database, create, key, record, record_until};

/// More rows than a purge examines in one step.
const MANY: u8 = 200;

const NOW: Timestamp = Timestamp::from_millis(1000);

#[tokio::test]
async fn a_swap_does_not_wait_for_a_long_purge() {
    let database = Database::new();
    let store = database.open();
    create_many(&store, Some(0)).await;

    let lock = database.locked();
    let before = database.commits();
    let answered = AtomicUsize::new(0);
    let turn = || answered.fetch_add(1, Ordering::Relaxed);
    let ((purged, purge_turn), (swap, swap_turn), ()) = tokio::join!(
        async { (store.purge_expired(NOW, usize::MAX).await.unwrap(), turn()) },
        async { (create(&store, MANY, record(b"between")).await.unwrap(), turn()) },
        async { drop(lock) },
    );
    assert_eq!((purged, swap), (usize::from(MANY), Swap::Stored));
    assert!(swap_turn < purge_turn, "the swap had to wait");
    assert!(database.commits() - before >= 4, "this many rows take several transactions");
}

#[tokio::test]
async fn grants_whose_expiry_moved_do_not_hide_an_expired_one() {
    for end in [Some(2000), None] {
        let database = Database::new();
        let store = database.open();
        create_many(&store, Some(0)).await;
        for number in 0..MANY {
            let version = store.load(&key(number)).await.unwrap().unwrap().version;
            let swap = store.compare_and_swap(&key(number), Expect::Version(version), record_until(end)).await;
            assert_eq!(swap.unwrap(), Swap::Stored);
        }
        assert_eq!(create(&store, MANY, record_until(Some(1))).await.unwrap(), Swap::Stored);
        assert_eq!(store.purge_expired(NOW, 10).await.unwrap(), 1);
        assert!(store.load(&key(0)).await.unwrap().is_some());
    }
}

async fn create_many(store: &SqliteStore, end: Option<i64>) {
    let mut creations = JoinSet::new();
    for number in 0..MANY {
        let store = store.clone();
        creations.spawn(async move { create(&store, number, record_until(end)).await.unwrap() });
    }
    assert!(creations.join_all().await.iter().all(|swap| *swap == Swap::Stored));
}
