#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a case that cannot go on has failed")]

mod proxy;
mod run;

pub mod http;
pub mod store;

pub use proxy::{Fault, Proxy};
pub use run::{Trial, run};
