//! The tests of the adapter itself. `tests/http.rs` runs the cases of the conformance kit.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]
#![expect(clippy::future_not_send, reason = "actix-web answers a request on the thread that took it")]

mod adapter;
mod authorization;
#[path = "../common/mod.rs"]
mod common;
#[path = "../../../regrant-conformance/tests/it/guides/adapter.rs"]
mod guide;
#[path = "../../../regrant-axum/tests/it/host.rs"]
mod host;
mod same_as_axum;
mod site;
