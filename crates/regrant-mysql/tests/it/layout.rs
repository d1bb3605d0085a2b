//! The table layout: a refresh touches no index, and a grant does not grow.

use regrant::clock::Timestamp;
use regrant::store::{Expect, GrantIndex as _, GrantOwner, PurgeExpired as _, Swap, TokenStore as _};
use regrant::token::Realm;
use regrant::{ClientId, Subject};
use regrant_mysql::MysqlStore;
use testbed::{MariaDb, key};

use crate::support::{at, insert, load, record, swap};

const GRANTS: u32 = 500;

/// A server for one test: its counters count this test alone.
async fn quiet_server() -> (MariaDb, MysqlStore) {
    let server = MariaDb::start();
    let builder = at(&server.url()).max_connections(1);
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    (server, store)
}

#[tokio::test]
async fn a_refresh_touches_no_index_and_ten_thousand_do_not_grow_the_table() {
    let (server, store) = quiet_server().await;
    for id in 0..GRANTS {
        insert(&store, &key(spread(id)), record(vec![0; 300])).await;
        rotate(&store, id, 1).await;
    }
    let once = bytes_per_grant(&server);
    for rotation in 2..=10_000 {
        rotate(&store, 0, rotation).await;
        // Other grants are refreshed, too.
        if rotation % 10 == 0 {
            rotate(&store, 1 + u32::try_from(rotation / 10).unwrap() % (GRANTS - 1), rotation).await;
        }
    }
    let often = bytes_per_grant(&server);
    println!("{once} bytes per grant after 1 rotation, {often} after 10000 of one");
    assert!(often <= once + once / 20, "{once} bytes became {often}");
    // The lower bound of the index is the end that the first version had.
    let moved = "SELECT COUNT(*) FROM regrant_grants WHERE purge_at <> 1000000";
    assert_eq!(server.execute(moved), "0", "a refresh has written the index");
}

/// Refreshes a grant: another payload and a later expiry.
async fn rotate(store: &MysqlStore, id: u32, rotation: i64) {
    let key = key(spread(id));
    let version = load(store, &key).await.version;
    let mut next = record(vec![u8::try_from(rotation % 256).unwrap(); 300]);
    next.expires_at = Some(Timestamp::from_millis(1_000_000 + rotation));
    swap(store, &key, version, next).await;
}

#[tokio::test]
async fn every_read_and_every_purge_of_grants_uses_an_index() {
    let (server, store) = quiet_server().await;
    fill(&server, 20_000, "10");
    server.execute("ANALYZE TABLE regrant_grants");
    let before = scanned(&server);
    let (realm, subject, client) =
        (Realm::default(), Subject::new("user 7").unwrap(), ClientId::new("client 7").unwrap());
    for owner in [
        GrantOwner::Subject(subject.clone()),
        GrantOwner::Client(client.clone()),
        GrantOwner::SubjectAndClient(subject, client),
    ] {
        assert_eq!(store.page(&realm, &owner, None, 5).await.unwrap().len(), 5, "{owner:?}");
    }
    store.load(&key(1)).await.unwrap();
    for _ in 0..12 {
        assert_eq!(store.purge_expired(Timestamp::from_millis(10), 100).await.unwrap(), 100);
    }
    let rows = scanned(&server) - before;
    // A window of a purge is a temporary table of at most a thousand rows.
    assert!(rows < 40_000, "{rows} rows were scanned");
}

#[tokio::test]
async fn a_purge_reaches_past_any_number_of_grants_that_are_not_due() {
    let (server, store) = quiet_server().await;
    // All are due by their lower bound; only the last few have expired.
    fill(&server, 3_500, "CASE WHEN seq > 3490 THEN 10 WHEN seq % 2 = 0 THEN NULL ELSE 1000 END");
    server.execute("UPDATE regrant_grants SET purge_at = 5");
    assert_eq!(store.purge_expired(Timestamp::from_millis(100), 7).await.unwrap(), 7);
    assert_eq!(store.purge_expired(Timestamp::from_millis(100), 7).await.unwrap(), 3);
    let wrong = "SELECT COUNT(*) FROM regrant_grants WHERE NOT purge_at <=> expires_at";
    assert_eq!(server.execute(wrong), "0", "each lower bound is now the expiry");
    assert_eq!(store.purge_expired(Timestamp::from_millis(1000), usize::MAX).await.unwrap(), 1745);
}

#[tokio::test]
async fn an_expiry_that_moves_earlier_is_found_at_once() {
    let (_server, store) = quiet_server().await;
    for (id, first) in [(1, None), (2, Some(Timestamp::from_millis(70)))] {
        let mut grant = record("grant");
        grant.expires_at = first;
        insert(&store, &key(id), grant.clone()).await;
        let version = load(&store, &key(id)).await.version;
        grant.expires_at = Some(Timestamp::from_millis(50));
        assert_eq!(store.compare_and_swap(&key(id), Expect::Version(version), grant).await.unwrap(), Swap::Stored);
    }
    assert_eq!(store.purge_expired(Timestamp::from_millis(49), 9).await.unwrap(), 0);
    assert_eq!(store.purge_expired(Timestamp::from_millis(50), 9).await.unwrap(), 2);
}

#[tokio::test]
async fn an_expiry_that_is_taken_back_is_kept_from_the_purge() {
    let (_server, store) = quiet_server().await;
    insert(&store, &key(1), record("grant")).await;
    let version = load(&store, &key(1)).await.version;
    let mut endless = record("grant");
    endless.expires_at = None;
    swap(&store, &key(1), version, endless).await;
    assert_eq!(store.purge_expired(Timestamp::from_millis(i64::MAX), 9).await.unwrap(), 0);
    load(&store, &key(1)).await;
}

/// Ids in random order, as real ones are.
fn spread(id: u32) -> u128 {
    u128::from(id).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
}

fn fill(server: &MariaDb, grants: u32, expires_at: &str) {
    server.execute(&format!(
        "INSERT INTO regrant_grants (id, realm, version, client_id, subject, expires_at, purge_at, payload) \
         SELECT UNHEX(MD5(seq)), '', seq, CONCAT('client ', seq % 100), CONCAT('user ', seq % 100), \
         {expires_at}, {expires_at}, '' FROM seq_1_to_{grants}"
    ));
}

/// Rows that the server has read in scans of whole tables.
fn scanned(server: &MariaDb) -> i64 {
    let count = "SELECT variable_value FROM information_schema.global_status \
                 WHERE variable_name = 'HANDLER_READ_RND_NEXT'";
    server.execute(count).parse().unwrap()
}

fn bytes_per_grant(server: &MariaDb) -> i64 {
    let bytes = "SELECT data_length + index_length FROM information_schema.tables WHERE table_name = 'regrant_grants'";
    server.execute("ANALYZE TABLE regrant_grants");
    server.execute(bytes).parse::<i64>().unwrap() / i64::from(GRANTS)
}
