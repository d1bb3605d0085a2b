//! The database cannot be reached when grants are listed.

use regrant::store::{Expect, GrantIndex, Swap, TokenStore as _};
use regrant::token::Realm;

use super::grant_index::by_subject;
use super::outage::Outage;
use super::support::{answered, fails_in_time, key, record};
use crate::store::StoreHarness;
use crate::store::cases::Case;

pub(in crate::store) fn cases<H: StoreHarness<Store: GrantIndex>>() -> Vec<Case<H>> {
    cases![an_unreachable_store_has_no_empty_page]
}

pub(in crate::store) fn cases_of_silence<H: StoreHarness<Store: GrantIndex>>() -> Vec<Case<H>> {
    cases![a_silent_store_has_no_empty_page]
}

async fn an_unreachable_store_has_no_empty_page<H: StoreHarness<Store: GrantIndex>>(harness: &H) {
    each_page_fails(harness, Outage::Refused).await;
}

async fn a_silent_store_has_no_empty_page<H: StoreHarness<Store: GrantIndex>>(harness: &H) {
    each_page_fails(harness, Outage::Silent).await;
}

/// An empty page would end "revoke all of demo" with success, and every session would live on.
async fn each_page_fails<H: StoreHarness<Store: GrantIndex>>(harness: &H, outage: Outage) {
    let mut fixture = harness.prompt().await;
    let store = fixture.store();
    let create = async || store.compare_and_swap(&key(1), Expect::Absent, record("x")).await;
    let _: Swap = answered("a creation", create).await;
    outage.begin(&mut fixture).await;
    let (realm, somebody, nobody) = (Realm::default(), by_subject("demo"), by_subject("nobody"));
    tokio::join!(
        fails_in_time("a page", store.page(&realm, &somebody, None, 10)),
        fails_in_time("a page of nobody", store.page(&realm, &nobody, None, 10)),
    );
}
