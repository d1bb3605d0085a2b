#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a case that cannot go on has failed")]

mod run;

pub mod http;
pub mod store;

pub use run::{Trial, run};
