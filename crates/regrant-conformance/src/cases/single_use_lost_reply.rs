//! Something is used up, and the reply is lost.

use regrant::store::{SingleUse, Use};

use super::single_use::{use_id, use_once};
use super::support::FAR;
use crate::harness::StoreHarness;

/// "Again" would call an honest client a thief: a library that repeats the write by itself must know its own first
/// attempt.
pub async fn a_use_whose_reply_was_lost_is_no_replay<H: StoreHarness<Store: SingleUse>>(harness: &H) {
    let fixture = harness.fresh().await;
    let (store, lose) = (fixture.store(), fixture.lost_reply());
    for number in 0..4 {
        // Once before, so that the next request is the use itself, and nothing is prepared first.
        assert_eq!(use_once(&*store, 100 + number, FAR).await, Use::First);
        lose().await;
        match store.use_once(&use_id(number), FAR).await {
            Ok(told) => assert_eq!(told, Use::First, "nobody else used it"),
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
    }
}
