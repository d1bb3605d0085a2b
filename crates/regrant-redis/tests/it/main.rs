//! Tests of the Redis store beyond the contract, which the conformance tests check.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper that cannot go on fails the test")]

#[path = "../common/mod.rs"]
mod common;
mod support;

mod cluster;
mod durability;
mod errors;
mod foreign_values;
mod index;
mod opening;
mod sentinel;
mod single_use;
mod size;
