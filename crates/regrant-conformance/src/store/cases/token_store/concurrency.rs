//! Races and dropped futures.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use regrant::store::{Expect, GrantKey, Swap, TokenStore, Version};

use crate::store::StoreHarness;
use crate::store::cases::Case;
use crate::store::cases::support::{
    assert_record, at_once, count, count_up, create, existing, key, load, record, swap,
};

pub(super) fn cases<H: StoreHarness>() -> Vec<Case<H>> {
    cases![
        a_dropped_load_disturbs_nothing,
        a_dropped_swap_is_all_or_nothing,
        of_two_swaps_polled_in_turns_one_wins,
        of_two_creations_polled_in_turns_one_wins,
        of_many_swaps_at_once_one_wins,
        of_many_creations_at_once_one_wins,
        a_count_by_32_writers_is_exact,
        a_load_among_writers_never_goes_back
    ]
}

/// The number of racing tasks.
const RACERS: usize = 32;

/// The moments at which a future is dropped: after so many polls, and after so long.
const POLLS: [usize; 8] = [0, 1, 2, 3, 4, 6, 10, 20];
const WAITS: [u64; 8] = [20, 50, 100, 200, 500, 1_000, 3_000, 10_000];

/// A dropped load leaves nothing behind, such as an answer for the next caller.
async fn a_dropped_load_disturbs_nothing(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    for number in 0..4 {
        create(&*store, &key(number), record([u8::try_from(number).unwrap()])).await;
    }
    for wait in WAITS {
        let _: Result<_, _> = tokio::time::timeout(Duration::from_micros(wait), store.load(&key(0))).await;
        for number in 0..4 {
            let seen = existing(&*store, &key(number)).await.record;
            assert_record(&seen, &record([u8::try_from(number).unwrap()]));
        }
    }
}

/// A dropped swap is done or not done: the record is the old one or the new one.
async fn a_dropped_swap_is_all_or_nothing(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let drops =
        POLLS.map(Drop::AfterPolls).into_iter().chain(WAITS.map(|wait| Drop::After(Duration::from_micros(wait))));
    for (number, moment) in drops.enumerate() {
        let key = key(number as u64);
        let (old, new) = (record(vec![b'o'; 300]), record(vec![b'n'; 5000]));
        let version = create(&*store, &key, old.clone()).await;
        moment.apply(store.compare_and_swap(&key, Expect::Version(version), new.clone())).await;
        // The dropped swap may still be on its way: the next swap wins or loses against it, as against any other
        // writer.
        let mut attempts = 0;
        loop {
            let seen = existing(&*store, &key).await;
            assert!(seen.record == old || seen.record == new, "half a write, dropped {moment:?}");
            assert_eq!(seen.record == old, seen.version == version, "dropped {moment:?}");
            if swap(&*store, &key, Expect::Version(seen.version), record("next")).await == Swap::Stored {
                break;
            }
            attempts += 1;
            assert!(attempts < 10, "nothing else writes, dropped {moment:?}");
        }
        assert_record(&existing(&*store, &key).await.record, &record("next"));
    }
}

#[derive(Clone, Copy, Debug)]
enum Drop {
    AfterPolls(usize),
    After(Duration),
}

impl Drop {
    async fn apply<F: Future>(self, future: F) {
        match self {
            Self::AfterPolls(polls) => {
                let mut future = pin!(future);
                for _ in 0..polls {
                    if poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            }
            Self::After(wait) => {
                let _: Result<_, _> = tokio::time::timeout(wait, future).await;
            }
        }
    }
}

/// Two swaps of one version, polled in turns on one task: a store that checks, awaits and then writes fails here every
/// time.
async fn of_two_swaps_polled_in_turns_one_wins(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    for number in 0..10 {
        let key = key(number);
        let version = create(&*store, &key, record("0")).await;
        let swaps = tokio::join!(
            swap(&*store, &key, Expect::Version(version), record("left")),
            swap(&*store, &key, Expect::Version(version), record("right")),
        );
        assert_one_winner(&*store, &key, [swaps.0, swaps.1], ["left", "right"]).await;
    }
}

/// The same for two creations.
async fn of_two_creations_polled_in_turns_one_wins(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    for number in 0..10 {
        let key = key(number);
        let swaps = tokio::join!(
            swap(&*store, &key, Expect::Absent, record("left")),
            swap(&*store, &key, Expect::Absent, record("right")),
        );
        assert_one_winner(&*store, &key, [swaps.0, swaps.1], ["left", "right"]).await;
    }
}

async fn assert_one_winner(store: &impl TokenStore, key: &GrantKey, swaps: [Swap; 2], payloads: [&str; 2]) {
    let winner = match swaps {
        [Swap::Stored, Swap::Conflict] => payloads[0],
        [Swap::Conflict, Swap::Stored] => payloads[1],
        other => panic!("one of two must win: {other:?}"),
    };
    assert_record(&existing(store, key).await.record, &record(winner));
}

/// On real threads.
async fn of_many_swaps_at_once_one_wins(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    for round in 0..10 {
        let version = create(&*store, &key(round), record("0")).await;
        assert_one_of_many_wins(&store, &key(round), Expect::Version(version)).await;
    }
}

/// The same for creations.
async fn of_many_creations_at_once_one_wins(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    for round in 0..10 {
        assert_one_of_many_wins(&store, &key(round), Expect::Absent).await;
    }
}

async fn assert_one_of_many_wins<S: TokenStore + 'static>(store: &Arc<S>, key: &GrantKey, expect: Expect) {
    let swaps = at_once(RACERS, |number| {
        let (store, key) = (Arc::clone(store), key.clone());
        async move { swap(&*store, &key, expect, record(number.to_string())).await }
    })
    .await;
    let winners: Vec<usize> = (0..RACERS).filter(|number| swaps[*number] == Swap::Stored).collect();
    let [winner] = winners[..] else { panic!("one of many must win, not {winners:?}") };
    assert_record(&existing(&**store, key).await.record, &record(winner.to_string()));
}

/// 32 writers that count one number up: no count is lost, none is made twice.
async fn a_count_by_32_writers_is_exact(harness: &impl StoreHarness) {
    const EACH: usize = 8;
    let fixture = harness.fresh().await;
    let store = fixture.store();
    create(&*store, &key(1), record(0_u64.to_be_bytes())).await;
    at_once(RACERS, |_| {
        let store = Arc::clone(&store);
        async move {
            for _ in 0..EACH {
                count_up(&*store, &key(1)).await;
            }
        }
    })
    .await;
    assert_eq!(count(&existing(&*store, &key(1)).await), (RACERS * EACH) as u64);
}

/// A load sees every swap that was acknowledged before it began, and never an older state than one already seen.
async fn a_load_among_writers_never_goes_back(harness: &impl StoreHarness) {
    let fixture = harness.fresh().await;
    let store = fixture.store();
    create(&*store, &key(1), record(0_u64.to_be_bytes())).await;
    let acknowledged = Arc::new(AtomicU64::new(0));
    let is_over = Arc::new(AtomicBool::new(false));
    at_once(5, |number| {
        let (store, acknowledged, is_over) = (Arc::clone(&store), Arc::clone(&acknowledged), Arc::clone(&is_over));
        async move {
            if number == 0 {
                for round in 1..=100 {
                    count_up(&*store, &key(1)).await;
                    acknowledged.store(round, Ordering::SeqCst);
                    // The readers look at once, also on a machine that is busy.
                    tokio::task::yield_now().await;
                }
                is_over.store(true, Ordering::SeqCst);
                return;
            }
            let mut version_of = std::collections::HashMap::<u64, Version>::new();
            while !is_over.load(Ordering::SeqCst) {
                let at_least = acknowledged.load(Ordering::SeqCst);
                let seen = load(&*store, &key(1)).await.unwrap_or_else(|| panic!("the record vanished"));
                assert!(count(&seen) >= at_least, "{} was acknowledged, {} was loaded", at_least, count(&seen));
                let version = *version_of.entry(count(&seen)).or_insert(seen.version);
                assert_eq!(version, seen.version, "two versions of one state");
                // A store that never waits would keep the thread for itself.
                tokio::task::yield_now().await;
            }
        }
    })
    .await;
}
