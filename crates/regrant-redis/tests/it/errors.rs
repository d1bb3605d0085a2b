//! Lost connections, replies and servers: never a wrong answer, and a correct one as soon as possible.

use std::time::Duration;

use redis::cmd;
use regrant::clock::{Clock as _, SystemClock};
use regrant::store::{
    Expect, GrantIndex as _, GrantOwner, SingleUse as _, StoreError, Swap, TokenStore as _, Use, UseId, Version,
};
use regrant::token::Realm;
use regrant_redis::RedisStore;
use testbed::{Disturbance, Redis, retry, short, until};
use tokio::time::timeout;

use crate::support::{
    HOUR, LONG, ask, assert_transient, at, behind_proxy, connected, create, demote, existing, key, name, record,
    replace, swap, text_of,
};

#[tokio::test]
async fn a_write_whose_reply_was_lost_is_recognised_when_it_is_repeated() {
    let server = Redis::start();
    let (proxy, url) = behind_proxy(&server);
    let store = connected(at(url)).await;
    let mut version = create(&store, &key(1), record("0")).await;
    for round in 1..=30 {
        let fault = if round % 2 == 0 { Disturbance::DropReply } else { Disturbance::CutRequest };
        proxy.disturb(fault);
        let next = record(round.to_string());
        assert_eq!(swap(&store, key(1), version, next.clone()).await.unwrap(), Swap::Stored);
        let stored = existing(&store, &key(1)).await;
        assert_eq!(stored.record, next, "round {round}, {fault:?}");
        version = stored.version;
    }
}

#[tokio::test]
async fn a_creation_whose_reply_was_lost_is_recognised_when_it_is_repeated() {
    let server = Redis::start();
    let (proxy, url) = behind_proxy(&server);
    let store = connected(at(url)).await;
    // The third request creates the grant; two index entries come first.
    for (number, spared) in (1..).zip([0, 1, 2, 0, 1, 2]) {
        proxy.disturb_after(spared, Disturbance::DropReply);
        create(&store, &key(number), record("new")).await;
    }
}

#[tokio::test]
async fn a_read_whose_reply_was_lost_is_repeated() {
    let server = Redis::start();
    let (proxy, url) = behind_proxy(&server);
    let store = connected(at(url)).await;
    create(&store, &key(1), record("kept")).await;
    for fault in [Disturbance::DropReply, Disturbance::CutRequest] {
        proxy.disturb(fault);
        assert_eq!(*existing(&store, &key(1)).await.record.payload, *b"kept");
    }
}

/// The first attempt was stored and another write followed. That is no conflict, and no confirmed success either.
#[tokio::test]
async fn a_write_overtaken_after_its_reply_was_lost_has_an_unknown_outcome() {
    let server = Redis::start();
    let (proxy, url) = behind_proxy(&server);
    let slow = connected(at(url)).await;
    let quick = connected(at(server.url())).await;
    let version = create(&slow, &key(1), record("0")).await;
    proxy.disturb(Disturbance::Blackhole(10 * LONG));
    let write = swap(&slow, key(1), version, record("slow"));
    let overtake = async {
        // The write is stuck in the proxy; the other write is done before the first is repeated.
        assert_eq!(swap(&quick, key(1), version, record("quick")).await.unwrap(), Swap::Stored);
        proxy.clear();
    };
    let (written, ()) = tokio::join!(write, overtake);
    assert_transient(&written.unwrap_err());
    assert_eq!(*existing(&quick, &key(1)).await.record.payload, *b"quick");
}

#[tokio::test]
async fn a_silent_server_fails_calls_at_the_deadline_and_only_while_it_is_silent() {
    let server = Redis::start();
    let (proxy, url) = behind_proxy(&server);
    let store = retry(async || at(&url).deadline(short(Duration::from_secs(1))).open().await).await;
    let patient = connected(at(&url)).await;
    let version = create(&patient, &key(1), record("kept")).await;
    proxy.disturb(Disturbance::Blackhole(10 * LONG));
    let kept = key(1);
    let calls = async { tokio::join!(store.load(&kept), swap(&store, key(1), version, record("late"))) };
    let (read, written) = timeout(LONG, calls).await.unwrap();
    assert_transient(&read.unwrap_err());
    assert_transient(&written.unwrap_err());
    proxy.clear();
    assert_eq!(*retry(async || store.load(&kept).await).await.unwrap().record.payload, *b"kept");
    assert_eq!(swap(&patient, key(1), version, record("next")).await.unwrap(), Swap::Stored);
}

/// A connection that hangs, while new ones do not, costs one attempt and not the call.
#[tokio::test]
async fn a_connection_that_fell_silent_is_replaced() {
    let server = Redis::start();
    let (proxy, url) = behind_proxy(&server);
    let store = retry(async || at(&url).deadline(short(Duration::from_secs(4))).open().await).await;
    create(&store, &key(1), record("kept")).await;
    proxy.disturb(Disturbance::Delay(10 * LONG));
    assert_eq!(*existing(&store, &key(1)).await.record.payload, *b"kept");
}

#[tokio::test]
async fn a_restart_fails_no_call_and_the_scripts_are_sent_again() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    let version = create(&store, &key(1), record("before")).await;
    server.kill();
    server.restart();
    assert_eq!(swap(&store, key(1), version, record("after")).await.unwrap(), Swap::Stored);
    let _: () = ask(&server, cmd("SCRIPT").arg("FLUSH"));
    create(&store, &key(2), record("after")).await;
}

#[tokio::test]
async fn a_stopped_server_is_not_an_absent_grant() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    let version = create(&store, &key(1), record("kept")).await;
    server.kill();
    let (kept, absent) = (key(1), key(2));
    let (kept, absent, written) =
        tokio::join!(store.load(&kept), store.load(&absent), swap(&store, key(1), version, record("lost")));
    for error in [kept.err(), absent.err(), written.err()] {
        assert_transient(&error.unwrap());
    }
    server.restart();
    assert_eq!(existing(&store, &key(1)).await.version, version);
}

#[tokio::test]
async fn a_primary_that_became_a_replica_answers_nothing() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    let version = create(&store, &key(1), record("kept")).await;
    let _successor = demote(&server);
    let written = swap(&store, key(1), version, record("lost")).await;
    assert_transient(&written.unwrap_err());
    // The store has dropped the connection; a new one would read old data.
    assert_transient(&store.load(&key(1)).await.unwrap_err());
    server.command(&["REPLICAOF", "NO", "ONE"]);
    store.load(&key(1)).await.unwrap();
}

/// Memory is freed by expiring keys, and replicas return: the server recovers.
#[tokio::test]
async fn a_server_that_cannot_write_now_is_transient_and_named() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    let version = create(&store, &key(1), record("kept")).await;
    for (setting, bad, good, word) in
        [("maxmemory", "1", "0", "OOM"), ("min-replicas-to-write", "1", "0", "NOREPLICAS")]
    {
        server.command(&["CONFIG", "SET", setting, bad]);
        let error = swap(&store, key(1), version, record("next")).await.unwrap_err();
        assert_transient(&error);
        assert!(text_of(&error).contains(word), "{}", text_of(&error));
        let error = use_once(&store).await.unwrap_err();
        assert_transient(&error);
        assert!(text_of(&error).contains(word), "{}", text_of(&error));
        assert_eq!(existing(&store, &key(1)).await.version, version, "reads continue");
        server.command(&["CONFIG", "SET", setting, good]);
    }
    assert_eq!(swap(&store, key(1), version, record("next")).await.unwrap(), Swap::Stored);
}

#[tokio::test]
async fn a_revoked_right_is_rejected_and_named() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    let version = create(&store, &key(1), record("kept")).await;
    let demo = GrantOwner::Subject("demo".try_into().unwrap());
    for (right, name) in [("set", "set"), ("evalsha", "evalsha"), ("get", "get"), ("zrangebylex", "zrangebylex")] {
        server.command(&["ACL", "SETUSER", "default", &format!("-{right}")]);
        let outcomes = [
            store.load(&key(1)).await.err(),
            swap(&store, key(1), version, record("next")).await.err(),
            store.page(&Realm::default(), &demo, None, 10).await.err(),
            use_once(&store).await.err(),
        ];
        let errors: Vec<StoreError> = outcomes.into_iter().flatten().collect();
        assert!(!errors.is_empty(), "{right}");
        for error in errors {
            assert!(!error.is_transient() && !error.is_corrupt(), "{}", text_of(&error));
            assert!(text_of(&error).to_lowercase().contains(name), "{}", text_of(&error));
        }
        server.command(&["ACL", "SETUSER", "default", &format!("+{right}")]);
    }
    replace(&store, &key(1), record("afterwards")).await;
}

#[tokio::test]
async fn a_changed_password_is_rejected_and_not_shown() {
    let server = Redis::start();
    server.command(&["ACL", "SETUSER", "app", "on", ">hunter2", "~*", "+@all"]);
    let store = connected(at(format!("redis://app:hunter2@{}", server.address()))).await;
    create(&store, &key(1), record("kept")).await;
    server.command(&["ACL", "SETUSER", "app", "resetpass", ">another-one"]);
    server.command(&["CLIENT", "KILL", "USER", "app"]);
    let errors = [
        store.load(&key(1)).await.unwrap_err(),
        store.compare_and_swap(&key(2), Expect::Absent, record("next")).await.unwrap_err(),
        use_once(&store).await.unwrap_err(),
    ];
    for error in errors {
        let text = text_of(&error);
        assert!(!error.is_transient() && !error.is_corrupt(), "{text}");
        assert!(text.contains("WRONGPASS") && !text.contains("hunter2") && !text.contains("another-one"), "{text}");
    }
}

async fn use_once(store: &RedisStore) -> Result<Use, StoreError> {
    store.use_once(&UseId::from_bytes([1; 32]), SystemClock.now() + HOUR).await
}

#[tokio::test]
async fn no_record_is_in_an_error() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    create(&store, &key(1), record("digest-of-a-token")).await;
    let _: usize = ask(&server, cmd("APPEND").arg(name(&key(1))).arg("!"));
    let error = store.load(&key(1)).await.unwrap_err();
    assert!(!text_of(&error).contains("digest-of-a-token"), "{}", text_of(&error));
}

/// A dropped call leaves nothing behind that another call would wait for.
#[tokio::test]
async fn a_dropped_call_blocks_no_other() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    create(&store, &key(1), record("kept")).await;
    server.pause();
    assert!(timeout(Duration::from_millis(50), store.load(&key(1))).await.is_err());
    let absent = swap(&store, key(1), Version(7), record("never"));
    assert!(timeout(Duration::from_millis(50), absent).await.is_err());
    server.resume();
    assert_eq!(*existing(&store, &key(1)).await.record.payload, *b"kept");
}

/// The former primary has the data of its successor by now, or none. Neither says anything about the grant.
#[tokio::test]
async fn a_former_primary_with_other_data_answers_nothing() {
    for swaps_first in [true, false] {
        let (server, successor) = (Redis::start(), Redis::start());
        let store = connected(at(server.url())).await;
        let version = create(&store, &key(1), record("kept")).await;
        server.command(&["REPLICAOF", "127.0.0.1", &successor.address().port().to_string()]);
        until("other data", || ask::<i64>(&server, &cmd("DBSIZE")) == 0);
        if swaps_first {
            assert_transient(&swap(&store, key(1), version, record("lost")).await.unwrap_err());
        } else {
            assert_transient(&store.load(&key(1)).await.unwrap_err());
        }
    }
}

/// Reads go on while the server can store nothing.
#[tokio::test]
async fn a_full_server_can_be_read() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    create(&store, &key(1), record("kept")).await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(*existing(&store, &key(1)).await.record.payload, *b"kept");
    assert_eq!(store.load(&key(2)).await.unwrap(), None);
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    // The role check has left nothing behind.
    assert_eq!(ask::<i64>(&server, cmd("EXISTS").arg(name(&key(2)))), 0);
}
