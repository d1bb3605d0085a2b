//! Tests of the binary over real connections.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod am;
mod authorization;
mod both_libraries;
mod browser;
mod configuration;
mod explanation;
mod helper;
mod issuer;
mod lifecycle;
mod live;
mod openid;
mod operator;
mod pages;
mod process;
mod protocol;
mod stores;
mod theft;
mod walk_through;
