//! Searches for secrets: in everything that somebody might see, in the memory of a process, and in the time of an
//! answer.
//!
//! | module | content |
//! |---|---|
//! | [`witness`] | keeps logs, events, metrics, errors and panic messages |
//! | [`recorder`] | collects the secrets of a run: what the client sends and receives, and all drawn bytes |
//! | [`store`] | a store that keeps a copy of each written record |
//! | [`servers`] | the adapters on a loopback port |
//! | [`memory`] | a search in the memory of another process |
//! | [`child`] | the processes that are searched |
//! | [`timing`] | the test of dudect: two classes of inputs, and Welch's t of their times |

#![allow(missing_docs, missing_debug_implementations, reason = "for the tests of this workspace")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a helper that cannot go on fails the test"
)]

pub mod child;
pub mod memory;
pub mod recorder;
pub mod servers;
pub mod store;
pub mod timing;
pub mod witness;
