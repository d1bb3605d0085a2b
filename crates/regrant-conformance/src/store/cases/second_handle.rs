//! Two nodes of an application, each with a handle of its own to the same data.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use regrant::store::{Expect, Swap};

use super::support::{
    assert_record, at_once, count, count_up, create, existing, key, load, record, refused, replace, swap,
};
use crate::store::StoreHarness;
use crate::store::cases::Case;

pub(in crate::store) fn cases<H: StoreHarness>() -> Vec<Case<H>> {
    cases![
        a_write_is_seen_by_a_second_handle,
        a_version_from_one_handle_is_good_for_the_other,
        a_stale_version_conflicts_on_the_other_handle,
        a_count_by_writers_on_two_handles_is_exact,
        a_load_on_one_handle_never_falls_behind_the_other,
        what_was_acknowledged_outlives_the_handle
    ]
}

/// An acknowledged write is visible at once on every node.
async fn a_write_is_seen_by_a_second_handle(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let (one, two) = (fixture.store(), fixture.second_handle());
    assert_eq!(load(&*two, &key(1)).await, None);
    let mut version = create(&*one, &key(1), record("0")).await;
    for round in 1..50 {
        let (writer, reader) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
        version = replace(&**writer, &key(1), version, record(round.to_string())).await;
        let seen = existing(&**reader, &key(1)).await;
        assert_record(&seen.record, &record(round.to_string()));
        assert_eq!(seen.version, version);
    }
}

/// A record may be loaded on one node and stored on another.
async fn a_version_from_one_handle_is_good_for_the_other(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let (one, two) = (fixture.store(), fixture.second_handle());
    create(&*one, &key(1), record("0")).await;
    let seen = existing(&*one, &key(1)).await;
    assert_eq!(swap(&*two, &key(1), Expect::Version(seen.version), record("1")).await, Swap::Stored);
    refused(&*one, &key(1), Expect::Version(seen.version), record("2")).await;
}

/// The version is checked in the database, not in the handle.
async fn a_stale_version_conflicts_on_the_other_handle(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let (one, two) = (fixture.store(), fixture.second_handle());
    let stale = create(&*one, &key(1), record("0")).await;
    assert_eq!(existing(&*two, &key(1)).await.version, stale);
    let current = replace(&*one, &key(1), stale, record("1")).await;
    refused(&*two, &key(1), Expect::Version(stale), record("stale")).await;
    refused(&*two, &key(1), Expect::Absent, record("stale")).await;
    assert_eq!(existing(&*two, &key(1)).await.version, current);
}

/// 32 writers, every other one on the second handle.
async fn a_count_by_writers_on_two_handles_is_exact(harness: &impl StoreHarness) {
    const WRITERS: usize = 32;
    const EACH: usize = 5;
    let fixture = harness.fresh().await;
    let handles = [fixture.store(), fixture.second_handle()];
    create(&*handles[0], &key(1), record(0_u64.to_be_bytes())).await;
    at_once(WRITERS, |number| {
        let store = Arc::clone(&handles[number % 2]);
        async move {
            for _ in 0..EACH {
                count_up(&*store, &key(1)).await;
            }
        }
    })
    .await;
    for store in &handles {
        assert_eq!(count(&existing(&**store, &key(1)).await), (WRITERS * EACH) as u64);
    }
}

/// A cache or a replica behind one handle fails here.
async fn a_load_on_one_handle_never_falls_behind_the_other(harness: &impl StoreHarness) {
    const ROUNDS: u64 = 100;
    let fixture = harness.fresh().await;
    let (one, two) = (fixture.store(), fixture.second_handle());
    create(&*one, &key(1), record(0_u64.to_be_bytes())).await;
    assert_eq!(count(&existing(&*two, &key(1)).await), 0, "what it may remember");
    let acknowledged = Arc::new(AtomicU64::new(0));
    at_once(2, |number| {
        let (one, two, acknowledged) = (Arc::clone(&one), Arc::clone(&two), Arc::clone(&acknowledged));
        async move {
            for round in 1..=ROUNDS {
                if number == 0 {
                    count_up(&*one, &key(1)).await;
                    acknowledged.store(round, Ordering::SeqCst);
                } else {
                    let at_least = acknowledged.load(Ordering::SeqCst);
                    assert!(count(&existing(&*two, &key(1)).await) >= at_least, "behind {at_least}");
                }
            }
        }
    })
    .await;
    assert_eq!(count(&existing(&*two, &key(1)).await), ROUNDS);
}

/// A node that stops loses no acknowledged write.
async fn what_was_acknowledged_outlives_the_handle(harness: &impl StoreHarness) {
    let mut fixture = harness.fresh().await;
    let two = fixture.second_handle();
    let one = fixture.take_store();
    for number in 0..50 {
        let version = create(&*one, &key(number), record("0")).await;
        assert_eq!(swap(&*one, &key(number), Expect::Version(version), record("1")).await, Swap::Stored);
    }
    drop(one);
    for number in 0..50 {
        assert_record(&existing(&*two, &key(number)).await.record, &record("1"));
    }
}
