//! The kit for stores.

mod cases;
mod harness;
mod suite;

pub use harness::{Fixture, LostReply, Outage, StoreHarness};
pub use suite::Suite;
