//! The tests of the services themselves. `tests/http.rs` runs the cases of the conformance kit.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod adapter;
mod issuer_with_a_path;
#[cfg(feature = "resource-server")]
mod resource_server;
