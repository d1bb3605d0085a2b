//! Tests of the model: its defects are found, and the engine decides as it does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::trivially_copy_pass_by_ref, reason = "as in the model")]

mod engine;
mod faults;
mod server;
