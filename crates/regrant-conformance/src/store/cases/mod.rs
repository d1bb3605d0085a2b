//! The cases, group by group: functions of a [`StoreHarness`](super::StoreHarness) that panic when the store breaks its
//! contract.

/// Lists cases by the names of their functions.
macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        vec![$(crate::store::cases::Case {
            name: stringify!($name),
            judge: |harness| crate::run::block_on($name(harness)),
        }),+]
    };
}

pub(super) mod grant_index;
pub(super) mod grant_index_outage;
pub(super) mod lifecycle;
pub(super) mod lost_reply;
pub(super) mod outage;
pub(super) mod purge_expired;
pub(super) mod second_handle;
pub(super) mod single_use;
pub(super) mod single_use_lost_reply;
pub(super) mod single_use_outage;
pub(super) mod single_use_purge;
pub(super) mod token_store;

mod support;

#[derive(Debug)]
pub(super) struct Case<H> {
    pub(super) name: &'static str,
    pub(super) judge: fn(&H),
}
