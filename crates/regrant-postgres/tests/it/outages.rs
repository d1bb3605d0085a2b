//! Servers that fall silent, stop, restart, or are replaced by a replica that is behind.

use std::time::Duration;

use regrant::store::{Expect, GrantIndex as _, GrantOwner, Swap, TokenStore as _};
use regrant::token::Realm;
use regrant_postgres::deadpool_postgres::Pool;
use regrant_postgres::{PostgresStore, PostgresStoreBuilder};
use testbed::{Disturbance, LONG, Postgres, Proxy, key, retry};
use tokio::time::{Instant, sleep, timeout};

use crate::server::server;
use crate::support::{assert_transient, insert, load, open_new, pool, record, soon, swap};

#[tokio::test]
async fn a_silent_server_is_a_transient_error_within_the_deadline() {
    let (store, _, proxy) = behind_a_proxy(1, soon()).await;
    proxy.disturb(Disturbance::Blackhole(10 * LONG));
    let start = Instant::now();
    assert_transient(timeout(LONG, store.load(&key(1))).await.unwrap());
    assert!(start.elapsed() >= soon());
    proxy.clear();
    retry(async || store.load(&key(1)).await).await;
}

#[tokio::test]
async fn a_silent_server_costs_one_deadline_and_not_one_for_each_connection() {
    let (store, pool, proxy) = behind_a_proxy(4, soon()).await;
    hold_all(&pool).await;
    // Idle for longer than a deadline, which only real time can make them.
    sleep(soon()).await;
    assert_eq!(pool.status().size, 4);
    proxy.disturb(Disturbance::Blackhole(10 * LONG));
    assert_transient(store.load(&key(1)).await);
    // The connection that timed out is closed, and the idle ones with it, without another call.
    let closed = async {
        while pool.status().size > 0 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(LONG, closed).await.unwrap();
    proxy.clear();
    retry(async || store.load(&key(1)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn terminated_sessions_fail_no_call() {
    let server = Postgres::start();
    let builder = PostgresStore::builder(server.url()).unwrap().max_connections(4).deadline(LONG);
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
async fn a_killed_server_is_used_again_after_its_restart() {
    let server = Postgres::start();
    let builder = PostgresStore::builder(server.url()).unwrap().deadline(LONG);
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
async fn a_replica_that_a_pool_falls_back_to_answers_nothing() {
    let (_, table) = open_new().await;
    let (proxy, replica) = (Proxy::before(server().address()), server().standby());
    let both = format_args!("{},{}", proxy.address(), replica.address());
    let pool = pool(&server().url_at(both), 2);
    let store = PostgresStoreBuilder::from_pool(pool).table(table).deadline(LONG).open().await.unwrap();
    insert(&store, &key(1), record("grant")).await;

    proxy.shut();
    // A replica may lack the first grant, and cannot tell that there is no second one.
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
async fn a_write_that_no_standby_confirms_is_not_acknowledged() {
    let server = Postgres::start();
    // The statement timeout of the server ends long before the deadline. It must not end the wait with an
    // acknowledgement.
    let url = format!("{}?options=-c%20statement_timeout%3D1000", server.url());
    let builder = PostgresStore::builder(&url).unwrap().deadline(LONG);
    builder.migrate().await.unwrap();
    let patient = builder.open().await.unwrap();
    let builder = builder.deadline(soon());
    let store = retry(async || builder.open().await).await;
    set(&server, "synchronous_standby_names = 'missing'");
    // The setting reaches the sessions one after another. From then on no write is acknowledged.
    let mut writes = (1..1000).map(key);
    let refused = loop {
        let write = store.compare_and_swap(&writes.next().unwrap(), Expect::Absent, record("grant")).await;
        if !matches!(write, Ok(Swap::Stored)) {
            break write;
        }
    };
    assert_transient(refused);
    set(&server, "synchronous_standby_names = ''");
    insert(&patient, &key(1000), record("grant")).await;
}

fn set(server: &Postgres, setting: &str) {
    server.execute(&format!("ALTER SYSTEM SET {setting}"));
    server.execute("SELECT pg_reload_conf()");
    let (name, value) = setting.split_once(" = ").unwrap();
    testbed::until(setting, || format!("'{}'", server.execute(&format!("SHOW {name}"))) == value);
}

#[tokio::test]
async fn a_write_whose_reply_was_lost_is_not_repeated() {
    let (store, _, proxy) = behind_a_proxy(1, LONG).await;
    let version = load(&store, &key(1)).await.version;
    // The statement is prepared now, so the next request is the write itself.
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
async fn a_read_whose_reply_was_lost_is_repeated() {
    let (store, _, proxy) = behind_a_proxy(1, LONG).await;
    for disturbance in [Disturbance::DropReply, Disturbance::CutRequest] {
        load(&store, &key(1)).await;
        proxy.disturb(disturbance);
        assert_eq!(load(&store, &key(1)).await.record, record("grant"));
    }
}

async fn load_one(store: PostgresStore) {
    load(&store, &key(1)).await;
}

/// A store with one grant, on a pool of the application that connects through a proxy.
async fn behind_a_proxy(size: usize, deadline: Duration) -> (PostgresStore, Pool, Proxy) {
    let (patient, table) = open_new().await;
    insert(&patient, &key(1), record("grant")).await;
    let proxy = Proxy::before(server().address());
    let pool = pool(&server().url_at(proxy.address()), size);
    let builder = PostgresStoreBuilder::from_pool(pool.clone()).table(table).deadline(deadline);
    let store = retry(async || builder.open().await).await;
    (store, pool, proxy)
}

/// Makes the pool open all its connections.
async fn hold_all(pool: &Pool) {
    let mut held = Vec::new();
    for _ in 0..pool.status().max_size {
        held.push(pool.get().await.unwrap());
    }
}
