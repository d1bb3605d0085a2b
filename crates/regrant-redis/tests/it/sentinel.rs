//! A primary that sentinels name: found, found again after a failover, and not believed when it was replaced.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use redis::cmd;
use regrant::store::{Swap, TokenStore as _};
use regrant_redis::OpenError;
use testbed::{Redis, RedisSentinels, short, until, unused_address};
use tokio::time::timeout;

use crate::support::{
    Certificate, LONG, assert_transient, at, connected, create, existing, key, record, refused, stand_in, swap, text_of,
};

const HELLO: &str = "%4\r\n+server\r\n+redis\r\n+version\r\n+7.0.0\r\n+mode\r\n+sentinel\r\n+role\r\n+master\r\n";

#[tokio::test]
async fn the_primary_is_found_again_after_an_orderly_failover() {
    let group = RedisSentinels::start();
    let store = connected(at(group.url())).await;
    let mut version = create(&store, &key(1), record("0")).await;
    for round in 1..=2 {
        let former = group.primary().unwrap();
        group.servers()[1 - former].catch_up_with(&group.servers()[former]);
        group.fail_over();
        let next = record(round.to_string());
        assert_eq!(swap(&store, key(1), version, next.clone()).await.unwrap(), Swap::Stored);
        let stored = existing(&store, &key(1)).await;
        assert_eq!(stored.record, next);
        version = stored.version;
        group.wait_for_replica();
    }
}

/// One call sees the death of the primary and the election of its successor.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_outlasts_a_failover() {
    let group = RedisSentinels::start();
    let store = connected(at(group.url())).await;
    let version = create(&store, &key(1), record("before")).await;
    let former = group.primary().unwrap();
    group.servers()[1 - former].catch_up_with(&group.servers()[former]);
    group.servers()[former].kill();
    assert_eq!(swap(&store, key(1), version, record("after")).await.unwrap(), Swap::Stored);
    assert_eq!(group.primary(), Some(1 - former));
    // The sentinels make it a replica; until then it calls itself a primary, and nobody names it.
    group.servers()[former].restart();
    assert_eq!(*existing(&store, &key(1)).await.record.payload, *b"after");
}

/// A primary that neither the sentinels nor its replica can reach, unlike the clients whose connections are open.
struct Isolated {
    server: redis::Connection,
}

impl Isolated {
    fn isolate(group: &RedisSentinels, primary: usize) -> Self {
        let mut server = redis::Client::open(group.servers()[primary].url()).unwrap().get_connection().unwrap();
        // It listens somewhere else from now on.
        let _: () = cmd("CONFIG").arg(&["SET", "bind", "127.0.0.8"]).query(&mut server).unwrap();
        let _: usize = cmd("CLIENT").arg(&["KILL", "TYPE", "replica"]).query(&mut server).unwrap();
        let clients: String = cmd("CLIENT").arg("LIST").query(&mut server).unwrap();
        for sentinel in clients.lines().filter(|client| client.contains(" addr=127.0.0.9:")) {
            let id = sentinel.split(' ').find_map(|field| field.strip_prefix("id=")).unwrap();
            let _: usize = cmd("CLIENT").arg(&["KILL", "ID", id]).query(&mut server).unwrap();
        }
        Self { server }
    }

    fn refuses_writes(&mut self) -> bool {
        let written = cmd("SET").arg("other").arg("value").query::<()>(&mut self.server);
        written.is_err_and(|error| error.code() == Some("NOREPLICAS"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_primary_with_open_connections_is_left_for_good() {
    let group = RedisSentinels::start();
    let store = connected(at(group.url())).await;
    let version = create(&store, &key(1), record("old")).await;
    group.servers()[1].catch_up_with(&group.servers()[0]);
    let _isolated = Isolated::isolate(&group, 0);
    group.wait_for_successor(0);
    let other = connected(at(group.url())).await;
    assert_eq!(swap(&other, key(1), version, record("new")).await.unwrap(), Swap::Stored);
    // The sentinels are asked every 250 ms.
    let mut answers = 0;
    let leave = async {
        while *existing(&store, &key(1)).await.record.payload != *b"new" {
            answers += 1;
        }
    };
    timeout(LONG, leave).await.expect("the former primary is left");
    println!("{answers} answers of the former primary");
    for _ in 0..100 {
        assert_eq!(*existing(&store, &key(1)).await.record.payload, *b"new");
    }
}

/// With `min-replicas-to-write`, a primary that is cut off from its replica knows it.
#[tokio::test(flavor = "multi_thread")]
async fn a_former_primary_that_misses_its_replicas_answers_nothing() {
    let settings = ["--min-replicas-to-write", "1", "--min-replicas-max-lag", "1"];
    let group = RedisSentinels::start_with(&settings, "");
    let store = connected(at(group.url())).await;
    let version = create(&store, &key(1), record("old")).await;
    group.servers()[1].catch_up_with(&group.servers()[0]);
    let mut isolated = Isolated::isolate(&group, 0);
    group.wait_for_successor(0);
    until("a primary that misses its replicas", || isolated.refuses_writes());
    // The successor has no replica either, and accepts writes all the same.
    group.servers()[1].command(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    let other = connected(at(group.url())).await;
    assert_eq!(swap(&other, key(1), version, record("new")).await.unwrap(), Swap::Stored);
    assert_eq!(*existing(&store, &key(1)).await.record.payload, *b"new");
    assert_eq!(swap(&store, key(1), version, record("lost")).await.unwrap(), Swap::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_without_replicas_is_read_only_while_most_sentinels_confirm_it() {
    let settings = ["--min-replicas-to-write", "1", "--min-replicas-max-lag", "1"];
    let group = RedisSentinels::start_with(&settings, "");
    let store = connected(at(group.url())).await;
    let hasty = connected(at(group.url()).deadline(short(Duration::from_secs(2)))).await;
    let version = create(&store, &key(1), record("kept")).await;
    group.servers()[1].kill();
    let refuses = || group.servers()[0].try_command(&["SET", "other", "value"]).is_err();
    until("a primary without replicas", refuses);
    existing(&store, &key(1)).await;
    let error = swap(&store, key(1), version, record("lost")).await.unwrap_err();
    assert!(error.is_transient() && text_of(&error).contains("NOREPLICAS"), "{}", text_of(&error));
    group.sentinels()[0].kill();
    group.sentinels()[1].kill();
    let error = hasty.load(&key(1)).await.unwrap_err();
    assert!(error.is_transient() && text_of(&error).contains("NOREPLICAS"), "{}", text_of(&error));
    group.sentinels()[0].restart();
    existing(&store, &key(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_primary_is_used_while_no_sentinel_answers() {
    let group = RedisSentinels::start();
    let store = connected(at(group.url())).await;
    let mut version = create(&store, &key(1), record("0")).await;
    for sentinel in group.sentinels() {
        sentinel.kill();
    }
    for round in 1..200 {
        assert_eq!(swap(&store, key(1), version, record(round.to_string())).await.unwrap(), Swap::Stored);
        version = existing(&store, &key(1)).await.version;
    }
    assert!(matches!(refused(at(group.url())).await, OpenError::Unreachable(_)));
}

/// A stand-in for a sentinel that names this server.
fn naming(server: &Redis, epoch: &str) -> SocketAddr {
    let (mut reply, port) = ("%3\r\n".to_owned(), server.address().port().to_string());
    for text in ["ip", "127.0.0.1", "port", &port, "config-epoch", epoch] {
        write!(reply, "${}\r\n{text}\r\n", text.len()).unwrap();
    }
    stand_in(HELLO.to_owned(), reply)
}

/// A sentinel that was cut off from the others names the former primary, and that one believes it.
#[tokio::test]
async fn the_sentinel_with_the_highest_epoch_counts() {
    let (former, current) = (Redis::start(), Redis::start());
    for epochs in [["1", "2"], ["9", "10"]] {
        let [old, new] = [naming(&former, epochs[0]), naming(&current, epochs[1])];
        for hosts in [format!("{old},{new}"), format!("{new},{old}")] {
            let store = connected(at(format!("redis-sentinel://{hosts}/main"))).await;
            create(&store, &key(1), record("written")).await;
            assert_eq!(former.command(&["DBSIZE"]), "0");
            current.command(&["FLUSHALL"]);
        }
    }
}

#[tokio::test]
async fn a_sentinel_that_names_a_replica_is_not_followed() {
    let primary = Redis::start();
    let replica = primary.replica();
    let sentinel = naming(&replica, "0");
    let error = refused(at(format!("redis-sentinel://{sentinel}/main"))).await;
    assert!(matches!(error, OpenError::Replica), "{}", text_of(&error));
}

#[tokio::test]
async fn sentinels_and_servers_have_users_of_their_own() {
    let server = Redis::start_with(&["--requirepass", "of the server"]);
    let sentinel = Redis::sentinel(&format!(
        "requirepass of-the-sentinel\nsentinel monitor main 127.0.0.1 {} 1\nsentinel auth-pass main \"of the server\"\n",
        server.address().port()
    ));
    sentinel.command(&["ACL", "SETUSER", "watcher", "on", ">hunter2", "-@all", "+sentinel|master", "+hello"]);
    let address = sentinel.address();
    let right = format!("redis-sentinel://:of%20the%20server@{address}/main/0");
    for parameters in ["sentinel_password=of-the-sentinel", "sentinel_username=watcher&sentinel_password=hunter2"] {
        let store = connected(at(format!("{right}?{parameters}"))).await;
        assert!(!format!("{store:?}").contains("of the server"));
        create(&store, &key(1), record("let in")).await;
        server.command(&["FLUSHALL"]);
    }
    for url in [
        right.clone(),
        format!("{right}?sentinel_password=wrong"),
        format!("redis-sentinel://:wrong@{address}/main?sentinel_password=of-the-sentinel"),
    ] {
        let error = refused(at(url)).await;
        let text = text_of(&error);
        assert!(matches!(error, OpenError::Refused(_)), "{text}");
        assert!(
            !text.contains("wrong") && !text.contains("of the server") && !text.contains("of-the-sentinel"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn sentinels_and_servers_may_demand_tls() {
    let tls = Certificate::make();
    let (certificate, key_file, port) = (tls.certificate(), tls.key(), unused_address().port().to_string());
    let settings = ["--tls-port", &port, "--tls-cert-file", &certificate, "--tls-key-file", &key_file];
    let _server = Redis::start_with(&[&settings[..], &["--tls-auth-clients", "no"]].concat());
    let sentinel_port = unused_address().port();
    let _sentinel = Redis::sentinel(&format!(
        "tls-port {sentinel_port}\ntls-cert-file {certificate}\ntls-key-file {key_file}\ntls-ca-cert-file {certificate}\n\
         tls-auth-clients no\ntls-replication yes\nsentinel monitor main 127.0.0.1 {port} 1\n"
    ));
    let url = format!("rediss-sentinel://localhost:{sentinel_port}/main");
    let store = connected(at(&url).root_certificate(std::fs::read(&certificate).unwrap())).await;
    create(&store, &key(1), record("sealed")).await;
    let distrusted = refused(at(&url)).await;
    assert!(matches!(distrusted, OpenError::Unreachable(_)), "{}", text_of(&distrusted));
}

#[tokio::test]
async fn one_sentinel_that_answers_is_enough_to_open() {
    let server = Redis::start();
    let sentinel = Redis::sentinel(&format!("sentinel monitor main 127.0.0.1 {} 1\n", server.address().port()));
    let url = format!("redis-sentinel://{},{},{}/main", unused_address(), sentinel.address(), unused_address());
    let store = connected(at(url)).await;
    create(&store, &key(1), record("kept")).await;
}

#[tokio::test]
async fn what_is_wrong_with_the_sentinels_is_named() {
    let server = Redis::start();
    let sentinel = Redis::sentinel(&format!("sentinel monitor main 127.0.0.1 {} 1\n", server.address().port()));
    let url = |rest: &str| format!("redis-sentinel://{}{rest}", sentinel.address());
    let unknown = refused(at(url("/other"))).await;
    assert!(matches!(unknown, OpenError::UnknownPrimary), "{}", text_of(&unknown));
    let none = refused(at(format!("redis-sentinel://{}/main", server.address()))).await;
    assert!(matches!(none, OpenError::NotASentinel), "{}", text_of(&none));
    let direct = refused(at(format!("redis://{}", sentinel.address()))).await;
    assert!(matches!(direct, OpenError::Sentinel), "{}", text_of(&direct));
    for rest in ["", "/", "/ma{in", "/main/database", "/main?sentinel_user=hunter2", "/main?hunter2"] {
        let error = refused(at(url(rest))).await;
        assert!(matches!(error, OpenError::Url(_)), "{rest}: {}", text_of(&error));
        assert!(!text_of(&error).contains("hunter2"), "{}", text_of(&error));
    }
    server.kill();
    let gone = refused(at(url("/main"))).await;
    assert!(matches!(gone, OpenError::Unreachable(_)), "{}", text_of(&gone));
    assert!(text_of(&gone).contains("the primary that the sentinels name cannot be reached"), "{}", text_of(&gone));
}

#[tokio::test]
async fn a_primary_that_does_not_come_back_is_a_transient_error_with_its_cause() {
    let server = Redis::start();
    let sentinel = Redis::sentinel(&format!("sentinel monitor main 127.0.0.1 {} 1\n", server.address().port()));
    let deadline = short(Duration::from_secs(2));
    let store = connected(at(format!("redis-sentinel://{}/main", sentinel.address())).deadline(deadline)).await;
    create(&store, &key(1), record("kept")).await;
    server.kill();
    let error = store.load(&key(1)).await.unwrap_err();
    assert_transient(&error);
    assert!(text_of(&error).contains("the primary that the sentinels name cannot be reached"), "{}", text_of(&error));
    server.restart();
    assert_eq!(*existing(&store, &key(1)).await.record.payload, *b"kept");
}
