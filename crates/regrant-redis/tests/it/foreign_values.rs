//! Values that the store did not write are reported as corrupt and not changed.

use redis::cmd;
use regrant::store::{Expect, GrantIndex as _, GrantKey, GrantOwner, StoreError, TokenStore as _, Version};
use regrant::token::Realm;
use regrant_redis::RedisStore;
use testbed::Redis;

use crate::support::{ask, at, connected, create, key, name, record, subject_index};

fn assert_corrupt<T>(result: Result<T, StoreError>, what: &str) {
    assert!(result.is_err_and(|error| error.is_corrupt()), "{what}");
}

fn dumped(server: &Redis, name: &str) -> Vec<u8> {
    ask(server, cmd("DUMP").arg(name))
}

async fn assert_corrupt_and_not_changed(
    server: &Redis,
    store: &RedisStore,
    key: &GrantKey,
    version: Version,
    what: &str,
) {
    let before = dumped(server, &name(key));
    assert_corrupt(store.load(key).await, what);
    for expect in [Expect::Absent, Expect::Version(version)] {
        assert_corrupt(store.compare_and_swap(key, expect, record("new")).await, what);
    }
    assert_eq!(dumped(server, &name(key)), before, "{what}");
}

#[tokio::test]
async fn a_value_that_is_not_a_record_is_corrupt_and_not_changed() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    let version = create(&store, &key(1), record("payload")).await;
    let value: Vec<u8> = ask(&server, cmd("GET").arg(name(&key(1))));
    let with = |position: usize, byte: u8| {
        let mut value = value.clone();
        value[position] = byte;
        value
    };
    for (what, foreign) in [
        ("empty", Vec::new()),
        ("text", b"a session of another application, as long as a header and longer".to_vec()),
        ("other magic", with(0, b'R')),
        ("newer format", with(3, 2)),
        ("header only", value[..20].to_vec()),
        ("cut short", value[..value.len() - 1].to_vec()),
        ("too long", [&value[..], b"!"].concat()),
    ] {
        let _: () = ask(&server, cmd("SET").arg(name(&key(1))).arg(foreign));
        assert_corrupt_and_not_changed(&server, &store, &key(1), version, what).await;
    }
}

#[tokio::test]
async fn an_invalid_client_id_is_corrupt() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    create(&store, &key(1), record("payload")).await;
    let mut value: Vec<u8> = ask(&server, cmd("GET").arg(name(&key(1))));
    value[36] = 0xff;
    let _: () = ask(&server, cmd("SET").arg(name(&key(1))).arg(value));
    assert_corrupt(store.load(&key(1)).await, "not ASCII");
}

#[tokio::test]
async fn a_key_of_another_type_is_corrupt_and_not_changed() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    let _: usize = ask(&server, cmd("RPUSH").arg(name(&key(1))).arg("a").arg("b"));
    assert_corrupt_and_not_changed(&server, &store, &key(1), Version(1), "a list").await;
}

#[tokio::test]
async fn an_index_of_another_type_is_corrupt_and_not_changed() {
    let server = Redis::start();
    let store = connected(at(server.url())).await;
    let index = subject_index("ids");
    let _: () = ask(&server, cmd("SET").arg(&index).arg("text"));
    let before = dumped(&server, &index);
    let demo = GrantOwner::Subject("demo".try_into().unwrap());
    assert_corrupt(store.page(&Realm::default(), &demo, None, 10).await, "listing");
    assert_corrupt(store.compare_and_swap(&key(1), Expect::Absent, record("new")).await, "creating");
    assert_eq!(store.load(&key(1)).await.unwrap(), None, "no grant without its entry");
    assert_eq!(dumped(&server, &index), before);
}
