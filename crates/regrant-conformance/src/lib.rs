#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a case that cannot go on has failed")]
#![expect(clippy::missing_panics_doc, reason = "every case panics when the store breaks its contract")]

mod harness;
mod macros;

pub mod cases;
pub mod http;

pub use harness::{Fixture, LostReply, Outage, StoreHarness};

#[doc(hidden)]
pub mod run;
