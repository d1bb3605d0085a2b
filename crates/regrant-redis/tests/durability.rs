//! Writes that wait for replicas: what no replica has confirmed is not answered to anybody.

mod common;

use std::time::Duration;

use common::{
    HOUR, PATIENT, ask, assert_transient, at, connected, create, existing, fresh_prefix, key, name, record,
    record_until, swap, told,
};
use redis::cmd;
use regrant::clock::{Clock as _, SystemClock};
use regrant::store::{Expect, GrantIndex as _, GrantOwner, Swap, TokenStore as _};
use regrant::token::Realm;
use regrant_redis::{Durability, RedisStore};
use testbed::{Redis, RedisCluster, until};
use tokio::task::JoinSet;
use tokio::time::Instant;

const REPLICATED: Durability = Durability::Replicated { replicas: 1, timeout: Duration::from_millis(500) };

/// A primary, and a replica that is in sync with it.
fn pair() -> (Redis, Redis) {
    let primary = Redis::start();
    let port = primary.address().port().to_string();
    let replica = Redis::start_with(&["--replicaof", "127.0.0.1", &port, "--repl-diskless-sync-delay", "0"]);
    wait_for_replica_of(&primary);
    (primary, replica)
}

fn wait_for_replica_of(primary: &Redis) {
    until("a replica in sync", || ask::<i64>(primary, cmd("WAIT").arg(1).arg(100)) == 1);
}

async fn replicated(server: &Redis) -> RedisStore {
    connected(at(server.url()).durability(REPLICATED)).await
}

/// The flag in the header: whether the record is known to be replicated.
fn is_settled(server: &Redis, number: u8) -> bool {
    ask::<Vec<u8>>(server, cmd("GETRANGE").arg(name(&key(number))).arg(24).arg(24)) == [1]
}

#[tokio::test]
async fn a_write_that_no_replica_confirms_fails_transiently_and_is_not_answered_to_anybody() {
    let (primary, replica) = pair();
    let (store, other) = (replicated(&primary).await, replicated(&primary).await);
    let version = create(&store, &key(1), record("before")).await;
    replica.pause();
    assert_transient(&swap(&store, key(1), version, record("after")).await.unwrap_err());
    // The primary has it all the same, but a failover would undo what is answered on its strength.
    let careless = connected(at(primary.url())).await;
    assert_eq!(existing(&careless, &key(1)).await.record.payload, b"after");
    let demo = GrantOwner::Subject("demo".try_into().unwrap());
    for node in [&store, &other] {
        assert_transient(&node.load(&key(1)).await.unwrap_err());
        assert_transient(&node.page(&Realm::default(), &demo, None, 10).await.unwrap_err());
    }
    replica.resume();
    wait_for_replica_of(&primary);
    assert_eq!(existing(&other, &key(1)).await.record.payload, b"after");
    assert!(is_settled(&primary, 1));
}

#[tokio::test]
async fn what_replicas_confirmed_can_be_read_while_they_are_away() {
    let (primary, replica) = pair();
    let store = replicated(&primary).await;
    assert_eq!(store.compare_and_swap(&key(1), Expect::Absent, record("kept")).await.unwrap(), Swap::Stored);
    replica.pause();
    assert_eq!(existing(&store, &key(1)).await.record.payload, b"kept");
    let demo = GrantOwner::Subject("demo".try_into().unwrap());
    assert_eq!(store.page(&Realm::default(), &demo, None, 10).await.unwrap().len(), 1);
    assert_transient(&store.compare_and_swap(&key(2), Expect::Absent, record("new")).await.unwrap_err());
    assert_eq!(store.load(&key(2)).await.unwrap(), None, "its index entry was not confirmed, so it was not created");
}

#[tokio::test]
async fn a_record_of_a_careless_writer_is_made_sure_of_by_its_first_careful_reader() {
    let (primary, _replica) = pair();
    let (careful, careless) = (replicated(&primary).await, connected(at(primary.url())).await);
    let version = create(&careless, &key(1), record("written")).await;
    assert!(!is_settled(&primary, 1));
    let life = ask::<i64>(&primary, cmd("PEXPIRETIME").arg(name(&key(1))));
    let read = existing(&careful, &key(1)).await;
    assert_eq!((read.version, &*read.record.payload), (version, &b"written"[..]));
    assert!(is_settled(&primary, 1));
    assert_eq!(ask::<i64>(&primary, cmd("PEXPIRETIME").arg(name(&key(1)))), life);
    assert_eq!(swap(&careless, key(1), version, record("next")).await.unwrap(), Swap::Stored);
    assert!(!is_settled(&primary, 1), "each write is another one to make sure of");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_for_replicas_holds_up_no_other() {
    let (primary, replica) = pair();
    let patient = Durability::Replicated { replicas: 1, timeout: Duration::from_secs(3) };
    let store = connected(at(primary.url()).durability(patient)).await;
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
async fn calls_that_find_no_connection_to_wait_on_fail_within_the_deadline() {
    let (primary, replica) = pair();
    let deadline = Duration::from_secs(1);
    let durability = Durability::Replicated { replicas: 1, timeout: Duration::from_millis(700) };
    let store = connected(at(primary.url()).durability(durability).deadline(deadline)).await;
    let version = create(&store, &key(1), record("kept")).await;
    replica.pause();
    let begin = Instant::now();
    let mut writes = JoinSet::new();
    for _ in 0..64 {
        let store = store.clone();
        writes.spawn(async move { swap(&store, key(1), version, record("waits")).await });
    }
    for written in writes.join_all().await {
        // One was stored, if it is not confirmed; the others know better.
        assert!(
            written.as_ref().is_ok_and(|swap| *swap == Swap::Conflict) || written.is_err_and(|it| it.is_transient())
        );
    }
    assert!(begin.elapsed() < deadline * 2, "{:?}", begin.elapsed());
    replica.resume();
    wait_for_replica_of(&primary);
    existing(&store, &key(1)).await;
}

#[tokio::test]
async fn connections_that_died_at_rest_cost_no_call() {
    let (primary, _replica) = pair();
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

/// In a cluster each write waits at its own primary, and what was acknowledged is there after that primary is lost.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_a_failover() {
    let cluster = RedisCluster::start();
    let prefix = fresh_prefix();
    let durability = Durability::Replicated { replicas: 1, timeout: Duration::from_secs(2) };
    let store =
        connected(RedisStore::cluster(cluster.urls()).deadline(PATIENT).key_prefix(&prefix).durability(durability))
            .await;
    // One end for all, so that no write moves the index: whether that is confirmed is another matter.
    let end = Some(SystemClock.now() + HOUR);
    for number in 0..100 {
        create(&store, &key(number), record_until([number], end)).await;
    }
    let lost = cluster.primary_of(&format!("{prefix}g:{{{}}}:", key(7).id));
    cluster.kill(lost);
    cluster.wait_until_ok();
    for number in 0..100 {
        let stored = loop {
            match store.load(&key(number)).await {
                Ok(stored) => break stored,
                Err(error) => assert_transient(&error),
            }
        };
        assert_eq!(stored.unwrap().record.payload, [number]);
    }
    // With a single replica per primary, nothing can be confirmed in that shard until the old primary is back.
    let version = existing(&store, &key(7)).await.version;
    let error = swap(&store, key(7), version, record_until("next", end)).await.unwrap_err();
    assert_transient(&error);
    cluster.restart(lost);
    cluster.wait_for_replicas();
    // What the primary has is answered again. On a busy machine it may not have got it before the deadline.
    let payload = existing(&store, &key(7)).await.record.payload;
    let was_written = told(&error).contains("too few replicas");
    assert!(payload == b"next" || payload == [7] && !was_written, "{payload:?}, {}", told(&error));
    println!("a write without a replica: {}", told(&error));
}
