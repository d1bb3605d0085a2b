//! What may be used once, when replies are lost, replicas are away, or the server is not what it was.

mod common;

use std::time::Duration;

use common::{ask, assert_transient, at, behind_proxy, connected};
use redis::cmd;
use regrant::clock::{Clock as _, SystemClock, Timestamp};
use regrant::store::{SingleUse as _, StoreError, Use, UseId};
use regrant_redis::{Durability, RedisStore};
use testbed::{Disturbance, Redis, until};

const REPLICATED: Durability = Durability::Replicated { replicas: 1, timeout: Duration::from_millis(500) };

/// Where the store keeps the mark of 0.
const NAME: &str = "regrant:u:{AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA}";

fn soon() -> Timestamp {
    SystemClock.now() + Duration::from_secs(60)
}

async fn use_once(store: &RedisStore, number: u8) -> Result<Use, StoreError> {
    store.use_once(&UseId::from_bytes([number; 32]), soon()).await
}

#[tokio::test]
async fn a_use_whose_reply_was_lost_is_known_when_it_is_sent_again() {
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

/// The first attempt did not get through before somebody else's: when it is sent again, it is the replay.
#[tokio::test]
async fn a_use_that_was_overtaken_on_its_way_is_not_the_first() {
    let server = Redis::start();
    let (proxy, url) = behind_proxy(&server);
    let (slow, quick) = (connected(at(url)).await, connected(RedisStore::builder(server.url())).await);
    assert_eq!(use_once(&slow, 0).await.unwrap(), Use::First);
    proxy.disturb(Disturbance::Blackhole(Duration::from_secs(60)));
    let overtake = async {
        let used = use_once(&quick, 1).await.unwrap();
        proxy.calm();
        used
    };
    let (late, first) = tokio::join!(use_once(&slow, 1), overtake);
    assert_eq!((late.unwrap(), first), (Use::Again, Use::First));
}

#[tokio::test]
async fn a_mark_lives_a_minute_longer_than_it_must() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    let (end, id) = (soon(), UseId::from_bytes([0; 32]));
    assert_eq!(store.use_once(&id, end).await.unwrap(), Use::First);
    assert_eq!(store.use_once(&id, end + Duration::from_secs(60)).await.unwrap(), Use::Again);
    assert_eq!(ask::<i64>(&server, cmd("PEXPIRETIME").arg(NAME)), end.as_millis() + 60_000);
    // By a server whose clock is ahead by less than that, the mark has not ended.
    let ended = SystemClock.now();
    let id = UseId::from_bytes([1; 32]);
    assert_eq!(store.use_once(&id, ended).await.unwrap(), Use::First);
    assert_eq!(store.use_once(&id, ended).await.unwrap(), Use::Again);
}

#[tokio::test]
async fn a_value_that_is_no_mark_is_refused_and_untouched() {
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
async fn a_server_that_cannot_write_says_neither_first_nor_again() {
    let [server, successor] = [(), ()].map(|()| Redis::start());
    let store = connected(at(server.url())).await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_transient(&use_once(&store, 0).await.unwrap_err());
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(use_once(&store, 0).await.unwrap(), Use::First);
    server.command(&["REPLICAOF", "127.0.0.1", &successor.address().port().to_string()]);
    assert_transient(&use_once(&store, 1).await.unwrap_err());
    // What it has not forgotten yet, it may still say.
    assert!(!matches!(use_once(&store, 0).await, Ok(Use::First)));
}

/// A primary, and a replica that is in sync with it.
fn pair() -> (Redis, Redis) {
    let primary = Redis::start();
    let port = primary.address().port().to_string();
    let replica = Redis::start_with(&["--replicaof", "127.0.0.1", &port, "--repl-diskless-sync-delay", "0"]);
    until("a replica in sync", || ask::<i64>(&primary, cmd("WAIT").arg(1).arg(100)) == 1);
    (primary, replica)
}

#[tokio::test]
async fn a_use_that_no_replica_confirms_lets_nobody_in() {
    let (primary, replica) = pair();
    let store = connected(at(primary.url()).durability(REPLICATED)).await;
    assert_eq!(use_once(&store, 0).await.unwrap(), Use::First);
    replica.pause();
    assert_transient(&use_once(&store, 1).await.unwrap_err());
    assert_eq!(use_once(&store, 1).await.unwrap(), Use::Again);
    replica.resume();
    assert_eq!(use_once(&store, 1).await.unwrap(), Use::Again);
    assert_eq!(use_once(&store, 2).await.unwrap(), Use::First);
}

/// Its mark was written on a connection that is gone, and a replica is asked for the writes of a connection.
#[tokio::test]
async fn a_use_that_is_sent_again_waits_for_replicas_again() {
    let (primary, replica) = pair();
    let (proxy, url) = behind_proxy(&primary);
    let store = connected(at(url).durability(REPLICATED)).await;
    assert_eq!(use_once(&store, 0).await.unwrap(), Use::First);
    replica.pause();
    proxy.disturb(Disturbance::DropReply);
    assert_transient(&use_once(&store, 1).await.unwrap_err());
    assert_eq!(proxy.struck(), 1);
}
