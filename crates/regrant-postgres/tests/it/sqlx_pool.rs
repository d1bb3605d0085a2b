//! A store on a pool of sqlx: the same promises as on the other pools.

use std::time::Duration;

use regrant::store::{Expect, GrantIndex as _, GrantOwner, Swap, TokenStore as _};
use regrant::token::Realm;
use regrant_postgres::{OpenError, PostgresStore, PostgresStoreBuilder, Table};
use sqlx_postgres::{PgPool, PgPoolOptions};
use testbed::{Disturbance, LONG, Load, PgBouncer, Postgres, Proxy, Random, key, retry, short, text_of};
use tokio::time::{Instant, timeout};

use crate::server::{new_table, server};
use crate::support::{assert_transient, beside, insert, load, open_new, record, soon, swap};

/// A pool as an application might create it, with default settings. It connects on demand.
fn pool(url: &str, size: u32) -> PgPool {
    // The libraries of PostgreSQL would read a password file of the user.
    PgPoolOptions::new().max_connections(size).connect_lazy(url).unwrap()
}

async fn open(pool: &PgPool, table: &Table, deadline: Duration) -> PostgresStore {
    let builder = PostgresStoreBuilder::from_sqlx_pool(pool.clone()).table(table.clone()).deadline(deadline);
    retry(async || builder.open().await).await
}

/// A store with one grant behind a proxy.
async fn behind_a_proxy(size: u32, deadline: Duration) -> (PostgresStore, PgPool, Proxy) {
    let (patient, table) = open_new().await;
    insert(&patient, &key(1), record("grant")).await;
    let proxy = Proxy::before(server().address());
    let pool = pool(&server().url_at(proxy.address()), size);
    (open(&pool, &table, deadline).await, pool, proxy)
}

#[tokio::test]
async fn a_pool_of_sqlx_migrates_and_opens() {
    let (pool, table) = (pool(&server().url(), 2), new_table());
    let builder = PostgresStoreBuilder::from_sqlx_pool(pool.clone()).table(table.clone()).deadline(LONG);
    let error = builder.open().await.unwrap_err();
    assert!(matches!(error, OpenError::MissingTable { .. }), "{}", text_of(&error));
    builder.migrate().await.unwrap();
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    insert(&store, &key(1), record("grant")).await;
    store.clients().await.unwrap();
    server().execute(&format!("INSERT INTO {} VALUES (7)", beside(&table, "schema")));
    assert!(matches!(builder.open().await, Err(OpenError::NewerSchema { found: 7, .. })));
    pool.close().await;
    let error = store.load(&key(1)).await.unwrap_err();
    assert!(!error.is_transient() && text_of(&error).contains("it is closed"), "{}", text_of(&error));
}

#[tokio::test]
async fn what_a_session_lacks_is_named() {
    let (_, table) = open_new().await;
    let asynchronous = format!("{}?options=-c%20synchronous_commit%3Doff", server().url());
    let read_only = format!("{}?options=-c%20default_transaction_read_only%3Don", server().url());
    let open = async |url: &str| {
        PostgresStoreBuilder::from_sqlx_pool(pool(url, 1)).table(table.clone()).deadline(LONG).open().await
    };
    assert!(matches!(open(&asynchronous).await, Err(OpenError::AsynchronousCommit)));
    assert!(matches!(open(&read_only).await, Err(OpenError::ReadOnly)));
    let wrong = server().url().replace(server().password(), "kept-away-from-logs");
    let error = open(&wrong).await.unwrap_err();
    assert!(matches!(error, OpenError::Login(_)), "{}", text_of(&error));
    assert!(!text_of(&error).contains("kept-away-from-logs"), "{}", text_of(&error));
    if !PgBouncer::follows_statements() {
        let pooler = PgBouncer::by_transaction(server());
        let builder = PostgresStoreBuilder::from_sqlx_pool(pool(pooler.url(), 4)).table(table.clone()).deadline(LONG);
        let error = builder.open().await.unwrap_err();
        assert!(matches!(error, OpenError::Pooler(_)), "{}", text_of(&error));
    }
}

#[tokio::test]
async fn a_revoked_privilege_is_rejected_and_a_damaged_row_corrupt() {
    let (_, table) = open_new().await;
    let store = open(&pool(&server().url(), 2), &table, LONG).await;
    insert(&store, &key(1), record("grant")).await;
    server().execute(&format!("UPDATE {table} SET client_id = ''"));
    let error = store.load(&key(1)).await.unwrap_err();
    assert!(error.is_corrupt(), "{}", text_of(&error));
    server().execute(&format!("ALTER TABLE {table} RENAME TO {}", crate::support::name(&table) + "_away"));
    let error = store.load(&key(1)).await.unwrap_err();
    assert!(!error.is_transient() && text_of(&error).contains("42P01"), "{}", text_of(&error));
    assert!(!text_of(&error).contains(server().password()), "{}", text_of(&error));
}

#[tokio::test]
async fn a_silent_server_is_a_transient_error_within_the_deadline() {
    let (store, pool, proxy) = behind_a_proxy(1, soon()).await;
    for _ in 0..3 {
        proxy.disturb(Disturbance::Blackhole(10 * LONG));
        let start = Instant::now();
        assert_transient(timeout(LONG, store.load(&key(1))).await.unwrap());
        assert!(start.elapsed() >= soon());
        proxy.clear();
        // The only connection of the pool is given back or replaced.
        retry(async || store.load(&key(1)).await).await;
    }
    assert!(pool.size() <= 1);
}

#[tokio::test]
async fn a_dropped_call_leaves_a_connection_that_can_be_used() {
    let (store, pool, proxy) = behind_a_proxy(1, LONG).await;
    let written = key(1);
    for _ in 0..5 {
        proxy.disturb(Disturbance::Delay(soon()));
        let version = load(&store, &written).await.version;
        proxy.disturb(Disturbance::Delay(soon()));
        let write = store.compare_and_swap(&written, Expect::Version(version), record("dropped"));
        assert!(timeout(Duration::from_millis(5), write).await.is_err());
        load(&store, &key(1)).await;
    }
    assert!(pool.size() <= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn terminated_sessions_fail_no_read() {
    let server = Postgres::start();
    let pool = pool(&server.url(), 4);
    let builder = PostgresStoreBuilder::from_sqlx_pool(pool).deadline(LONG);
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    insert(&store, &key(1), record("grant")).await;
    for round in 0_u32..10 {
        server.terminate_connections();
        let readers: Vec<_> = (0..8)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { drop(load(&store, &key(1)).await) })
            })
            .collect();
        for reader in readers {
            reader.await.unwrap();
        }
        let version = load(&store, &key(1)).await.version;
        swap(&store, &key(1), version, record(round.to_be_bytes())).await;
    }
}

#[tokio::test]
async fn a_write_whose_reply_was_lost_is_not_repeated_and_a_read_is() {
    // Without the test query, the next request is the statement itself.
    let (patient, table) = open_new().await;
    insert(&patient, &key(1), record("grant")).await;
    let proxy = Proxy::before(server().address());
    let options = PgPoolOptions::new().max_connections(1).test_before_acquire(false);
    let pool = options.connect_lazy(&server().url_at(proxy.address())).unwrap();
    let store = open(&pool, &table, LONG).await;
    for round in 0_u32..5 {
        swap(&store, &key(1), load(&store, &key(1)).await.version, record("prepared")).await;
        let version = load(&store, &key(1)).await.version;
        idle(&pool).await;
        proxy.disturb(Disturbance::DropReply);
        assert_transient(store.compare_and_swap(&key(1), Expect::Version(version), record(round.to_be_bytes())).await);
        idle(&pool).await;
        assert_eq!(load(&store, &key(1)).await.record, record(round.to_be_bytes()));
        let again = store.compare_and_swap(&key(1), Expect::Version(version), record("twice")).await.unwrap();
        assert_eq!(again, Swap::Conflict);
        idle(&pool).await;
        proxy.disturb(Disturbance::DropReply);
        load(&store, &key(1)).await;
    }
}

/// Waits until the pool has tested the connections that were returned to it.
async fn idle(pool: &PgPool) {
    retry(async || (pool.num_idle() == pool.size() as usize).then_some(()).ok_or("connections in use")).await;
}

#[tokio::test]
async fn a_replica_answers_nothing() {
    let (patient, table) = open_new().await;
    insert(&patient, &key(1), record("grant")).await;
    // The address moves to a replica, as that of a service does which does not ask for the role.
    let (proxy, replica) = (Proxy::before(server().address()), server().standby());
    replica.catch_up_with(server());
    let pool = pool(&server().url_at(proxy.address()), 2);
    let store = open(&pool, &table, short(Duration::from_secs(2))).await;
    proxy.shut();
    proxy.lead_to(replica.address());
    proxy.reopen();
    assert_transient(store.load(&key(1)).await);
    assert_transient(store.load(&key(2)).await);
    let owner = GrantOwner::Client(record("").client_id);
    assert_transient(store.page(&Realm::default(), &owner, None, 10).await);
    assert_transient(store.compare_and_swap(&key(2), Expect::Absent, record("grant")).await);
    proxy.shut();
    proxy.lead_to(server().address());
    proxy.reopen();
    assert_eq!(retry(async || store.load(&key(2)).await).await, None);
    load(&store, &key(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_survives_three_kills() {
    let postgres = Postgres::start();
    let pool = pool(&postgres.url(), 8);
    let builder = PostgresStoreBuilder::from_sqlx_pool(pool).deadline(short(Duration::from_secs(1)));
    retry(async || builder.migrate().await).await;
    let store = retry(async || builder.open().await).await;
    let mut random = Random::seeded();
    let mut load = Load::begin(&store, 4, &mut random);
    for _ in 0..3 {
        load.rounds(30 + random.below(30)).await;
        postgres.kill();
        postgres.restart();
    }
    load.rounds(30).await;
    let report = load.end().await;
    println!("{report}");
    assert!(report.is_clean(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faulty_links_lose_no_session() {
    let (_, table) = open_new().await;
    let proxy = Proxy::before(server().address());
    let deadline = short(Duration::from_millis(500));
    let store = open(&pool(&server().url_at(proxy.address()), 4), &table, deadline).await;
    let mut workload = testbed::Workload::new(store, Random::seeded());
    workload.run(100, |random| proxy.disturb_at_random(random, deadline)).await;
    proxy.clear();
    let report = workload.finish().await;
    println!("{report}, {} disturbed", proxy.disturbed());
    assert!(report.is_clean(), "{report}");
}
