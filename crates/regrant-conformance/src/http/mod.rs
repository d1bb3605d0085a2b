//! What an HTTP adapter is judged by: a table of requests, each with the state before it, the whole answer, and the state
//! after it. [`http_tests!`](crate::http_tests) makes a test of each case.
//!
//! The cases are data ([`cases`]), so that they can be read, counted, and compared between adapters: the servers for all of
//! them are built from the same seed, and the same request has the same answer, byte for byte, behind every adapter.

mod adapter;
mod answer;
mod case;
mod cast;
mod judge;
mod list;
mod loopback;
mod macros;
mod message;
mod ports;
mod random;
mod store;
mod table;
mod variables;
mod world;

pub use adapter::{Direct, Exchange, HttpHarness};
pub use case::Case;
#[doc(hidden)]
pub use judge::judge_by_name;
pub use judge::{exchange, judge};
pub use loopback::Loopback;
pub use message::{Framing, HttpRequest, HttpResponse};
pub use store::WatchedStore;
pub use table::{Group, cases};
