//! What PostgreSQL brings with it: opening, errors, layout, damage, marks, TLS. The contract itself is `tests/conformance.rs`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod server;
mod support;

mod damage;
mod errors;
mod layout;
mod opening;
mod outages;
mod single_use;
mod tls;
