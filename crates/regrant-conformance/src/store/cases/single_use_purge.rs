//! Marks hold until their end and are purged with expired grants.

use std::sync::Arc;
use std::time::Duration;

use regrant::clock::Timestamp;
use regrant::store::{PurgeExpired, SingleUse, Use};

use super::purge_expired::{END, purge};
use super::single_use::use_once;
use super::support::{at_once, create, ending, key, load, record};
use crate::store::StoreHarness;
use crate::store::cases::Case;

pub(in crate::store) fn cases<H: StoreHarness<Store: SingleUse + PurgeExpired>>() -> Vec<Case<H>> {
    cases![
        a_mark_holds_until_its_end_and_goes_then,
        a_replay_does_not_move_the_end_of_a_mark,
        a_purge_of_marks_stays_within_its_limit_and_says_how_much,
        marks_and_grants_are_purged_side_by_side,
        a_purge_among_uses_takes_each_ended_mark_once_and_no_other
    ]
}

const SECOND: Duration = Duration::from_secs(1);

/// Until then the assertion is young enough to be accepted, so a lost mark would let it be replayed.
async fn a_mark_holds_until_its_end_and_goes_then<H>(harness: &H)
where
    H: StoreHarness<Store: SingleUse + PurgeExpired>,
{
    let fixture = harness.fresh().await;
    let store = fixture.store();
    assert_eq!(use_once(&*store, 1, END).await, Use::First);
    assert_eq!(purge(&*store, Timestamp::from_millis(END.as_millis() - 1), 10).await, 0);
    assert_eq!(use_once(&*store, 1, END).await, Use::Again);
    assert_eq!(purge(&*store, END, 10).await, 1);
    assert_eq!(purge(&*store, END, 10).await, 0);
    // Nothing is left of the mark: the next one holds until its own end.
    assert_eq!(use_once(&*store, 1, END + SECOND).await, Use::First);
    assert_eq!(purge(&*store, END, 10).await, 0);
    assert_eq!(use_once(&*store, 1, END).await, Use::Again);
    assert_eq!(purge(&*store, END + SECOND, 10).await, 1);
}

/// Otherwise a replay with an earlier end would make the next replay possible.
async fn a_replay_does_not_move_the_end_of_a_mark<H>(harness: &H)
where
    H: StoreHarness<Store: SingleUse + PurgeExpired>,
{
    let fixture = harness.fresh().await;
    let store = fixture.store();
    assert_eq!(use_once(&*store, 1, END + SECOND).await, Use::First);
    assert_eq!(use_once(&*store, 1, END).await, Use::Again);
    assert_eq!(purge(&*store, END, 10).await, 0);
    assert_eq!(use_once(&*store, 1, END).await, Use::Again);
    assert_eq!(purge(&*store, END + SECOND, 10).await, 1);
}

/// Small steps; fewer than `limit` means that none is left.
async fn a_purge_of_marks_stays_within_its_limit_and_says_how_much<H>(harness: &H)
where
    H: StoreHarness<Store: SingleUse + PurgeExpired>,
{
    let fixture = harness.fresh().await;
    let store = fixture.store();
    for number in 0..25 {
        assert_eq!(use_once(&*store, number, END).await, Use::First);
    }
    for expected in [10, 10, 5, 0] {
        assert_eq!(purge(&*store, END, 10).await, expected);
    }
}

/// One limit for both. Active grants and marks are kept.
async fn marks_and_grants_are_purged_side_by_side<H>(harness: &H)
where
    H: StoreHarness<Store: SingleUse + PurgeExpired>,
{
    let fixture = harness.fresh().await;
    let store = fixture.store();
    let end = |number: u64| if number < 8 { END } else { END + SECOND };
    for number in 0..12 {
        create(&*store, &key(number), ending(record("x"), end(number))).await;
        assert_eq!(use_once(&*store, number, end(number)).await, Use::First);
    }
    for expected in [5, 5, 5, 1, 0] {
        assert_eq!(purge(&*store, END, 5).await, expected);
    }
    for number in 0..12 {
        assert_eq!(load(&*store, &key(number)).await.is_some(), number >= 8, "grant {number}");
        let expected = if number < 8 { Use::First } else { Use::Again };
        assert_eq!(use_once(&*store, number, END).await, expected, "mark {number}");
    }
}

/// Two nodes purge while others go on.
async fn a_purge_among_uses_takes_each_ended_mark_once_and_no_other<H>(harness: &H)
where
    H: StoreHarness<Store: SingleUse + PurgeExpired>,
{
    const ENDED: u64 = 50;
    const LIVING: u64 = 40;
    let fixture = harness.fresh().await;
    let handles = [fixture.store(), fixture.other_handle()];
    for number in 0..ENDED {
        assert_eq!(use_once(&*handles[0], number, END).await, Use::First);
    }
    let counts = at_once(4, |task| {
        let store = Arc::clone(&handles[task % 2]);
        async move {
            let mut count = 0;
            if task < 2 {
                loop {
                    match purge(&*store, END, 7).await {
                        0 => return count,
                        purged => count += purged,
                    }
                }
            }
            for number in ENDED..ENDED + LIVING {
                count += usize::from(use_once(&*store, number, END + SECOND).await == Use::First);
            }
            count
        }
    })
    .await;
    assert_eq!((counts[0] + counts[1]) as u64, ENDED, "purged");
    assert_eq!((counts[2] + counts[3]) as u64, LIVING, "used");
    for number in ENDED..ENDED + LIVING {
        assert_eq!(use_once(&*handles[0], number, END + SECOND).await, Use::Again);
    }
}
