//! The database cannot be reached, and something is to be used up.

use regrant::store::{SingleUse, Use};

use super::single_use::{use_id, use_once};
use super::support::FAR;
use crate::harness::StoreHarness;

/// Never "first": the next one may be told the same. Never "again": an honest client would be taken for a thief.
pub async fn an_unreachable_store_knows_neither_first_nor_again<H: StoreHarness<Store: SingleUse>>(harness: &H) {
    let mut fixture = harness.fresh().await;
    let store = fixture.store();
    assert_eq!(use_once(&*store, 1, FAR).await, Use::First);
    fixture.cut_off().await;
    for number in [1, 2] {
        match store.use_once(&use_id(number), FAR).await {
            Ok(answer) => panic!("an unreachable store answered {answer:?}"),
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
    }
}
