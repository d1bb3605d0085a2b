//! Behaviour while another connection holds the lock.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use regrant::clock::Timestamp;
use regrant::store::{PurgeExpired, Swap, TokenStore};
use regrant_sqlite::SqliteStore;

use crate::support::{Database, create, key, payload, record};

const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_locked_file_is_a_transient_error_at_the_deadline_and_usable_afterwards() {
    let database = Database::new();
    let store = SqliteStore::builder().deadline(SOON).open(&database.path).unwrap();
    let other = database.locked();

    // The lock is released only afterwards, so the calls can end by nothing but the deadline.
    let (first, second, purge) = tokio::join!(
        create(&store, 1, record(b"late")),
        create(&store, 2, record(b"late")),
        store.purge_expired(Timestamp::from_millis(0), 1),
    );
    assert!(first.unwrap_err().is_transient());
    assert!(second.unwrap_err().is_transient());
    assert!(purge.unwrap_err().is_transient());

    drop(other);
    // On a busy machine a call may miss this short deadline; each one is queued behind the overdue writes.
    while create(&store, 3, record(b"after")).await.is_err() {}
    // A write that was answered as overdue is not done later.
    let store = database.open();
    assert_eq!((payload(&store, 1).await, payload(&store, 2).await), (None, None));
}

#[tokio::test]
async fn a_write_waits_for_a_lock_that_is_released_in_time() {
    let database = Database::new();
    let store = database.open();
    let other = database.locked();
    let (swap, ()) = tokio::join!(create(&store, 1, record(b"patient")), async { drop(other) });
    assert_eq!(swap.unwrap(), Swap::Stored);
}

#[tokio::test]
async fn reads_go_on_while_another_connection_writes() {
    let database = Database::new();
    let store = database.open();
    let _ = create(&store, 1, record(b"here")).await.unwrap();
    let other = database.locked();
    other.execute_batch("UPDATE regrant_grants SET payload = x'00'").unwrap();
    assert_eq!(payload(&store, 1).await.as_deref(), Some(&b"here"[..]), "an uncommitted change is invisible");
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(payload(&store, 1).await.as_deref(), Some(&[0][..]));
}

#[tokio::test]
async fn a_load_runs_on_the_calling_thread_unless_the_builder_turns_that_off() {
    let database = Database::new();
    let store = database.open();
    let _ = create(&store, 1, record(b"here")).await.unwrap();
    let key = key(1);
    let mut load = pin!(store.load(&key));
    let polled_once = poll_fn(|context| Poll::Ready(load.as_mut().poll(context))).await;
    assert!(matches!(polled_once, Poll::Ready(Ok(Some(_)))));
    let on_threads = SqliteStore::builder().direct_reads(false).open(&database.path).unwrap();
    assert_eq!(payload(&on_threads, 1).await.as_deref(), Some(&b"here"[..]));
}
