//! Tests of the MySQL store beyond the contract, which `tests/conformance.rs` checks. The server is MariaDB.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that cannot go on fails the test")]

mod server;
mod support;

mod clients;
mod damage;
mod errors;
mod galera;
mod layout;
mod opening;
mod outages;
mod single_use;
mod tls;
