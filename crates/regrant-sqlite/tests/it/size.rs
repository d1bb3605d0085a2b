//! Rotations do not make the file grow.

use regrant::clock::Timestamp;
use regrant::store::{Expect, GrantRecord, Swap, TokenStore};
use regrant::{ClientId, Subject};
use regrant_sqlite::{SqliteStore, Synchronous};
use tokio::task::JoinSet;

use crate::support::{Database, key};

const GRANTS: u8 = 200;

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_takes_as_much_after_10_000_rotations_as_after_one() {
    let database = Database::new();
    let store = SqliteStore::builder().synchronous(Synchronous::Normal).open(&database.path).unwrap();
    for_each_grant(&store, |store, number| async move {
        let swap = store.compare_and_swap(&key(number), Expect::Absent, grant(number, 0)).await.unwrap();
        assert_eq!(swap, Swap::Stored);
        rotate(&store, number, 1).await;
    })
    .await;
    let once = bytes_per_grant(&database);
    for_each_grant(&store, |store, number| async move {
        for round in 2..=10_000 / i64::from(GRANTS) {
            rotate(&store, number, round).await;
        }
    })
    .await;
    let often = bytes_per_grant(&database);
    println!("bytes per grant, indexes included: {once} after 1 rotation, {often} after 10 000 rotations of {GRANTS}");
    assert_eq!(once, often);
}

async fn for_each_grant<F>(store: &SqliteStore, work: impl Fn(SqliteStore, u8) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for number in 0..GRANTS {
        tasks.spawn(work(store.clone(), number));
    }
    tasks.join_all().await;
}

async fn rotate(store: &SqliteStore, number: u8, round: i64) {
    let version = store.load(&key(number)).await.unwrap().unwrap().version;
    let swap = store.compare_and_swap(&key(number), Expect::Version(version), grant(number, round)).await.unwrap();
    assert_eq!(swap, Swap::Stored);
}

/// A record of typical size. Each rotation moves its expiry later.
fn grant(number: u8, round: i64) -> GrantRecord {
    GrantRecord {
        payload: [number; 300].into(),
        client_id: ClientId::new("myClient").unwrap(),
        subject: Some(Subject::new(format!("user{number}@example.com")).unwrap()),
        expires_at: Some(Timestamp::from_millis(1_800_000_000_000 + round)),
    }
}

fn bytes_per_grant(database: &Database) -> u64 {
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    assert_eq!(std::fs::metadata(database.wal()).unwrap().len(), 0, "the log has been moved into the file");
    std::fs::metadata(&database.path).unwrap().len() / u64::from(GRANTS)
}
