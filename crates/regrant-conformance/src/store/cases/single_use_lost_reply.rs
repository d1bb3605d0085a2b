//! The reply to a use is lost.

use regrant::store::{SingleUse, Use};

use super::single_use::{use_id, use_once};
use super::support::{FAR, assert_transient};
use crate::store::StoreHarness;
use crate::store::cases::Case;

pub(in crate::store) fn cases<H: StoreHarness<Store: SingleUse>>() -> Vec<Case<H>> {
    cases![a_use_whose_reply_was_lost_is_no_replay]
}

/// "Again" would treat an honest client as a thief: a library that repeats the write must recognise its own first
/// attempt.
async fn a_use_whose_reply_was_lost_is_no_replay<H: StoreHarness<Store: SingleUse>>(harness: &H) {
    let fixture = harness.fresh().await;
    let (store, lose) = (fixture.store(), fixture.lost_reply());
    for number in 0..4 {
        // One use before, so that the next request is the use itself and not a preparation.
        assert_eq!(use_once(&*store, 100 + number, FAR).await, Use::First);
        lose().await;
        match store.use_once(&use_id(number), FAR).await {
            Ok(told) => assert_eq!(told, Use::First, "nobody else used it"),
            Err(error) => assert_transient("a use whose reply was lost", &error),
        }
    }
}
