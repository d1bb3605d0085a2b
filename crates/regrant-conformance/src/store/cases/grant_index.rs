//! Listing by owner.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use regrant::GrantId;
use regrant::store::{Expect, GrantIndex, GrantKey, GrantOwner, StoredGrant, TokenStore};
use regrant::token::Realm;

use super::support::{
    FAR, at_once, client_id, create, ending, existing, id, key, owned_record, realm, record, refused, replace, subject,
};
use crate::store::StoreHarness;
use crate::store::cases::Case;

pub(in crate::store) fn cases<H: StoreHarness<Store: GrantIndex>>() -> Vec<Case<H>> {
    cases![
        grants_are_listed_by_subject_by_client_and_by_both,
        a_grant_without_a_subject_is_listed_by_its_client,
        a_creation_that_conflicts_enters_no_owner,
        a_swap_that_conflicts_changes_no_listing,
        nobody_is_an_owner_of_nothing,
        owners_are_compared_byte_for_byte,
        a_listing_stays_in_its_realm,
        pages_ascend_and_are_full_until_the_last,
        pages_of_one_by_both_owners,
        a_listing_shows_the_latest_record,
        what_is_acknowledged_is_listed,
        a_listing_among_writers_neither_skips_nor_repeats
    ]
}

/// Each of the three kinds of owner has its own list.
async fn grants_are_listed_by_subject_by_client_and_by_both<H: StoreHarness<Store: GrantIndex>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let owners = [("app", "ann"), ("app", "bob"), ("web", "ann"), ("app", "ann")];
    for (number, (client, owner)) in owners.into_iter().enumerate() {
        create(&*store, &key(number as u64), owned_record("x", client, Some(owner))).await;
    }
    assert_eq!(list(&*store, &by_subject("ann"), 10).await, ids([0, 2, 3]));
    assert_eq!(list(&*store, &by_subject("bob"), 10).await, ids([1]));
    assert_eq!(list(&*store, &by_client("app"), 10).await, ids([0, 1, 3]));
    assert_eq!(list(&*store, &by_client("web"), 10).await, ids([2]));
    assert_eq!(list(&*store, &by_both("ann", "app"), 10).await, ids([0, 3]));
    assert_eq!(list(&*store, &by_both("bob", "web"), 10).await, ids([]));
}

/// `client_credentials` has no resource owner.
async fn a_grant_without_a_subject_is_listed_by_its_client<H: StoreHarness<Store: GrantIndex>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    create(&*store, &key(1), owned_record("x", "robot", None)).await;
    create(&*store, &key(2), owned_record("x", "robot", Some("robot"))).await;
    assert_eq!(list(&*store, &by_client("robot"), 10).await, ids([1, 2]));
    // A subject and a client of one name are two owners (RFC 9700 section 4.15).
    assert_eq!(list(&*store, &by_subject("robot"), 10).await, ids([2]));
    assert_eq!(list(&*store, &by_both("robot", "robot"), 10).await, ids([2]));
}

/// A conflict does not change the index: "revoke all of bob" must not end the session of ann.
async fn a_creation_that_conflicts_enters_no_owner<H: StoreHarness<Store: GrantIndex>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let record = |client, owner| owned_record("x", client, Some(owner));
    create(&*store, &key(1), record("app", "ann")).await;
    for (client, owner) in [("web", "bob"), ("app", "ann"), ("app", "bob"), ("web", "ann")] {
        refused(&*store, &key(1), Expect::Absent, record(client, owner)).await;
        for other in [by_subject("bob"), by_client("web"), by_both("bob", "web"), by_both("ann", "web")] {
            assert_eq!(page(&*store, &other, None, 10).await, [], "{other:?} owns what {client} and {owner} met");
        }
        for own in [by_subject("ann"), by_client("app"), by_both("ann", "app")] {
            assert_eq!(list(&*store, &own, 10).await, ids([1]), "{own:?} lost what {client} and {owner} met");
        }
    }
}

/// The same for a swap: neither the owners nor the listed record are those of a write that was refused.
async fn a_swap_that_conflicts_changes_no_listing<H: StoreHarness<Store: GrantIndex>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let stale = create(&*store, &key(1), owned_record("first", "app", Some("ann"))).await;
    replace(&*store, &key(1), stale, owned_record("second", "app", Some("ann"))).await;
    let listed = [(id(1), existing(&*store, &key(1)).await)];
    for (client, owner) in [("app", "ann"), ("web", "bob"), ("app", "bob"), ("web", "ann")] {
        let late = || ending(owned_record("late", client, Some(owner)), FAR + Duration::from_secs(1));
        // A slow writer, and one whose record has been deleted meanwhile.
        refused(&*store, &key(1), Expect::Version(stale), late()).await;
        refused(&*store, &key(2), Expect::Version(stale), late()).await;
        for own in [by_subject("ann"), by_client("app"), by_both("ann", "app")] {
            assert_eq!(
                page(&*store, &own, None, 10).await,
                listed,
                "{own:?} after a refused swap of {client}, {owner}"
            );
        }
        for other in [by_subject("bob"), by_client("web"), by_both("bob", "web"), by_both("ann", "web")] {
            assert_eq!(
                page(&*store, &other, None, 10).await,
                [],
                "{other:?} after a refused swap of {client}, {owner}"
            );
        }
    }
}

/// An empty list, not an error.
async fn nobody_is_an_owner_of_nothing<H: StoreHarness<Store: GrantIndex>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    create(&*store, &key(1), record("x")).await;
    for owner in [by_subject("nobody"), by_client("nothing"), by_both("demo", "nothing"), by_both("nobody", "app")] {
        assert_eq!(page(&*store, &owner, None, 10).await, []);
    }
}

/// "Revoke all of demo" must not end the sessions of Demo.
async fn owners_are_compared_byte_for_byte<H: StoreHarness<Store: GrantIndex>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let names =
        ["demo", "Demo", "demo ", " demo", "dem", "demo%", "d_mo", "%", "*", "demo:x", "{demo}", "}", "'", "\"", "\\"];
    for (number, name) in names.iter().enumerate() {
        create(&*store, &key(number as u64), owned_record("x", name, Some(name))).await;
    }
    for (number, name) in names.iter().enumerate() {
        for owner in [by_subject(name), by_client(name), by_both(name, name)] {
            assert_eq!(list(&*store, &owner, 100).await, ids([number as u64]), "{owner:?}");
        }
    }
    for (number, name) in [(100, "d\u{e9}mo"), (101, "de\u{301}mo"), (102, "\u{1f511}")] {
        create(&*store, &key(number), owned_record("x", "app", Some(name))).await;
        assert_eq!(list(&*store, &by_subject(name), 100).await, ids([number]));
    }
}

/// Neither realm lists grants of the other, even with the same owner and id.
async fn a_listing_stays_in_its_realm<H: StoreHarness<Store: GrantIndex>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    for name in ["", "alpha", "Alpha", "alpha:demo"] {
        for number in 0..3 {
            create(&*store, &GrantKey { realm: realm(name), id: id(number) }, record(name)).await;
        }
    }
    for name in ["", "alpha", "Alpha", "alpha:demo"] {
        let page = store.page(&realm(name), &by_subject("demo"), None, 100).await.unwrap();
        assert_eq!(page.len(), 3, "{name:?}");
        assert!(page.iter().all(|(_, stored)| *stored.record.payload == *name.as_bytes()), "{name:?}");
    }
    assert_eq!(store.page(&realm("beta"), &by_subject("demo"), None, 100).await.unwrap(), []);
}

/// Ascending by id, behind `after`; the first page that is not full is the last.
async fn pages_ascend_and_are_full_until_the_last<H: StoreHarness<Store: GrantIndex>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    for number in 0..25 {
        create(&*store, &key(number), record("x")).await;
    }
    let all: Vec<GrantId> = ids(0..25).into_iter().collect();
    for owner in [by_subject("demo"), by_client("app"), by_both("demo", "app")] {
        for limit in [1, 5, 10, 24, 25, 26, 1000] {
            let mut after = None;
            for expected in all.chunks(limit) {
                let page = page(&*store, &owner, after, limit).await;
                assert_eq!(page.iter().map(|(id, _)| *id).collect::<Vec<_>>(), expected, "limit {limit}");
                after = expected.last().copied();
            }
            assert_eq!(page(&*store, &owner, after, limit).await, [], "behind the last");
        }
        // `after` is a position and need not exist.
        let between = GrantId::from_bytes([0x80; 16]);
        let page = page(&*store, &owner, Some(between), 1000).await;
        let expected: Vec<GrantId> = all.iter().copied().filter(|id| *id > between).collect();
        assert_eq!(page.iter().map(|(id, _)| *id).collect::<Vec<_>>(), expected);
    }
}

/// A page is filled with grants of both owners, however many of the one owner alone lie between them.
async fn pages_of_one_by_both_owners<H: StoreHarness<Store: GrantIndex>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    for number in 0..60 {
        let client = if number % 10 == 0 { "rare" } else { "app" };
        create(&*store, &key(number), owned_record("x", client, Some("demo"))).await;
    }
    let rare = ids([0, 10, 20, 30, 40, 50]);
    for limit in [1, 2, 5, 6, 7] {
        assert_eq!(list(&*store, &by_both("demo", "rare"), limit).await, rare, "limit {limit}");
    }
}

/// A listed grant equals a loaded one, with its version.
async fn a_listing_shows_the_latest_record<H: StoreHarness<Store: GrantIndex>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let mut version = create(&*store, &key(1), record("0")).await;
    for round in 1..10 {
        version = replace(&*store, &key(1), version, record(round.to_string())).await;
        for owner in [by_subject("demo"), by_client("app"), by_both("demo", "app")] {
            assert_eq!(page(&*store, &owner, None, 10).await, [(id(1), existing(&*store, &key(1)).await)]);
        }
    }
}

/// An account closed right after a sign-in must lose that grant, on any handle.
async fn what_is_acknowledged_is_listed<H: StoreHarness<Store: GrantIndex>>(harness: &H) {
    let fixture = harness.fresh().await;
    let (store, other) = (fixture.store(), fixture.other_handle());
    for number in 0..30 {
        create(&*store, &key(number), record("x")).await;
        assert_eq!(list(&*other, &by_subject("demo"), 1000).await, ids(0..=number));
        assert_eq!(list(&*other, &by_client("app"), 1000).await, ids(0..=number));
    }
}

/// A grant that exists throughout is on exactly one page, whatever is written and created meanwhile.
async fn a_listing_among_writers_neither_skips_nor_repeats<H: StoreHarness<Store: GrantIndex>>(harness: &H) {
    const LASTING: u64 = 40;
    let fixture = harness.fresh().await;
    let store = fixture.store();
    for number in 0..LASTING {
        let version = create(&*store, &key(number), record("0")).await;
        replace(&*store, &key(number), version, record("1")).await;
    }
    let is_over = Arc::new(AtomicBool::new(false));
    at_once(3, |task| {
        let (store, is_over) = (Arc::clone(&store), Arc::clone(&is_over));
        async move {
            match task {
                0 => {
                    for _ in 0..10 {
                        let listed = list(&*store, &by_subject("demo"), 7).await;
                        assert!(ids(0..LASTING).is_subset(&listed), "a lasting grant was skipped");
                    }
                    is_over.store(true, Ordering::SeqCst);
                }
                1 => rewrite(&*store, LASTING, &is_over).await,
                _ => {
                    for number in LASTING..LASTING + 200 {
                        create(&*store, &key(number), record("new")).await;
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
    })
    .await;
}

/// Rewrites the first `grants` grants, one by one, until the end.
async fn rewrite(store: &impl TokenStore, grants: u64, is_over: &AtomicBool) {
    for round in 0.. {
        if is_over.load(Ordering::SeqCst) {
            return;
        }
        let key = key(round % grants);
        let version = existing(store, &key).await.version;
        replace(store, &key, version, record(round.to_string())).await;
        tokio::task::yield_now().await;
    }
}

pub(super) fn by_subject(name: &str) -> GrantOwner {
    GrantOwner::Subject(subject(name))
}

fn by_client(name: &str) -> GrantOwner {
    GrantOwner::Client(client_id(name))
}

fn by_both(owner: &str, client: &str) -> GrantOwner {
    GrantOwner::SubjectAndClient(subject(owner), client_id(client))
}

fn ids(numbers: impl IntoIterator<Item = u64>) -> BTreeSet<GrantId> {
    numbers.into_iter().map(id).collect()
}

async fn page(
    store: &impl GrantIndex,
    owner: &GrantOwner,
    after: Option<GrantId>,
    limit: usize,
) -> Vec<(GrantId, StoredGrant)> {
    let page = store.page(&Realm::default(), owner, after, limit).await;
    page.unwrap_or_else(|error| panic!("page failed: {error:?}"))
}

/// All grants of an owner, page by page; fails when one comes twice, out of order or too many at once.
pub(super) async fn list(
    store: &(impl GrantIndex + TokenStore),
    owner: &GrantOwner,
    limit: usize,
) -> BTreeSet<GrantId> {
    let mut listed = BTreeSet::new();
    loop {
        let page = page(store, owner, listed.last().copied(), limit).await;
        assert!(page.len() <= limit, "{} on a page of {limit}", page.len());
        for (id, _) in &page {
            assert!(
                listed.last().is_none_or(|last| last < id),
                "{id:?} comes after {:?}: pages ascend by id, and a page begins behind `after` (id > after)",
                listed.last(),
            );
            listed.insert(*id);
        }
        if page.len() < limit {
            return listed;
        }
    }
}
