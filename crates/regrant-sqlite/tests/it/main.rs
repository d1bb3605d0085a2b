//! Tests of the SQLite store beyond the contract, which `tests/conformance.rs` checks.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that cannot go on fails the test"
)]

mod support;

mod clients;
mod damage;
mod durability;
mod errors;
mod group_commit;
mod host_rows;
mod locks;
mod opening;
#[cfg(unix)]
mod permissions;
mod processes;
mod purge;
mod shared_file;
mod single_use;
mod size;
