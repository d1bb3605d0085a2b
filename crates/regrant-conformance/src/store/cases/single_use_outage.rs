//! The database cannot be reached when an id is used.

use regrant::store::{SingleUse, Use};

use super::single_use::{use_id, use_once};
use super::support::FAR;
use crate::store::StoreHarness;
use crate::store::cases::Case;

pub(in crate::store) fn cases<H: StoreHarness<Store: SingleUse>>() -> Vec<Case<H>> {
    cases![an_unreachable_store_knows_neither_first_nor_again]
}

/// Never "first": a second use could get the same answer. Never "again": an honest client would look like a thief.
async fn an_unreachable_store_knows_neither_first_nor_again<H: StoreHarness<Store: SingleUse>>(harness: &H) {
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
