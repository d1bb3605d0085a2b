//! The database cannot be reached when an id is used.

use regrant::store::{SingleUse, Use};

use super::outage::Outage;
use super::single_use::use_id;
use super::support::{FAR, answered, fails_in_time};
use crate::store::StoreHarness;
use crate::store::cases::Case;

pub(in crate::store) fn cases<H: StoreHarness<Store: SingleUse>>() -> Vec<Case<H>> {
    cases![an_unreachable_store_knows_neither_first_nor_again]
}

pub(in crate::store) fn cases_of_silence<H: StoreHarness<Store: SingleUse>>() -> Vec<Case<H>> {
    cases![a_silent_store_knows_neither_first_nor_again]
}

async fn an_unreachable_store_knows_neither_first_nor_again<H: StoreHarness<Store: SingleUse>>(harness: &H) {
    each_use_fails(harness, Outage::Refused).await;
}

async fn a_silent_store_knows_neither_first_nor_again<H: StoreHarness<Store: SingleUse>>(harness: &H) {
    each_use_fails(harness, Outage::Silent).await;
}

/// Never "first": a second use could get the same answer. Never "again": an honest client would look like a thief.
async fn each_use_fails<H: StoreHarness<Store: SingleUse>>(harness: &H, outage: Outage) {
    let mut fixture = harness.prompt().await;
    let store = fixture.store();
    let (used, unused) = (use_id(1), use_id(2));
    let _: Use = answered("a use", async || store.use_once(&used, FAR).await).await;
    outage.begin(&mut fixture).await;
    tokio::join!(
        fails_in_time("a second use", store.use_once(&used, FAR)),
        fails_in_time("a first use", store.use_once(&unused, FAR)),
    );
}
