//! Clients that authenticate with a JWT (RFC 7523 section 2.2, OpenID Connect Core section 9), and what all assertions share.

mod algorithms;
mod client_assertions;
mod decoy;
mod key_source;
mod rules;

pub use client_assertions::{AssertionVerifier, ClientAssertions};
pub use key_source::{KeySource, KeysUnavailable, ResolveKeys};

pub(crate) use algorithms::Algorithms;
pub(crate) use key_source::is_within;
pub(crate) use rules::{Audience, Rules, jti, remembered_until};
