//! The tests of the adapter itself. `tests/http.rs` runs the cases of the conformance kit.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod adapter;
mod authorization;
mod host;
mod host_guide;
#[cfg(feature = "resource-server")]
mod resource_server;
mod site;
