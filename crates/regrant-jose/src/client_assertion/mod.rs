//! Clients that authenticate with a JWT (RFC 7523 section 2.2, OpenID Connect Core section 9).

mod client_assertions;
mod client_key;
mod decoy;

pub use client_assertions::{AssertionVerifier, ClientAssertions};
pub use client_key::{ClientKey, UnsignedAssertion};
