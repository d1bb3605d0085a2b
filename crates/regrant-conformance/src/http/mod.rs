//! The kit for HTTP adapters: a table of requests, each with the state before it, the whole answer, and the state after
//! it.
//!
//! The cases are data ([`cases()`]), so that they can be read, counted, and compared between adapters. The servers of
//! all cases are made from one seed: the same request has the same answer, byte for byte, behind every adapter.

mod answer;
mod case;
mod cases;
mod clients;
mod comparison;
mod harness;
#[cfg(feature = "http2")]
mod http2;
mod judge;
mod loopback;
mod message;
mod ports;
mod report;
mod seeded;
mod server;
mod source;
mod store;
mod suite;
mod variables;

pub use case::Case;
pub use cases::{Group, cases};
pub use harness::{Connection, Direct, Exchange, HttpHarness};
pub use judge::{Played, Verdict, exchange, judge, play};
pub use loopback::Loopback;
pub use message::{Framing, HttpRequest, HttpResponse};
pub use server::RING_KEY;
pub use store::WatchedStore;
pub use suite::Suite;
