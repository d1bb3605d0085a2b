//! What happens while another connection holds the file.

mod common;

use std::time::Duration;

use common::{Database, create, payload, record};
use regrant::clock::Timestamp;
use regrant::store::{PurgeExpired, Swap};
use regrant_sqlite::SqliteStore;

const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_locked_file_is_a_transient_error_within_the_deadline_and_all_is_well_afterwards() {
    let database = Database::new();
    let store = SqliteStore::builder().deadline(SOON).open(&database.path).unwrap();
    let stranger = database.locked();

    let (first, second, purge) = tokio::time::timeout(Duration::from_secs(5), async {
        tokio::join!(
            create(&store, 1, record(b"late")),
            create(&store, 2, record(b"late")),
            store.purge_expired(Timestamp::from_millis(0), 1),
        )
    })
    .await
    .expect("the deadline is kept");
    assert!(first.unwrap_err().is_transient());
    assert!(second.unwrap_err().is_transient());
    assert!(purge.unwrap_err().is_transient());

    drop(stranger);
    assert_eq!(create(&store, 3, record(b"after")).await.unwrap(), Swap::Stored);
    // What was answered as not begun is not done later.
    assert_eq!((payload(&store, 1).await, payload(&store, 2).await), (None, None));
}

#[tokio::test]
async fn a_write_waits_for_a_lock_that_is_released_in_time() {
    let database = Database::new();
    let store = database.open();
    let stranger = database.locked();
    let (swap, ()) = tokio::join!(create(&store, 1, record(b"patient")), async { drop(stranger) });
    assert_eq!(swap.unwrap(), Swap::Stored);
}

#[tokio::test]
async fn reads_go_on_while_another_connection_writes() {
    let database = Database::new();
    let store = SqliteStore::builder().deadline(SOON).open(&database.path).unwrap();
    let _ = create(&store, 1, record(b"here")).await.unwrap();
    let stranger = database.locked();
    stranger.execute_batch("UPDATE regrant_grants SET payload = x'00'").unwrap();
    assert_eq!(payload(&store, 1).await.as_deref(), Some(&b"here"[..]), "what is not committed is not seen");
    stranger.execute_batch("COMMIT").unwrap();
    assert_eq!(payload(&store, 1).await.as_deref(), Some(&[0][..]));
}
