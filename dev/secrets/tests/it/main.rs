//! Searches for secrets: in logs, events and stores; in memory; in time.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod canary;
mod heap;
mod life;
mod timing;
