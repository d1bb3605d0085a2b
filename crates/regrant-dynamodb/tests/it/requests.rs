//! Requests: how many there are of which kind, and never a second one for a write.

use regrant::clock::{Clock as _, SystemClock};
use regrant::store::{Expect, GrantIndex as _, SingleUse as _, Swap, TokenStore as _, Use, UseId};
use regrant::token::Realm;
use regrant_dynamodb::DynamoStore;
use testbed::{Disturbance, Proxy};

use crate::stand_in::StandIn;
use crate::support::{
    HOUR, Own, app, assert_transient, at, create, demo, existing, key, new_table, record, replace, server,
};

const ALL: [&str; 6] = ["GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"];

/// A store behind a stand-in.
async fn behind_stand_in() -> (StandIn, DynamoStore) {
    let (stand_in, table) = (StandIn::start(), new_table().await);
    let store = at(stand_in.address, &table).open().await.unwrap();
    (stand_in, store)
}

fn id(number: u8) -> UseId {
    UseId::from_bytes([number; 32])
}

#[tokio::test]
async fn a_write_that_fails_is_not_sent_again() {
    let (stand_in, store) = behind_stand_in().await;
    let version = create(&store, &key(1), record("kept")).await;
    for (status, name) in [(500, "InternalServerError"), (503, "ServiceUnavailable"), (400, "ThrottlingException")] {
        stand_in.refuse(&ALL, status, name, "try again");
        let swap = store.compare_and_swap(&key(1), Expect::Version(version), record("next")).await;
        assert_transient(&swap.unwrap_err());
        assert_eq!(stand_in.asked(), ["UpdateItem"], "{name}");
        stand_in.refuse(&ALL, status, name, "try again");
        assert_transient(&store.use_once(&id(1), SystemClock.now() + HOUR).await.unwrap_err());
        assert_eq!(stand_in.asked(), ["PutItem"], "{name}");
    }
}

/// The two entries are sent at once, so the failure of one may come before the other is sent.
#[tokio::test]
async fn a_creation_that_fails_sends_each_write_once_and_not_the_grant() {
    for (status, name) in [(500, "InternalServerError"), (400, "ThrottlingException")] {
        let (stand_in, store) = behind_stand_in().await;
        stand_in.refuse(&ALL, status, name, "try again");
        let creation = store.compare_and_swap(&key(2), Expect::Absent, record("new")).await;
        assert_transient(&creation.unwrap_err());
        let asked = stand_in.asked();
        assert!((1..=2).contains(&asked.len()) && asked.iter().all(|asked| asked == "PutItem"), "{asked:?}");
    }
}

#[tokio::test]
async fn a_read_that_fails_is_tried_three_times() {
    let (stand_in, store) = behind_stand_in().await;
    for name in ["InternalServerError", "ProvisionedThroughputExceededException"] {
        stand_in.refuse(&ALL, 500, name, "try again");
        assert_transient(&store.load(&key(1)).await.unwrap_err());
        assert_eq!(stand_in.asked(), ["GetItem"; 3], "{name}");
        stand_in.refuse(&ALL, 500, name, "try again");
        assert_transient(&store.page(&Realm::default(), &demo(), None, 10).await.unwrap_err());
        assert_eq!(stand_in.asked(), ["Query"; 3], "{name}");
    }
}

#[tokio::test]
async fn each_call_sends_the_requests_that_the_documentation_prices() {
    let (stand_in, store) = behind_stand_in().await;
    let none = || stand_in.answer(&[], 0, "");
    none();
    assert_eq!(store.compare_and_swap(&key(1), Expect::Absent, record("new")).await.unwrap(), Swap::Stored);
    assert_eq!(stand_in.asked(), ["PutItem"; 3], "two entries and the grant");
    none();
    let version = existing(&store, &key(1)).await.version;
    assert_eq!(stand_in.asked(), ["GetItem"]);
    none();
    let swap = store.compare_and_swap(&key(1), Expect::Version(version), record("refreshed")).await;
    assert_eq!(swap.unwrap(), Swap::Stored);
    assert_eq!(stand_in.asked(), ["UpdateItem"]);
    none();
    let swap = store.compare_and_swap(&key(1), Expect::Version(version), record("stale")).await;
    assert_eq!(swap.unwrap(), Swap::Conflict);
    assert_eq!(stand_in.asked(), ["UpdateItem", "GetItem"]);
    none();
    assert_eq!(store.page(&Realm::default(), &demo(), None, 10).await.unwrap().len(), 1);
    assert_eq!(stand_in.asked(), ["Query", "BatchGetItem"]);
    none();
    assert_eq!(store.page(&Realm::default(), &app(), None, 10).await.unwrap().len(), 1);
    let queries = stand_in.asked().iter().filter(|asked| *asked == "Query").count();
    assert_eq!((queries, stand_in.asked().len()), (16, 17), "the sixteen partitions of a client");
    none();
    assert_eq!(store.use_once(&id(1), SystemClock.now() + HOUR).await.unwrap(), Use::First);
    assert_eq!(stand_in.asked(), ["PutItem"]);
}

/// Whoever reads back finds the write.
#[tokio::test]
async fn a_write_whose_reply_was_lost_is_stored_once() {
    let table = new_table().await;
    let proxy = Proxy::before(server().address());
    let store = at(proxy.address(), &table).open().await.unwrap();
    for number in 0..10 {
        let version = create(&store, &key(number), record("0")).await;
        proxy.disturb(Disturbance::DropReply);
        let swap = store.compare_and_swap(&key(number), Expect::Version(version), record("1")).await;
        assert_transient(&swap.unwrap_err());
        assert_eq!(*existing(&store, &key(number)).await.record.payload, *b"1");
    }
}

#[tokio::test]
async fn a_read_whose_reply_was_lost_is_repeated() {
    let table = new_table().await;
    let proxy = Proxy::before(server().address());
    let store = at(proxy.address(), &table).open().await.unwrap();
    create(&store, &key(1), record("kept")).await;
    for fault in [Disturbance::DropReply, Disturbance::CutRequest] {
        proxy.disturb(fault);
        assert_eq!(*existing(&store, &key(1)).await.record.payload, *b"kept");
    }
}

/// Refused, not told that it was used before: nobody knows.
#[tokio::test]
async fn a_use_whose_reply_was_lost_is_an_error_and_counts() {
    let table = new_table().await;
    let proxy = Proxy::before(server().address());
    let store = at(proxy.address(), &table).open().await.unwrap();
    proxy.disturb(Disturbance::DropReply);
    assert_transient(&store.use_once(&id(1), SystemClock.now() + HOUR).await.unwrap_err());
    assert_eq!(store.use_once(&id(1), SystemClock.now() + HOUR).await.unwrap(), Use::Again);
    assert_eq!(store.use_once(&id(2), SystemClock.now() + HOUR).await.unwrap(), Use::First);
}

/// One item has 400 KB at most. What is larger is refused, by name.
#[tokio::test]
async fn a_page_of_large_records_is_complete_and_one_that_is_too_large_is_refused() {
    let own = Own::new().await;
    for number in 0..30 {
        create(&own.store, &key(number), record(vec![7; 64 * 1024])).await;
    }
    let page = own.store.page(&Realm::default(), &demo(), None, 1000).await.unwrap();
    assert_eq!(page.len(), 30);
    assert!(page.iter().all(|(_, stored)| stored.record.payload.len() == 64 * 1024));
    let version = existing(&own.store, &key(1)).await.version;
    let swap = own.store.compare_and_swap(&key(1), Expect::Version(version), record(vec![7; 420 * 1024])).await;
    let error = swap.unwrap_err();
    assert!(!error.is_transient() && testbed::text_of(&error).contains("size"), "{}", testbed::text_of(&error));
    replace(&own.store, &key(1), record("small")).await;
}
