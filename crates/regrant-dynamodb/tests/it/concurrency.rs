//! Two nodes of an application at once.

use regrant::store::{Expect, GrantIndex as _, StoredGrant, Swap, TokenStore as _};
use regrant::token::Realm;
use regrant_dynamodb::DynamoStore;

use crate::support::{Own, at, create, demo, existing, key, listed, record, server};

/// Adds one to the number in the payload, with as many attempts as it takes.
async fn count_up(store: &DynamoStore) {
    loop {
        let StoredGrant { version, record: mut counter } = existing(store, &key(1)).await;
        let count = u64::from_be_bytes((*counter.payload).try_into().unwrap());
        counter.payload = (count + 1).to_be_bytes().into();
        match store.compare_and_swap(&key(1), Expect::Version(version), counter).await.unwrap() {
            Swap::Stored => return,
            Swap::Conflict => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_swaps_of_two_nodes_lose_no_write() {
    let own = Own::new().await;
    let other = at(server().address(), &own.table).open().await.unwrap();
    create(&own.store, &key(1), record(0_u64.to_be_bytes())).await;
    let writers = (0..16).map(|writer| {
        let store = if writer % 2 == 0 { own.store.clone() } else { other.clone() };
        tokio::spawn(async move {
            for _ in 0..5 {
                count_up(&store).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(*existing(&own.store, &key(1)).await.record.payload, 80_u64.to_be_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_creations_wins_and_is_listed_once() {
    let own = Own::new().await;
    for number in 0..10 {
        let creations = (0_u8..8).map(|writer| {
            let store = own.store.clone();
            tokio::spawn(async move { store.compare_and_swap(&key(number), Expect::Absent, record([writer])).await })
        });
        let mut won = 0;
        for creation in creations.collect::<Vec<_>>() {
            won += usize::from(creation.await.unwrap().unwrap() == Swap::Stored);
        }
        assert_eq!(won, 1);
    }
    assert_eq!(listed(&own.store, &demo()).await.len(), 10);
    let page = own.store.page(&Realm::default(), &demo(), None, 3).await.unwrap();
    assert_eq!(page.len(), 3, "a page is full, however many entries a grant has");
}
