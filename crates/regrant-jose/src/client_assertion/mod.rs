//! Clients that authenticate with a JWT (RFC 7523 section 2.2, OpenID Connect Core section 9).

mod client_assertions;
mod decoy;

pub use client_assertions::{AssertionVerifier, ClientAssertions};
