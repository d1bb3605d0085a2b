//! The corpus of each target and a fixed number of mutations. Garbage at every endpoint.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod garbage;
mod targets;
