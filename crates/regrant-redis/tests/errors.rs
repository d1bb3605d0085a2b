//! Lost connections, lost replies, lost servers: never a wrong answer, and a right one as soon as there is one.

mod common;

use std::time::Duration;

use common::{
    HOUR, ask, assert_transient, at, behind_proxy, connected, create, existing, key, name, record, replace, swap, told,
};
use redis::cmd;
use regrant::clock::{Clock as _, SystemClock};
use regrant::store::{
    Expect, GrantIndex as _, GrantOwner, SingleUse as _, StoreError, Swap, TokenStore as _, Use, UseId, Version,
};
use regrant::token::Realm;
use regrant_redis::RedisStore;
use testbed::{Disturbance, Redis};
use tokio::time::{Instant, timeout};

#[tokio::test]
async fn a_write_whose_reply_was_lost_is_known_when_it_is_sent_again() {
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
async fn a_creation_whose_reply_was_lost_is_known_when_it_is_sent_again() {
    let server = Redis::start();
    let (proxy, url) = behind_proxy(&server);
    let store = connected(at(url)).await;
    // The third request is the one that creates: two owners come before it.
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
        assert_eq!(existing(&store, &key(1)).await.record.payload, b"kept");
    }
}

/// The first attempt was stored, and somebody went on from there: that is no conflict, and no success to vouch for either.
#[tokio::test]
async fn a_write_that_was_overtaken_after_its_reply_was_lost_is_of_unknown_outcome() {
    let server = Redis::start();
    let (proxy, url) = behind_proxy(&server);
    let slow = connected(at(url)).await;
    let quick = connected(at(server.url())).await;
    let version = create(&slow, &key(1), record("0")).await;
    proxy.disturb(Disturbance::Blackhole(Duration::from_secs(60)));
    let write = swap(&slow, key(1), version, record("slow"));
    let overtake = async {
        // The write is on its way and stuck; the other one is through before it is sent again.
        assert_eq!(swap(&quick, key(1), version, record("quick")).await.unwrap(), Swap::Stored);
        proxy.calm();
    };
    let (written, ()) = tokio::join!(write, overtake);
    assert_transient(&written.unwrap_err());
    assert_eq!(existing(&quick, &key(1)).await.record.payload, b"quick");
}

#[tokio::test]
async fn a_silent_server_fails_calls_within_the_deadline_and_not_longer_than_it_is_silent() {
    let server = Redis::start();
    let (proxy, url) = behind_proxy(&server);
    let deadline = Duration::from_secs(1);
    let store = connected(at(url).deadline(deadline)).await;
    let version = create(&store, &key(1), record("kept")).await;
    proxy.disturb(Disturbance::Blackhole(Duration::from_secs(60)));
    let begin = Instant::now();
    let kept = key(1);
    let (read, written) = tokio::join!(store.load(&kept), swap(&store, key(1), version, record("late")));
    assert!(begin.elapsed() < deadline * 2, "{:?}", begin.elapsed());
    assert_transient(&read.unwrap_err());
    assert_transient(&written.unwrap_err());
    proxy.calm();
    assert_eq!(existing(&store, &key(1)).await.record.payload, b"kept");
    assert_eq!(swap(&store, key(1), version, record("next")).await.unwrap(), Swap::Stored);
}

/// A connection that hangs, while new ones do not, costs one attempt and not the call.
#[tokio::test]
async fn a_connection_that_fell_silent_is_replaced() {
    let server = Redis::start();
    let (proxy, url) = behind_proxy(&server);
    let store = connected(at(url).deadline(Duration::from_secs(2))).await;
    create(&store, &key(1), record("kept")).await;
    proxy.disturb(Disturbance::Delay(Duration::from_secs(60)));
    assert_eq!(existing(&store, &key(1)).await.record.payload, b"kept");
}

#[tokio::test]
async fn a_restart_is_bridged_and_the_scripts_are_sent_again() {
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
async fn a_server_that_is_gone_is_no_absence() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    let version = create(&store, &key(1), record("kept")).await;
    server.kill();
    assert_transient(&store.load(&key(1)).await.unwrap_err());
    assert_transient(&store.load(&key(2)).await.unwrap_err());
    let written = swap(&store, key(1), version, record("lost")).await;
    assert_transient(&written.unwrap_err());
    server.restart();
    assert_eq!(existing(&store, &key(1)).await.version, version);
}

#[tokio::test]
async fn a_primary_that_became_a_replica_answers_nothing_any_more() {
    let [server, successor] = [(), ()].map(|()| Redis::start());
    let store = connected(at(server.url())).await;
    let version = create(&store, &key(1), record("kept")).await;
    let port = successor.address().port().to_string();
    server.command(&["CONFIG", "SET", "replica-read-only", "yes"]);
    server.command(&["REPLICAOF", "127.0.0.1", &port]);
    let written = swap(&store, key(1), version, record("lost")).await;
    assert_transient(&written.unwrap_err());
    // The connection was given up, and its successor would lead to old data.
    assert_transient(&store.load(&key(1)).await.unwrap_err());
    server.command(&["REPLICAOF", "NO", "ONE"]);
    store.load(&key(1)).await.unwrap();
}

/// Memory comes back with what expires, replicas with the network: time mends it.
#[tokio::test]
async fn a_server_that_cannot_write_now_is_transient_and_says_why() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    let version = create(&store, &key(1), record("kept")).await;
    for (setting, bad, good, word) in
        [("maxmemory", "1", "0", "OOM"), ("min-replicas-to-write", "1", "0", "NOREPLICAS")]
    {
        server.command(&["CONFIG", "SET", setting, bad]);
        let error = swap(&store, key(1), version, record("next")).await.unwrap_err();
        assert_transient(&error);
        assert!(told(&error).contains(word), "{}", told(&error));
        let error = use_once(&store).await.unwrap_err();
        assert_transient(&error);
        assert!(told(&error).contains(word), "{}", told(&error));
        assert_eq!(existing(&store, &key(1)).await.version, version, "reading goes on");
        server.command(&["CONFIG", "SET", setting, good]);
    }
    assert_eq!(swap(&store, key(1), version, record("next")).await.unwrap(), Swap::Stored);
}

#[tokio::test]
async fn a_right_that_was_taken_away_is_rejected_and_named() {
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
            assert!(!error.is_transient() && !error.is_corrupt(), "{}", told(&error));
            assert!(told(&error).to_lowercase().contains(name), "{}", told(&error));
        }
        server.command(&["ACL", "SETUSER", "default", &format!("+{right}")]);
    }
    replace(&store, &key(1), record("afterwards")).await;
}

#[tokio::test]
async fn a_password_that_was_changed_is_rejected_and_not_shown() {
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
        let told = told(&error);
        assert!(!error.is_transient() && !error.is_corrupt(), "{told}");
        assert!(told.contains("WRONGPASS") && !told.contains("hunter2") && !told.contains("another-one"), "{told}");
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
    assert!(!told(&error).contains("digest-of-a-token"), "{}", told(&error));
}

/// A call that nobody waits for any more leaves nothing behind that others would wait for.
#[tokio::test]
async fn a_dropped_call_disturbs_nobody() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    create(&store, &key(1), record("kept")).await;
    server.pause();
    assert!(timeout(Duration::from_millis(50), store.load(&key(1))).await.is_err());
    let absent = swap(&store, key(1), Version(7), record("never"));
    assert!(timeout(Duration::from_millis(50), absent).await.is_err());
    server.resume();
    assert_eq!(existing(&store, &key(1)).await.record.payload, b"kept");
}
