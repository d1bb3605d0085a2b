//! The real binary, over real connections.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod am;
mod authorization;
mod both_libraries;
mod configuration;
#[path = "../../../../tests/common/forge.rs"]
#[expect(dead_code, reason = "the tests of the core use the rest of it")]
mod forge;
mod helper;
mod lifecycle;
mod process;
mod protocol;
mod stores;
mod thieves;
mod walk_through;
