//! Servers that fall silent, go away, come back, or are replaced by one that is behind.

use std::time::Duration;

use regrant::store::{Expect, GrantIndex as _, GrantOwner, Swap, TokenStore as _};
use regrant::token::Realm;
use regrant_postgres::deadpool_postgres::Pool;
use regrant_postgres::{PostgresStore, PostgresStoreBuilder};
use testbed::{Disturbance, Postgres, Proxy};
use tokio::time::{Instant, sleep};

use crate::server::{server, url_at};
use crate::support::{PATIENT, SHORT, assert_transient, insert, key, load, open_new, pool, record, swap};

#[tokio::test]
async fn a_silent_server_is_a_transient_error_within_the_deadline() {
    let (store, _, proxy) = behind_a_proxy(1).await;
    proxy.disturb(Disturbance::Blackhole(Duration::from_secs(60)));
    let start = Instant::now();
    assert_transient(store.load(&key(1)).await);
    assert!(start.elapsed() >= SHORT && start.elapsed() < 3 * SHORT, "{:?}", start.elapsed());
    proxy.calm();
    load(&store, &key(1)).await;
}

#[tokio::test]
async fn a_silent_server_costs_one_deadline_and_not_one_for_each_connection() {
    let (store, pool, proxy) = behind_a_proxy(4).await;
    hold_all(&pool).await;
    // Idle for longer than a deadline, which only real time can make them.
    sleep(SHORT).await;
    assert_eq!(pool.status().size, 4);
    proxy.disturb(Disturbance::Blackhole(Duration::from_secs(60)));
    let start = Instant::now();
    assert_transient(store.load(&key(1)).await);
    // The one that timed out goes, and its idle siblings with it, while all is silent.
    while pool.status().size > 0 {
        sleep(Duration::from_millis(1)).await;
        assert!(start.elapsed() < 3 * SHORT, "{:?}", pool.status());
    }
    proxy.calm();
    load(&store, &key(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_were_terminated_are_noticed_by_nobody() {
    let server = Postgres::start();
    let builder = PostgresStore::builder(server.url()).unwrap().max_connections(4).deadline(PATIENT);
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    insert(&store, &key(1), record("grant")).await;
    for round in 0_u32..10 {
        let readers: Vec<_> = (0..8).map(|_| tokio::spawn(load_one(store.clone()))).collect();
        for reader in readers {
            reader.await.unwrap();
        }
        server.terminate_connections();
        let readers: Vec<_> = (0..8).map(|_| tokio::spawn(load_one(store.clone()))).collect();
        for reader in readers {
            reader.await.unwrap();
        }
        let version = load(&store, &key(1)).await.version;
        swap(&store, &key(1), version, record(round.to_be_bytes())).await;
    }
}

#[tokio::test]
async fn a_server_that_was_killed_is_used_again_when_it_is_back() {
    let server = Postgres::start();
    let builder = PostgresStore::builder(server.url()).unwrap().deadline(PATIENT);
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    insert(&store, &key(1), record("grant")).await;
    server.kill();
    assert_transient(store.load(&key(1)).await);
    assert_transient(store.compare_and_swap(&key(2), Expect::Absent, record("grant")).await);
    server.restart();
    let version = load(&store, &key(1)).await.version;
    swap(&store, &key(1), version, record("new")).await;
}

#[tokio::test]
async fn a_replica_that_a_pool_falls_back_to_is_asked_nothing() {
    let (_, table) = open_new().await;
    let (proxy, replica) = (Proxy::before(server().address()), server().standby());
    let both = format!("{},{}", proxy.address(), replica.address());
    let pool = pool(&server().url().replace(&server().address().to_string(), &both), 2);
    let store = PostgresStoreBuilder::from_pool(pool).table(table).deadline(SHORT).open().await.unwrap();
    insert(&store, &key(1), record("grant")).await;

    proxy.shut();
    // A replica knows neither the first grant for certain nor that there is no second.
    assert_transient(store.load(&key(1)).await);
    assert_transient(store.load(&key(2)).await);
    let owner = GrantOwner::Client(record("").client_id);
    assert_transient(store.page(&Realm::default(), &owner, None, 10).await);
    assert_transient(store.compare_and_swap(&key(2), Expect::Absent, record("grant")).await);

    proxy.reopen();
    load(&store, &key(1)).await;
    assert_eq!(store.load(&key(2)).await.unwrap(), None);
}

#[tokio::test]
async fn a_write_that_no_standby_has_is_not_acknowledged() {
    let server = Postgres::start();
    // The server's own timeout strikes while the deadline is far, and must not end the wait with an acknowledgement.
    let url = format!("{}?options=-c%20statement_timeout%3D100", server.url());
    let builder = PostgresStore::builder(&url).unwrap().deadline(SHORT);
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    set(&server, "synchronous_standby_names = 'nobody'");
    // The setting reaches the sessions one after the other; from then on no write is acknowledged.
    let mut writes = (1..1000).map(key);
    let refused = loop {
        let write = store.compare_and_swap(&writes.next().unwrap(), Expect::Absent, record("grant")).await;
        if !matches!(write, Ok(Swap::Stored)) {
            break write;
        }
    };
    assert_transient(refused);
    set(&server, "synchronous_standby_names = ''");
    insert(&store, &key(1000), record("grant")).await;
}

fn set(server: &Postgres, setting: &str) {
    server.execute(&format!("ALTER SYSTEM SET {setting}"));
    server.execute("SELECT pg_reload_conf()");
    let (name, value) = setting.split_once(" = ").unwrap();
    testbed::until(setting, || format!("'{}'", server.execute(&format!("SHOW {name}"))) == value);
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_not_sent_twice() {
    let (store, _, proxy) = behind_a_proxy(1).await;
    let version = load(&store, &key(1)).await.version;
    // Once, so that the statement is prepared and the next request is the write itself.
    swap(&store, &key(1), version, record("prepared")).await;
    let version = load(&store, &key(1)).await.version;
    proxy.disturb(Disturbance::DropReply);
    assert_transient(store.compare_and_swap(&key(1), Expect::Version(version), record("lost")).await);
    let found = load(&store, &key(1)).await;
    assert_eq!(found.record, record("lost"));
    let again = store.compare_and_swap(&key(1), Expect::Version(version), record("twice")).await.unwrap();
    assert_eq!(again, Swap::Conflict);
}

#[tokio::test]
async fn a_read_whose_answer_was_lost_is_asked_again() {
    let (store, _, proxy) = behind_a_proxy(1).await;
    for disturbance in [Disturbance::DropReply, Disturbance::CutRequest] {
        load(&store, &key(1)).await;
        proxy.disturb(disturbance);
        assert_eq!(load(&store, &key(1)).await.record, record("grant"));
    }
}

async fn load_one(store: PostgresStore) {
    load(&store, &key(1)).await;
}

/// A store with one grant, on an application's pool that goes through a proxy.
async fn behind_a_proxy(size: usize) -> (PostgresStore, Pool, Proxy) {
    let (_, table) = open_new().await;
    let proxy = Proxy::before(server().address());
    let pool = pool(&url_at(server(), proxy.address()), size);
    let store = PostgresStoreBuilder::from_pool(pool.clone()).table(table).deadline(SHORT).open().await.unwrap();
    insert(&store, &key(1), record("grant")).await;
    (store, pool, proxy)
}

/// Makes the pool have as many connections as it may.
async fn hold_all(pool: &Pool) {
    let mut held = Vec::new();
    for _ in 0..pool.status().max_size {
        held.push(pool.get().await.unwrap());
    }
}
