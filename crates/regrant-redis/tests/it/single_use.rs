//! Single-use marks: lost replies, replicas that are away, and servers in an unexpected state.

use std::time::Duration;

use redis::cmd;
use regrant::clock::{Clock as _, SystemClock, Timestamp};
use regrant::store::{SingleUse as _, StoreError, Use, UseId};
use regrant_redis::{Durability, RedisStore};
use testbed::{Disturbance, Redis};

use crate::support::{HOUR, LONG, ask, assert_transient, at, behind_proxy, connected, demote};

/// Key of the mark of id 0.
const NAME: &str = "regrant:u:{AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA}";

fn soon() -> Timestamp {
    SystemClock.now() + HOUR
}

async fn use_once(store: &RedisStore, number: u8) -> Result<Use, StoreError> {
    store.use_once(&UseId::from_bytes([number; 32]), soon()).await
}

#[tokio::test]
async fn a_use_whose_reply_was_lost_is_recognised_when_it_is_repeated() {
    let server = Redis::start();
    let (proxy, url) = behind_proxy(&server);
    let (store, other) = (connected(at(url)).await, connected(RedisStore::builder(server.url())).await);
    for number in 0..30 {
        let fault = if number % 2 == 0 { Disturbance::DropReply } else { Disturbance::CutRequest };
        proxy.disturb(fault);
        assert_eq!(use_once(&store, number).await.unwrap(), Use::First, "{fault:?}");
        assert_eq!(use_once(&other, number).await.unwrap(), Use::Again);
        proxy.disturb(fault);
        assert_eq!(use_once(&store, number).await.unwrap(), Use::Again, "{fault:?}");
    }
}

/// Another use is done before the first attempt arrives. When that is repeated, it is the replay.
#[tokio::test]
async fn an_overtaken_use_is_not_the_first() {
    let server = Redis::start();
    let (proxy, url) = behind_proxy(&server);
    let (slow, quick) = (connected(at(url)).await, connected(RedisStore::builder(server.url())).await);
    assert_eq!(use_once(&slow, 0).await.unwrap(), Use::First);
    proxy.disturb(Disturbance::Blackhole(10 * LONG));
    let overtake = async {
        let used = use_once(&quick, 1).await.unwrap();
        proxy.clear();
        used
    };
    let (late, first) = tokio::join!(use_once(&slow, 1), overtake);
    assert_eq!((late.unwrap(), first), (Use::Again, Use::First));
}

#[tokio::test]
async fn a_mark_expires_a_minute_late() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    let (end, id) = (soon(), UseId::from_bytes([0; 32]));
    assert_eq!(store.use_once(&id, end).await.unwrap(), Use::First);
    assert_eq!(store.use_once(&id, end + Duration::from_secs(60)).await.unwrap(), Use::Again);
    assert_eq!(ask::<i64>(&server, cmd("PEXPIRETIME").arg(NAME)), end.as_millis() + 60_000);
    // On a server whose clock is ahead by less than a minute, the mark has not expired.
    let ended = SystemClock.now();
    let id = UseId::from_bytes([1; 32]);
    assert_eq!(store.use_once(&id, ended).await.unwrap(), Use::First);
    assert_eq!(store.use_once(&id, ended).await.unwrap(), Use::Again);
}

#[tokio::test]
async fn a_value_that_is_not_a_mark_is_corrupt_and_not_changed() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    assert_eq!(use_once(&store, 0).await.unwrap(), Use::First);
    let mark: Vec<u8> = ask(&server, cmd("GET").arg(NAME));
    let newer = [&b"rgu\x02"[..], &mark[4..]].concat();
    for foreign in [&b""[..], b"of another application", &newer, &mark[..11], &[&mark[..], b"!"].concat()] {
        let _: () = ask(&server, cmd("SET").arg(NAME).arg(foreign));
        assert!(use_once(&store, 0).await.unwrap_err().is_corrupt(), "{foreign:?}");
        assert_eq!(ask::<Vec<u8>>(&server, cmd("GET").arg(NAME)), foreign);
    }
    let _: usize = ask(&server, cmd("DEL").arg(NAME));
    let _: usize = ask(&server, cmd("RPUSH").arg(NAME).arg("a list"));
    assert!(use_once(&store, 0).await.unwrap_err().is_corrupt());
    assert_eq!(ask::<usize>(&server, cmd("LLEN").arg(NAME)), 1);
}

#[tokio::test]
async fn a_server_that_cannot_write_answers_neither_first_nor_again() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_transient(&use_once(&store, 0).await.unwrap_err());
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(use_once(&store, 0).await.unwrap(), Use::First);
    let _successor = demote(&server);
    assert_transient(&use_once(&store, 1).await.unwrap_err());
    // It may still report a mark that it has.
    assert!(!matches!(use_once(&store, 0).await, Ok(Use::First)));
}

async fn replicated_within(server: impl AsRef<str>, timeout: Duration) -> RedisStore {
    connected(at(server).durability(Durability::Replicated { replicas: 1, timeout })).await
}

#[tokio::test]
async fn a_use_that_no_replica_confirms_is_not_accepted() {
    let primary = Redis::start();
    let replica = primary.replica();
    let store = replicated_within(primary.url(), LONG / 3).await;
    let hasty = replicated_within(primary.url(), Duration::from_millis(200)).await;
    assert_eq!(use_once(&store, 0).await.unwrap(), Use::First);
    replica.pause();
    assert_transient(&use_once(&hasty, 1).await.unwrap_err());
    assert_eq!(use_once(&hasty, 1).await.unwrap(), Use::Again);
    replica.resume();
    assert_eq!(use_once(&store, 1).await.unwrap(), Use::Again);
    assert_eq!(use_once(&store, 2).await.unwrap(), Use::First);
}

/// The mark was written on a connection that is gone, and `WAIT` covers only the writes of its own connection.
#[tokio::test]
async fn a_repeated_use_waits_for_replicas_again() {
    let primary = Redis::start();
    let replica = primary.replica();
    let (proxy, url) = behind_proxy(&primary);
    let hasty = replicated_within(url, Duration::from_millis(200)).await;
    let store = replicated_within(primary.url(), LONG / 3).await;
    assert_eq!(use_once(&store, 0).await.unwrap(), Use::First);
    replica.pause();
    proxy.disturb(Disturbance::DropReply);
    assert_transient(&use_once(&hasty, 1).await.unwrap_err());
    assert_eq!(proxy.disturbed(), 1);
}
