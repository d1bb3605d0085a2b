//! Single use of ids.

use std::sync::Arc;

use regrant::clock::Timestamp;
use regrant::store::{Expect, SingleUse, Swap, Use, UseId};

use super::support::{FAR, at_once, create, existing, key, load, record, swap};
use crate::store::StoreHarness;
use crate::store::cases::Case;

pub(in crate::store) fn cases<H: StoreHarness<Store: SingleUse>>() -> Vec<Case<H>> {
    cases![
        the_first_use_is_the_only_one,
        another_end_makes_no_other_use,
        ids_that_differ_in_one_bit_are_two,
        ends_of_every_kind,
        a_mark_is_no_grant,
        a_use_is_seen_by_a_second_handle,
        of_two_uses_polled_in_turns_one_is_first,
        of_many_uses_at_once_one_is_first
    ]
}

/// Every later use is "again".
async fn the_first_use_is_the_only_one<H: StoreHarness<Store: SingleUse>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    for number in 0..10 {
        assert_eq!(use_once(&*store, number, FAR).await, Use::First);
        for earlier in 0..=number {
            assert_eq!(use_once(&*store, earlier, FAR).await, Use::Again, "{earlier}");
        }
    }
}

/// A second use with another end is still the same id.
async fn another_end_makes_no_other_use<H: StoreHarness<Store: SingleUse>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    assert_eq!(use_once(&*store, 1, FAR).await, Use::First);
    for millis in [-1, 1, 1_000_000] {
        let end = Timestamp::from_millis(FAR.as_millis() + millis);
        assert_eq!(use_once(&*store, 1, end).await, Use::Again);
    }
    assert_eq!(use_once(&*store, 1, FAR).await, Use::Again);
}

/// A store that truncates ids refuses ids that were never used.
async fn ids_that_differ_in_one_bit_are_two<H: StoreHarness<Store: SingleUse>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    for bytes in [[0; 32], *b"letters, and what SQL makes of '"] {
        let near = (0..256).map(|bit| {
            let mut bytes = bytes;
            bytes[bit / 8] ^= 1 << (bit % 8);
            UseId::from_bytes(bytes)
        });
        for id in std::iter::once(UseId::from_bytes(bytes)).chain(near) {
            assert_eq!(used(store.use_once(&id, FAR).await), Use::First, "{:?}", id.as_bytes());
        }
    }
}

/// Ends in the far future and in the past. An expired mark may be forgotten, but is no error.
async fn ends_of_every_kind<H: StoreHarness<Store: SingleUse>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    for (number, end) in (0..).zip([FAR.as_millis() + 1, 1 << 53, i64::MAX]) {
        let end = Timestamp::from_millis(end);
        assert_eq!(use_once(&*store, number, end).await, Use::First, "{end:?}");
        assert_eq!(use_once(&*store, number, end).await, Use::Again, "{end:?}");
    }
    for (number, end) in (10..).zip([i64::MIN, -1, 0, 1]) {
        let end = Timestamp::from_millis(end);
        assert_eq!(use_once(&*store, number, end).await, Use::First, "{end:?}");
        let _ = use_once(&*store, number, end).await;
    }
}

/// Marks and grants are separate, even with equal bytes.
async fn a_mark_is_no_grant<H: StoreHarness<Store: SingleUse>>(harness: &H) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let id = UseId::from_bytes([*key(1).id.as_bytes(); 2].as_flattened().try_into().unwrap());
    assert_eq!(used(store.use_once(&id, FAR).await), Use::First);
    assert_eq!(load(&*store, &key(1)).await, None);
    let version = create(&*store, &key(1), record("0")).await;
    assert_eq!(used(store.use_once(&id, FAR).await), Use::Again);
    assert_eq!(existing(&*store, &key(1)).await.version, version);
    assert_eq!(swap(&*store, &key(1), Expect::Version(version), record("1")).await, Swap::Stored);
}

/// An assertion used at one node is refused at the other.
async fn a_use_is_seen_by_a_second_handle<H: StoreHarness<Store: SingleUse>>(harness: &H) {
    let fixture = harness.fresh().await;
    let (one, two) = (fixture.store(), fixture.other_handle());
    for number in 0..50 {
        let (first, second) = if number % 2 == 0 { (&one, &two) } else { (&two, &one) };
        assert_eq!(use_once(&**first, number, FAR).await, Use::First);
        assert_eq!(use_once(&**second, number, FAR).await, Use::Again);
        assert_eq!(use_once(&**first, number, FAR).await, Use::Again);
    }
}

/// On one task: a store that checks, awaits and then writes fails here every time.
async fn of_two_uses_polled_in_turns_one_is_first<H: StoreHarness<Store: SingleUse>>(harness: &H) {
    let fixture = harness.fresh().await;
    let (one, two) = (fixture.store(), fixture.other_handle());
    for number in 0..10 {
        let uses = tokio::join!(use_once(&*one, number, FAR), use_once(&*two, number, FAR));
        assert!(matches!(uses, (Use::First, Use::Again) | (Use::Again, Use::First)), "{uses:?}");
    }
}

/// On real threads, half of them at another node.
async fn of_many_uses_at_once_one_is_first<H: StoreHarness<Store: SingleUse>>(harness: &H) {
    const USERS: usize = 32;
    let fixture = harness.fresh().await;
    let handles = [fixture.store(), fixture.other_handle()];
    for round in 0..10 {
        let uses = at_once(USERS, |number| {
            let store = Arc::clone(&handles[number % 2]);
            async move { use_once(&*store, round, FAR).await }
        })
        .await;
        let first: Vec<usize> = (0..USERS).filter(|number| uses[*number] == Use::First).collect();
        assert_eq!(first.len(), 1, "one of many must be first, not {first:?}");
    }
}

/// Uses the id of this number.
pub(super) async fn use_once(store: &impl SingleUse, number: u64, expires_at: Timestamp) -> Use {
    used(store.use_once(&use_id(number), expires_at).await)
}

pub(super) fn use_id(number: u64) -> UseId {
    UseId::new(&regrant::token::Realm::default(), "conformance", "app", &number.to_string())
}

fn used(outcome: Result<Use, regrant::store::StoreError>) -> Use {
    outcome.unwrap_or_else(|error| panic!("use_once failed: {error:?}"))
}
