//! Tests of the PostgreSQL store beyond the contract, which `tests/conformance.rs` checks.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that cannot go on fails the test")]

mod server;
mod support;

mod clients;
mod damage;
mod errors;
mod layout;
mod opening;
mod outages;
mod poolers;
mod single_use;
#[cfg(feature = "sqlx")]
mod sqlx_pool;
mod tls;
