//! Writes that wait for replicas: no answer is based on a record that no replica has confirmed.

use std::time::Duration;

use redis::cmd;
use regrant::clock::{Clock as _, SystemClock};
use regrant::store::{Expect, GrantIndex as _, GrantOwner, Swap, TokenStore as _};
use regrant::token::Realm;
use regrant_redis::{Durability, RedisStore};
use testbed::{Redis, RedisCluster, retry, short, until};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::{
    HOUR, LONG, ask, assert_transient, at, connected, create, existing, fresh_prefix, key, name, record, record_until,
    swap, text_of,
};

/// A store that waits for a replica, long enough for any machine.
async fn replicated(server: &Redis) -> RedisStore {
    replicated_within(server, LONG / 3).await
}

/// A store for writes that no replica will confirm.
async fn hasty(server: &Redis) -> RedisStore {
    replicated_within(server, Duration::from_millis(200)).await
}

async fn replicated_within(server: &Redis, timeout: Duration) -> RedisStore {
    connected(at(server.url()).durability(Durability::Replicated { replicas: 1, timeout })).await
}

/// True if the flag in the header says that the record is replicated.
fn is_settled(server: &Redis, number: u128) -> bool {
    ask::<Vec<u8>>(server, cmd("GETRANGE").arg(name(&key(number))).arg(24).arg(24)) == [1]
}

#[tokio::test]
async fn a_write_that_no_replica_confirms_fails_transiently_and_is_not_readable() {
    let primary = Redis::start();
    let replica = primary.replica();
    let (store, other, patient) = (hasty(&primary).await, hasty(&primary).await, replicated(&primary).await);
    let version = create(&patient, &key(1), record("before")).await;
    replica.pause();
    assert_transient(&swap(&store, key(1), version, record("after")).await.unwrap_err());
    // The primary has the write, but a failover would undo it, and every answer based on it.
    let not_waiting = connected(at(primary.url())).await;
    assert_eq!(*existing(&not_waiting, &key(1)).await.record.payload, *b"after");
    let demo = GrantOwner::Subject("demo".try_into().unwrap());
    for node in [&store, &other] {
        assert_transient(&node.load(&key(1)).await.unwrap_err());
        assert_transient(&node.page(&Realm::default(), &demo, None, 10).await.unwrap_err());
    }
    replica.resume();
    primary.wait_for_replica();
    assert_eq!(*existing(&patient, &key(1)).await.record.payload, *b"after");
    assert!(is_settled(&primary, 1));
}

#[tokio::test]
async fn a_confirmed_record_can_be_read_while_the_replica_is_away() {
    let primary = Redis::start();
    let replica = primary.replica();
    let store = hasty(&primary).await;
    create(&replicated(&primary).await, &key(1), record("kept")).await;
    replica.pause();
    assert_eq!(*existing(&store, &key(1)).await.record.payload, *b"kept");
    let demo = GrantOwner::Subject("demo".try_into().unwrap());
    assert_eq!(store.page(&Realm::default(), &demo, None, 10).await.unwrap().len(), 1);
    assert_transient(&store.compare_and_swap(&key(2), Expect::Absent, record("new")).await.unwrap_err());
    assert_eq!(store.load(&key(2)).await.unwrap(), None, "not created, because its index entry was not confirmed");
}

#[tokio::test]
async fn an_unconfirmed_record_is_confirmed_by_its_first_reader_that_waits() {
    let primary = Redis::start();
    let _replica = primary.replica();
    let (waiting, not_waiting) = (replicated(&primary).await, connected(at(primary.url())).await);
    let version = create(&not_waiting, &key(1), record("written")).await;
    assert!(!is_settled(&primary, 1));
    let life = ask::<i64>(&primary, cmd("PEXPIRETIME").arg(name(&key(1))));
    let read = existing(&waiting, &key(1)).await;
    assert_eq!((read.version, &*read.record.payload), (version, &b"written"[..]));
    assert!(is_settled(&primary, 1));
    assert_eq!(ask::<i64>(&primary, cmd("PEXPIRETIME").arg(name(&key(1)))), life);
    assert_eq!(swap(&not_waiting, key(1), version, record("next")).await.unwrap(), Swap::Stored);
    assert!(!is_settled(&primary, 1), "each write must be confirmed again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_for_replicas_blocks_no_other() {
    let primary = Redis::start();
    let replica = primary.replica();
    let store = replicated(&primary).await;
    let version = create(&store, &key(1), record("kept")).await;
    create(&store, &key(2), record("kept")).await;
    replica.pause();
    let write = tokio::spawn({
        let store = store.clone();
        async move { swap(&store, key(1), version, record("waits")).await }
    });
    until("a call that waits", || ask::<String>(&primary, cmd("INFO").arg("clients")).contains("blocked_clients:1"));
    existing(&store, &key(2)).await;
    assert!(!write.is_finished());
    replica.resume();
    assert_eq!(write.await.unwrap().unwrap(), Swap::Stored);
}

#[tokio::test]
async fn calls_without_a_connection_to_wait_on_fail_at_the_deadline() {
    let primary = Redis::start();
    let replica = primary.replica();
    let deadline = short(Duration::from_secs(1));
    let durability = Durability::Replicated { replicas: 1, timeout: deadline * 7 / 10 };
    let store = retry(async || at(primary.url()).durability(durability).deadline(deadline).open().await).await;
    let patient = replicated(&primary).await;
    let version = create(&patient, &key(1), record("kept")).await;
    replica.pause();
    let mut writes = JoinSet::new();
    for _ in 0..64 {
        let store = store.clone();
        writes.spawn(async move { swap(&store, key(1), version, record("waits")).await });
    }
    for written in timeout(LONG, writes.join_all()).await.unwrap() {
        // One write was stored but not confirmed; later ones conflict with it.
        assert!(
            written.as_ref().is_ok_and(|swap| *swap == Swap::Conflict) || written.is_err_and(|it| it.is_transient())
        );
    }
    replica.resume();
    primary.wait_for_replica();
    retry(async || store.load(&key(1)).await).await;
}

#[tokio::test]
async fn closed_idle_connections_fail_no_call() {
    let primary = Redis::start();
    let _replica = primary.replica();
    let store = replicated(&primary).await;
    let mut writes = JoinSet::new();
    for number in 1..40 {
        let store = store.clone();
        writes.spawn(async move { create(&store, &key(number), record("new")).await });
    }
    let versions = writes.join_all().await;
    assert_eq!(versions.len(), 39);
    primary.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    for number in 1..40 {
        let version = existing(&store, &key(number)).await.version;
        assert_eq!(swap(&store, key(number), version, record("next")).await.unwrap(), Swap::Stored);
    }
}

/// In a cluster each write waits at its own primary, and acknowledged writes survive the loss of that primary.
#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_writes_survive_a_failover() {
    let cluster = RedisCluster::start();
    let prefix = fresh_prefix();
    let durability = Durability::Replicated { replicas: 1, timeout: LONG / 3 };
    let store =
        connected(RedisStore::cluster(cluster.urls()).deadline(LONG).key_prefix(&prefix).durability(durability)).await;
    // One expiry for all, so that no write moves the index, which would have to be confirmed, too.
    let end = Some(SystemClock.now() + HOUR);
    for number in 0..100 {
        create(&store, &key(number.into()), record_until([number], end)).await;
    }
    let lost = cluster.primary_of(&format!("{prefix}g:{{{}}}:", key(7).id));
    cluster.kill(lost);
    cluster.wait_until_ok();
    for number in 0..100 {
        let stored = loop {
            match store.load(&key(number.into())).await {
                Ok(stored) => break stored,
                Err(error) => assert_transient(&error),
            }
        };
        assert_eq!(*stored.unwrap().record.payload, [number]);
    }
    // With a single replica per primary, no write in this shard is confirmed until the old primary is back.
    let version = existing(&store, &key(7)).await.version;
    let hasty = Durability::Replicated { replicas: 1, timeout: Duration::from_millis(200) };
    let hasty =
        connected(RedisStore::cluster(cluster.urls()).deadline(LONG).key_prefix(&prefix).durability(hasty)).await;
    let error = swap(&hasty, key(7), version, record_until("next", end)).await.unwrap_err();
    assert_transient(&error);
    cluster.restart(lost);
    cluster.wait_for_replicas();
    // The record of the primary can be read again.
    let payload = existing(&store, &key(7)).await.record.payload;
    assert!(text_of(&error).contains("too few replicas") && *payload == *b"next", "{payload:?}, {}", text_of(&error));
}
