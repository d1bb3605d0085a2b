//! A server that falls silent: every call ends within its deadline, which is two seconds by default.

use std::time::Duration;

use regrant::clock::{Clock as _, SystemClock};
use regrant::store::{Expect, GrantIndex as _, SingleUse as _, TokenStore as _, UseId, Version};
use regrant::token::Realm;
use regrant_dynamodb::{DynamoStore, OpenError};
use testbed::{Disturbance, Proxy, retry, short};
use tokio::time::{Instant, timeout};

use crate::support::{HOUR, LONG, app, assert_transient, at, client, create, existing, key, new_table, record, server};

#[tokio::test(flavor = "multi_thread")]
async fn every_call_ends_within_the_default_deadline() {
    let table = new_table().await;
    let proxy = Proxy::before(server().address());
    let builder = DynamoStore::builder(client(proxy.address()), &table).assume_time_to_live();
    let store = retry(async || builder.open().await).await;
    proxy.disturb(Disturbance::Blackhole(10 * LONG));
    let (absent, realm, owner, id) = (key(1), Realm::default(), app(), UseId::from_bytes([1; 32]));
    let limit = short(Duration::from_secs(2) * 2);
    let (load, creation, swap, page, mark) = tokio::join!(
        timeout(limit, store.load(&absent)),
        timeout(limit, store.compare_and_swap(&absent, Expect::Absent, record("new"))),
        timeout(limit, store.compare_and_swap(&absent, Expect::Version(Version(1)), record("new"))),
        timeout(limit, store.page(&realm, &owner, None, 10)),
        timeout(limit, store.use_once(&id, SystemClock.now() + HOUR)),
    );
    for error in
        [load.unwrap().err(), creation.unwrap().err(), swap.unwrap().err(), page.unwrap().err(), mark.unwrap().err()]
    {
        assert_transient(&error.unwrap());
    }
    proxy.clear();
    retry(async || store.load(&absent).await).await;
}

/// The deadline of the store counts, not what the client of the application waits for.
#[tokio::test]
async fn a_deadline_can_be_shorter() {
    let table = new_table().await;
    let proxy = Proxy::before(server().address());
    let store =
        retry(async || at(proxy.address(), &table).deadline(short(Duration::from_millis(300))).open().await).await;
    proxy.disturb(Disturbance::Blackhole(10 * LONG));
    let start = Instant::now();
    assert_transient(&store.load(&key(1)).await.unwrap_err());
    assert!(start.elapsed() < short(Duration::from_secs(2)), "{:?}", start.elapsed());
}

/// A connection that hangs, while new ones do not, costs one attempt and not the call.
#[tokio::test]
async fn a_connection_that_fell_silent_is_replaced() {
    let table = new_table().await;
    let proxy = Proxy::before(server().address());
    let store = retry(async || at(proxy.address(), &table).deadline(short(Duration::from_secs(4))).open().await).await;
    create(&store, &key(1), record("kept")).await;
    proxy.disturb(Disturbance::Delay(10 * LONG));
    assert_eq!(*existing(&store, &key(1)).await.record.payload, *b"kept");
}

#[tokio::test]
async fn a_silent_server_is_unreachable_when_the_store_is_opened() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let builder = at(silent.local_addr().unwrap(), "regrant").deadline(Duration::from_millis(100));
    let opened = timeout(LONG, builder.open()).await.unwrap();
    assert!(matches!(opened, Err(OpenError::Unreachable(_))), "{opened:?}");
}
