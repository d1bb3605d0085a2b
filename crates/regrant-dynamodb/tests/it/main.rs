//! Tests of the DynamoDB store beyond the contract, which the conformance tests check.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper that cannot go on fails the test")]

#[path = "../common/mod.rs"]
mod common;
mod stand_in;
mod support;

mod concurrency;
mod errors;
mod foreign_items;
mod index;
mod opening;
mod requests;
mod silence;
mod time_to_live;
