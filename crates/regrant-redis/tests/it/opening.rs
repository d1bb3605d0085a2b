//! A store opens or reports the fault, before the first token depends on it.

use std::net::TcpListener;
use std::time::Duration;

use regrant::clock::{Clock as _, SystemClock};
use regrant::store::{GrantIndex as _, GrantOwner, TokenStore as _};
use regrant::token::Realm;
use regrant_redis::{Durability, OpenError, RedisStore, RedisStoreBuilder};
use testbed::{Redis, RedisCluster, unused_address};

use crate::support::{
    Certificate, HOUR, LONG, at, connected, create, fresh_prefix, key, record, record_until, refused, replace,
    shared_cluster, stand_in, text_of,
};

fn cluster_url(cluster: &RedisCluster) -> String {
    let nodes: Vec<String> = cluster.nodes().iter().map(ToString::to_string).collect();
    format!("redis-cluster://{}", nodes.join(","))
}

#[tokio::test]
async fn an_invalid_url_is_refused_and_not_repeated_in_the_error() {
    for url in [
        "",
        "hunter2",
        "http://user:hunter2@localhost/",
        "redis://user:hunter2@localhost:port/",
        "redis://user:hunter2@localhost/database",
        "redis-cluster://",
        "redis-cluster://user:hunter2@localhost:7000,:7001",
        "redis-cluster://user:hunter2@localhost:7000/database",
    ] {
        let error = refused(at(url)).await;
        assert!(matches!(error, OpenError::Url(_)), "{url}: {error:?}");
        assert!(!text_of(&error).contains("hunter2"), "{}", text_of(&error));
    }
    let none: [&str; 0] = [];
    assert!(matches!(refused(RedisStore::cluster(none)).await, OpenError::Url(_)));
    let mixed = RedisStore::cluster([format!("redis://{}", Redis::start().address()), "rediss://localhost".to_owned()]);
    assert!(mixed.open().await.is_err());
}

#[tokio::test]
async fn an_invalid_option_is_refused_and_named() {
    let store = || RedisStore::builder("redis://localhost");
    let waiting = |replicas, timeout| store().durability(Durability::Replicated { replicas, timeout });
    for (builder, option) in [
        (store().key_prefix("{all}:"), "key_prefix"),
        (store().deadline(Duration::from_millis(99)), "deadline"),
        (waiting(0, Duration::from_secs(1)), "durability"),
        (waiting(1, Duration::ZERO), "durability"),
        (waiting(1, Duration::from_secs(5)), "durability"),
    ] {
        let error = refused(builder).await;
        assert!(matches!(error, OpenError::Option { name, .. } if name == option), "{error:?}");
    }
}

#[tokio::test]
async fn a_stopped_server_is_unreachable() {
    let address = unused_address();
    for url in [format!("redis://:hunter2@{address}"), format!("redis-cluster://:hunter2@{address}")] {
        let error = refused(at(url)).await;
        assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
        assert!(!text_of(&error).contains("hunter2"), "{}", text_of(&error));
    }
}

#[tokio::test]
async fn a_silent_server_is_unreachable_at_the_deadline() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", silent.local_addr().unwrap());
    let error = refused(RedisStore::builder(url).deadline(Duration::from_millis(300))).await;
    assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_not_repeated_in_the_error() {
    let server = Redis::start_with(&["--requirepass", "correct"]);
    let address = server.address();
    for url in [
        format!("redis://:hunter2@{address}"),
        format!("redis://user:hunter2@{address}"),
        format!("redis-cluster://:hunter2@{address}"),
        format!("redis://{address}"),
    ] {
        let error = refused(at(&url)).await;
        assert!(matches!(error, OpenError::Refused(_)), "{url}: {error:?}");
        assert!(!text_of(&error).contains("hunter2"), "{}", text_of(&error));
    }
    let store = connected(at(server.url())).await;
    assert!(!format!("{store:?} {:?}", RedisStore::builder(server.url())).contains("correct"));
    create(&store, &key(1), record("let in")).await;
}

#[tokio::test]
async fn a_replica_is_refused() {
    let primary = Redis::start();
    let replica = primary.replica();
    assert!(matches!(refused(at(replica.url())).await, OpenError::Replica));
}

#[tokio::test]
async fn a_server_that_evicts_is_refused_unless_the_check_is_skipped() {
    let server = Redis::start_with(&["--maxmemory-policy", "volatile-ttl"]);
    let error = refused(at(server.url())).await;
    assert!(matches!(&error, OpenError::Evicts(policy) if policy == "volatile-ttl"), "{error:?}");
    connected(at(server.url()).assume_noeviction()).await;
}

#[tokio::test]
async fn a_cluster_with_one_primary_that_evicts_is_refused() {
    let cluster = RedisCluster::start();
    connected(at(cluster_url(&cluster))).await;
    cluster.command(2, &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let error = refused(at(cluster_url(&cluster))).await;
    assert!(matches!(&error, OpenError::Evicts(policy) if policy == "allkeys-lru"), "{error:?}");
}

#[tokio::test]
async fn a_cluster_and_a_single_server_are_distinguished() {
    let (cluster, single) = (shared_cluster(), Redis::start());
    assert!(matches!(refused(at(&cluster.urls()[0])).await, OpenError::ClusterNode));
    assert!(matches!(refused(RedisStore::cluster([single.url()]).deadline(LONG)).await, OpenError::NotACluster));
}

#[tokio::test]
async fn one_node_that_answers_is_enough() {
    let cluster = shared_cluster();
    let nodes = [format!("redis://{}", unused_address()), cluster.urls()[1].clone()];
    let store = connected(RedisStore::cluster(nodes).deadline(LONG).key_prefix(fresh_prefix())).await;
    for number in 0..20 {
        create(&store, &key(number), record("somewhere")).await;
    }
}

/// Creates the user of the README.
fn documented_user(command: impl Fn(&[&str]), for_cluster: bool) {
    let lines = include_str!("../../README.md").lines().filter(|line| line.starts_with("ACL SETUSER regrant "));
    let lines: Vec<&str> = lines.collect();
    assert_eq!(lines.len(), 3);
    for line in &lines[..if for_cluster { 3 } else { 2 }] {
        command(&line.split(' ').collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn the_documented_rights_are_enough() {
    let server = Redis::start();
    documented_user(|words| drop(server.command(words)), false);
    let url = format!("redis://regrant:PASSWORD@{}", server.address());
    let replicated = Durability::Replicated { replicas: 1, timeout: Duration::from_millis(10) };
    let store = connected(at(&url)).await;
    create(&store, &key(1), record("1")).await;
    replace(&store, &key(1), record_until("2", Some(SystemClock.now() + 24 * HOUR))).await;
    replace(&store, &key(1), record_until("3", None)).await;
    let demo = GrantOwner::Subject("demo".try_into().unwrap());
    assert_eq!(store.page(&Realm::default(), &demo, None, 10).await.unwrap().len(), 1);
    // There is no replica. That is another error than a missing right to `WAIT`.
    let waiting = connected(at(&url).durability(replicated)).await;
    assert!(waiting.load(&key(1)).await.unwrap_err().is_transient());
    // Without the right to read the policy, the application must vouch for it.
    server.command(&["ACL", "SETUSER", "regrant", "-info"]);
    assert!(matches!(refused(at(&url)).await, OpenError::PolicyUnknown));
    connected(at(&url).assume_noeviction()).await;
}

#[tokio::test]
async fn each_missing_right_is_named_when_the_store_is_opened() {
    let server = Redis::start();
    documented_user(|words| drop(server.command(words)), false);
    let url = format!("redis://regrant:PASSWORD@{}", server.address());
    let replicated = Durability::Replicated { replicas: 1, timeout: Duration::from_millis(10) };
    let builder = || at(&url).durability(replicated);
    let rights: Vec<&str> = include_str!("../../README.md")
        .lines()
        .filter(|line| line.starts_with("ACL SETUSER regrant ") && !line.contains("asking"))
        .flat_map(|line| line.split(' ').filter_map(|word| word.strip_prefix('+')))
        .filter(|right| *right != "info")
        .collect();
    assert_eq!(rights.len(), 16);
    for right in rights {
        server.command(&["ACL", "SETUSER", "regrant", &format!("-{right}")]);
        assert_missing(builder(), &format!("+{right}")).await;
        server.command(&["ACL", "SETUSER", "regrant", &format!("+{right}")]);
    }
    assert_missing(builder().key_prefix("other:"), "~other:*").await;
    // Several rights at once. A store that waits for no replica does not need `WAIT`.
    server.command(&["ACL", "SETUSER", "regrant", "-zadd", "-persist", "-wait"]);
    assert_missing(at(&url), "+zadd +persist").await;
    server.command(&["ACL", "SETUSER", "regrant", "+zadd", "+persist"]);
    connected(at(&url)).await;
    assert_eq!(server.command(&["DBSIZE"]), "0", "it leaves nothing behind");
}

#[tokio::test]
async fn a_right_missing_on_one_node_of_a_cluster_is_named() {
    let cluster = RedisCluster::start();
    for node in 0..cluster.nodes().len() {
        documented_user(|words| drop(cluster.command(node, words)), true);
    }
    let urls = cluster.nodes().into_iter().map(|address| format!("redis://regrant:PASSWORD@{address}"));
    let urls: Vec<String> = urls.collect();
    for node in 0..3 {
        for right in ["zadd", "evalsha", "asking", "ping"] {
            cluster.command(node, &["ACL", "SETUSER", "regrant", &format!("-{right}")]);
            assert_missing(RedisStore::cluster(&urls).deadline(LONG), &format!("+{right}")).await;
            cluster.command(node, &["ACL", "SETUSER", "regrant", &format!("+{right}")]);
        }
    }
    for node in 0..cluster.nodes().len() {
        cluster.command(node, &["ACL", "SETUSER", "regrant", "-cluster|slots"]);
    }
    let error = refused(RedisStore::cluster(&urls).deadline(LONG)).await;
    assert!(text_of(&error).contains("slots"), "{}", text_of(&error));
}

async fn assert_missing(builder: RedisStoreBuilder, expected: &str) {
    let error = refused(builder).await;
    assert!(matches!(&error, OpenError::MissingPermission { missing } if missing == expected), "{expected}: {error:?}");
}

#[tokio::test]
async fn the_documented_rights_for_a_cluster_are_enough() {
    let cluster = shared_cluster();
    for node in 0..cluster.nodes().len() {
        documented_user(|words| drop(cluster.command(node, words)), true);
    }
    let urls = cluster.nodes().into_iter().map(|address| format!("redis://regrant:PASSWORD@{address}"));
    let replicated = Durability::Replicated { replicas: 1, timeout: LONG / 3 };
    let store = connected(RedisStore::cluster(urls).durability(replicated).deadline(LONG)).await;
    for number in 0..20 {
        create(&store, &key(number), record("somewhere")).await;
    }
}

/// A server that answers the first commands of a client as an old version would.
fn old_server(hello: &'static str) -> String {
    format!("redis://{}", stand_in(hello.to_owned(), "+OK\r\n".to_owned()))
}

#[tokio::test]
async fn a_server_that_is_too_old_is_refused() {
    let five = old_server("-ERR unknown command `HELLO`, with args beginning with: `3`, \r\n");
    assert!(matches!(refused(at(five)).await, OpenError::TooOld));
    let six = "%4\r\n+server\r\n+redis\r\n+version\r\n+6.0.16\r\n+mode\r\n+standalone\r\n+role\r\n+master\r\n";
    assert!(matches!(refused(at(old_server(six))).await, OpenError::TooOld));
    let watcher = "%4\r\n+server\r\n+redis\r\n+version\r\n+7.0.0\r\n+mode\r\n+sentinel\r\n+role\r\n+master\r\n";
    assert!(matches!(refused(at(old_server(watcher))).await, OpenError::Sentinel));
}

#[tokio::test]
async fn a_server_with_tls_is_trusted_only_with_its_certificate() {
    let tls = Certificate::make();
    let (certificate, key_file) = (tls.certificate(), tls.key());
    let port = unused_address().port().to_string();
    let server = Redis::start_with(&[
        "--tls-port",
        &port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key_file,
        "--tls-auth-clients",
        "no",
    ]);
    let pem = std::fs::read(&certificate).unwrap();
    let url = format!("rediss://localhost:{port}");
    let store = connected(at(&url).root_certificate(pem.clone())).await;
    create(&store, &key(1), record("sealed")).await;
    let distrusted = refused(at(&url)).await;
    assert!(matches!(distrusted, OpenError::Unreachable(_)), "{distrusted:?}");
    for (url, pem) in [(url, b"no certificate".to_vec()), (server.url(), pem)] {
        let error = refused(at(&url).root_certificate(pem)).await;
        assert!(matches!(error, OpenError::Url(_) | OpenError::Option { .. }), "{url}: {error:?}");
    }
}
