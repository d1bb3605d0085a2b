//! RFC 6750, RFC 7662, RFC 8705 section 3, RFC 9068 section 4, RFC 9449 section 7: the resource server's side, beside a real
//! service that issues, rotates, revokes and introspects.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod introspection;
mod jwt;
mod requests;
mod scene;
#[path = "../support/mod.rs"]
mod support;
