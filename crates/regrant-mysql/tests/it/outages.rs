//! Servers that fall silent, stop, restart, or are replaced by a replica that is behind.

use std::time::Duration;

use regrant::store::{Expect, GrantIndex as _, GrantOwner, Swap, TokenStore as _};
use regrant::token::Realm;
use regrant_mysql::MysqlStore;
use testbed::{Disturbance, LONG, MariaDb, Proxy, key, retry};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::server::server;
use crate::support::{assert_transient, at, insert, load, open_new, record, soon, swap};

#[tokio::test]
async fn a_silent_server_is_a_transient_error_within_the_deadline() {
    let (store, proxy) = behind_a_proxy(1, soon()).await;
    proxy.disturb(Disturbance::Blackhole(10 * LONG));
    let start = Instant::now();
    assert_transient(timeout(LONG, store.load(&key(1))).await.unwrap());
    assert!(start.elapsed() >= soon());
    proxy.clear();
    retry(async || store.load(&key(1)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_costs_one_deadline_and_not_one_for_each_connection() {
    let (store, proxy) = behind_a_proxy(4, soon()).await;
    open_all(&store).await;
    // Idle for longer than a deadline and the time after which a connection is asked for a sign of life, which only
    // real time can make them.
    sleep(soon().max(Duration::from_millis(1100))).await;
    proxy.disturb(Disturbance::Blackhole(10 * LONG));
    assert_transient(store.load(&key(1)).await);
    // The connections of before the silence are gone: the next call needs a new one, which is served at once.
    proxy.clear();
    let start = Instant::now();
    retry(async || store.load(&key(1)).await).await;
    assert!(start.elapsed() < 4 * soon(), "{:?}", start.elapsed());
}

/// Loads with all connections of the pool.
async fn open_all(store: &MysqlStore) {
    let mut loads = JoinSet::new();
    for _ in 0..16 {
        let store = store.clone();
        loads.spawn(async move { while store.load(&key(1)).await.is_err() {} });
    }
    loads.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn terminated_sessions_fail_no_call() {
    let server = MariaDb::start();
    let builder = at(&server.url()).max_connections(4);
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    insert(&store, &key(1), record("grant")).await;
    for round in 0_u32..10 {
        open_all(&store).await;
        server.terminate_connections();
        let mut loads = JoinSet::new();
        for _ in 0..8 {
            let store = store.clone();
            loads.spawn(async move { load(&store, &key(1)).await.version });
        }
        let version = loads.join_all().await[0];
        swap(&store, &key(1), version, record(round.to_be_bytes())).await;
    }
}

#[tokio::test]
async fn an_idle_connection_that_was_closed_fails_no_write() {
    let server = MariaDb::start();
    let builder = at(&server.url()).max_connections(1);
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    server.terminate_connections();
    sleep(Duration::from_millis(1100)).await;
    insert(&store, &key(1), record("grant")).await;
}

#[tokio::test]
async fn a_killed_server_is_used_again_after_its_restart() {
    let server = MariaDb::start();
    let builder = at(&server.url());
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
async fn a_replica_that_a_failover_has_not_promoted_answers_nothing() {
    let primary = MariaDb::start();
    at(&primary.url()).migrate().await.unwrap();
    let (proxy, replica) = (Proxy::before(primary.address()), primary.replica());
    let store = at(&primary.url_at(proxy.address())).open().await.unwrap();
    insert(&store, &key(1), record("grant")).await;
    replica.catch_up_with(&primary);
    replica.stop_following();
    insert(&store, &key(2), record("grant")).await;

    // The address moves. Connections of before are cut, as by the death of the primary.
    proxy.lead_to(replica.address());
    proxy.shut();
    proxy.reopen();
    // The replica lacks the second grant, and cannot tell that there is no third one.
    for id in [1, 2, 3] {
        assert_transient(store.load(&key(id)).await);
    }
    let owner = GrantOwner::Client(record("").client_id);
    assert_transient(store.page(&Realm::default(), &owner, None, 10).await);
    assert_transient(store.compare_and_swap(&key(3), Expect::Absent, record("grant")).await);

    replica.promote();
    load(&store, &key(1)).await;
    assert_eq!(store.load(&key(2)).await.unwrap(), None, "the promotion has lost it");
    insert(&store, &key(3), record("grant")).await;
}

#[tokio::test]
async fn a_primary_that_is_demoted_answers_nothing_on_open_connections() {
    let primary = MariaDb::start();
    let builder = at(&primary.url()).max_connections(1);
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    insert(&store, &key(1), record("grant")).await;
    let owner = GrantOwner::Client(record("").client_id);
    let page = async || store.page(&Realm::default(), &owner, None, 10).await;
    assert_eq!(page().await.unwrap().len(), 1);
    primary.execute("SET GLOBAL read_only = ON");
    assert_transient(store.load(&key(1)).await);
    assert_transient(store.load(&key(2)).await);
    assert_transient(page().await);
}

#[tokio::test]
async fn a_write_whose_reply_was_lost_is_not_repeated() {
    let (store, proxy) = behind_a_proxy(1, LONG).await;
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
    let (store, proxy) = behind_a_proxy(1, LONG).await;
    for disturbance in [Disturbance::DropReply, Disturbance::CutRequest] {
        load(&store, &key(1)).await;
        proxy.disturb(disturbance);
        assert_eq!(load(&store, &key(1)).await.record, record("grant"));
    }
}

/// A store with one grant that connects through a proxy.
async fn behind_a_proxy(size: usize, deadline: Duration) -> (MysqlStore, Proxy) {
    let (patient, table) = open_new().await;
    insert(&patient, &key(1), record("grant")).await;
    let proxy = Proxy::before(server().address());
    let builder = at(&server().url_at(proxy.address())).table(table).max_connections(size).deadline(deadline);
    let store = retry(async || builder.open().await).await;
    (store, proxy)
}
