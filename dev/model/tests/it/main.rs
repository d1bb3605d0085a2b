//! Tests of the model: its defects are found, and the engine decides as it does.

#![expect(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test that cannot go on fails")]

mod engine;
mod faults;
mod server;
