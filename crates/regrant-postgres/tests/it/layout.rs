//! The table layout: a refresh touches no index, and a grant does not grow.

use std::num::NonZeroU16;

use regrant::clock::Timestamp;
use regrant::store::{Expect, GrantIndex as _, GrantOwner, PurgeExpired as _, Swap, TokenStore as _};
use regrant::token::Realm;
use regrant::{ClientId, Subject};
use regrant_postgres::{PostgresStore, Table};
use testbed::{LONG, Postgres, key};

use crate::support::{insert, load, name, record, statistics, swap};

const GRANTS: u32 = 500;

/// A server for one test: an open transaction of another test would delay the cleanup of old row versions. Autovacuum
/// is off, so pages stay small without it.
fn quiet_server() -> Postgres {
    Postgres::start_with(&["autovacuum=off"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_touches_no_index_and_ten_thousand_do_not_grow_the_table() {
    stays_constant(Table::default(), 10_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_in_a_partition_touches_no_index_and_does_not_grow_the_table() {
    stays_constant(Table::default().partitioned(NonZeroU16::new(4).unwrap()), 1_000).await;
}

async fn stays_constant(table: Table, rotations: i64) {
    let server = quiet_server();
    let store = open(&server, &table).await;
    for id in 0..GRANTS {
        insert(&store, &key(spread(id)), record(vec![0; 300])).await;
        rotate(&store, id, 1).await;
    }
    let once = bytes_per_grant(&server, &table);
    for rotation in 2..=rotations {
        rotate(&store, 0, rotation).await;
        // Other grants are refreshed, too.
        if rotation % 10 == 0 {
            rotate(&store, 1 + u32::try_from(rotation / 10).unwrap() % (GRANTS - 1), rotation).await;
        }
    }
    let often = bytes_per_grant(&server, &table);
    println!("{table}: {once} bytes per grant after 1 rotation, {often} after {rotations} of one");
    assert!(often <= once + once / 20, "{once} bytes became {often}");

    drop(store);
    let updates = format!("SELECT coalesce(sum(n_tup_upd), 0) FROM pg_stat_user_tables WHERE {}", of(&table));
    let expected = i64::from(GRANTS) + rotations - 1 + rotations / 10;
    statistics(|| server.execute(&updates) == expected.to_string()).await;
    let hot = format!("SELECT sum(n_tup_hot_upd) FROM pg_stat_user_tables WHERE {}", of(&table));
    let hot: i64 = server.execute(&hot).parse().unwrap();
    println!("{table}: {hot} of {expected} updates touched no index");
    assert!(hot * 100 >= expected * 98, "{hot} of {expected}");
}

/// Refreshes a grant: another payload and a later expiry.
async fn rotate(store: &PostgresStore, id: u32, rotation: i64) {
    let key = key(spread(id));
    let version = load(store, &key).await.version;
    let mut next = record(vec![u8::try_from(rotation % 256).unwrap(); 300]);
    next.expires_at = Some(Timestamp::from_millis(1_000_000 + rotation));
    swap(store, &key, version, next).await;
}

#[tokio::test]
async fn every_read_and_every_purge_of_grants_uses_an_index() {
    let (server, table) = (quiet_server(), Table::default());
    let store = open(&server, &table).await;
    fill(&server, &table, 100_000, "10");
    server.execute(&format!("ANALYZE {table}"));
    let (realm, subject, client) =
        (Realm::default(), Subject::new("user 7").unwrap(), ClientId::new("client 7").unwrap());
    for owner in [
        GrantOwner::Subject(subject.clone()),
        GrantOwner::Client(client.clone()),
        GrantOwner::SubjectAndClient(subject, client),
    ] {
        assert!(!store.page(&realm, &owner, None, 5).await.unwrap().is_empty(), "{owner:?}");
    }
    store.load(&key(1)).await.unwrap();
    // Often enough for a generic plan, which is made without the parameters.
    for _ in 0..12 {
        assert_eq!(store.purge_expired(Timestamp::from_millis(10), 100).await.unwrap(), 100);
    }
    drop(store);
    let scans = format!("SELECT seq_scan, idx_scan > 0 FROM pg_stat_user_tables WHERE {}", of(&table));
    // Creating the indexes and gathering the statistics scan the whole table; nothing else does.
    let made = server.execute(&format!("SELECT count(*) FROM pg_index WHERE indrelid = '{table}'::regclass"));
    statistics(|| server.execute(&scans).ends_with("|t")).await;
    let scans: i64 = server.execute(&scans).trim_end_matches("|t").parse().unwrap();
    assert!(scans <= made.parse().unwrap(), "{scans} scans of the whole table");
}

#[tokio::test]
async fn a_purge_reaches_past_any_number_of_grants_that_are_not_due() {
    let (server, table) = (quiet_server(), Table::default());
    let store = open(&server, &table).await;
    // All are due by their lower bound; only the last few have expired.
    fill(&server, &table, 3_500, "CASE WHEN n > 3490 THEN 10 WHEN n % 2 = 0 THEN NULL ELSE 1000 END");
    server.execute(&format!("UPDATE {table} SET purge_at = 5"));
    assert_eq!(store.purge_expired(Timestamp::from_millis(100), 7).await.unwrap(), 7);
    assert_eq!(store.purge_expired(Timestamp::from_millis(100), 7).await.unwrap(), 3);
    let wrong = format!("SELECT count(*) FROM {table} WHERE purge_at IS DISTINCT FROM expires_at");
    assert_eq!(server.execute(&wrong), "0", "each lower bound is now the expiry");
    assert_eq!(store.purge_expired(Timestamp::from_millis(1000), usize::MAX).await.unwrap(), 1745);
}

#[tokio::test]
async fn an_expiry_that_moves_earlier_is_found_at_once() {
    let (server, table) = (quiet_server(), Table::default());
    let store = open(&server, &table).await;
    let mut grant = record("grant");
    grant.expires_at = None;
    insert(&store, &key(1), grant.clone()).await;
    let version = load(&store, &key(1)).await.version;
    grant.expires_at = Some(Timestamp::from_millis(50));
    assert_eq!(store.compare_and_swap(&key(1), Expect::Version(version), grant).await.unwrap(), Swap::Stored);
    assert_eq!(store.purge_expired(Timestamp::from_millis(49), 9).await.unwrap(), 0);
    assert_eq!(store.purge_expired(Timestamp::from_millis(50), 9).await.unwrap(), 1);
}

async fn open(server: &Postgres, table: &Table) -> PostgresStore {
    let builder = PostgresStore::builder(server.url()).unwrap().table(table.clone()).deadline(LONG);
    builder.migrate().await.unwrap();
    builder.open().await.unwrap()
}

/// Ids in random order, as real ones are.
fn spread(id: u32) -> u128 {
    u128::from(id).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
}

fn fill(server: &Postgres, table: &Table, grants: u32, expires_at: &str) {
    server.execute(&format!(
        "INSERT INTO {table} (id, realm, version, client_id, subject, expires_at, purge_at, payload) \
         SELECT decode(md5(n::text), 'hex'), '', n, 'client ' || n % 100, 'user ' || n % 100, \
         {expires_at}, {expires_at}, '' \
         FROM generate_series(1, {grants}) n"
    ));
}

fn bytes_per_grant(server: &Postgres, table: &Table) -> i64 {
    let bytes = format!("SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables WHERE {}", of(table));
    server.execute(&bytes).parse::<i64>().unwrap() / i64::from(GRANTS)
}

/// Condition for the table or its partitions.
fn of(table: &Table) -> String {
    format!("relname ~ '^{}(_p[0-9]+)?$'", name(table))
}
