//! The cases, group by group. Each is a function of a [`StoreHarness`](crate::StoreHarness) that panics when the store
//! breaks its contract; [`store_tests!`](crate::store_tests) makes a test of each.

pub mod grant_index;
pub mod lifecycle;
pub mod lost_reply;
pub mod outage;
pub mod purge_expired;
pub mod second_handle;
pub mod single_use;
pub mod single_use_lost_reply;
pub mod single_use_outage;
pub mod single_use_purge;
pub mod token_store;

mod support;
