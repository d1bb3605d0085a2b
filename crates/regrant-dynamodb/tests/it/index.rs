//! The index follows the grants: it has all of them, and few other entries.

use regrant::GrantId;
use regrant::clock::{Clock as _, SystemClock};
use regrant::store::{Expect, GrantIndex as _, GrantOwner, Swap, TokenStore as _};
use regrant::token::Realm;
use regrant_dynamodb::aws_sdk_dynamodb::types::AttributeValue;

use crate::stand_in::StandIn;
use crate::support::{
    HOUR, Item, Own, app, assert_transient, at, create, demo, existing, key, listed, number, record, record_until,
    replace, text,
};

/// The entry, made `age` seconds ago.
fn aged(mut entry: Item, age: i64) -> Item {
    let made = SystemClock.now().as_secs() - age;
    entry.insert("made".to_owned(), AttributeValue::N(made.to_string()));
    entry
}

/// State after a crash between the writes of a creation: entries made `age` seconds ago, and no grant.
async fn enter_and_crash(own: &Own, number: u128, age: i64) {
    create(&own.store, &key(number), record("crashes")).await;
    own.delete(&own.grant(&key(number)).await).await;
    for kind in ['s', 'c'] {
        for entry in own.entries(kind).await {
            if text(&entry, "sk").starts_with(&format!("{number:032x}#")) {
                own.put(aged(entry, age)).await;
            }
        }
    }
}

#[tokio::test]
async fn a_crash_between_the_writes_leaves_an_entry_that_a_listing_removes_in_time() {
    let own = Own::new().await;
    create(&own.store, &key(2), record("lives")).await;
    enter_and_crash(&own, 1, 3700).await;
    enter_and_crash(&own, 3, 3500).await;
    for (owner, kind) in [(demo(), 's'), (app(), 'c')] {
        assert_eq!(own.entries(kind).await.len(), 3);
        assert_eq!(listed(&own.store, &owner).await, [key(2).id]);
        let left: Vec<Item> = own.entries(kind).await;
        let left: Vec<&str> = left.iter().map(|entry| &text(entry, "sk")[..32]).collect();
        assert_eq!(left, [format!("{:032x}", 2), format!("{:032x}", 3)], "grant 3 may still be created");
    }
}

/// A listing that has read the old entry must not remove the new one.
#[tokio::test]
async fn a_renewed_entry_is_not_removed() {
    let own = Own::new().await;
    enter_and_crash(&own, 1, 4000).await;
    create(&own.store, &key(1), record("second attempt")).await;
    assert_eq!(listed(&own.store, &demo()).await, [key(1).id]);
    assert_eq!(listed(&own.store, &app()).await, [key(1).id]);
}

/// The grant is written last, so it never lacks an entry.
#[tokio::test]
async fn a_creation_without_its_entries_creates_nothing() {
    let (stand_in, own) = (StandIn::start(), Own::new().await);
    let store = at(stand_in.address, &own.table).open().await.unwrap();
    stand_in.refuse(&["PutItem"], 400, "ProvisionedThroughputExceededException", "slow down");
    let creation = store.compare_and_swap(&key(1), Expect::Absent, record("new")).await;
    assert_transient(&creation.unwrap_err());
    assert_eq!(own.store.load(&key(1)).await.unwrap(), None);
    stand_in.answer(&[], 0, "");
    create(&store, &key(1), record("new")).await;
    // Nor is an end moved beyond the entries.
    let end = Some(SystemClock.now() + 1000 * HOUR);
    let version = existing(&store, &key(1)).await.version;
    stand_in.refuse(&["PutItem"], 500, "InternalServerError", "try again");
    let swap = store.compare_and_swap(&key(1), Expect::Version(version), record_until("longer", end)).await;
    assert_transient(&swap.unwrap_err());
    assert_eq!(existing(&own.store, &key(1)).await.version, version);
}

#[tokio::test]
async fn a_grant_with_several_entries_is_listed_once() {
    let own = Own::new().await;
    for number in 0..5 {
        create(&own.store, &key(number), record("short")).await;
        for hours in [10, 100, 1000] {
            let end = Some(SystemClock.now() + hours * HOUR);
            replace(&own.store, &key(number), record_until("longer", end)).await;
        }
    }
    assert!(own.entries('s').await.len() >= 15);
    for owner in [demo(), app()] {
        for limit in [1, 2, 3, 1000] {
            let (mut after, mut ids): (Option<GrantId>, Vec<GrantId>) = (None, Vec::new());
            loop {
                let page = own.store.page(&Realm::default(), &owner, after, limit).await.unwrap();
                ids.extend(page.iter().map(|(id, _)| *id));
                after = ids.last().copied();
                if page.len() < limit {
                    break;
                }
            }
            assert_eq!(ids, (0..5).map(|number| key(number).id).collect::<Vec<_>>(), "limit {limit}");
        }
    }
}

/// A failed second creation leaves the entries of the first as they are.
#[tokio::test]
async fn an_entry_is_never_shortened() {
    let own = Own::new().await;
    let end = SystemClock.now() + 24 * HOUR;
    create(&own.store, &key(1), record_until("long", Some(end))).await;
    let again = own.store.compare_and_swap(&key(1), Expect::Absent, record("short")).await;
    assert_eq!(again.unwrap(), Swap::Conflict);
    for kind in ['s', 'c'] {
        let last = own.entries(kind).await.iter().filter_map(|entry| number(entry, "ttl")).max();
        assert!(last > Some(end.as_secs()));
    }
}

/// Listing one client of a subject must not remove the entries of the others.
#[tokio::test]
async fn a_listing_by_both_owners_removes_no_entry_of_another_client() {
    let own = Own::new().await;
    create(&own.store, &key(1), record("of app")).await;
    for entry in own.entries('s').await {
        own.put(aged(entry, 10_000)).await;
    }
    let both = GrantOwner::SubjectAndClient("demo".try_into().unwrap(), "web".try_into().unwrap());
    assert_eq!(listed(&own.store, &both).await, []);
    assert_eq!(listed(&own.store, &demo()).await, [key(1).id]);
}

/// The grants of a client lie in sixteen partitions, in the order of their ids.
#[tokio::test]
async fn the_grants_of_a_client_are_spread_over_partitions() {
    let own = Own::new().await;
    let ids: Vec<u128> = (0..32).map(|number| (number << 123) + 7).collect();
    for id in &ids {
        create(&own.store, &key(*id), record("x")).await;
    }
    let mut partitions: Vec<String> = own.entries('c').await.iter().map(|entry| text(entry, "pk").to_owned()).collect();
    partitions.dedup();
    assert_eq!(partitions.len(), 16);
    let expected: Vec<GrantId> = ids.iter().map(|id| key(*id).id).collect();
    assert_eq!(listed(&own.store, &app()).await, expected);
    let page = own.store.page(&Realm::default(), &app(), Some(expected[10]), 5).await.unwrap();
    assert_eq!(page.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), expected[11..16]);
}
