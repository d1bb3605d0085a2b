//! Deletion of expired records, and of nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use regrant::clock::Timestamp;
use regrant::store::{Expect, GrantIndex, GrantKey, PurgeExpired, Swap};

use super::grant_index::{by_subject, list};
use super::support::{FAR, at_once, create, ending, existing, id, key, load, realm, record, refused, replace, swap};
use crate::store::StoreHarness;
use crate::store::cases::Case;

pub(in crate::store) fn cases<H: StoreHarness<Store: PurgeExpired + GrantIndex>>() -> Vec<Case<H>> {
    cases![
        what_has_ended_is_purged_at_that_very_moment,
        what_lives_is_kept,
        a_purge_stays_within_its_limit_and_says_how_much,
        a_purge_reaches_every_realm,
        a_grant_whose_end_moved_away_is_kept,
        a_grant_whose_end_moved_near_is_purged,
        a_grant_that_no_longer_ends_is_kept,
        what_was_purged_is_not_listed,
        a_version_is_not_used_again_after_a_purge,
        a_purge_among_refreshes_takes_no_living_grant,
        two_purges_at_once_take_each_grant_once
    ]
}

const SECOND: Duration = Duration::from_secs(1);

/// The end of records here. Later than now by any clock, so that no record vanishes by itself.
pub(super) const END: Timestamp = FAR;

/// A record is expired from `expires_at` on.
async fn what_has_ended_is_purged_at_that_very_moment<H: StoreHarness<Store: PurgeExpired>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    create(&*store, &key(1), ending(record("x"), END)).await;
    assert_eq!(purge(&*store, Timestamp::from_millis(END.as_millis() - 1), 10).await, 0);
    assert!(load(&*store, &key(1)).await.is_some());
    assert_eq!(purge(&*store, END, 10).await, 1);
    assert_eq!(load(&*store, &key(1)).await, None);
    assert_eq!(purge(&*store, END, 10).await, 0);
}

/// Active grants hold the evidence of spent tokens.
async fn what_lives_is_kept<H: StoreHarness<Store: PurgeExpired>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    for number in 0..20 {
        let mut written = record(number.to_string());
        written.expires_at = (number % 2 == 0).then_some(END + SECOND);
        create(&*store, &key(number), written).await;
    }
    create(&*store, &key(100), ending(record("x"), END)).await;
    assert_eq!(purge(&*store, END, 1000).await, 1);
    for number in 0..20 {
        assert_eq!(*existing(&*store, &key(number)).await.record.payload, *number.to_string().as_bytes());
    }
}

/// Small steps, so that no other call waits long. Fewer than `limit` means that none is left.
async fn a_purge_stays_within_its_limit_and_says_how_much<H: StoreHarness<Store: PurgeExpired>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    for number in 0..25 {
        create(&*store, &key(number), ending(record("x"), END)).await;
    }
    for (expected, left) in [(10, 15), (10, 5), (5, 0), (0, 0)] {
        assert_eq!(purge(&*store, END, 10).await, expected);
        let mut there = 0;
        for number in 0..25 {
            there += usize::from(load(&*store, &key(number)).await.is_some());
        }
        assert_eq!(there, left);
    }
}

/// One call serves all tenants.
async fn a_purge_reaches_every_realm<H: StoreHarness<Store: PurgeExpired>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    for name in ["", "alpha", "beta"] {
        create(&*store, &GrantKey { realm: realm(name), id: id(1) }, ending(record("x"), END)).await;
    }
    assert_eq!(purge(&*store, END, 10).await, 3);
}

/// A refresh moved the end. Such grants must not count towards the limit either.
async fn a_grant_whose_end_moved_away_is_kept<H: StoreHarness<Store: PurgeExpired>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    for number in 0..30 {
        let version = create(&*store, &key(number), ending(record("x"), END)).await;
        replace(&*store, &key(number), version, ending(record("x"), END + SECOND)).await;
    }
    for number in 30..35 {
        create(&*store, &key(number), ending(record("x"), END)).await;
    }
    assert_eq!(purge(&*store, END, 10).await, 5, "fewer than the limit: none is left");
    for number in 0..35 {
        assert_eq!(load(&*store, &key(number)).await.is_some(), number < 30);
    }
    // The new end applies.
    assert_eq!(purge(&*store, END + SECOND, 1000).await, 30);
}

/// A revocation moved the end.
async fn a_grant_whose_end_moved_near_is_purged<H: StoreHarness<Store: PurgeExpired>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let version = create(&*store, &key(1), ending(record("x"), END + SECOND)).await;
    replace(&*store, &key(1), version, ending(record("x"), END)).await;
    let mut never = record("x");
    never.expires_at = None;
    let version = create(&*store, &key(2), never).await;
    replace(&*store, &key(2), version, ending(record("x"), END)).await;
    assert_eq!(purge(&*store, END, 10).await, 2);
    assert_eq!(load(&*store, &key(1)).await, None);
    assert_eq!(load(&*store, &key(2)).await, None);
}

/// A policy removed the end.
async fn a_grant_that_no_longer_ends_is_kept<H: StoreHarness<Store: PurgeExpired>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let version = create(&*store, &key(1), ending(record("x"), END)).await;
    let mut never = record("x");
    never.expires_at = None;
    let version = replace(&*store, &key(1), version, never).await;
    assert_eq!(purge(&*store, END + SECOND, 10).await, 0);
    // It may get an end again later.
    replace(&*store, &key(1), version, ending(record("x"), END + SECOND)).await;
    assert_eq!(purge(&*store, END + SECOND, 10).await, 1);
}

/// The index drops purged records, and no others.
async fn what_was_purged_is_not_listed<H: StoreHarness<Store: PurgeExpired + GrantIndex>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    for number in 0..20 {
        let end = if number % 2 == 0 { END } else { END + SECOND };
        create(&*store, &key(number), ending(record("x"), end)).await;
    }
    assert_eq!(purge(&*store, END, 1000).await, 10);
    let left: BTreeSet<_> = (0..20).filter(|number| number % 2 == 1).map(id).collect();
    assert_eq!(list(&*store, &by_subject("demo"), 3).await, left);
}

/// A slow writer that still holds the old version must not overwrite the new record (ABA).
async fn a_version_is_not_used_again_after_a_purge<H: StoreHarness<Store: PurgeExpired>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let mut versions = Vec::new();
    for _ in 0..10 {
        let created = create(&*store, &key(1), record("x")).await;
        let ended = replace(&*store, &key(1), created, ending(record("x"), END)).await;
        for version in [created, ended] {
            assert!(!versions.contains(&version), "{version:?} was used before");
            versions.push(version);
        }
        assert_eq!(purge(&*store, END, 10).await, 1);
        refused(&*store, &key(1), Expect::Version(ended), record("slow")).await;
    }
    create(&*store, &key(1), record("anew")).await;
    for version in versions {
        refused(&*store, &key(1), Expect::Version(version), record("slow")).await;
    }
}

/// A refresh that was acknowledged is not purged a moment later.
async fn a_purge_among_refreshes_takes_no_living_grant<H: StoreHarness<Store: PurgeExpired>>(harness: &H) {
    const GRANTS: u64 = 40;
    const BEFORE: u64 = 10;
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let mut versions = Vec::new();
    for number in 0..GRANTS {
        versions.push(create(&*store, &key(number), ending(record("x"), END)).await);
    }
    // Some have been refreshed before, the others are refreshed meanwhile.
    for number in 0..BEFORE {
        let version = versions[usize::try_from(number).unwrap()];
        replace(&*store, &key(number), version, ending(record("new"), END + SECOND)).await;
    }
    let versions = Arc::new(versions);
    let answers = at_once(5, |number| {
        let (store, versions) = (Arc::clone(&store), Arc::clone(&versions));
        async move {
            let mut refreshed = Vec::new();
            if number == 4 {
                while purge(&*store, END, 3).await > 0 {}
            } else {
                for grant in (BEFORE..GRANTS).filter(|grant| grant % 4 == number as u64) {
                    let expect = Expect::Version(versions[usize::try_from(grant).unwrap()]);
                    if swap(&*store, &key(grant), expect, ending(record("new"), END + SECOND)).await == Swap::Stored {
                        refreshed.push(grant);
                    }
                }
            }
            refreshed
        }
    })
    .await;
    let refreshed: BTreeSet<u64> = answers.into_iter().flatten().chain(0..BEFORE).collect();
    while purge(&*store, END, 3).await > 0 {}
    for grant in 0..GRANTS {
        assert_eq!(load(&*store, &key(grant)).await.is_some(), refreshed.contains(&grant), "grant {grant}");
    }
}

/// Two nodes may purge at the same time.
async fn two_purges_at_once_take_each_grant_once<H: StoreHarness<Store: PurgeExpired>>(harness: &H) {
    let fixture = harness.fresh().await;
    let handles = [fixture.store(), fixture.other_handle()];
    for number in 0..50 {
        create(&*handles[0], &key(number), ending(record("x"), END)).await;
    }
    let purged = at_once(2, |number| {
        let store = Arc::clone(&handles[number]);
        async move {
            let mut purged = 0;
            loop {
                match purge(&*store, END, 7).await {
                    0 => return purged,
                    batch => purged += batch,
                }
            }
        }
    })
    .await;
    assert_eq!(purged.iter().sum::<usize>(), 50);
    for number in 0..50 {
        assert_eq!(load(&*handles[1], &key(number)).await, None);
    }
}

pub(super) async fn purge(store: &impl PurgeExpired, now: Timestamp, limit: usize) -> usize {
    let purged =
        store.purge_expired(now, limit).await.unwrap_or_else(|error| panic!("purge_expired failed: {error:?}"));
    assert!(purged <= limit, "{purged} purged, at most {limit} asked for");
    purged
}
